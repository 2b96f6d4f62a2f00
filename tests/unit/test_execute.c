/*
 * test_execute: each step of template.execute, and its answer.
 */
#include "test.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "rpc/execute.h"

/* {"do": X}: ok, a kind of error, or nothing at all. */
static int test_handler(const struct call *call, struct node *node,
			struct error *err)
{
	const char *what = "ok";

	if (json_optional_string(&call->body, "do", &what, err) < 0)
		return -1;
	if (strcmp(what, "input") == 0)
		return error_set(err, ERROR_INPUT, "plugin.test.do: wrong");
	if (strcmp(what, "later") == 0)
		return error_set(err, ERROR_LATER, "not said");
	if (strcmp(what, "internal") == 0)
		return error_set(err, ERROR_INTERNAL, "our fault");
	if (strcmp(what, "failed") == 0)
		node_fail(node, "it failed");
	else if (strcmp(what, "ok") == 0)
		node_succeed(node, "%s %s", call->workflow, call->request_id);
	return 0;
}

static int later_handler(const struct call *call, uint64_t ticket,
			 struct handler_later *later, struct error *err)
{
	(void)call, (void)ticket, (void)later;
	return error_set(err, ERROR_INTERNAL, "is not run here");
}

static const struct handler handler_test = {
	.key = "test",
	.execute = test_handler,
};
static const struct handler handler_slow = {
	.key = "slow",
	.submit = later_handler,
};

struct fixture {
	struct board *board;
	struct registry registry;
	struct arena arena;
	struct response response;
	struct request request;
	struct method_call call;
	char key_in_hand[SCAN_KEY_BYTES];
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	fixture.board = board_new(NULL);
	registry_add(&fixture.registry, &handler_test, NULL);
	registry_add(&fixture.registry, &handler_slow, NULL);
	arena_init(&fixture.arena);
	response_init(&fixture.response);
	fixture.request.id = "id-1";
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

static enum method_end execute(struct fixture *fixture, const char *body)
{
	struct method_call *call = &fixture->call;

	fixture->request.body = body;
	fixture->request.body_len = strlen(body);
	response_reset(&fixture->response);
	memset(call, 0, sizeof(*call));
	call->request = &fixture->request;
	call->board = fixture->board;
	call->registry = &fixture->registry;
	call->arena = &fixture->arena;
	call->digest = digest_of(body, strlen(body));
	call->key_in_hand = fixture->key_in_hand;
	call->response = &fixture->response;
	call->note.rejection = N_REJECTIONS;
	call->note.handler = -1;
	call->note.key = call->note.workflow = call->note.text = "";
	return execute_template(call);
}

#define CALL(plugin) "{\"template\":{\"plugin\":" plugin "}}"

static void row_34_what_is_no_call_is_answered_400(void **state)
{
	static const struct {
		const char *body;
		enum board_rejection rejection;
		const char *text;
	} rows[] = {
		{ "", REJECT_JSON,
		  "the body is empty: a call is a JSON object with a "
		  "template" },
		{ "{", REJECT_JSON,
		  "the body is not JSON: no member name at byte 1" },
		{ "null", REJECT_ENVELOPE, "the body is not a JSON object" },
		{ "[]", REJECT_ENVELOPE, "the body is not a JSON object" },
		{ "\"x\"", REJECT_ENVELOPE, "the body is not a JSON object" },
		{ "{}", REJECT_ENVELOPE, "template: is missing" },
		{ "{\"template\":[]}", REJECT_ENVELOPE,
		  "template: not an object" },
		{ "{\"template\":null}", REJECT_ENVELOPE,
		  "template: not an object" },
		{ "{\"template\":{}}", REJECT_ENVELOPE,
		  "template.plugin: is missing" },
		{ CALL("\"test\""), REJECT_ENVELOPE,
		  "template.plugin: not an object" },
		{ CALL("{}"), REJECT_ENVELOPE,
		  "template.plugin: has no key that says which plugin is "
		  "meant" },
		{ "{\"workflow\":1,\"template\":{\"plugin\":{\"test\":{}}}}",
		  REJECT_ENVELOPE, "workflow: not an object" },
	};
	struct fixture *fixture = *state;
	struct buf want;

	buf_init(&want, 512);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(execute(fixture, rows[i].body),
				 METHOD_ANSWERED);
		assert_int_equal(fixture->response.status, 400);
		assert_int_equal(fixture->call.note.rejection,
				 rows[i].rejection);
		assert_string_equal(fixture->call.note.text, rows[i].text);
		buf_reset(&want);
		buf_printf(&want, "{\"message\":\"%s\"}\n", rows[i].text);
		assert_string_equal(buf_text(&fixture->response.body),
				    want.data);
	}
	buf_clear(&want);
}

/* Also when the rest of the call is above every limit. */
static void row_35_a_foreign_key_is_answered_with_nothing(void **state)
{
	static const char *const rows[] = {
		CALL("{\"nobody\":{}}"),
		CALL("{\"nobody\":null}"),
		CALL("{\"\":{}}"),
		CALL("{\"Test\":{}}"),
		CALL("{\"nobody\":1e999}"),
		CALL("{\"a\":1,\"b\":2}"),
		"{\"workflow\":1,\"template\":{\"plugin\":{\"nobody\":{}}}}",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(execute(fixture, rows[i]), METHOD_ANSWERED);
		assert_int_equal(fixture->response.status, 200);
		assert_string_equal(buf_text(&fixture->response.body), "{}\n");
		assert_true(fixture->call.note.is_foreign);
		assert_int_equal(fixture->call.note.handler, -1);
		assert_int_equal(fixture->call.note.rejection, N_REJECTIONS);
	}
	assert_string_equal(fixture->call.note.key, "nobody");
}

static void a_handler_answers_and_is_noted(void **state)
{
	static const struct {
		const char *body;
		enum node_phase phase;
		const char *text;
		const char *reply;
	} rows[] = {
		{ "{\"workflow\":{\"metadata\":{\"name\":\"w\"}},"
		  "\"template\":{\"plugin\":{\"test\":{}}}}",
		  NODE_SUCCEEDED, "",
		  "{\"node\":{\"phase\":\"Succeeded\",\"message\":\"w id-1\"}}"
		  "\n" },
		{ CALL("{\"test\":{\"do\":\"failed\"}}"), NODE_FAILED,
		  "it failed",
		  "{\"node\":{\"phase\":\"Failed\",\"message\":\"it failed\"}}"
		  "\n" },
		{ CALL("{\"test\":{\"do\":\"input\"}}"), NODE_FAILED,
		  "plugin.test.do: wrong",
		  "{\"node\":{\"phase\":\"Failed\",\"message\":\"plugin.test."
		  "do: wrong\"}}\n" },
		{ CALL("{\"test\":{\"do\":\"internal\"}}"), NODE_ERROR,
		  "our fault",
		  "{\"node\":{\"phase\":\"Error\",\"message\":\"our fault\"}}"
		  "\n" },
		{ CALL("{\"test\":{\"do\":\"later\"}}"), NODE_UNKNOWN,
		  "not said", "{\"node\":{},\"requeue\":\"2s\"}\n" },
		{ CALL("{\"test\":{\"do\":\"nothing\"}}"), NODE_UNKNOWN, "",
		  "{\"node\":{},\"requeue\":\"2s\"}\n" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(execute(fixture, rows[i].body),
				 METHOD_ANSWERED);
		assert_int_equal(fixture->response.status, 200);
		assert_string_equal(buf_text(&fixture->response.body),
				    rows[i].reply);
		assert_int_equal(fixture->call.note.phase, rows[i].phase);
		assert_int_equal(fixture->call.note.handler, 0);
		assert_string_equal(fixture->call.note.key, "test");
		assert_string_equal(fixture->call.note.text, rows[i].text);
		assert_string_equal(fixture->key_in_hand, "test");
	}
}

static void a_handler_that_answers_later_gets_the_call(void **state)
{
	struct fixture *fixture = *state;
	struct method_call *call = &fixture->call;

	assert_int_equal(execute(fixture,
				 "{\"workflow\":{\"metadata\":{\"name\":\"w\"}}"
				 ",\"template\":{\"plugin\":{\"slow\":{}}}}"),
			 METHOD_SUBMIT);
	assert_ptr_equal(call->later, &handler_slow);
	assert_string_equal(call->call.workflow, "w");
	assert_string_equal(call->call.request_id, "id-1");
	assert_string_equal(call->note.workflow, "w");
	assert_int_equal(call->note.handler, 1);
	assert_int_equal(fixture->response.status, 0);
	call_clear(&call->call);
}

static void two_keys_are_one_too_many_when_one_is_ours(void **state)
{
	static const char *const rows[] = {
		CALL("{\"test\":{},\"nobody\":{}}"),
		CALL("{\"nobody\":{},\"test\":{}}"),
		CALL("{\"test\":{},\"slow\":{}}"),
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(execute(fixture, rows[i]), METHOD_ANSWERED);
		assert_string_equal(
			buf_text(&fixture->response.body),
			"{\"node\":{\"phase\":\"Failed\",\"message\":\"plugin: "
			"has more than one key; a template is for one plugin\"}"
			"}\n");
	}
}

/* In the plugin's body the template is wrong; elsewhere the call is. */
static void row_37_a_limit_is_answered_by_where_it_is(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *reply;
	} rows[] = {
		{ CALL("{\"test\":{\"n\":1e999}}"), 200,
		  "{\"node\":{\"phase\":\"Failed\",\"message\":\"plugin.test: "
		  "a number outside of 64-bit integers and doubles\"}}\n" },
		{ "{\"n\":1e999,\"template\":{\"plugin\":{\"test\":{}}}}", 400,
		  "{\"message\":\"the call: a number outside of 64-bit "
		  "integers and doubles\"}\n" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(execute(fixture, rows[i].body),
				 METHOD_ANSWERED);
		assert_int_equal(fixture->response.status, rows[i].status);
		assert_string_equal(buf_text(&fixture->response.body),
				    rows[i].reply);
		assert_int_equal(fixture->call.note.rejection, REJECT_LIMIT);
	}
}

static void a_call_that_has_killed_two_workers_is_an_error(void **state)
{
	static const char body[] = CALL("{\"test\":{}}");
	struct fixture *fixture = *state;
	uint64_t digest = digest_of(body, strlen(body));

	board_note_poison(fixture->board, digest, "hello", clock_ms());
	execute(fixture, body);
	assert_int_equal(fixture->call.note.phase, NODE_SUCCEEDED);
	board_note_poison(fixture->board, digest, "hello", clock_ms());
	execute(fixture, body);
	assert_int_equal(fixture->response.status, 200);
	assert_string_equal(buf_text(&fixture->response.body),
			    "{\"node\":{\"phase\":\"Error\",\"message\":\"this "
			    "call has crashed two workers and is not tried "
			    "again for ten minutes\"}}\n");
	assert_int_equal(fixture->call.note.rejection, REJECT_POISON);
	execute(fixture, CALL("{\"test\": {}}"));
	assert_int_equal(fixture->call.note.phase, NODE_SUCCEEDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_34_what_is_no_call_is_answered_400),
		cmocka_unit_test(row_35_a_foreign_key_is_answered_with_nothing),
		cmocka_unit_test(a_handler_answers_and_is_noted),
		cmocka_unit_test(a_handler_that_answers_later_gets_the_call),
		cmocka_unit_test(two_keys_are_one_too_many_when_one_is_ours),
		cmocka_unit_test(row_37_a_limit_is_answered_by_where_it_is),
		cmocka_unit_test(
			a_call_that_has_killed_two_workers_is_an_error),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
