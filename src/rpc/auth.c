/*
 * auth: the bearer token, compared in constant time.
 */
#include "rpc/auth.h"

#include <string.h>
#include <strings.h>

static bool auth_is_equal(const char *a, const char *b, size_t len)
{
	volatile unsigned char differ = 0;

	for (size_t i = 0; i < len; i++)
		differ = (unsigned char)(differ | (a[i] ^ b[i]));
	return differ == 0;
}

enum auth_verdict auth_check(const struct board *board,
			     const char *authorization)
{
	static const char scheme[] = "Bearer ";
	char token[BOARD_TOKEN_BYTES];
	const char *given;

	switch (board_get_token(board, token)) {
	case TOKEN_OFF:
		return AUTH_OK;
	case TOKEN_MISSING:
		return AUTH_NOT_READY;
	case TOKEN_READY:
		break;
	}
	if (strncasecmp(authorization, scheme, strlen(scheme)) != 0)
		return AUTH_DENIED;
	given = authorization + strlen(scheme);
	while (*given == ' ')
		given++;
	if (strlen(given) != BOARD_TOKEN_BYTES ||
	    !auth_is_equal(given, token, BOARD_TOKEN_BYTES))
		return AUTH_DENIED;
	return AUTH_OK;
}
