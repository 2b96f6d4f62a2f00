/*
 * front_log: what nginx logs becomes lines of our own log.
 *
 * nginx writes raw bytes of its clients into its error log, so nothing is
 * passed on as it is: each line is taken apart and its parts are written as
 * members of a clean line.  Of a line longer than FRONT_LOG_BYTES the rest
 * is dropped.
 */
#ifndef SUPERVISOR_FRONT_LOG_H
#define SUPERVISOR_FRONT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"
#include "supervisor/account.h"

enum {
	FRONT_LOG_BYTES = 4096,
	FRONT_LOG_REASON_BYTES = 200
};

struct front_log {
	struct watch watch; /* the pipe's end that we read; fd -1: none */
	int write_fd;       /* nginx's end; its stderr */
	size_t len;         /* of line */
	uint64_t n_dropped; /* lines that our own stderr did not take */
	char line[FRONT_LOG_BYTES];
	char reason[FRONT_LOG_REASON_BYTES]; /* the newest [emerg]; "" */
};

/*
 * Make the pipe, which account may open by name as well.
 * Returns 0; -1 with err set.
 */
int front_log_open(struct front_log *log, const struct account *account,
		   struct error *err);

/* Begin to forward what comes.  Returns 0; -1 with err set. */
int front_log_start(struct front_log *log, struct loop *loop,
		    struct error *err);

/* Forward what is in the pipe now.  Never waits. */
void front_log_drain(struct front_log *log);

/* Close both ends.  The watch was removed, or its loop is gone. */
void front_log_close(struct front_log *log);

/* Forward len bytes, lines or parts of lines (what the pipe brings). */
void front_log_take(struct front_log *log, const char *bytes, size_t len);

#endif
