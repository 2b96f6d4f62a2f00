/*
 * test_dispatch: method and path first, then the token, then the body.
 */
#include "test.h"

#include <string.h>

#include "worker/dispatch.h"

#define TOKEN   "0123456789abcdefghijklmnopqrstuv"
#define EXECUTE "/api/v1/template.execute"

struct fixture {
	struct board *board;
	struct registry registry;
	struct arena arena;
	struct response response;
	struct request request;
	struct method_call call;
	enum board_route route;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	struct request *request = &fixture.request;

	memset(&fixture, 0, sizeof(fixture));
	fixture.board = board_new(NULL);
	board_set_token(fixture.board, TOKEN);
	registry_init(&fixture.registry);
	arena_init(&fixture.arena);
	response_init(&fixture.response);
	request->method = "POST";
	request->path = EXECUTE;
	request->query = request->content_encoding = request->id = "";
	request->authorization = "Bearer " TOKEN;
	request->refused_reason = "";
	request->body = "{\"template\":{\"plugin\":{\"hello\":{}}}}";
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	arena_clear(&fixture->arena);
	response_clear(&fixture->response);
	return 0;
}

static int dispatch(struct fixture *fixture)
{
	struct method_call *call = &fixture->call;

	fixture->request.body_len = strlen(fixture->request.body);
	memset(call, 0, sizeof(*call));
	call->request = &fixture->request;
	call->board = fixture->board;
	call->registry = &fixture->registry;
	call->arena = &fixture->arena;
	call->response = &fixture->response;
	response_reset(&fixture->response);
	assert_int_equal(dispatch_request(call, &fixture->route),
			 METHOD_ANSWERED);
	return fixture->response.status;
}

static void a_call_reaches_its_handler(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(dispatch(fixture), 200);
	assert_int_equal(fixture->route, ROUTE_EXECUTE);
	assert_string_equal(
		buf_text(&fixture->response.body),
		"{\"node\":{\"phase\":\"Succeeded\",\"message\":\"Hello "
		"template!\",\"outputs\":{\"parameters\":[{\"name\":"
		"\"greeting\",\"value\":\"template\"}]}}}\n");
}

static void each_path_has_its_route_and_status(void **state)
{
	static const struct {
		const char *method, *path;
		enum board_route route;
		int status; /* 0: what the page says */
		const char *allow;
	} rows[] = {
		{ "POST", EXECUTE, ROUTE_EXECUTE, 200, NULL },
		{ "GET", EXECUTE, ROUTE_EXECUTE, 405, "POST" },
		{ "HEAD", EXECUTE, ROUTE_EXECUTE, 405, "POST" },
		{ "PUT", EXECUTE, ROUTE_EXECUTE, 405, "POST" },
		{ "OPTIONS", EXECUTE, ROUTE_EXECUTE, 405, "POST" },
		{ "post", EXECUTE, ROUTE_EXECUTE, 405, "POST" },
		{ "", EXECUTE, ROUTE_EXECUTE, 405, "POST" },
		{ "POST", EXECUTE "/", ROUTE_METHOD, 404, NULL },
		{ "POST", "/api/v1/x.y", ROUTE_METHOD, 404, NULL },
		{ "GET", "/api/v1/x.y", ROUTE_METHOD, 404, NULL },
		{ "POST", "/", ROUTE_OTHER, 404, NULL },
		{ "POST", "", ROUTE_OTHER, 404, NULL },
		{ "GET", "/healthz", ROUTE_HEALTHZ, 0, NULL },
		{ "GET", "/readyz", ROUTE_READYZ, 0, NULL },
		{ "GET", "/metrics", ROUTE_METRICS, 200, NULL },
		{ "GET", "/status", ROUTE_STATUS, 200, NULL },
		{ "POST", "/healthz", ROUTE_OTHER, 405, "GET, HEAD" },
		{ "POST", "/status", ROUTE_OTHER, 405, "GET, HEAD" },
	};
	struct fixture *fixture = *state;
	int status;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fixture->request.method = rows[i].method;
		fixture->request.path = rows[i].path;
		status = dispatch(fixture);
		if (rows[i].status != 0)
			assert_int_equal(status, rows[i].status);
		assert_int_equal(fixture->route, rows[i].route);
		if (rows[i].allow == NULL)
			assert_null(fixture->response.allow);
		else
			assert_string_equal(fixture->response.allow,
					    rows[i].allow);
		assert_int_equal(fixture->response.no_body,
				 strcmp(rows[i].method, "HEAD") == 0);
	}
}

static void a_refusal_is_one_sentence(void **state)
{
	static const struct {
		const char *method, *path, *authorization, *encoding;
		int status;
		enum board_rejection rejection;
		const char *body;
	} rows[] = {
		{ "POST", "/api/v1/a.b", "", "", 404, REJECT_HTTP,
		  "{\"message\":\"there is no method 'a.b': only "
		  "template.execute is implemented\"}\n" },
		{ "POST", "/x", "", "", 404, REJECT_HTTP,
		  "{\"message\":\"nothing is here: calls go to POST "
		  "/api/v1/template.execute\"}\n" },
		{ "GET", EXECUTE, "", "", 405, REJECT_HTTP,
		  "{\"message\":\"GET is not allowed here: use POST\"}\n" },
		{ "POST", EXECUTE, "", "gzip", 415, REJECT_HTTP,
		  "{\"message\":\"a Content-Encoding is not taken: send plain "
		  "JSON\"}\n" },
		{ "POST", EXECUTE, "", "", 403, REJECT_TOKEN,
		  "{\"message\":\"no token: send the header Authorization: "
		  "Bearer <the token file's content>\"}\n" },
		{ "POST", EXECUTE, "Bearer x", "identity", 403, REJECT_TOKEN,
		  "{\"message\":\"wrong token: the header must be "
		  "Authorization: Bearer <the token file's content>\"}\n" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fixture->request.method = rows[i].method;
		fixture->request.path = rows[i].path;
		fixture->request.authorization = rows[i].authorization;
		fixture->request.content_encoding = rows[i].encoding;
		assert_int_equal(dispatch(fixture), rows[i].status);
		assert_int_equal(fixture->call.note.rejection,
				 rows[i].rejection);
		assert_string_equal(buf_text(&fixture->response.body),
				    rows[i].body);
	}
}

static void a_body_is_not_looked_at_without_the_token(void **state)
{
	struct fixture *fixture = *state;

	fixture->request.body = "{not JSON";
	fixture->request.authorization = "Bearer wrong";
	assert_int_equal(dispatch(fixture), 403);
	fixture->request.authorization = "Bearer " TOKEN;
	assert_int_equal(dispatch(fixture), 400);
}

static void a_missing_token_file_is_503_and_explained(void **state)
{
	struct fixture *fixture = *state;

	board_set_no_token(fixture->board, TOKEN_MISSING,
			   "no token file yet: '/x'");
	assert_int_equal(dispatch(fixture), 503);
	assert_int_equal(fixture->call.note.rejection, REJECT_TOKEN);
	assert_string_equal(buf_text(&fixture->response.body),
			    "{\"message\":\"no token file yet: '/x'\"}\n");
}

static void what_the_decoder_refused_goes_no_further(void **state)
{
	static const struct {
		int status;
		enum board_rejection rejection;
	} rows[] = {
		{ 413, REJECT_LIMIT },
		{ 400, REJECT_HTTP },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fixture->request.refused_status = rows[i].status;
		fixture->request.refused_reason = "the reason";
		assert_int_equal(dispatch(fixture), rows[i].status);
		assert_int_equal(fixture->route, ROUTE_OTHER);
		assert_int_equal(fixture->call.note.rejection,
				 rows[i].rejection);
		assert_string_equal(buf_text(&fixture->response.body),
				    "{\"message\":\"the reason\"}\n");
	}
}

static void long_names_are_cut_in_the_sentence(void **state)
{
	struct fixture *fixture = *state;
	char path[8000] = "/api/v1/";
	struct buf want;

	memset(path + 8, 'm', sizeof(path) - 9);
	path[sizeof(path) - 1] = '\0';
	fixture->request.path = path;
	assert_int_equal(dispatch(fixture), 404);
	buf_init(&want, 256);
	buf_printf(&want,
		   "{\"message\":\"there is no method '%.64s': only "
		   "template.execute is implemented\"}\n",
		   path + 8);
	assert_string_equal(buf_text(&fixture->response.body), want.data);
	buf_clear(&want);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_call_reaches_its_handler),
		TEST(each_path_has_its_route_and_status),
		TEST(a_refusal_is_one_sentence),
		TEST(a_body_is_not_looked_at_without_the_token),
		TEST(a_missing_token_file_is_503_and_explained),
		TEST(what_the_decoder_refused_goes_no_further),
		TEST(long_names_are_cut_in_the_sentence),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
