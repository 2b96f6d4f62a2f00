/*
 * account: a name becomes a uid and a gid.
 */
#include "supervisor/account.h"

#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	ACCOUNT_NOBODY = 65534,
	ACCOUNT_NAME_BYTES = 4096
};

static bool account_by_name(const char *name, struct account *account)
{
	char text[ACCOUNT_NAME_BYTES];
	struct passwd entry, *found = NULL;

	if (getpwnam_r(name, &entry, text, sizeof(text), &found) != 0 ||
	    found == NULL)
		return false;
	account->uid = entry.pw_uid;
	account->gid = entry.pw_gid;
	return true;
}

/* "8737" is both, "8737:0" is uid and gid. */
static bool account_by_number(const char *text, struct account *account)
{
	unsigned long uid, gid;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	uid = gid = strtoul(text, &end, 10);
	if (end[0] == ':' && end[1] >= '0' && end[1] <= '9')
		gid = strtoul(end + 1, &end, 10);
	if (*end != '\0' || uid >= UINT32_MAX || gid >= UINT32_MAX)
		return false;
	account->uid = (uid_t)uid;
	account->gid = (gid_t)gid;
	return true;
}

int account_find(const char *user, struct account *account, struct error *err)
{
	account->is_other = geteuid() == 0;
	account->uid = geteuid();
	account->gid = getegid();
	if (!account->is_other)
		return 0;

	if (!account_by_name(user, account) &&
	    !account_by_number(user, account)) {
		if (strcmp(user, "www-data") != 0)
			return error_set(err, ERROR_CONFIG,
					 "--user: there is no user '%s'", user);
		if (!account_by_name("nobody", account))
			account->uid = account->gid = ACCOUNT_NOBODY;
	}
	if (account->uid == 0)
		return error_set(err, ERROR_CONFIG,
				 "--user: '%s' is root; nginx and the workers "
				 "read what strangers send and must not be",
				 user);
	return 0;
}
