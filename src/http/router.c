/*
 * router: the table of paths.  Paths match exactly, as the front gives them
 * (nginx has undone %xx and dots): a trailing slash is another path, and
 * nothing is ever redirected (Argo's client follows redirects, and a 404
 * behind one bans the method).
 */
#include "http/router.h"

#include <string.h>

#include "base/array.h"

static const char router_api[] = "/api/v1/";

enum router_endpoint router_find(const char *path, const char **api_method_r)
{
	static const struct {
		const char *path;
		enum router_endpoint endpoint;
	} rows[] = {
		{ "/healthz", ENDPOINT_HEALTHZ },
		{ "/readyz", ENDPOINT_READYZ },
		{ "/metrics", ENDPOINT_METRICS },
		{ "/status", ENDPOINT_STATUS },
	};

	*api_method_r = "";
	if (strncmp(path, router_api, strlen(router_api)) == 0) {
		*api_method_r = path + strlen(router_api);
		return ENDPOINT_API;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(path, rows[i].path) == 0)
			return rows[i].endpoint;
	}
	return ENDPOINT_NONE;
}

const char *router_allowed(enum router_endpoint endpoint)
{
	return endpoint == ENDPOINT_API ? "POST" : "GET, HEAD";
}

bool router_allows(enum router_endpoint endpoint, const char *method)
{
	if (endpoint == ENDPOINT_API)
		return strcmp(method, "POST") == 0;
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}
