/*
 * places: what the supervisor opens before it forks: the private folder,
 * the sockets, and what nginx is started with.
 */
#ifndef SUPERVISOR_PLACES_H
#define SUPERVISOR_PLACES_H

#include <stdbool.h>

#include "base/error.h"
#include "base/options.h"
#include "base/scoreboard.h"
#include "supervisor/account.h"
#include "supervisor/front.h"
#include "supervisor/front_log.h"
#include "supervisor/listen.h"
#include "supervisor/private_dir.h"

struct places {
	struct account account;
	bool has_front; /* an nginx of our own, and an ops process */
	bool is_stdin;  /* the socket is standard input */
	struct private_dir dir;
	struct listen calls; /* FastCGI */
	struct listen ops;   /* FastCGI of the ops process */
	struct listen port;  /* nginx's */
	struct front front;
	struct front_log log;
	bool loss_was_said; /* of a socket that cannot be made again */
};

/*
 * Open everything that options ask for, or take the socket that our parent
 * made, and say on the board where we listen.
 * Returns 0; -1 with err set, and places_close() has been done.
 */
int places_open(struct places *places, const struct options *options,
		struct board *board, struct error *err);

/*
 * See whether the files of our sockets are still there, and make again what
 * has gone; says so on the board and in the log.  Returns true when
 * one was made again: only processes that are forked from now on have it.
 */
bool places_check(struct places *places, struct board *board);

/* In a child: close all but the descriptor keep_fd (-1: none). */
void places_leave(struct places *places, int keep_fd);

/* Remove and close everything. */
void places_close(struct places *places);

#endif
