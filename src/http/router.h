/*
 * router: from a path to what is behind it.
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include <stdbool.h>

enum router_endpoint {
	ENDPOINT_API, /* /api/v1/<method> */
	ENDPOINT_HEALTHZ,
	ENDPOINT_READYZ,
	ENDPOINT_METRICS,
	ENDPOINT_STATUS,
	ENDPOINT_NONE, /* 404 */
};

/*
 * The endpoint of path.  For ENDPOINT_API, *api_method_r is what follows
 * "/api/v1/" (borrowed from path), else "".
 */
enum router_endpoint router_find(const char *path, const char **api_method_r);

/*
 * The methods that the endpoint takes, as an Allow header says them:
 * "POST" or "GET, HEAD".
 */
const char *router_allowed(enum router_endpoint endpoint);

/* True when the endpoint takes this HTTP method. */
bool router_allows(enum router_endpoint endpoint, const char *method);

#endif
