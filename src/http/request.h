/*
 * request: one HTTP request, as the front passed it on.
 *
 * All texts are NUL-terminated and borrowed from whoever decoded the
 * request, until the answer is given.  No text is NULL; absent ones are "".
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

struct request {
	const char *method;           /* "POST" */
	const char *path;             /* "/api/v1/template.execute" */
	const char *query;            /* without "?" */
	const char *authorization;    /* the header's value */
	const char *content_encoding; /* the header's value */
	const char *id;               /* X-Request-ID, or one of ours */
	const char *body;
	size_t body_len;
	/*
	 * Found while decoding: 0, or the status to answer (400 or 413)
	 * with the reason.
	 */
	int refused_status;
	const char *refused_reason;
};

/*
 * The value of name in a query ("format=json&x"), copied into value (size
 * bytes, NUL-terminated, not unescaped), "" when absent.
 */
void request_query_value(const struct request *request, const char *name,
			 char *value, size_t size);

#endif
