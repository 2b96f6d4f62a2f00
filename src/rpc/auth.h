/*
 * auth: is it Argo's agent who calls?
 */
#ifndef RPC_AUTH_H
#define RPC_AUTH_H

#include "base/scoreboard.h"

enum auth_verdict {
	AUTH_OK,
	AUTH_DENIED,    /* a wrong token, or none */
	AUTH_NOT_READY, /* we have no token to compare with yet */
};

/*
 * Compare an Authorization header's value ("Bearer <token>", the scheme in
 * any letter case) with the token of the board.  The time it takes does not
 * depend on the token's bytes.
 */
enum auth_verdict auth_check(const struct board *board,
			     const char *authorization);

#endif
