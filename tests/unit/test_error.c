#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

static void the_first_sentence_wins(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(error_set(&err, ERROR_INPUT, "the %s one", "inner"),
			 -1);
	assert_int_equal(error_set(&err, ERROR_INTERNAL, "outer"), -1);
	errno = ENOENT;
	assert_int_equal(error_sys(&err, "outer"), -1);
	assert_int_equal(err.code, ERROR_INPUT);
	assert_string_equal(err.text, "the inner one");
}

static void a_system_error_says_errno_and_keeps_it(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	errno = ENOENT;
	assert_int_equal(error_sys(&err, "cannot open '%s'", "x"), -1);
	assert_int_equal(err.code, ERROR_SYSTEM);
	assert_string_equal(err.text,
			    "cannot open 'x': No such file or directory");
	assert_int_equal(errno, ENOENT);
}

static void null_is_allowed_and_still_fails(void **state)
{
	(void)state;
	errno = EINTR;
	assert_int_equal(error_set(NULL, ERROR_INPUT, "x"), -1);
	assert_int_equal(error_sys(NULL, "x"), -1);
	assert_int_equal(errno, EINTR);
}

static void a_long_text_is_cut_and_ends(void **state)
{
	struct error err = ERROR_INIT;
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	errno = ENOENT;
	error_sys(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_sentence_wins),
		cmocka_unit_test(a_system_error_says_errno_and_keeps_it),
		cmocka_unit_test(null_is_allowed_and_still_fails),
		cmocka_unit_test(a_long_text_is_cut_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
