/*
 * test_scan: what is JSON, whose key it has, and which limit it is above.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "json_vectors.h"
#include "rpc/scan.h"

static int scan_text(const char *text, struct scan *scan, struct error *err)
{
	return scan_call(text, strlen(text), scan, err);
}

static void row_31_takes_what_is_json(void **state)
{
	struct error err = ERROR_INIT;
	struct scan scan;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(json_vectors_yes); i++) {
		if (scan_call(json_vectors_yes[i].text, json_vectors_yes[i].len,
			      &scan, &err) < 0)
			fail_msg("row %zu '%s': %s", i,
				 json_vectors_yes[i].text, err.text);
		assert_int_equal(scan.limit, SCAN_WITHIN);
	}
}

/* The text ends where the memory ends, so a read behind it is seen. */
static int scan_copy(const struct json_vector *vector, struct error *err)
{
	char *copy = malloc(vector->len > 0 ? vector->len : 1);
	struct scan scan;
	int ret;

	assert_non_null(copy);
	memcpy(copy, vector->text, vector->len);
	ret = scan_call(copy, vector->len, &scan, err);
	free(copy);
	return ret;
}

static void row_31_refuses_what_is_not_json(void **state)
{
	static const char begin[] = "the body is not JSON: ";
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(json_vectors_no); i++) {
		err = (struct error)ERROR_INIT;
		if (scan_copy(&json_vectors_no[i], &err) == 0)
			fail_msg("row %zu '%s'", i, json_vectors_no[i].text);
		assert_int_equal(err.code, ERROR_INPUT);
		assert_memory_equal(err.text, begin, sizeof(begin) - 1);
	}
}

static void row_31_takes_what_other_readers_take(void **state)
{
	struct scan scan;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(json_vectors_odd); i++)
		assert_int_equal(scan_call(json_vectors_odd[i].text,
					   json_vectors_odd[i].len, &scan,
					   NULL),
				 0);
}

/* Every prefix of a valid object is not JSON. */
static void a_text_that_is_cut_is_refused_at_its_end(void **state)
{
	static const char text[] =
		"{\"template\":{\"plugin\":{\"h\\u0065llo\":{\"t\":[1,-2.5e+3,"
		"true,null,\"\\ud834\\udd1e\xe2\x82\xac\"]}}}}";
	struct json_vector vector = { text, 0 };

	(void)state;
	for (; vector.len < sizeof(text) - 1; vector.len++)
		assert_int_equal(scan_copy(&vector, NULL), -1);
	assert_int_equal(scan_copy(&vector, NULL), 0);
}

static void says_what_is_wrong_and_where(void **state)
{
	static const struct {
		const char *text;
		const char *error;
	} rows[] = {
		{ "", "the end where a value is due at byte 0" },
		{ "{\"a\":1", "no comma or } in an object at byte 6" },
		{ "[1 2]", "no comma or ] in an array at byte 3" },
		{ "{\"a\" 1}", "no colon behind a member name at byte 5" },
		{ "{a:1}", "no member name at byte 1" },
		{ "{\"a\":01}", "a number with a leading 0 at byte 6" },
		{ "{\"a\":-}", "a bad number at byte 6" },
		{ "{\"a\":nil}", "an unknown word at byte 5" },
		{ "[\"\\x\"]", "an unknown escape at byte 3" },
		{ "[\"\\u12\"]", "a bad \\u escape at byte 6" },
		{ "[\"a", "a string without an end at byte 3" },
		{ "[\"a\n\"]", "a control character in a string at byte 3" },
		{ "[\"a\xff\"]", "invalid UTF-8 at byte 3" },
		{ "{\"a\\u0000b\":1}", "\\u0000 in a member name at byte 9" },
		{ "{} {}", "something behind the value at byte 3" },
	};
	char want[128];
	struct error err;
	struct scan scan;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		err = (struct error)ERROR_INIT;
		snprintf(want, sizeof(want), "the body is not JSON: %s",
			 rows[i].error);
		assert_int_equal(scan_text(rows[i].text, &scan, &err), -1);
		assert_string_equal(err.text, want);
	}
}

static void finds_the_envelope(void **state)
{
	static const struct {
		const char *text;
		bool root_is_object;
		enum scan_place template_place, plugin_place;
		size_t n_keys;
		const char *key;
	} rows[] = {
		{ "null", false, SCAN_ABSENT, SCAN_ABSENT, 0, "" },
		{ "[{\"template\":{\"plugin\":{\"k\":1}}}]", false, SCAN_ABSENT,
		  SCAN_ABSENT, 0, "" },
		{ "{}", true, SCAN_ABSENT, SCAN_ABSENT, 0, "" },
		{ "{\"template\":1}", true, SCAN_NO_OBJECT, SCAN_ABSENT, 0,
		  "" },
		{ "{\"template\":[{\"plugin\":{\"k\":1}}]}", true,
		  SCAN_NO_OBJECT, SCAN_ABSENT, 0, "" },
		{ "{\"template\":{}}", true, SCAN_OBJECT, SCAN_ABSENT, 0, "" },
		{ "{\"template\":{\"plugin\":null}}", true, SCAN_OBJECT,
		  SCAN_NO_OBJECT, 0, "" },
		{ "{\"template\":{\"plugin\":[{\"k\":1}]}}", true, SCAN_OBJECT,
		  SCAN_NO_OBJECT, 0, "" },
		{ "{\"template\":{\"plugin\":{}}}", true, SCAN_OBJECT,
		  SCAN_OBJECT, 0, "" },
		{ "{\"template\":{\"plugin\":{\"k\":{\"plugin\":{\"no\":1}}}}}",
		  true, SCAN_OBJECT, SCAN_OBJECT, 1, "k" },
		{ "{\"template\":{\"inputs\":{\"plugin\":{\"no\":1}},"
		  "\"plugin\":{\"k\":null},\"x\":{\"no\":1}},"
		  "\"y\":{\"plugin\":{\"no\":1}}}",
		  true, SCAN_OBJECT, SCAN_OBJECT, 1, "k" },
		{ "{\"plugin\":{\"no\":1},\"template\":{\"plugin\":{\"k\":1}}}",
		  true, SCAN_OBJECT, SCAN_OBJECT, 1, "k" },
		{ " { \"template\" : { \"plugin\" : { \"k\" : 1 } } } ", true,
		  SCAN_OBJECT, SCAN_OBJECT, 1, "k" },
		{ "{\"templ\\u0061te\":{\"plug\\u0069n\":{\"\\u006b\":1}}}",
		  true, SCAN_OBJECT, SCAN_OBJECT, 1, "k" },
		{ "{\"template\":{\"plugin\":{\"\":1}}}", true, SCAN_OBJECT,
		  SCAN_OBJECT, 1, "" },
		{ "{\"template\":{\"plugin\":{\"a\\t\\u20ac\\ud834\\udd1e\":1}}"
		  "}",
		  true, SCAN_OBJECT, SCAN_OBJECT, 1,
		  "a\t\xe2\x82\xac\xf0\x9d\x84\x9e" },
		{ "{\"template\":{\"plugin\":{\"\\ud800\":1}}}", true,
		  SCAN_OBJECT, SCAN_OBJECT, 1, "\xef\xbf\xbd" },
		{ "{\"template\":{\"plugin\":{\"k\":1,\"b\":2,\"c\":3,\"d\":4,"
		  "\"e\":5,\"f\":6}}}",
		  true, SCAN_OBJECT, SCAN_OBJECT, 6, "k" },
	};
	struct scan scan;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(scan_text(rows[i].text, &scan, NULL), 0);
		assert_int_equal(scan.root_is_object, rows[i].root_is_object);
		assert_int_equal(scan.template_place, rows[i].template_place);
		assert_int_equal(scan.plugin_place, rows[i].plugin_place);
		assert_int_equal(scan.n_keys, rows[i].n_keys);
		assert_string_equal(scan.keys[0], rows[i].key);
	}
}

static void of_equal_names_the_last_counts(void **state)
{
	static const struct {
		const char *text;
		enum scan_place template_place, plugin_place;
		size_t n_keys;
		const char *key;
	} rows[] = {
		{ "{\"template\":{\"plugin\":{\"a\":1}},"
		  "\"template\":{\"plugin\":{\"b\":1}}}",
		  SCAN_OBJECT, SCAN_OBJECT, 1, "b" },
		{ "{\"template\":{\"plugin\":{\"a\":1}},\"template\":{}}",
		  SCAN_OBJECT, SCAN_ABSENT, 0, "a" },
		{ "{\"template\":{\"plugin\":{\"a\":1}},\"template\":null}",
		  SCAN_NO_OBJECT, SCAN_ABSENT, 0, "a" },
		{ "{\"template\":{\"plugin\":{\"a\":1},"
		  "\"plug\\u0069n\":{\"b\":1}}}",
		  SCAN_OBJECT, SCAN_OBJECT, 1, "b" },
		{ "{\"template\":{\"plugin\":{\"a\":1},\"plugin\":0}}",
		  SCAN_OBJECT, SCAN_NO_OBJECT, 0, "a" },
		{ "{\"template\":{\"plugin\":{\"a\":1,\"\\u0061\":2}}}",
		  SCAN_OBJECT, SCAN_OBJECT, 1, "a" },
		{ "{\"template\":{\"plugin\":{\"a\":1,\"b\":2,\"a\":3}}}",
		  SCAN_OBJECT, SCAN_OBJECT, 2, "a" },
	};
	struct scan scan;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(scan_text(rows[i].text, &scan, NULL), 0);
		assert_int_equal(scan.template_place, rows[i].template_place);
		assert_int_equal(scan.plugin_place, rows[i].plugin_place);
		assert_int_equal(scan.n_keys, rows[i].n_keys);
		if (scan.n_keys > 0)
			assert_string_equal(scan.keys[0], rows[i].key);
	}
}

static void a_key_that_is_too_long_is_nobodys(void **state)
{
	static const struct {
		size_t len;
		bool is_kept;
	} rows[] = {
		{ SCAN_KEY_BYTES - 2, true },
		{ SCAN_KEY_BYTES - 1, true },
		{ SCAN_KEY_BYTES, false },
		{ 100000, false },
	};
	struct scan scan;
	struct buf text;

	(void)state;
	buf_init(&text, 200000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&text);
		buf_add_text(&text, "{\"template\":{\"plugin\":{\"");
		for (size_t j = 0; j < rows[i].len; j++)
			buf_add_char(&text, 'k');
		buf_add_text(&text, "\":1}}}");
		assert_int_equal(scan_text(text.data, &scan, NULL), 0);
		assert_int_equal(scan.n_keys, 1);
		assert_int_equal(strlen(scan.keys[0]),
				 rows[i].is_kept ? rows[i].len : 0);
	}
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_31_takes_what_is_json),
		cmocka_unit_test(row_31_refuses_what_is_not_json),
		cmocka_unit_test(row_31_takes_what_other_readers_take),
		cmocka_unit_test(a_text_that_is_cut_is_refused_at_its_end),
		cmocka_unit_test(says_what_is_wrong_and_where),
		cmocka_unit_test(finds_the_envelope),
		cmocka_unit_test(of_equal_names_the_last_counts),
		cmocka_unit_test(a_key_that_is_too_long_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
