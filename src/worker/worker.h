/*
 * worker: a process that turns FastCGI bytes into calls and calls into
 * answers.  One thread, one loop, nothing that blocks.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/options.h"
#include "base/scoreboard.h"
#include "handlers/registry.h"

/* All borrowed until the worker leaves. */
struct worker_start {
	const struct options *options;
	const struct registry *registry;
	struct board *board;
	struct board_slot *slot; /* its own */
	int listen_fd;           /* listening, non-blocking, shared */
	bool keep_connections;   /* only the front closes them */
	int64_t peer_uid; /* only this uid and root may connect; -1: any */
};

/*
 * Serve until told to leave, with signals:
 * SIGTERM  answer parked calls ("ask again"), accept no more, leave as soon
 *          as replies are taken;
 * SIGUSR1  retire: accept no more, serve the kept connections until the
 *          front has closed them;
 * SIGUSR2  answer parked calls now and park no more.
 * Returns the exit code: 0; 70 when it could not start.
 */
int worker_run(const struct worker_start *start);

#endif
