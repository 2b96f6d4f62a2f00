/*
 * response: status, the four headers that we send, body.
 */
#include "http/response.h"

#include <string.h>

#include "base/array.h"
#include "base/json.h"

static const char *response_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} rows[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].status == status)
			return rows[i].reason;
	}
	return "Unknown";
}

void response_init(struct response *response)
{
	memset(response, 0, sizeof(*response));
	response->content_type = "application/json";
	buf_init(&response->body, RESPONSE_BODY_LIMIT);
}

void response_reset(struct response *response)
{
	response->status = 0;
	response->content_type = "application/json";
	response->allow = NULL;
	response->no_body = false;
	buf_reset(&response->body);
}

void response_clear(struct response *response)
{
	buf_clear(&response->body);
}

void response_set_error(struct response *response, int status, const char *text)
{
	response->status = status;
	response->content_type = "application/json";
	buf_reset(&response->body);
	buf_add_text(&response->body, "{\"message\":");
	json_add_string(&response->body, text, strlen(text));
	buf_add_text(&response->body, "}\n");
}

void response_write(const struct response *response, struct buf *out)
{
	buf_add_text(out, "Status: ");
	buf_add_number(out, response->status);
	buf_add_char(out, ' ');
	buf_add_text(out, response_reason(response->status));
	buf_add_text(out, "\r\nContent-Type: ");
	buf_add_text(out, response->content_type);
	buf_add_text(out, "\r\nContent-Length: ");
	buf_add_number(out, (long long)response->body.len);
	if (response->allow != NULL) {
		buf_add_text(out, "\r\nAllow: ");
		buf_add_text(out, response->allow);
	}
	buf_add_text(out, "\r\nCache-Control: no-store\r\n\r\n");
	if (!response->no_body)
		buf_add(out, response->body.data, response->body.len);
}
