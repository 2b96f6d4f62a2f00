/*
 * token: the bearer token's file, published on the board.
 *
 * Argo's agent writes 32 characters into a file that it shares with us, at
 * about the time that we start.  A missing file is waited for; one that can
 * never be right ends the start, with the cure.  While running, a file that
 * has gone or is malformed changes nothing: the last good token stays.
 */
#ifndef SUPERVISOR_TOKEN_H
#define SUPERVISOR_TOKEN_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/options.h"
#include "base/scoreboard.h"

struct token {
	const char *path; /* NULL: --no-auth */
	struct board *board;
	struct stat seen; /* the file as it was read last; st_ino 0: never */
	bool was_fresh;   /* it had just been written: read it once more */
	bool was_missing; /* said so */
	bool has_one;     /* a good token was published */
};

/*
 * Read the file that options name and publish the token, or why there is
 * none yet (the file is missing).
 * Returns 0; -1 with err ERROR_CONFIG: not readable for us, or no token.
 */
int token_start(struct token *token, const struct options *options,
		struct board *board, struct error *err);

/* Look whether the file has changed, and read it again; logs. */
void token_check(struct token *token);

/*
 * Read a token (BOARD_TOKEN_BYTES visible ASCII characters, white space
 * behind them is dropped) from path.
 * Returns 0; -1 with err ERROR_LATER (there is no such file) or
 * ERROR_CONFIG, a sentence with the cure.
 */
int token_read(const char *path, char token[BOARD_TOKEN_BYTES],
	       struct error *err);

#endif
