/*
 * supervisor: keeps nginx and the workers alive, and ends them.
 *
 * The one process that forks, signals and reaps.  It never touches a
 * request.  Roles are given as functions, so that nothing here knows what
 * a worker does.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/options.h"
#include "base/scoreboard.h"

/* What a forked child gets to know.  All borrowed until it exits. */
struct supervisor_child {
	const struct options *options;
	struct board *board;
	struct board_slot *slot; /* its own */
	int listen_fd;           /* non-blocking listening socket */
	/*
	 * True on the socket between our own nginx and us: connections are
	 * kept and only nginx closes them.  False: one request each.
	 */
	bool keep_connections;
	int64_t peer_uid; /* only this uid and root may connect; -1: any */
};

struct supervisor_roles {
	/* Each runs in the child and returns its exit code. */
	int (*worker)(const struct supervisor_child *child);
	int (*ops)(const struct supervisor_child *child);
};

/*
 * Open what is to be opened, start everything, and stay until a stop was
 * asked for.  Returns the exit code: 0 after such a stop; 70 or 78 with
 * err set (the caller logs it).
 */
int supervisor_run(const struct options *options,
		   const struct supervisor_roles *roles, struct error *err);

#endif
