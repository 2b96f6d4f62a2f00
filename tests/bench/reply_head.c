/*
 * reply_head: just enough HTTP/1.x for the peers that are measured.
 */
#include "reply_head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value of a header line if it has this name, else NULL. */
static const char *header_value(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0)
		return NULL;
	return line + len + strspn(line + len, " ");
}

static void header_parse(const char *line, struct reply_head *head)
{
	const char *value;

	value = header_value(line, "Content-Length:");
	if (value != NULL)
		head->body_len = strtol(value, NULL, 10);
	value = header_value(line, "Connection:");
	if (value != NULL)
		head->closes = strncasecmp(value, "close", 5) == 0;
	value = header_value(line, "Transfer-Encoding:");
	if (value != NULL)
		head->chunked = strncasecmp(value, "chunked", 7) == 0;
}

bool reply_head_parse(const char *in, struct reply_head *head)
{
	const char *end = strstr(in, "\r\n\r\n");
	const char *line;

	*head = (struct reply_head){ .body_len = -1 };
	if (end == NULL)
		return false;
	head->len = (size_t)(end - in) + 4;
	if (strncmp(in, "HTTP/1.", 7) != 0 || head->len < 14)
		return true;
	head->status = (int)strtol(in + 9, NULL, 10);
	if (head->status < 100 || head->status >= REPLY_STATUS_MAX)
		head->status = 0;
	head->closes = in[7] == '0';

	line = strstr(in, "\r\n") + 2;
	while (line < end) {
		header_parse(line, head);
		line = strstr(line, "\r\n") + 2;
	}
	return true;
}

bool reply_is_whole(const struct reply_head *head, const char *in,
		    size_t in_len, bool eof)
{
	size_t body_len = in_len - head->len;

	if (head->chunked)
		return body_len >= 5 &&
		       memcmp(in + in_len - 5, "0\r\n\r\n", 5) == 0;
	if (head->body_len >= 0)
		return body_len >= (size_t)head->body_len;
	return eof;
}
