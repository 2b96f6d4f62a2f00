/*
 * account: who nginx and the workers run as.
 */
#ifndef SUPERVISOR_ACCOUNT_H
#define SUPERVISOR_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct account {
	bool is_other; /* we are root and children change to it */
	uid_t uid;
	gid_t gid;
};

/*
 * Not root: ourselves.  Root: the user named user, or "UID" or "UID:GID" in
 * digits.  Where the default (www-data) does not exist it is nobody, or
 * 65534.  Returns 0; -1 with err ERROR_CONFIG: no such user, or root.
 */
int account_find(const char *user, struct account *account, struct error *err);

#endif
