/*
 * check: what --check looks at.
 */
#ifndef SUPERVISOR_CHECK_H
#define SUPERVISOR_CHECK_H

#include <stdio.h>

#include "base/options.h"

/*
 * Look at everything that a start needs: token file (kind, owner, mode
 * against our uid and gid, length), nginx (found, version, accepts our
 * configuration), a private folder, the port or the FastCGI address, the
 * user.  Each finding is one line on out, "ok: ..." or "problem: ... -
 * <cure>".  Changes nothing.  Returns 0 when there is no problem, else 78.
 */
int check_run(const struct options *options, FILE *out);

#endif
