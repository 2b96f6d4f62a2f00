/*
 * test_hello: the seed's plugin, and the model for other handlers' tests.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "handlers/hello.h"
#include "log_lines.h"

struct outcome {
	struct arena arena;
	struct scan scan;
	struct call call;
	struct node node;
	struct error err;
	int ret;
};

/* Run a handler on a call with this body. */
static void execute(struct outcome *outcome, const struct handler *handler,
		    const char *body)
{
	const char *text;

	memset(outcome, 0, sizeof(*outcome));
	arena_init(&outcome->arena);
	node_init(&outcome->node, &outcome->arena);
	text = arena_printf(&outcome->arena,
			    "{\"template\":{\"plugin\":{\"%s\":%s}}}",
			    handler->key, body);
	assert_int_equal(scan_call(text, strlen(text), &outcome->scan, NULL),
			 0);
	assert_int_equal(call_decode(&outcome->call, &outcome->scan,
				     handler->key, &outcome->arena,
				     &outcome->err),
			 0);
	outcome->ret =
		handler->execute(&outcome->call, &outcome->node, &outcome->err);
}

static void outcome_clear(struct outcome *outcome)
{
	call_clear(&outcome->call);
	arena_clear(&outcome->arena);
}

static void greets_with_the_text(void **state)
{
	static const struct {
		const struct handler *handler;
		const char *body;
		const char *message;
		const char *greeting;
	} rows[] = {
		{ &handler_hello, "{}", "Hello template!", "template" },
		{ &handler_howdy, "{}", "Hello template!", "template" },
		{ &handler_hello, "null", "Hello template!", "template" },
		{ &handler_hello, "{\"text\":\"Ada\"}", "Hello Ada!", "Ada" },
		{ &handler_howdy, "{\"text\":\"Ada\"}", "Hello Ada!", "Ada" },
		{ &handler_hello, "{\"text\":\"\"}", "Hello !", "" },
		{ &handler_hello, "{\"text\":\"%s%n\"}", "Hello %s%n!",
		  "%s%n" },
		{ &handler_hello, "{\"more\":1,\"text\":\"\\u20ac\"}",
		  "Hello \xe2\x82\xac!", "\xe2\x82\xac" },
	};
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		execute(&outcome, rows[i].handler, rows[i].body);
		assert_int_equal(outcome.ret, 0);
		assert_int_equal(outcome.node.phase, NODE_SUCCEEDED);
		assert_string_equal(outcome.node.message, rows[i].message);
		assert_string_equal(outcome.node.parameters->name, "greeting");
		assert_string_equal(outcome.node.parameters->value,
				    rows[i].greeting);
		assert_null(outcome.node.parameters->next);
		outcome_clear(&outcome);
	}
}

static void refuses_a_bad_text(void **state)
{
	static const struct {
		const struct handler *handler;
		const char *body;
		const char *text;
	} rows[] = {
		{ &handler_hello, "{\"text\":1}",
		  "plugin.hello.text: not a string" },
		{ &handler_hello, "{\"text\":null}",
		  "plugin.hello.text: not a string" },
		{ &handler_hello, "{\"text\":{}}",
		  "plugin.hello.text: not a string" },
		{ &handler_howdy, "{\"text\":[]}",
		  "plugin.howdy.text: not a string" },
		{ &handler_hello, "{\"text\":\"a\\u0000b\"}",
		  "plugin.hello.text: holds a NUL character" },
		{ &handler_hello, "[]", "plugin.hello: not an object" },
		{ &handler_hello, "\"text\"", "plugin.hello: not an object" },
		{ &handler_howdy, "true", "plugin.howdy: not an object" },
	};
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		execute(&outcome, rows[i].handler, rows[i].body);
		assert_int_equal(outcome.ret, -1);
		assert_int_equal(outcome.err.code, ERROR_INPUT);
		assert_string_equal(outcome.err.text, rows[i].text);
		outcome_clear(&outcome);
	}
}

static void refuses_a_text_that_argo_could_not_store(void **state)
{
	enum {
		TEXT_BYTES = 300000
	};
	char *body = malloc(TEXT_BYTES + 16);
	struct outcome outcome;

	(void)state;
	assert_non_null(body);
	memcpy(body, "{\"text\":\"", 9);
	memset(body + 9, 'x', TEXT_BYTES);
	memcpy(body + 9 + TEXT_BYTES, "\"}", 3);
	execute(&outcome, &handler_hello, body);
	assert_int_equal(outcome.ret, -1);
	assert_int_equal(outcome.err.code, ERROR_INPUT);
	assert_string_equal(outcome.err.text,
			    "outputs: parameter 'greeting' makes them larger "
			    "than 262144 bytes");
	outcome_clear(&outcome);
	free(body);
}

static void each_call_logs_hello(void **state)
{
	struct outcome outcome;
	const char *lines;
	int kept;

	(void)state;
	log_lines_begin(&kept);
	execute(&outcome, &handler_hello, "{}");
	outcome_clear(&outcome);
	execute(&outcome, &handler_howdy, "{}");
	outcome_clear(&outcome);
	execute(&outcome, &handler_howdy, "[]");
	outcome_clear(&outcome);
	lines = log_lines_end(kept);
	for (int i = 0; i < 2; i++) {
		lines = strstr(lines,
			       "\"area\":\"hello\",\"msg\":\"hello\"}\n");
		assert_non_null(lines);
		lines++;
	}
	assert_null(strstr(lines, "hello\"}\n{"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(greets_with_the_text),
		cmocka_unit_test(refuses_a_bad_text),
		cmocka_unit_test(refuses_a_text_that_argo_could_not_store),
		cmocka_unit_test(each_call_logs_hello),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
