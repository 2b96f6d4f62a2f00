/*
 * front: our own nginx: its program, its configuration, its start.
 *
 * nginx never opens the port: it is given the listening socket as nginx
 * gives it to its own successor at an upgrade (environment NGINX).  So it
 * needs no right, and while it is replaced callers wait in the kernel.
 */
#ifndef SUPERVISOR_FRONT_H
#define SUPERVISOR_FRONT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/options.h"

enum {
	FRONT_PATH_BYTES = 256
};

/* conf/nginx.conf.in, with its @NAMES@; made by the build. */
extern const char front_conf[];

struct front {
	char program[FRONT_PATH_BYTES];
	char folder[FRONT_PATH_BYTES]; /* private; holds nginx.conf */
	int port_fd;                   /* listening; borrowed */
	int log_fd;                    /* where nginx logs; borrowed */
};

/* The names of files in the private folder. */
#define FRONT_CALLS_SOCKET "fcgi.sock"
#define FRONT_OPS_SOCKET   "ops.sock"

/*
 * Find nginx: options->nginx (a path, or a name in PATH), else "nginx" in
 * PATH or /usr/sbin.  Returns 0 and sets front->program; -1 with err
 * ERROR_CONFIG.
 */
int front_find(struct front *front, const struct options *options,
	       struct error *err);

/*
 * Append the configuration: files in folder, listening at listen_text (as
 * the socket names itself).
 */
void front_render(const struct options *options, const char *folder,
		  const char *listen_text, struct buf *out);

/*
 * Write nginx.conf into folder.  The descriptors are set by the caller.
 * Returns 0; -1 with err ERROR_CONFIG.
 */
int front_write(struct front *front, const struct options *options,
		const char *folder, const char *listen_text, struct error *err);

/* True when nginx has read its configuration and serves. */
bool front_is_up(const struct front *front);

/* Forget an earlier nginx, so that front_is_up() speaks of the next one. */
void front_reset(const struct front *front);

/*
 * In a child: become nginx.  context is the struct front.  Returns an exit
 * code when that fails.
 */
int front_main(void *context);

/* The same, only to test the configuration (nginx -t). */
int front_main_test(void *context);

#endif
