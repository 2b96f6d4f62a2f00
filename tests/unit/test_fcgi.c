/*
 * test_fcgi: guard, libfcgi and response together: bytes in, bytes out.
 */
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/fcgi.h"
#include "records.h"

enum {
	MAX_BODY = 400000
};

struct fixture {
	struct fcgi *fcgi;
	struct guard guard;
	struct arena arena;
	struct request request;
	struct response response;
	struct buf pairs, body, out;
};

static int set_up(void **state)
{
	struct fixture *fixture = mem_zalloc(sizeof(*fixture));

	fixture->fcgi = fcgi_new(NULL);
	guard_init(&fixture->guard, MAX_BODY);
	arena_init(&fixture->arena);
	response_init(&fixture->response);
	buf_init(&fixture->pairs, RECORDS_LIMIT);
	buf_init(&fixture->body, RECORDS_LIMIT);
	buf_init(&fixture->out, RECORDS_LIMIT);
	*state = fixture;
	return fixture->fcgi != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	fcgi_free(fixture->fcgi);
	guard_clear(&fixture->guard);
	arena_clear(&fixture->arena);
	response_clear(&fixture->response);
	buf_clear(&fixture->pairs);
	buf_clear(&fixture->body);
	buf_clear(&fixture->out);
	free(fixture);
	return 0;
}

/* Decode a request of fixture's pairs and body, sent with this id. */
static void decode(struct fixture *fixture, unsigned id)
{
	struct error err = ERROR_INIT;
	struct buf bytes;
	size_t used;

	buf_init(&bytes, RECORDS_LIMIT);
	records_begin(&bytes, id, FCGI_RESPONDER, FCGI_KEEP_CONN);
	records_stream(&bytes, FCGI_PARAMS, id, &fixture->pairs, 65535);
	records_stream(&bytes, FCGI_STDIN, id, &fixture->body, 8000);
	guard_reset(&fixture->guard);
	assert_int_equal(
		guard_feed(&fixture->guard, bytes.data, bytes.len, &used),
		GUARD_WHOLE);
	if (fcgi_decode(fixture->fcgi, &fixture->guard, &fixture->arena,
			&fixture->request, &err) < 0)
		fail_msg("%s", err.text);
	buf_clear(&bytes);
}

static void decode_post(struct fixture *fixture, unsigned id, const char *body)
{
	buf_reset(&fixture->pairs);
	buf_reset(&fixture->body);
	buf_add_text(&fixture->body, body);
	records_post_pairs(&fixture->pairs, "/api/v1/template.execute",
			   strlen(body));
	decode(fixture, id);
}

/* Encode {"n": n} and read it back as a web server does. */
static void assert_reply(struct fixture *fixture, uint16_t id, int n)
{
	struct error err = ERROR_INIT;
	struct records_reply reply;
	struct buf want;

	buf_init(&want, 4096);
	response_reset(&fixture->response);
	fixture->response.status = 200;
	buf_printf(&fixture->response.body, "{\"n\":%d}\n", n);
	response_write(&fixture->response, &want);
	buf_reset(&fixture->out);
	if (fcgi_encode(fixture->fcgi, id, &fixture->response, &fixture->out,
			&err) < 0)
		fail_msg("%s", err.text);
	reply = records_read(fixture->out.data, fixture->out.len);
	assert_true(reply.is_whole);
	assert_int_equal(reply.used, fixture->out.len);
	assert_int_equal(reply.id, id);
	assert_int_equal(reply.app_status, 0);
	assert_int_equal(reply.protocol_status, FCGI_REQUEST_COMPLETE);
	assert_string_equal(buf_text(&reply.text), want.data);
	buf_clear(&reply.text);
	buf_clear(&want);
}

static void a_request_is_decoded(void **state)
{
	struct fixture *fixture = *state;
	const struct request *request = &fixture->request;

	records_pair(&fixture->pairs, "QUERY_STRING", "a=b&c");
	records_pair(&fixture->pairs, "HTTP_AUTHORIZATION", "Bearer x");
	records_pair(&fixture->pairs, "HTTP_CONTENT_ENCODING", "gzip");
	records_pair(&fixture->pairs, "REQUEST_ID", "id-7");
	records_pair(&fixture->pairs, "HTTP_X_REQUEST_ID", "theirs");
	records_post_pairs(&fixture->pairs, "/api/v1/x", 5);
	buf_add(&fixture->body, "a\0b\xff\n", 5);
	decode(fixture, 1);
	assert_string_equal(request->method, "POST");
	assert_string_equal(request->path, "/api/v1/x");
	assert_string_equal(request->query, "a=b&c");
	assert_string_equal(request->authorization, "Bearer x");
	assert_string_equal(request->content_encoding, "gzip");
	assert_string_equal(request->id, "id-7");
	assert_int_equal(request->body_len, 5);
	assert_memory_equal(request->body, "a\0b\xff\n", 6);
	assert_int_equal(request->refused_status, 0);
}

static void what_is_not_sent_is_empty(void **state)
{
	struct fixture *fixture = *state;
	const struct request *request = &fixture->request;

	decode(fixture, 1);
	assert_string_equal(request->method, "");
	assert_string_equal(request->path, "");
	assert_string_equal(request->query, "");
	assert_string_equal(request->authorization, "");
	assert_string_equal(request->content_encoding, "");
	assert_string_equal(request->id, "");
	assert_string_equal(request->body, "");
	assert_int_equal(request->body_len, 0);
	assert_int_equal(request->refused_status, 0);
	assert_string_equal(request->refused_reason, "");
}

static void the_path_comes_from_what_the_front_sends(void **state)
{
	static const struct {
		const char *script, *info, *uri;
		const char *path;
	} rows[] = {
		{ "/a/b", "", "/other", "/a/b" },
		{ "", "/a/b", "/other", "/a/b" },
		{ "/a", "/b", "/other", "/a/b" },
		{ "/a", "/a", "/other", "/a" },
		{ "", "", "/a/b?c=/d", "/a/b" },
		{ "", "", "/a/b", "/a/b" },
		{ "", "", "", "" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&fixture->pairs);
		records_pair(&fixture->pairs, "SCRIPT_NAME", rows[i].script);
		records_pair(&fixture->pairs, "PATH_INFO", rows[i].info);
		records_pair(&fixture->pairs, "REQUEST_URI", rows[i].uri);
		decode(fixture, 1);
		assert_string_equal(fixture->request.path, rows[i].path);
	}
}

static void an_id_is_cut_to_64_bytes(void **state)
{
	struct fixture *fixture = *state;
	char id[101];

	memset(id, 'i', 100);
	id[100] = '\0';
	records_pair(&fixture->pairs, "HTTP_X_REQUEST_ID", id);
	decode(fixture, 1);
	assert_int_equal(strlen(fixture->request.id), 64);
}

static void row_13_a_body_must_be_as_long_as_was_said(void **state)
{
	static const char differs[] =
		"the body is not as long as Content-Length says";
	static const char large[] = "the body is larger than --max-body allows";
	static const struct {
		const char *said;
		size_t body_len;
		int status;
		const char *reason;
	} rows[] = {
		{ "3", 3, 0, "" },
		{ "", 3, 0, "" },
		{ "2", 3, 400, differs },
		{ "4", 3, 400, differs },
		{ "-3", 3, 400, differs },
		{ "3x", 3, 400, differs },
		{ "18446744073709551619", 3, 400, differs },
		{ "x", 0, 400, differs },
		{ "400000", MAX_BODY, 0, "" },
		{ "400001", MAX_BODY + 1, 413, large },
		{ "1", MAX_BODY + 1, 413, large },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&fixture->pairs);
		buf_reset(&fixture->body);
		records_pair(&fixture->pairs, "CONTENT_LENGTH", rows[i].said);
		while (fixture->body.len < rows[i].body_len)
			buf_add_char(&fixture->body, 'b');
		decode(fixture, 1);
		assert_int_equal(fixture->request.refused_status,
				 rows[i].status);
		assert_string_equal(fixture->request.refused_reason,
				    rows[i].reason);
		assert_reply(fixture, 1, (int)i);
	}
}

static void row_29_two_authorizations_are_refused(void **state)
{
	static const struct {
		const char *name, *first, *second;
		int status;
		const char *reason;
	} rows[] = {
		{ "HTTP_AUTHORIZATION", "a", "b", 400,
		  "more than one Authorization header" },
		{ "HTTP_AUTHORIZATION", "a", "a", 400,
		  "more than one Authorization header" },
		{ "HTTP_AUTHORIZATION", "", "", 400,
		  "more than one Authorization header" },
		{ "HTTP_AUTHORIZATIONS", "a", "b", 0, "" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&fixture->pairs);
		records_pair(&fixture->pairs, rows[i].name, rows[i].first);
		records_pair(&fixture->pairs, rows[i].name, rows[i].second);
		decode(fixture, 1);
		assert_int_equal(fixture->request.refused_status,
				 rows[i].status);
		assert_string_equal(fixture->request.refused_reason,
				    rows[i].reason);
	}
}

static void row_17_a_nul_in_a_parameter_is_refused(void **state)
{
	struct fixture *fixture = *state;

	buf_add(&fixture->pairs, "\16\3REQUEST_METHODP\0T", 19);
	decode(fixture, 1);
	assert_int_equal(fixture->request.refused_status, 400);
	assert_string_equal(fixture->request.refused_reason,
			    "a request header holds a NUL character");
	assert_reply(fixture, 1, 1);
	buf_reset(&fixture->pairs);
	records_pair(&fixture->pairs, "A=B", "c");
	decode(fixture, 1);
	assert_int_equal(fixture->request.refused_status, 400);
}

static void replies_follow_requests_on_the_same_file(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 100; i++) {
		decode_post(fixture, (unsigned)(1 + i % 3), "{}");
		assert_string_equal(fixture->request.body, "{}");
		assert_reply(fixture, (uint16_t)(1 + i % 3), i);
	}
}

/* Parked calls are answered in any order, between other requests. */
static void parked_requests_are_answered_by_their_id(void **state)
{
	struct fixture *fixture = *state;

	decode_post(fixture, 5, "{\"parked\":1}");
	decode_post(fixture, 65535, "{\"parked\":2}");
	decode_post(fixture, 1, "{\"now\":1}");
	assert_reply(fixture, 1, 1);
	assert_reply(fixture, 65535, 2);
	decode_post(fixture, 7, "{\"parked\":3}");
	assert_reply(fixture, 5, 3);
	assert_reply(fixture, 7, 4);
	decode_post(fixture, 1, "{\"now\":2}");
	assert_string_equal(fixture->request.body, "{\"now\":2}");
	assert_reply(fixture, 1, 5);
}

/* Its end, which libfcgi writes, must not be read as the next request. */
static void a_forgotten_request_leaves_nothing_behind(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 3; i++) {
		decode_post(fixture, 9, "{\"forgotten\":true}");
		buf_reset(&fixture->pairs);
		buf_reset(&fixture->body);
		decode(fixture, 1);
		assert_int_equal(fixture->request.body_len, 0);
		assert_string_equal(fixture->request.path, "");
		assert_reply(fixture, 1, i);
		assert_reply(fixture, 9, i);
	}
}

static void large_bodies_and_replies_pass_whole(void **state)
{
	static const size_t rows[] = { 8191,  8192,       8193,     65535,
				       65536, 300 * 1024, MAX_BODY, 1 };
	struct fixture *fixture = *state;
	struct records_reply reply;
	const char *body;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&fixture->pairs);
		buf_reset(&fixture->body);
		for (size_t j = 0; j < rows[i]; j++)
			buf_add_char(&fixture->body, (char)('a' + j % 23));
		records_post_pairs(&fixture->pairs, "/x", rows[i]);
		decode(fixture, 1);
		assert_int_equal(fixture->request.body_len, rows[i]);
		assert_memory_equal(fixture->request.body, fixture->body.data,
				    rows[i]);

		response_reset(&fixture->response);
		fixture->response.status = 200;
		buf_add(&fixture->response.body, fixture->body.data, rows[i]);
		buf_reset(&fixture->out);
		assert_int_equal(fcgi_encode(fixture->fcgi, 1,
					     &fixture->response, &fixture->out,
					     NULL),
				 0);
		reply = records_read(fixture->out.data, fixture->out.len);
		assert_true(reply.is_whole);
		assert_int_equal(reply.used, fixture->out.len);
		body = strstr(reply.text.data, "\r\n\r\n") + 4;
		assert_int_equal(strlen(body), rows[i]);
		assert_memory_equal(body, fixture->body.data, rows[i]);
		buf_clear(&reply.text);
		arena_reset(&fixture->arena);
	}
}

static void a_reply_is_added_behind_what_is_there(void **state)
{
	struct fixture *fixture = *state;

	buf_add_text(&fixture->out, "before");
	decode_post(fixture, 1, "{}");
	fixture->response.status = 200;
	assert_int_equal(fcgi_encode(fixture->fcgi, 1, &fixture->response,
				     &fixture->out, NULL),
			 0);
	assert_memory_equal(fixture->out.data, "before\1\6\0\1", 10);
}

static void libfcgi_takes_no_signals(void **state)
{
	static const int signals[] = { SIGPIPE, SIGUSR1, SIGTERM };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, after;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		sigaction(signals[i], NULL, &after);
		assert_ptr_equal(after.sa_handler, SIG_DFL);
	}
	sigaction(SIGPIPE, &ignore, NULL);
	fcgi_free(fcgi_new(NULL));
	sigaction(SIGPIPE, NULL, &after);
	assert_ptr_equal(after.sa_handler, SIG_IGN);
	ignore.sa_handler = SIG_DFL;
	sigaction(SIGPIPE, &ignore, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_decoded),
		TEST(what_is_not_sent_is_empty),
		TEST(the_path_comes_from_what_the_front_sends),
		TEST(an_id_is_cut_to_64_bytes),
		TEST(row_13_a_body_must_be_as_long_as_was_said),
		TEST(row_29_two_authorizations_are_refused),
		TEST(row_17_a_nul_in_a_parameter_is_refused),
		TEST(replies_follow_requests_on_the_same_file),
		TEST(parked_requests_are_answered_by_their_id),
		TEST(a_forgotten_request_leaves_nothing_behind),
		TEST(large_bodies_and_replies_pass_whole),
		TEST(a_reply_is_added_behind_what_is_there),
		TEST(libfcgi_takes_no_signals),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
