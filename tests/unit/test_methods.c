/*
 * test_methods: one method is ours; the rest is for a 404.
 */
#include "test.h"

#include "rpc/execute.h"
#include "rpc/methods.h"

static void template_execute_is_found(void **state)
{
	const struct method *method = methods_find("template.execute");

	(void)state;
	assert_non_null(method);
	assert_string_equal(method->name, "template.execute");
	assert_ptr_equal(method->run, execute_template);
}

static void other_names_are_not(void **state)
{
	static const char *const rows[] = {
		"",
		"template.execut",
		"template.executee",
		"template.execute/",
		"Template.execute",
		"template.terminate",
		"/template.execute",
		" template.execute",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_null(methods_find(rows[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(template_execute_is_found),
		cmocka_unit_test(other_names_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
