#include "tests/unit/test.h"

#include <stdbool.h>
#include <string.h>

#include "base/digest.h"

static void equal_bytes_have_equal_digests(void **state)
{
	char one[64], two[80];

	(void)state;
	memset(one, 'x', sizeof(one));
	memset(two, 'x', sizeof(two));
	for (size_t len = 0; len <= sizeof(one); len++)
		assert_true(digest_of(one, len) == digest_of(two + 3, len));
}

/* Lengths around the step of eight bytes, and zeros, are told apart. */
static void other_bytes_have_other_digests(void **state)
{
	char zeros[40] = { 0 }, changed[40];
	uint64_t seen[40];

	(void)state;
	for (size_t len = 0; len < ARRAY_LEN(seen); len++) {
		seen[len] = digest_of(zeros, len);
		assert_true(seen[len] != 0);
		for (size_t i = 0; i < len; i++)
			assert_true(seen[i] != seen[len]);
	}
	for (size_t i = 0; i < sizeof(changed); i++) {
		for (int bit = 0; bit < 8; bit++) {
			memset(changed, 0, sizeof(changed));
			changed[i] = (char)(1 << bit);
			assert_true(digest_of(changed, sizeof(changed)) !=
				    digest_of(zeros, sizeof(zeros)));
		}
	}
}

static void a_call_that_differs_in_one_word_is_another(void **state)
{
	const char *one = "{\"template\":{\"plugin\":{\"hello\":{}}}}";
	const char *two = "{\"template\":{\"plugin\":{\"howdy\":{}}}}";

	(void)state;
	assert_true(digest_of(one, strlen(one)) != digest_of(two, strlen(two)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_bytes_have_equal_digests),
		cmocka_unit_test(other_bytes_have_other_digests),
		cmocka_unit_test(a_call_that_differs_in_one_word_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
