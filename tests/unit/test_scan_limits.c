/*
 * test_scan_limits: a text may be JSON and still too much for us.
 */
#include "test.h"

#include <string.h>

#include "base/buf.h"
#include "rpc/scan.h"

static void add_times(struct buf *out, const char *text, size_t n)
{
	while (n-- > 0)
		buf_add_text(out, text);
}

/* Where a value stands in a call; %s in each. */
static const struct {
	const char *before, *after;
	bool is_in_plugin;
	size_t depth;               /* of the value */
	size_t n_values, n_objects; /* without it */
} places[] = {
	{ "{\"template\":{\"plugin\":{\"hello\":", "}}}", true, 3, 3, 3 },
	{ "{\"template\":{\"plugin\":{\"hello\":{\"a\":", "}}}}", true, 4, 4,
	  4 },
	{ "{\"template\":{\"inputs\":", ",\"plugin\":{\"hello\":{}}}}", false,
	  2, 2, 2 },
	{ "{\"template\":{\"plugin\":{\"hello\":{}},\"inputs\":", "}}", false,
	  2, 4, 4 },
	{ "{\"workflow\":", ",\"template\":{\"plugin\":{\"hello\":{}}}}", false,
	  1, 1, 1 },
	{ "{\"template\":{\"plugin\":{\"hello\":{}}},\"workflow\":", "}", false,
	  1, 4, 4 },
};

enum {
	N_PLACES = sizeof(places) / sizeof(places[0])
};

/* Scan a call with `value` at a place; the limit must be as given. */
static void assert_limit(size_t place, const struct buf *value,
			 enum scan_limit limit)
{
	struct scan scan;
	struct buf text;

	buf_init(&text, 8 * 1024 * 1024);
	buf_add_text(&text, places[place].before);
	buf_add(&text, value->data, value->len);
	buf_add_text(&text, places[place].after);
	assert_false(text.cut);
	assert_int_equal(scan_call(text.data, text.len, &scan, NULL), 0);
	assert_int_equal(scan.limit, limit);
	assert_int_equal(scan.limit_is_in_plugin,
			 limit != SCAN_WITHIN && places[place].is_in_plugin);
	assert_int_equal(scan.n_keys, 1);
	assert_string_equal(scan.keys[0], "hello");
	buf_clear(&text);
}

static void row_33_depth_is_limited(void **state)
{
	static const size_t above[] = { 1, 2, 1000, 100000 };
	struct buf value;
	size_t most;

	(void)state;
	buf_init(&value, 1048576);
	for (size_t i = 0; i < N_PLACES; i++) {
		most = SCAN_DEPTH - places[i].depth;
		buf_reset(&value);
		add_times(&value, "[", most);
		add_times(&value, "]", most);
		assert_limit(i, &value, SCAN_WITHIN);
		for (size_t j = 0; j < ARRAY_LEN(above); j++) {
			buf_reset(&value);
			add_times(&value, "[", most + above[j]);
			add_times(&value, "]", most + above[j]);
			assert_limit(i, &value, SCAN_TOO_DEEP);
		}
	}
	buf_clear(&value);
}

/* `n` values more than places[place] has; what for is the last of them. */
static void add_array(struct buf *value, size_t n, const char *element)
{
	buf_reset(value);
	buf_add_char(value, '[');
	add_times(value, element, n - 1);
	if (n > 1)
		value->len--; /* the last comma */
	buf_add_char(value, ']');
}

static void row_32_values_are_limited(void **state)
{
	static const char *const elements[] = { "0,", "\"\",", "[],", "null," };
	size_t behind, most;
	struct buf value;

	(void)state;
	buf_init(&value, 1048576);
	for (size_t i = 0; i < N_PLACES; i++) {
		/* what follows the value counts, but elsewhere */
		behind = strstr(places[i].after, "hello") == NULL ? 0
			 : places[i].depth == 2                   ? 2
								  : 3;
		most = SCAN_VALUES - places[i].n_values - behind;
		for (size_t j = 0; j < ARRAY_LEN(elements); j++) {
			add_array(&value, most, elements[j]);
			assert_limit(i, &value, SCAN_WITHIN);
			add_array(&value, most + behind + 1, elements[j]);
			assert_limit(i, &value, SCAN_TOO_MANY_VALUES);
		}
	}
	buf_clear(&value);
}

static void row_32_objects_are_limited(void **state)
{
	struct buf value;

	(void)state;
	buf_init(&value, 1048576);
	for (size_t i = 0; i < N_PLACES; i++) {
		add_array(&value, SCAN_OBJECTS - 8, "{},");
		assert_limit(i, &value, SCAN_WITHIN);
		add_array(&value, SCAN_OBJECTS + 2, "{},");
		assert_limit(i, &value, SCAN_TOO_MANY_OBJECTS);
	}
	buf_clear(&value);
}

static void row_37_numbers_fit_or_are_noted(void **state)
{
	static const struct {
		const char *number;
		bool fits;
	} rows[] = {
		{ "0", true },
		{ "-0", true },
		{ "999999999999999999", true },
		{ "9223372036854775807", true },
		{ "-9223372036854775808", true },
		{ "9223372036854775808", false },
		{ "-9223372036854775809", false },
		{ "18446744073709551615", false },
		{ "99999999999999999999999", false },
		{ "0.1", true },
		{ "123456789012345678901234567890.5", true },
		{ "1e18", true },
		{ "1e308", true },
		{ "1.7976931348623157e308", true },
		{ "-1.7976931348623157e308", true },
		{ "1.8e308", false },
		{ "-1.8e308", false },
		{ "1e309", false },
		{ "1E309", false },
		{ "1e999999999999999999999", false },
		{ "0e999", true },
		{ "1e-400", true },
		{ "-1e-999999", true },
		{ "5e-324", true },
	};
	struct buf value;

	(void)state;
	buf_init(&value, 1048576);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&value);
		buf_add_text(&value, rows[i].number);
		for (size_t j = 0; j < N_PLACES; j++)
			assert_limit(j, &value,
				     rows[i].fits ? SCAN_WITHIN
						  : SCAN_NUMBER_RANGE);
	}
	buf_clear(&value);
}

static void row_37_numbers_of_hundreds_of_digits_are_noted(void **state)
{
	struct buf value;

	(void)state;
	buf_init(&value, 1048576);
	add_times(&value, "9", 399);
	assert_limit(0, &value, SCAN_NUMBER_RANGE);
	add_times(&value, "9", 100000);
	assert_limit(0, &value, SCAN_NUMBER_RANGE);
	buf_reset(&value);
	buf_add_text(&value, "0.");
	add_times(&value, "1", 397);
	assert_limit(0, &value, SCAN_WITHIN);
	add_times(&value, "1", 1);
	assert_limit(0, &value, SCAN_NUMBER_RANGE);
	buf_clear(&value);
}

static void the_first_limit_is_the_one_that_is_said(void **state)
{
	struct buf value;

	(void)state;
	buf_init(&value, 1048576);
	buf_add_text(&value, "[1e999,");
	add_times(&value, "[", 200);
	add_times(&value, "]", 200);
	buf_add_text(&value, "]");
	assert_limit(0, &value, SCAN_NUMBER_RANGE);
	buf_clear(&value);
}

static void each_limit_has_its_sentence(void **state)
{
	static const struct {
		enum scan_limit limit;
		const char *text;
	} rows[] = {
		{ SCAN_WITHIN, "" },
		{ SCAN_TOO_DEEP, "nested deeper than 128 levels" },
		{ SCAN_TOO_MANY_VALUES, "more than 20000 values" },
		{ SCAN_TOO_MANY_OBJECTS, "more than 2000 objects" },
		{ SCAN_NUMBER_RANGE,
		  "a number outside of 64-bit integers and doubles" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(scan_limit_text(rows[i].limit),
				    rows[i].text);
}

/* A foreign call may nest as deep as its body is long. */
static void row_33_a_million_levels_take_a_bit_each(void **state)
{
	struct scan scan;
	struct buf text;

	(void)state;
	buf_init(&text, 4 * 1024 * 1024);
	add_times(&text, "{\"a\":[", 300000);
	assert_int_equal(scan_call(text.data, text.len, &scan, NULL), -1);
	buf_add_text(&text, "0");
	add_times(&text, "]}", 300000);
	assert_int_equal(scan_call(text.data, text.len, &scan, NULL), 0);
	assert_int_equal(scan.limit, SCAN_TOO_DEEP);
	assert_int_equal(scan.n_objects, 300000);
	assert_int_equal(scan.n_values, 600001);
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_33_depth_is_limited),
		cmocka_unit_test(row_32_values_are_limited),
		cmocka_unit_test(row_32_objects_are_limited),
		cmocka_unit_test(row_37_numbers_fit_or_are_noted),
		cmocka_unit_test(
			row_37_numbers_of_hundreds_of_digits_are_noted),
		cmocka_unit_test(the_first_limit_is_the_one_that_is_said),
		cmocka_unit_test(each_limit_has_its_sentence),
		cmocka_unit_test(row_33_a_million_levels_take_a_bit_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
