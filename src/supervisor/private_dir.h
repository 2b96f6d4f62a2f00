/*
 * private_dir: a folder that nobody else can enter.
 *
 * Holds nginx.conf, the sockets between nginx and the workers, and what
 * nginx must be able to create.  It is made where that is possible: below
 * RUNTIME_DIRECTORY, /run (as root), /tmp or /dev/shm.  /dev/shm may be
 * shared with other containers, so nothing there is trusted by its name.
 *
 * Whoever made a folder holds a lock on it for its life.  A folder of ours
 * that is not locked is the rest of a process that was killed.
 */
#ifndef SUPERVISOR_PRIVATE_DIR_H
#define SUPERVISOR_PRIVATE_DIR_H

#include "base/error.h"
#include "supervisor/account.h"

/* Leaves room for a name within the 107 bytes of a socket's path. */
enum {
	PRIVATE_DIR_BYTES = 80
};

struct private_dir {
	char path[PRIVATE_DIR_BYTES]; /* "": none */
	int fd;                       /* holds the lock; -1: none */
};

/*
 * Make the folder, mode 0700, owned by account, and remove those that dead
 * instances left beside it.
 * Returns 0; -1 with err ERROR_CONFIG that says which places were tried.
 */
int private_dir_open(struct private_dir *dir, const struct account *account,
		     struct error *err);

/* As private_dir_open(), below base only (for tests). */
int private_dir_open_in(struct private_dir *dir, const char *base,
			const struct account *account, struct error *err);

/* In a child: forget the folder without removing it. */
void private_dir_forget(struct private_dir *dir);

/* Remove the folder and all in it. */
void private_dir_remove(struct private_dir *dir);

#endif
