#include "tests/unit/test.h"

#include <string.h>

#include "base/utf8.h"

static void a_character_has_1_to_4_bytes_or_is_none(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, want;
	} rows[] = {
		{ "a", 1, 1 },
		{ "\0", 1, 1 },
		{ "\x7f", 1, 1 },
		{ "\xc2\x80", 2, 2 },
		{ "\xdf\xbf", 2, 2 },
		{ "\xe0\xa0\x80", 3, 3 },
		{ "\xed\x9f\xbf", 3, 3 },
		{ "\xee\x80\x80", 3, 3 },
		{ "\xef\xbf\xbf", 3, 3 },
		{ "\xf0\x90\x80\x80", 4, 4 },
		{ "\xf4\x8f\xbf\xbf", 4, 4 },
		/* more bytes follow */
		{ "\xc3\xbcx", 3, 2 },
		/* a tail alone, overlong, surrogate, above U+10FFFF */
		{ "\x80", 1, 0 },
		{ "\xbf", 1, 0 },
		{ "\xc0\x80", 2, 0 },
		{ "\xc1\xbf", 2, 0 },
		{ "\xe0\x9f\xbf", 3, 0 },
		{ "\xed\xa0\x80", 3, 0 },
		{ "\xf0\x8f\xbf\xbf", 4, 0 },
		{ "\xf4\x90\x80\x80", 4, 0 },
		{ "\xf5\x80\x80\x80", 4, 0 },
		{ "\xff", 1, 0 },
		/* cut, or another byte where a tail belongs */
		{ "\xc3", 1, 0 },
		{ "\xe2\x82", 2, 0 },
		{ "\xf0\x90\x80", 3, 0 },
		{ "\xc3(", 2, 0 },
		{ "\xe2\x82(", 3, 0 },
		{ "\xf0\x90\x80(", 4, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(utf8_char_len(rows[i].bytes, rows[i].len),
				 rows[i].want);
}

static void a_cut_never_splits_a_character(void **state)
{
	static const struct {
		const char *text;
		size_t max, want;
	} rows[] = {
		{ "abc", 5, 3 },
		{ "abc", 3, 3 },
		{ "abc", 2, 2 },
		{ "abc", 0, 0 },
		{ "", 0, 0 },
		{ "a\xc3\xbc", 2, 1 },
		{ "a\xc3\xbc", 3, 3 },
		{ "\xe2\x82\xac\xe2\x82\xac", 5, 3 },
		{ "\xe2\x82\xac\xe2\x82\xac", 3, 3 },
		{ "\xf0\x9f\x98\x80x", 3, 0 },
		{ "\x80\x80\x80", 2, 0 }, /* no character at all */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(utf8_cut(rows[i].text, strlen(rows[i].text),
					  rows[i].max),
				 rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_character_has_1_to_4_bytes_or_is_none),
		cmocka_unit_test(a_cut_never_splits_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
