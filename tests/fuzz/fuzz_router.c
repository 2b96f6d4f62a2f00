/*
 * fuzz_router: paths, methods and Authorization headers, each behind the
 * other, with a NUL between them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/router.h"
#include "rpc/auth.h"
#include "rpc/methods.h"

#define TOKEN "0123456789abcdefghijklmnopqrstuv"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text up to the next NUL, or an empty one; *at moves behind it. */
static const char *next_text(const char **at, const char *end)
{
	const char *text = *at;

	if (text >= end)
		return "";
	*at += strlen(text) + 1;
	return text;
}

static void check_path(const char *path, const char *method)
{
	const char *name;
	enum router_endpoint endpoint = router_find(path, &name);

	if ((endpoint == ENDPOINT_API) != (strncmp(path, "/api/v1/", 8) == 0))
		abort();
	if (endpoint != ENDPOINT_API && name[0] != '\0')
		abort();
	if ((methods_find(name) != NULL) !=
	    (strcmp(path, "/api/v1/template.execute") == 0))
		abort();
	if (router_allows(endpoint, method) &&
	    strstr(router_allowed(endpoint), method) == NULL)
		abort();
}

/* Who has no token does not pass. */
static void check_authorization(const char *authorization)
{
	static struct board *board;
	const char *token = authorization;

	if (board == NULL) {
		board = board_new(NULL);
		board_set_token(board, TOKEN);
	}
	if (auth_check(board, authorization) != AUTH_OK)
		return;
	if (strncasecmp(token, "bearer ", 7) != 0)
		abort();
	token += 7 + strspn(token + 7, " ");
	if (strcmp(token, TOKEN) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *texts = malloc(size + 1);
	const char *at = texts, *path, *method;

	if (texts == NULL)
		abort();
	memcpy(texts, data, size);
	texts[size] = '\0';
	path = next_text(&at, texts + size);
	method = next_text(&at, texts + size);
	check_path(path, method);
	check_authorization(next_text(&at, texts + size));
	free(texts);
	return 0;
}
