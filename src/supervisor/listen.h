/*
 * listen: the sockets where callers wait for us.
 *
 * A unix socket is made only where nothing is, or where a stale socket of
 * our own is: no other file is ever removed.
 */
#ifndef SUPERVISOR_LISTEN_H
#define SUPERVISOR_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "supervisor/account.h"

enum {
	LISTEN_TEXT_BYTES = 128,
	LISTEN_PATH_BYTES = 107, /* what the kernel takes */
};

struct listen {
	int fd; /* non-blocking, close-on-exec; -1: none */
	char text[LISTEN_TEXT_BYTES]; /* path or HOST:PORT, for people */
	bool has_path; /* text is a path, and the file is ours to remove */
	dev_t dev;
	ino_t ino;
	mode_t mode;
	const struct account *account; /* the file's owner; borrowed */
};

enum listen_state {
	LISTEN_FINE,
	LISTEN_GONE,     /* its file is not there any more */
	LISTEN_REPLACED, /* somebody else's file is there */
};

/* Nothing yet. */
void listen_init(struct listen *listen);

/*
 * Listen at a path (begins with "/" or "."), with mode bits and owner.
 * Returns 0; -1 with err ERROR_CONFIG.
 */
int listen_open_path(struct listen *listen, const char *path, mode_t mode,
		     const struct account *account, struct error *err);

/*
 * Listen at a path or HOST:PORT (an IP address; IPv6 in brackets; "*" is
 * any).  Returns 0; -1 with err ERROR_CONFIG.
 */
int listen_open(struct listen *listen, const char *address, mode_t mode,
		const struct account *account, struct error *err);

/*
 * What listen_open() would say about the path or HOST:PORT address, without
 * changing anything.  Returns 0; -1 with err ERROR_CONFIG.
 */
int listen_examine(const char *address, const struct account *account,
		   struct error *err);

/* Whether the file of the socket still is what it was. */
enum listen_state listen_look(const struct listen *listen);

/*
 * Make the socket again at its path.  The old descriptor is closed.
 * Returns 0; -1 with err set, and the old one is kept.
 */
int listen_remake(struct listen *listen, struct error *err);

/* Close; the file stays. */
void listen_close(struct listen *listen);

/* Remove the file, when it is still ours, and close. */
void listen_remove(struct listen *listen);

#endif
