/*
 * response: one HTTP answer, and its bytes as a FastCGI application or a
 * CGI program writes them ("Status: 200 OK", headers, blank line, body).
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "base/buf.h"

enum {
	RESPONSE_BODY_LIMIT = 4 * 1024 * 1024
};

struct response {
	int status;               /* 0: not answered yet */
	const char *content_type; /* static */
	const char *allow;        /* static; NULL: no Allow header */
	bool no_body;             /* HEAD: the length only */
	struct buf body;
};

/* An empty answer; the same again, keeping its memory; its end. */
void response_init(struct response *response);
void response_reset(struct response *response);
void response_clear(struct response *response);

/*
 * Make it an error: {"message": text}.  What stood in the body is dropped.
 */
void response_set_error(struct response *response, int status,
			const char *text);

/* Append status line, headers and body to out. */
void response_write(const struct response *response, struct buf *out);

#endif
