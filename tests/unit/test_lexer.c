/*
 * test_lexer: one token at a time; test_scan has the whole texts.
 */
#include "test.h"

#include <string.h>

#include "rpc/lexer.h"

static void lexer_begin(struct lexer *lexer, const char *text,
			struct error *err)
{
	memset(lexer, 0, sizeof(*lexer));
	lexer->begin = lexer->at = text;
	lexer->end = text + strlen(text);
	lexer->err = err;
}

static void a_token_ends_where_the_next_begins(void **state)
{
	static const struct {
		int (*read)(struct lexer *lexer);
		const char *text;
		size_t len;
	} rows[] = {
		{ lexer_string, "\"\"", 2 },
		{ lexer_string, "\"a\\\"b\" \"c\"", 6 },
		{ lexer_string, "\"\\\\\"\"", 4 },
		{ lexer_string, "\"\\u0022\"\"", 8 },
		{ lexer_string, "\"\xe2\x82\xac\"x", 5 },
		{ lexer_name, "\"a\":1", 3 },
		{ lexer_number, "0,1", 1 },
		{ lexer_number, "-12.5e+3]", 8 },
		{ lexer_number, "12}", 2 },
		{ lexer_number, "1.5 ", 3 },
	};
	struct lexer lexer;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		lexer_begin(&lexer, rows[i].text, NULL);
		assert_int_equal(rows[i].read(&lexer), 0);
		assert_int_equal(lexer.at - lexer.begin, rows[i].len);
	}
}

static void a_name_is_unescaped(void **state)
{
	static const struct {
		const char *text;
		const char *name;
	} rows[] = {
		{ "\"\"", "" },
		{ "\"plain name\"", "plain name" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
		{ "\"\\u0041\\u00e4\\u20ac\"", "A\xc3\xa4\xe2\x82\xac" },
		{ "\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
		  "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf" },
		{ "\"\\ud800\\udc00\\uDBFF\\uDFFF\"",
		  "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
		{ "\"\\ud800\"", "\xef\xbf\xbd" },
		{ "\"\\udc00\\ud800\"", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\"\\ud800\\u0041\"", "\xef\xbf\xbd"
					"A" },
		{ "\"\\ud800\\n\"", "\xef\xbf\xbd\n" },
	};
	struct lexer lexer;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		lexer_begin(&lexer, rows[i].text, NULL);
		assert_int_equal(lexer_name(&lexer), 0);
		assert_string_equal(lexer.name, rows[i].name);
	}
}

static void a_name_is_kept_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *end; /* behind 60 letters */
		size_t len;
	} rows[] = {
		{ "abc", 63 },     { "abcd", 0 },      { "\\n\\n\\n", 63 },
		{ "\\u20ac", 63 }, { "a\\u20ac", 0 },  { "\xe2\x82\xac", 63 },
		{ "\\u20acb", 0 }, { "\\u20acbc", 0 }, { "ab\xc3\xa4", 0 },
	};
	struct lexer lexer;
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memset(text, 'x', 61);
		text[0] = '"';
		memcpy(text + 61, rows[i].end, strlen(rows[i].end));
		memcpy(text + 61 + strlen(rows[i].end), "\"", 2);
		lexer_begin(&lexer, text, NULL);
		assert_int_equal(lexer_name(&lexer), 0);
		assert_int_equal(strlen(lexer.name), rows[i].len);
	}
	/* The next one is not hurt by it. */
	lexer_begin(&lexer, "\"a\"", NULL);
	assert_int_equal(lexer_name(&lexer), 0);
	assert_string_equal(lexer.name, "a");
}

static void a_nul_is_refused_in_a_name_only(void **state)
{
	struct error err = ERROR_INIT;
	struct lexer lexer;

	(void)state;
	lexer_begin(&lexer, "\"a\\u0000\"", &err);
	assert_int_equal(lexer_string(&lexer), 0);
	lexer_begin(&lexer, "\"a\\u0000\"", &err);
	assert_int_equal(lexer_name(&lexer), -1);
	assert_int_equal(err.code, ERROR_INPUT);
	assert_string_equal(err.text, "the body is not JSON: \\u0000 in a "
				      "member name at byte 8");
}

static void row_37_numbers_that_do_not_fit_are_odd(void **state)
{
	static const struct {
		const char *text;
		bool is_odd;
	} rows[] = {
		{ "9223372036854775807", false },
		{ "9223372036854775808", true },
		{ "-9223372036854775808", false },
		{ "-9223372036854775809", true },
		{ "9223372036854775808.0", false },
		{ "1e308", false },
		{ "1e309", true },
		{ "1e-999", false },
	};
	struct lexer lexer;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		lexer_begin(&lexer, rows[i].text, NULL);
		assert_int_equal(lexer_number(&lexer), 0);
		assert_int_equal(lexer.number_is_odd, rows[i].is_odd);
	}
}

static void a_word_is_taken_whole(void **state)
{
	struct error err = ERROR_INIT;
	struct lexer lexer;

	(void)state;
	lexer_begin(&lexer, "true,", &err);
	assert_int_equal(lexer_word(&lexer, "true"), 0);
	assert_true(lexer_is(&lexer, ','));
	lexer_begin(&lexer, "tru", &err);
	assert_int_equal(lexer_word(&lexer, "true"), -1);
	assert_string_equal(err.text,
			    "the body is not JSON: an unknown word at byte 0");
}

static void white_space_is_four_characters(void **state)
{
	struct lexer lexer;

	(void)state;
	lexer_begin(&lexer, " \t\r\n\f ", NULL);
	lexer_space(&lexer);
	assert_true(lexer_is(&lexer, '\f'));
	lexer_begin(&lexer, "  ", NULL);
	lexer_space(&lexer);
	assert_ptr_equal(lexer.at, lexer.end);
	assert_false(lexer_is(&lexer, '\0'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_ends_where_the_next_begins),
		cmocka_unit_test(a_name_is_unescaped),
		cmocka_unit_test(a_name_is_kept_whole_or_not_at_all),
		cmocka_unit_test(a_nul_is_refused_in_a_name_only),
		cmocka_unit_test(row_37_numbers_that_do_not_fit_are_odd),
		cmocka_unit_test(a_word_is_taken_whole),
		cmocka_unit_test(white_space_is_four_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
