#include "tests/unit/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "http/response.h"

static void assert_bytes(const struct response *response, const char *bytes)
{
	struct buf out;

	buf_init(&out, 10000);
	buf_add_text(&out, "before ");
	response_write(response, &out);
	assert_string_equal(buf_text(&out) + 7, bytes);
	buf_clear(&out);
}

static void an_answer_is_status_headers_and_body(void **state)
{
	struct response response;

	(void)state;
	response_init(&response);
	assert_int_equal(response.status, 0);
	response.status = 200;
	buf_add_text(&response.body, "{}");
	assert_bytes(&response, "Status: 200 OK\r\n"
				"Content-Type: application/json\r\n"
				"Content-Length: 2\r\n"
				"Cache-Control: no-store\r\n"
				"\r\n"
				"{}");
	response_clear(&response);
}

static void head_has_the_length_and_no_body(void **state)
{
	struct response response;

	(void)state;
	response_init(&response);
	response.status = 200;
	response.content_type = "text/plain";
	response.no_body = true;
	buf_add_text(&response.body, "12345");
	assert_bytes(&response, "Status: 200 OK\r\n"
				"Content-Type: text/plain\r\n"
				"Content-Length: 5\r\n"
				"Cache-Control: no-store\r\n"
				"\r\n");
	response_clear(&response);
}

static void an_error_replaces_the_body_and_is_json(void **state)
{
	struct response response;

	(void)state;
	response_init(&response);
	response.content_type = "text/html";
	response.allow = "POST";
	buf_add_text(&response.body, "half a page");
	response_set_error(&response, 405, "use \"POST\"\n\xff");
	assert_bytes(&response,
		     "Status: 405 Method Not Allowed\r\n"
		     "Content-Type: application/json\r\n"
		     "Content-Length: 32\r\n"
		     "Allow: POST\r\n"
		     "Cache-Control: no-store\r\n"
		     "\r\n"
		     "{\"message\":\"use \\\"POST\\\"\\n\ufffd\"}\n");
	response_clear(&response);
}

static void every_status_has_its_reason(void **state)
{
	static const struct {
		int status;
		const char *line;
	} rows[] = {
		{ 200, "Status: 200 OK\r\n" },
		{ 400, "Status: 400 Bad Request\r\n" },
		{ 403, "Status: 403 Forbidden\r\n" },
		{ 404, "Status: 404 Not Found\r\n" },
		{ 405, "Status: 405 Method Not Allowed\r\n" },
		{ 413, "Status: 413 Content Too Large\r\n" },
		{ 415, "Status: 415 Unsupported Media Type\r\n" },
		{ 500, "Status: 500 Internal Server Error\r\n" },
		{ 503, "Status: 503 Service Unavailable\r\n" },
		{ 299, "Status: 299 Unknown\r\n" },
	};
	struct response response;
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	response_init(&response);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&out);
		response.status = rows[i].status;
		response_write(&response, &out);
		assert_memory_equal(buf_text(&out), rows[i].line,
				    strlen(rows[i].line));
	}
	buf_clear(&out);
	response_clear(&response);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_status_headers_and_body),
		cmocka_unit_test(head_has_the_length_and_no_body),
		cmocka_unit_test(an_error_replaces_the_body_and_is_json),
		cmocka_unit_test(every_status_has_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
