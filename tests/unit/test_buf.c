#include "tests/unit/test.h"

#include <limits.h>
#include <string.h>

#include "base/buf.h"

static void appending_gives_one_text(void **state)
{
	char word[600];
	struct buf buf;

	(void)state;
	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	buf_init(&buf, 10000);
	assert_string_equal(buf_text(&buf), "");
	buf_add(&buf, "abc", 2);
	buf_add_char(&buf, '-');
	buf_add_text(&buf, "cd");
	buf_printf(&buf, "%d%s", 7, "");
	assert_string_equal(buf_text(&buf), "ab-cd7");
	assert_int_equal(buf.len, 6);
	buf_printf(&buf, "%s", word);
	assert_int_equal(buf.len, 605);
	assert_string_equal(buf_text(&buf) + 6, word);
	assert_false(buf.cut);
	buf_clear(&buf);
	assert_int_equal(buf.limit, 10000);
}

static void numbers_are_decimal(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 200);
	buf_add_number(&buf, 0);
	buf_add_char(&buf, ' ');
	buf_add_number(&buf, -17);
	buf_add_char(&buf, ' ');
	buf_add_number(&buf, LLONG_MAX);
	buf_add_char(&buf, ' ');
	buf_add_number(&buf, LLONG_MIN);
	assert_string_equal(buf_text(&buf), "0 -17 9223372036854775807 "
					    "-9223372036854775808");
	buf_clear(&buf);
}

static void what_exceeds_the_limit_is_dropped_and_said(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 5);
	buf_add_text(&buf, "12345");
	assert_false(buf.cut);
	buf_add(&buf, "", 0);
	assert_false(buf.cut);
	buf_add_text(&buf, "6");
	assert_true(buf.cut);
	assert_string_equal(buf_text(&buf), "12345");
	buf_reset(&buf);
	assert_false(buf.cut);
	assert_string_equal(buf_text(&buf), "");
	buf_printf(&buf, "%s", "1234567");
	assert_true(buf.cut);
	assert_string_equal(buf_text(&buf), "12345");
	buf_clear(&buf);
}

static void dropping_moves_the_rest_to_the_front(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	buf_drop(&buf, 0);
	buf_add_text(&buf, "abcdef");
	buf_drop(&buf, 2);
	assert_string_equal(buf_text(&buf), "cdef");
	buf_drop(&buf, 0);
	buf_drop(&buf, 4);
	assert_string_equal(buf_text(&buf), "");
	assert_int_equal(buf.len, 0);
	buf_clear(&buf);
}

static void bytes_may_be_0(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	buf_add(&buf, "a\0b", 3);
	assert_int_equal(buf.len, 3);
	assert_memory_equal(buf.data, "a\0b", 4);
	buf_clear(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appending_gives_one_text),
		cmocka_unit_test(numbers_are_decimal),
		cmocka_unit_test(what_exceeds_the_limit_is_dropped_and_said),
		cmocka_unit_test(dropping_moves_the_rest_to_the_front),
		cmocka_unit_test(bytes_may_be_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
