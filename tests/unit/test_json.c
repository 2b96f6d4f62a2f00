#include "tests/unit/test.h"

#include <json-c/json.h>
#include <string.h>

#include "base/json.h"

static void a_string_member_is_read_or_refused_by_its_path(void **state)
{
	static const struct {
		const char *json, *path, *want, *text;
	} rows[] = {
		{ "{\"m\":\"v\"}", "a.b", "v", NULL },
		{ "{\"m\":\"\"}", "a.b", "", NULL },
		{ "{\"m\":\"v\"}", "", "v", NULL },
		{ "{}", "a.b", "fallback", NULL },
		{ "null", "a.b", "fallback", NULL },
		{ "{\"m\":null}", "a.b", NULL, "a.b.m: not a string" },
		{ "{\"m\":1}", "a.b", NULL, "a.b.m: not a string" },
		{ "{\"m\":{}}", "", NULL, "m: not a string" },
		{ "{\"m\":\"a\\u0000b\"}", "a.b", NULL,
		  "a.b.m: holds a NUL character" },
		{ "[]", "a.b", NULL, "a.b: not an object" },
		{ "\"x\"", "a", NULL, "a: not an object" },
		{ "7", "", NULL, "not an object" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_object *value = json_tokener_parse(rows[i].json);
		struct json_at at = { value, rows[i].path };
		struct error err = ERROR_INIT;
		const char *text = "fallback";
		int ret = json_optional_string(&at, "m", &text, &err);

		if (rows[i].text == NULL) {
			assert_int_equal(ret, 0);
			assert_string_equal(text, rows[i].want);
		} else {
			assert_int_equal(ret, -1);
			assert_int_equal(err.code, ERROR_INPUT);
			assert_string_equal(err.text, rows[i].text);
			assert_string_equal(text, "fallback");
		}
		json_object_put(value);
	}
}

static void an_integer_member_has_a_range(void **state)
{
	static const struct {
		const char *json;
		int64_t want;
		const char *text;
	} rows[] = {
		{ "{\"n\":1}", 1, NULL },
		{ "{\"n\":10}", 10, NULL },
		{ "{}", 5, NULL },
		{ "null", 5, NULL },
		{ "{\"n\":0}", 5, "p.n: not between 1 and 10" },
		{ "{\"n\":11}", 5, "p.n: not between 1 and 10" },
		{ "{\"n\":99999999999999999999}", 5,
		  "p.n: not between 1 and 10" },
		{ "{\"n\":1.0}", 5, "p.n: not an integer" },
		{ "{\"n\":\"1\"}", 5, "p.n: not an integer" },
		{ "{\"n\":null}", 5, "p.n: not an integer" },
		{ "{\"n\":true}", 5, "p.n: not an integer" },
		{ "3", 5, "p: not an object" },
	};
	static const int64_t range[2] = { 1, 10 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_object *value = json_tokener_parse(rows[i].json);
		struct json_at at = { value, "p" };
		struct error err = ERROR_INIT;
		int64_t number = 5;

		assert_int_equal(
			json_optional_integer(&at, "n", range, &number, &err),
			rows[i].text == NULL ? 0 : -1);
		assert_int_equal(number, rows[i].want);
		assert_string_equal(err.text,
				    rows[i].text != NULL ? rows[i].text : "");
		json_object_put(value);
	}
}

static void a_member_of_what_is_no_object_is_none(void **state)
{
	struct json_object *object = json_tokener_parse("{\"a\":1,\"b\":null}");
	struct json_object *array = json_tokener_parse("[1]");

	(void)state;
	assert_int_equal(json_object_get_int(json_member(object, "a")), 1);
	assert_null(json_member(object, "b"));
	assert_null(json_member(object, "c"));
	assert_null(json_member(array, "a"));
	assert_null(json_member(NULL, "a"));
	json_object_put(object);
	json_object_put(array);
}

static void strings_are_valid_whatever_the_bytes_are(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *json;
	} rows[] = {
		{ "", 0, "\"\"" },
		{ "plain", 5, "\"plain\"" },
		{ "a\"b\\c", 5, "\"a\\\"b\\\\c\"" },
		{ "\n\t\r\x01\x1f", 5, "\"\\n\\t\\u000d\\u0001\\u001f\"" },
		{ "a\0b", 3, "\"a\\u0000b\"" },
		{ "\x7f", 1, "\"\\u007f\"" },
		{ "\xc3\xbc\xf0\x9f\x98\x80", 6,
		  "\"\xc3\xbc\xf0\x9f\x98\x80\"" },
		{ "x\xffy", 3, "\"x\ufffdy\"" },
		{ "\xc3", 1, "\"\ufffd\"" },
		{ "\xed\xa0\x80", 3, "\"\ufffd\ufffd\ufffd\"" },
		{ "\xe2\x82", 2, "\"\ufffd\ufffd\"" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&out);
		json_add_string(&out, rows[i].bytes, rows[i].len);
		assert_string_equal(buf_text(&out), rows[i].json);
	}
	buf_clear(&out);
}

static void every_pair_of_bytes_gives_json_that_parses(void **state)
{
	enum json_tokener_error error;
	struct json_object *value;
	char bytes[2];
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (unsigned i = 0; i < 65536; i++) {
		bytes[0] = (char)(i >> 8);
		bytes[1] = (char)(i & 255);
		buf_reset(&out);
		json_add_string(&out, bytes, 2);
		error = json_tokener_success;
		value = json_tokener_parse_verbose(buf_text(&out), &error);
		assert_int_equal(error, json_tokener_success);
		json_object_put(value);
	}
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_string_member_is_read_or_refused_by_its_path),
		cmocka_unit_test(an_integer_member_has_a_range),
		cmocka_unit_test(a_member_of_what_is_no_object_is_none),
		cmocka_unit_test(strings_are_valid_whatever_the_bytes_are),
		cmocka_unit_test(every_pair_of_bytes_gives_json_that_parses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
