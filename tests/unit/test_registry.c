/*
 * test_registry: each key has one handler, and --handlers chooses.
 */
#include "test.h"

#include <stdio.h>

#include "handlers/registry.h"

static const struct handler handler_other = { .key = "other" };
static const struct handler handler_double = { .key = "hello" };

static void built_in_handlers_are_found_by_key(void **state)
{
	struct registry registry;

	(void)state;
	registry_init(&registry);
	assert_int_equal(registry.n, 2);
	assert_int_equal(registry_find(&registry, "hello"), 0);
	assert_int_equal(registry_find(&registry, "howdy"), 1);
	assert_int_equal(registry_find(&registry, "Hello"), -1);
	assert_int_equal(registry_find(&registry, ""), -1);
	assert_int_equal(registry_find(&registry, "hello "), -1);
	assert_string_equal(registry.keys[1], "howdy");
	assert_string_equal(registry.handlers[1]->key, "howdy");
}

static void a_handler_can_be_added_once(void **state)
{
	struct error err = ERROR_INIT;
	struct registry registry;

	(void)state;
	registry_init(&registry);
	assert_int_equal(registry_add(&registry, &handler_other, &err), 0);
	assert_int_equal(registry_find(&registry, "other"), 2);
	assert_int_equal(registry_add(&registry, &handler_double, &err), -1);
	assert_int_equal(err.code, ERROR_CONFIG);
	assert_string_equal(err.text, "two handlers for the key 'hello'");
	assert_int_equal(registry.n, 3);
}

static void there_is_room_for_as_many_as_the_board_counts(void **state)
{
	static struct handler handlers[BOARD_HANDLERS];
	static char keys[BOARD_HANDLERS][8];
	struct error err = ERROR_INIT;
	struct registry registry;

	(void)state;
	registry_init(&registry);
	for (size_t i = registry.n; i < BOARD_HANDLERS; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		handlers[i].key = keys[i];
		assert_int_equal(registry_add(&registry, &handlers[i], &err),
				 0);
	}
	assert_int_equal(registry_add(&registry, &handler_other, &err), -1);
	assert_int_equal(err.code, ERROR_CONFIG);
	assert_string_equal(err.text, "more than 128 handlers");
}

static void a_list_keeps_its_keys_in_the_old_order(void **state)
{
	static const struct {
		const char *list;
		size_t n;
		const char *first;
	} rows[] = {
		{ NULL, 3, "hello" },
		{ "hello", 1, "hello" },
		{ "howdy", 1, "howdy" },
		{ "other,hello", 2, "hello" },
		{ "howdy,howdy", 1, "howdy" },
		{ "other,howdy,hello", 3, "hello" },
	};
	struct registry registry;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		registry_init(&registry);
		registry_add(&registry, &handler_other, NULL);
		assert_int_equal(registry_select(&registry, rows[i].list, NULL),
				 0);
		assert_int_equal(registry.n, rows[i].n);
		assert_string_equal(registry.keys[0], rows[i].first);
	}
}

static void a_list_with_an_unknown_key_is_refused(void **state)
{
	static const struct {
		const char *list;
		const char *text;
	} rows[] = {
		{ "nobody", "--handlers: there is no handler 'nobody'" },
		{ "hello,nobody", "--handlers: there is no handler 'nobody'" },
		{ "hell", "--handlers: there is no handler 'hell'" },
		{ "", "--handlers: there is no handler ''" },
		{ "hello,", "--handlers: there is no handler ''" },
		{ ",hello", "--handlers: there is no handler ''" },
		{ "hello, howdy", "--handlers: there is no handler ' howdy'" },
	};
	struct registry registry;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		err = (struct error)ERROR_INIT;
		registry_init(&registry);
		assert_int_equal(registry_select(&registry, rows[i].list, &err),
				 -1);
		assert_int_equal(err.code, ERROR_CONFIG);
		assert_string_equal(err.text, rows[i].text);
		assert_int_equal(registry.n, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in_handlers_are_found_by_key),
		cmocka_unit_test(a_handler_can_be_added_once),
		cmocka_unit_test(there_is_room_for_as_many_as_the_board_counts),
		cmocka_unit_test(a_list_keeps_its_keys_in_the_old_order),
		cmocka_unit_test(a_list_with_an_unknown_key_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
