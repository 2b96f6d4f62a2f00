/*
 * test_call: a call is decoded, or the member that is wrong is named.
 */
#include "test.h"

#include <json-c/json_object.h>
#include <stdio.h>
#include <string.h>

#include "rpc/call.h"

struct decoded {
	struct arena arena;
	struct scan scan;
	struct call call;
	struct error err;
	int ret;
};

static void decode(struct decoded *decoded, const char *text)
{
	memset(decoded, 0, sizeof(*decoded));
	arena_init(&decoded->arena);
	assert_int_equal(scan_call(text, strlen(text), &decoded->scan, NULL),
			 0);
	decoded->ret = call_decode(&decoded->call, &decoded->scan, "hello",
				   &decoded->arena, &decoded->err);
}

static void decoded_clear(struct decoded *decoded)
{
	if (decoded->ret == 0)
		call_clear(&decoded->call);
	arena_clear(&decoded->arena);
}

static bool has_member(const struct call *call, enum scan_member member,
		       const char *name)
{
	struct json_object *value = call_member(call, member);
	bool has = json_member(value, name) != NULL;

	json_object_put(value);
	return has;
}

static void a_call_of_argos_is_decoded(void **state)
{
	static const char text[] =
		"{\"workflow\":{\"metadata\":{\"name\":\"hello-abc\","
		"\"namespace\":\"argo\",\"uid\":\"u-1\"}},\"template\":{"
		"\"name\":\"greet\",\"timeout\":\"10s\",\"inputs\":{"
		"\"parameters\":[]},\"outputs\":{\"a\":1},\"metadata\":{},"
		"\"plugin\":{\"hello\":{\"text\":\"T\"}}}}";
	struct decoded decoded;
	const struct call *call = &decoded.call;

	(void)state;
	decode(&decoded, text);
	assert_int_equal(decoded.ret, 0);
	assert_string_equal(call->workflow, "hello-abc");
	assert_string_equal(call->workflow_namespace, "argo");
	assert_string_equal(call->workflow_uid, "u-1");
	assert_string_equal(call->template_name, "greet");
	assert_string_equal(call->timeout, "10s");
	assert_string_equal(call->key, "hello");
	assert_string_equal(call->request_id, "");
	assert_string_equal(call->body.path, "plugin.hello");
	assert_string_equal(
		json_object_get_string(json_member(call->body.value, "text")),
		"T");
	assert_true(has_member(call, SCAN_INPUTS, "parameters"));
	assert_true(has_member(call, SCAN_OUTPUTS, "a"));
	assert_true(has_member(call, SCAN_TEMPLATE, "metadata"));
	assert_ptr_equal(call->text, text);
	assert_int_equal(call->text_len, sizeof(text) - 1);
	decoded_clear(&decoded);
}

static void what_a_call_does_not_say_is_empty(void **state)
{
	static const char *const rows[] = {
		"{\"template\":{\"plugin\":{\"hello\":null}}}",
		"{\"workflow\":null,\"template\":{\"plugin\":{\"hello\":null},"
		"\"name\":null,\"timeout\":null,\"inputs\":null,"
		"\"outputs\":null}}",
		"{\"workflow\":{},\"template\":{\"plugin\":{\"hello\":null}}}",
		"{\"workflow\":{\"metadata\":null},\"template\":{\"plugin\":"
		"{\"hello\":null}}}",
		"{\"workflow\":{\"metadata\":{\"name\":null,\"namespace\":null,"
		"\"uid\":null}},\"template\":{\"plugin\":{\"hello\":null}}}",
	};
	struct decoded decoded;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		decode(&decoded, rows[i]);
		assert_int_equal(decoded.ret, 0);
		assert_string_equal(decoded.call.workflow, "");
		assert_string_equal(decoded.call.workflow_namespace, "");
		assert_string_equal(decoded.call.workflow_uid, "");
		assert_string_equal(decoded.call.template_name, "");
		assert_string_equal(decoded.call.timeout, "");
		assert_null(call_member(&decoded.call, SCAN_INPUTS));
		assert_null(call_member(&decoded.call, SCAN_OUTPUTS));
		assert_null(decoded.call.body.value);
		decoded_clear(&decoded);
	}
}

static void unknown_members_are_taken(void **state)
{
	struct decoded decoded;

	(void)state;
	decode(&decoded,
	       "{\"new\":1,\"workflow\":{\"metadata\":{\"x\":[]},\"spec\":0},"
	       "\"template\":{\"plugin\":{\"hello\":{}},\"metadata\":7,"
	       "\"retryStrategy\":\"odd\"}}");
	assert_int_equal(decoded.ret, 0);
	decoded_clear(&decoded);
}

/* The call with value in the place of "%". */
static void add_call(char text[256], const char *call, const char *value)
{
	size_t before = strcspn(call, "%");

	snprintf(text, 256, "%.*s%s%s", (int)before, call, value,
		 call + before + 1);
}

/* Each known member with each type that it must not have. */
static void row_36_a_wrong_type_names_the_member(void **state)
{
	static const struct {
		const char *call; /* "%" stands for the value */
		const char *path;
		bool is_object;
	} rows[] = {
		{ "{\"workflow\":%,\"template\":{\"plugin\":{\"hello\":{}}}}",
		  "workflow", true },
		{ "{\"workflow\":{\"metadata\":%},\"template\":{\"plugin\":{"
		  "\"hello\":{}}}}",
		  "workflow.metadata", true },
		{ "{\"workflow\":{\"metadata\":{\"name\":%}},\"template\":{"
		  "\"plugin\":{\"hello\":{}}}}",
		  "workflow.metadata.name", false },
		{ "{\"workflow\":{\"metadata\":{\"namespace\":%}},"
		  "\"template\":{\"plugin\":{\"hello\":{}}}}",
		  "workflow.metadata.namespace", false },
		{ "{\"workflow\":{\"metadata\":{\"uid\":%}},\"template\":{"
		  "\"plugin\":{\"hello\":{}}}}",
		  "workflow.metadata.uid", false },
		{ "{\"template\":{\"name\":%,\"plugin\":{\"hello\":{}}}}",
		  "template.name", false },
		{ "{\"template\":{\"timeout\":%,\"plugin\":{\"hello\":{}}}}",
		  "template.timeout", false },
		{ "{\"template\":{\"inputs\":%,\"plugin\":{\"hello\":{}}}}",
		  "template.inputs", true },
		{ "{\"template\":{\"outputs\":%,\"plugin\":{\"hello\":{}}}}",
		  "template.outputs", true },
	};
	static const char *const values[] = { "{}",   "[]",    "[{}]",
					      "1",    "-0",    "1.5",
					      "true", "false", "\"text\"" };
	struct decoded decoded;
	char text[256], want[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t j = 0; j < ARRAY_LEN(values); j++) {
			if (values[j][0] == (rows[i].is_object ? '{' : '"'))
				continue;
			add_call(text, rows[i].call, values[j]);
			snprintf(want, sizeof(want), "%s: not %s", rows[i].path,
				 rows[i].is_object ? "an object" : "a string");
			decode(&decoded, text);
			assert_int_equal(decoded.ret, -1);
			assert_int_equal(decoded.err.code, ERROR_INPUT);
			assert_string_equal(decoded.err.text, want);
			assert_null(decoded.call.body.value);
			decoded_clear(&decoded);
		}
	}
}

static void a_nul_in_a_text_is_refused(void **state)
{
	struct decoded decoded;

	(void)state;
	decode(&decoded, "{\"workflow\":{\"metadata\":{\"name\":\"a\\u0000b\"}}"
			 ",\"template\":{\"plugin\":{\"hello\":{}}}}");
	assert_int_equal(decoded.ret, -1);
	assert_string_equal(decoded.err.text,
			    "workflow.metadata.name: holds a NUL character");
	decoded_clear(&decoded);
}

static void any_value_can_be_the_body(void **state)
{
	static const char *const rows[] = {
		"true", "false",      "0",        "-1", "12.5",
		"1e5",  "\"\"",       "\"text\"", "[]", "[1]",
		"{}",   "{\"a\":[]}", "\"\\n\"",
	};
	struct decoded decoded;
	struct buf text;

	(void)state;
	buf_init(&text, 4096);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&text);
		buf_printf(&text, "{\"template\":{\"plugin\":{\"hello\":%s}}}",
			   rows[i]);
		decode(&decoded, text.data);
		if (decoded.ret < 0)
			fail_msg("%s: %s", rows[i], decoded.err.text);
		assert_string_equal(
			json_object_to_json_string_ext(decoded.call.body.value,
						       JSON_C_TO_STRING_PLAIN),
			rows[i]);
		decoded_clear(&decoded);
	}
	buf_clear(&text);
}

static void texts_are_unescaped(void **state)
{
	struct decoded decoded;

	(void)state;
	decode(&decoded,
	       "{\"workflow\":{\"metadata\":{\"name\":\"\\u20ac\\\"\",\"uid\":"
	       "\"\\ud834\\udd1e\"}},\"template\":{\"n\\u0061me\":\"\\\\\","
	       "\"timeout\":\"\",\"plugin\":{\"hello\":1}}}");
	assert_int_equal(decoded.ret, 0);
	assert_string_equal(decoded.call.workflow, "\xe2\x82\xac\"");
	assert_string_equal(decoded.call.workflow_uid, "\xf0\x9d\x84\x9e");
	assert_string_equal(decoded.call.template_name, "\\");
	assert_string_equal(decoded.call.timeout, "");
	decoded_clear(&decoded);
}

/* What scan_call() lets through as deep enough, json-c takes too. */
static void row_33_the_deepest_call_is_decoded(void **state)
{
	struct decoded decoded;
	struct scan scan;
	struct buf text;

	(void)state;
	buf_init(&text, 4096);
	buf_add_text(&text, "{\"template\":{\"plugin\":{\"hello\":");
	for (int i = 3; i < SCAN_DEPTH; i++)
		buf_add_char(&text, '[');
	buf_add_text(&text, "\"innermost\"");
	for (int i = 3; i < SCAN_DEPTH; i++)
		buf_add_char(&text, ']');
	buf_add_text(&text, "}}}");
	assert_int_equal(scan_call(text.data, text.len, &scan, NULL), 0);
	assert_int_equal(scan.limit, SCAN_WITHIN);
	decode(&decoded, text.data);
	assert_int_equal(decoded.ret, 0);
	decoded_clear(&decoded);
	buf_clear(&text);
}

static void of_equal_names_the_last_counts(void **state)
{
	struct decoded decoded;

	(void)state;
	decode(&decoded,
	       "{\"template\":{\"name\":\"gone\",\"plugin\":{\"hello\":"
	       "\"gone\"}},\"template\":{\"plugin\":{\"hello\":\"gone\","
	       "\"hello\":1,\"hello\":\"last\"},\"timeout\":1,"
	       "\"timeout\":\"t\"}}");
	assert_int_equal(decoded.ret, 0);
	assert_string_equal(decoded.call.template_name, "");
	assert_string_equal(decoded.call.timeout, "t");
	assert_string_equal(json_object_get_string(decoded.call.body.value),
			    "last");
	decoded_clear(&decoded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_of_argos_is_decoded),
		cmocka_unit_test(what_a_call_does_not_say_is_empty),
		cmocka_unit_test(unknown_members_are_taken),
		cmocka_unit_test(row_36_a_wrong_type_names_the_member),
		cmocka_unit_test(a_nul_in_a_text_is_refused),
		cmocka_unit_test(any_value_can_be_the_body),
		cmocka_unit_test(texts_are_unescaped),
		cmocka_unit_test(row_33_the_deepest_call_is_decoded),
		cmocka_unit_test(of_equal_names_the_last_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
