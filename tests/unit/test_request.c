#include "tests/unit/test.h"

#include "http/request.h"

static void a_query_value_is_found_by_its_whole_name(void **state)
{
	static const struct {
		const char *query, *want;
	} rows[] = {
		{ "format=json", "json" },
		{ "a=1&format=json", "json" },
		{ "format=json&a=1", "json" },
		{ "format=one&format=two", "one" },
		{ "format=", "" },
		{ "format", "" },
		{ "", "" },
		{ "&&&", "" },
		{ "&format=json&", "json" },
		{ "xformat=json", "" },
		{ "formatx=json", "" },
		{ "FORMAT=json", "" },
		{ "format=a=b", "a=b" },
		{ "format=%6a", "%6a" },
		{ "format=longer-than-it-may-be", "longer-" },
	};
	char value[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request request = { .query = rows[i].query };

		request_query_value(&request, "format", value, sizeof(value));
		assert_string_equal(value, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_value_is_found_by_its_whole_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
