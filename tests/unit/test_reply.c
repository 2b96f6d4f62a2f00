/*
 * test_reply: the exact bytes that Argo reads.
 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "rpc/reply.h"

static void each_outcome_has_its_status_and_body(void **state)
{
	static const struct {
		enum reply_outcome outcome;
		int status;
		enum node_phase phase;
		const char *body;
	} rows[] = {
		{ REPLY_FOREIGN, 200, NODE_UNKNOWN, "{}\n" },
		{ REPLY_FAILED, 200, NODE_FAILED,
		  "{\"node\":{\"phase\":\"Failed\",\"message\":\"why\"}}\n" },
		{ REPLY_ERROR, 200, NODE_ERROR,
		  "{\"node\":{\"phase\":\"Error\",\"message\":\"why\"}}\n" },
		{ REPLY_AGAIN, 200, NODE_UNKNOWN,
		  "{\"node\":{},\"requeue\":\"2s\"}\n" },
		{ REPLY_OVERDUE, 200, NODE_RUNNING,
		  "{\"node\":{\"phase\":\"Running\",\"message\":\"why\"},"
		  "\"requeue\":\"2s\"}\n" },
		{ REPLY_BAD_CALL, 400, NODE_UNKNOWN,
		  "{\"message\":\"why\"}\n" },
		{ REPLY_DENIED, 403, NODE_UNKNOWN, "{\"message\":\"why\"}\n" },
		{ REPLY_NO_METHOD, 404, NODE_UNKNOWN,
		  "{\"message\":\"why\"}\n" },
		{ REPLY_NOT_POST, 405, NODE_UNKNOWN,
		  "{\"message\":\"why\"}\n" },
		{ REPLY_TOO_LARGE, 413, NODE_UNKNOWN,
		  "{\"message\":\"why\"}\n" },
		{ REPLY_ENCODED, 415, NODE_UNKNOWN, "{\"message\":\"why\"}\n" },
		{ REPLY_NOT_READY, 503, NODE_UNKNOWN,
		  "{\"message\":\"why\"}\n" },
		{ REPLY_FULL, 503, NODE_UNKNOWN, "{\"message\":\"why\"}\n" },
	};
	struct response response;

	(void)state;
	response_init(&response);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		reply_set(&response, rows[i].outcome, "why");
		assert_int_equal(response.status, rows[i].status);
		assert_string_equal(buf_text(&response.body), rows[i].body);
		assert_string_equal(response.content_type, "application/json");
		assert_int_equal(reply_phase_of(rows[i].outcome),
				 rows[i].phase);
		if (rows[i].status == 405)
			assert_string_equal(response.allow, "POST");
		else
			assert_null(response.allow);
	}
	response_clear(&response);
}

/* A node without requeue hangs, or a finished one comes again. */
static void requeue_goes_with_every_phase_that_is_not_terminal(void **state)
{
	static const struct {
		enum node_phase phase;
		int64_t requeue_ms;
		const char *body;
	} rows[] = {
		{ NODE_UNKNOWN, 0, "{\"node\":{},\"requeue\":\"2s\"}\n" },
		{ NODE_UNKNOWN, 30000, "{\"node\":{},\"requeue\":\"30s\"}\n" },
		{ NODE_PENDING, 0,
		  "{\"node\":{\"phase\":\"Pending\",\"message\":\"m\"},"
		  "\"requeue\":\"2s\"}\n" },
		{ NODE_PENDING, 1500,
		  "{\"node\":{\"phase\":\"Pending\",\"message\":\"m\"},"
		  "\"requeue\":\"1500ms\"}\n" },
		{ NODE_RUNNING, -1,
		  "{\"node\":{\"phase\":\"Running\",\"message\":\"m\"},"
		  "\"requeue\":\"2s\"}\n" },
		{ NODE_RUNNING, 3600000,
		  "{\"node\":{\"phase\":\"Running\",\"message\":\"m\"},"
		  "\"requeue\":\"3600s\"}\n" },
		{ NODE_SUCCEEDED, 5000,
		  "{\"node\":{\"phase\":\"Succeeded\",\"message\":\"m\"}}\n" },
		{ NODE_FAILED, 5000,
		  "{\"node\":{\"phase\":\"Failed\",\"message\":\"m\"}}\n" },
		{ NODE_ERROR, 5000,
		  "{\"node\":{\"phase\":\"Error\",\"message\":\"m\"}}\n" },
	};
	struct response response;
	struct arena arena;
	struct node node;

	(void)state;
	response_init(&response);
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		node_init(&node, &arena);
		node_set(&node, rows[i].phase, "m");
		reply_set_node(&response, &node, rows[i].requeue_ms);
		assert_int_equal(response.status, 200);
		assert_string_equal(buf_text(&response.body), rows[i].body);
	}
	arena_clear(&arena);
	response_clear(&response);
}

static void assert_node(const struct node *node, const char *body)
{
	struct response response;

	response_init(&response);
	reply_set_node(&response, node, 0);
	assert_string_equal(buf_text(&response.body), body);
	response_clear(&response);
}

static void a_node_without_a_message_has_none(void **state)
{
	struct arena arena;
	struct node node;

	(void)state;
	arena_init(&arena);
	node_init(&node, &arena);
	node.phase = NODE_SUCCEEDED;
	assert_node(&node, "{\"node\":{\"phase\":\"Succeeded\"}}\n");
	node_set(&node, NODE_SUCCEEDED, "");
	assert_node(&node, "{\"node\":{\"phase\":\"Succeeded\"}}\n");
	arena_clear(&arena);
}

static void outputs_are_strings_in_their_order(void **state)
{
	struct arena arena;
	struct node node;

	(void)state;
	arena_init(&arena);
	node_init(&node, &arena);
	node_succeed(&node, "m");
	node.result = "42";
	assert_node(&node, "{\"node\":{\"phase\":\"Succeeded\",\"message\":"
			   "\"m\",\"outputs\":{\"result\":\"42\"}}}\n");
	node.exit_code = "0";
	assert_node(&node, "{\"node\":{\"phase\":\"Succeeded\",\"message\":"
			   "\"m\",\"outputs\":{\"result\":\"42\",\"exitCode\":"
			   "\"0\"}}}\n");
	node_add_parameter(&node, "b", "1", NULL);
	node_add_parameter(&node, "a", "", NULL);
	assert_node(&node, "{\"node\":{\"phase\":\"Succeeded\",\"message\":"
			   "\"m\",\"outputs\":{\"parameters\":[{\"name\":\"b\","
			   "\"value\":\"1\"},{\"name\":\"a\",\"value\":\"\"}],"
			   "\"result\":\"42\",\"exitCode\":\"0\"}}}\n");
	arena_clear(&arena);
}

/* No release of Argo records the member "progress". */
static void progress_is_also_in_the_message(void **state)
{
	struct arena arena;
	struct node node;

	(void)state;
	arena_init(&arena);
	node_init(&node, &arena);
	node_run(&node, "step");
	node_set_progress(&node, 3, 10);
	assert_node(&node, "{\"node\":{\"phase\":\"Running\",\"message\":"
			   "\"step 3/10\",\"progress\":\"3/10\"},\"requeue\":"
			   "\"2s\"}\n");
	node_set(&node, NODE_RUNNING, "");
	assert_node(&node, "{\"node\":{\"phase\":\"Running\",\"message\":"
			   "\"3/10\",\"progress\":\"3/10\"},\"requeue\":"
			   "\"2s\"}\n");
	arena_clear(&arena);
}

static void a_node_without_a_phase_records_nothing(void **state)
{
	struct arena arena;
	struct node node;

	(void)state;
	arena_init(&arena);
	node_init(&node, &arena);
	node_set(&node, NODE_UNKNOWN, "not said");
	node_set_progress(&node, 1, 2);
	node.result = "not said";
	assert_node(&node, "{\"node\":{},\"requeue\":\"2s\"}\n");
	arena_clear(&arena);
}

static void row_38_invalid_utf8_is_replaced(void **state)
{
	struct arena arena;
	struct node node;

	(void)state;
	arena_init(&arena);
	node_init(&node, &arena);
	node_succeed(&node, "a\xff\xc0\xaf\xed\xa0\x80z\n\"\\\x01");
	node_add_parameter(&node, "p", "\xe2\x82", NULL);
	assert_node(&node,
		    "{\"node\":{\"phase\":\"Succeeded\",\"message\":\"a"
		    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		    "\xef\xbf\xbd\xef\xbf\xbdz\\n\\\"\\\\\\u0001\",\"outputs\":"
		    "{\"parameters\":[{\"name\":\"p\",\"value\":\"\xef\xbf\xbd"
		    "\xef\xbf\xbd\"}]}}}\n");
	arena_clear(&arena);
}

static void the_largest_outputs_fit_whole(void **state)
{
	struct response response;
	struct arena arena;
	struct node node;
	char *worst;

	(void)state;
	arena_init(&arena);
	response_init(&response);
	worst = arena_alloc(&arena, NODE_OUTPUTS_BYTES);
	memset(worst, 1, NODE_OUTPUTS_BYTES - 1);
	worst[NODE_OUTPUTS_BYTES - 1] = '\0';
	node_init(&node, &arena);
	node_succeed(&node, "%s", worst);
	assert_int_equal(node_add_parameter(&node, "n", worst, NULL), 0);
	reply_set_node(&response, &node, 0);
	assert_false(response.body.cut);
	assert_memory_equal(response.body.data + response.body.len - 7,
			    "\"}]}}}\n", 7);
	response_clear(&response);
	arena_clear(&arena);
}

static void a_handlers_error_code_decides_the_outcome(void **state)
{
	static const struct {
		enum error_code code;
		enum reply_outcome outcome;
	} rows[] = {
		{ ERROR_INPUT, REPLY_FAILED },   { ERROR_LATER, REPLY_AGAIN },
		{ ERROR_INTERNAL, REPLY_ERROR }, { ERROR_SYSTEM, REPLY_ERROR },
		{ ERROR_CONFIG, REPLY_ERROR },   { ERROR_NONE, REPLY_ERROR },
	};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		err.code = rows[i].code;
		assert_int_equal(reply_outcome_of(&err), rows[i].outcome);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_outcome_has_its_status_and_body),
		cmocka_unit_test(
			requeue_goes_with_every_phase_that_is_not_terminal),
		cmocka_unit_test(a_node_without_a_message_has_none),
		cmocka_unit_test(outputs_are_strings_in_their_order),
		cmocka_unit_test(progress_is_also_in_the_message),
		cmocka_unit_test(a_node_without_a_phase_records_nothing),
		cmocka_unit_test(row_38_invalid_utf8_is_replaced),
		cmocka_unit_test(the_largest_outputs_fit_whole),
		cmocka_unit_test(a_handlers_error_code_decides_the_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
