/*
 * test_node: a node keeps within what Argo can store.
 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rpc/node.h"

/* n times the text, on the heap. */
static char *repeat(const char *text, size_t n)
{
	size_t len = strlen(text);
	char *all = mem_alloc(len * n + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(all + i * len, text, len);
	all[len * n] = '\0';
	return all;
}

static void each_verb_sets_its_phase_and_the_message(void **state)
{
	struct arena arena;
	struct node node;

	(void)state;
	arena_init(&arena);
	node_init(&node, &arena);
	assert_int_equal(node.phase, NODE_UNKNOWN);
	assert_null(node.message);
	node_run(&node, "%d of %d", 1, 2);
	assert_int_equal(node.phase, NODE_RUNNING);
	assert_string_equal(node.message, "1 of 2");
	node_fail(&node, "no %s", "disk");
	assert_int_equal(node.phase, NODE_FAILED);
	assert_string_equal(node.message, "no disk");
	node_succeed(&node, "done");
	assert_int_equal(node.phase, NODE_SUCCEEDED);
	assert_string_equal(node.message, "done");
	node_set(&node, NODE_ERROR, "100%s");
	assert_int_equal(node.phase, NODE_ERROR);
	assert_string_equal(node.message, "100%s");
	arena_clear(&arena);
}

static void a_long_message_is_cut_at_a_character(void **state)
{
	static const struct {
		const char *piece;
		size_t n, kept;
	} rows[] = {
		{ "x", NODE_MESSAGE_BYTES, NODE_MESSAGE_BYTES },
		{ "x", NODE_MESSAGE_BYTES + 1, NODE_MESSAGE_BYTES },
		{ "\xe2\x82\xac", 2000, NODE_MESSAGE_BYTES / 3 * 3 },
		{ "\xf0\x9f\x98\x80", 2000, NODE_MESSAGE_BYTES },
	};
	struct arena arena;
	struct node node;
	char *text;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		text = repeat(rows[i].piece, rows[i].n);
		node_init(&node, &arena);
		node_succeed(&node, "%s", text);
		assert_int_equal(strlen(node.message), rows[i].kept);
		assert_memory_equal(node.message, text, rows[i].kept);
		free(text);
	}
	arena_clear(&arena);
}

static void parameters_are_copied_and_keep_their_order(void **state)
{
	char name[] = "a", value[] = "1";
	struct arena arena;
	struct node node;

	(void)state;
	arena_init(&arena);
	node_init(&node, &arena);
	assert_int_equal(node_add_parameter(&node, name, value, NULL), 0);
	name[0] = 'b';
	value[0] = '2';
	assert_int_equal(node_add_parameter(&node, name, value, NULL), 0);
	assert_string_equal(node.parameters->name, "a");
	assert_string_equal(node.parameters->value, "1");
	assert_string_equal(node.parameters->next->name, "b");
	assert_string_equal(node.parameters->next->value, "2");
	assert_null(node.parameters->next->next);
	arena_clear(&arena);
}

static void refuses_parameters_that_argo_cannot_take(void **state)
{
	static const struct {
		const char *name;
		size_t value_bytes;
		const char *text;
	} rows[] = {
		{ "", 1, "outputs: a parameter without a name" },
		{ "taken", 1, "outputs: two parameters 'taken'" },
		{ "big", NODE_OUTPUTS_BYTES,
		  "outputs: parameter 'big' makes them larger than 262144 "
		  "bytes" },
	};
	struct arena arena;
	struct error err;
	struct node node;
	char *value;

	(void)state;
	arena_init(&arena);
	node_init(&node, &arena);
	assert_int_equal(node_add_parameter(&node, "taken", "", NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		err = (struct error)ERROR_INIT;
		value = repeat("v", rows[i].value_bytes);
		assert_int_equal(
			node_add_parameter(&node, rows[i].name, value, &err),
			-1);
		assert_int_equal(err.code, ERROR_INPUT);
		assert_string_equal(err.text, rows[i].text);
		assert_null(node.parameters->next);
		free(value);
	}
	arena_clear(&arena);
}

static void outputs_are_limited_together(void **state)
{
	char *half = repeat("h", NODE_OUTPUTS_BYTES / 2 - 1);
	struct arena arena;
	struct node node;

	(void)state;
	arena_init(&arena);
	node_init(&node, &arena);
	assert_int_equal(node_add_parameter(&node, "a", half, NULL), 0);
	assert_int_equal(node_add_parameter(&node, "b", half, NULL), 0);
	assert_int_equal(node_add_parameter(&node, "c", "", NULL), -1);
	arena_clear(&arena);
	free(half);
}

static void progress_never_exceeds_its_total(void **state)
{
	struct arena arena;
	struct node node;

	(void)state;
	arena_init(&arena);
	node_init(&node, &arena);
	node_set_progress(&node, 3, 10);
	assert_int_equal(node.progress[0], 3);
	assert_int_equal(node.progress[1], 10);
	node_set_progress(&node, 11, 10);
	assert_int_equal(node.progress[0], 10);
	arena_clear(&arena);
}

static void phases_have_argos_names(void **state)
{
	static const struct {
		enum node_phase phase;
		const char *name;
		bool is_terminal;
	} rows[] = {
		{ NODE_UNKNOWN, "", false },
		{ NODE_PENDING, "Pending", false },
		{ NODE_RUNNING, "Running", false },
		{ NODE_SUCCEEDED, "Succeeded", true },
		{ NODE_FAILED, "Failed", true },
		{ NODE_ERROR, "Error", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(node_phase_name(rows[i].phase),
				    rows[i].name);
		assert_int_equal(node_phase_is_terminal(rows[i].phase),
				 rows[i].is_terminal);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_verb_sets_its_phase_and_the_message),
		cmocka_unit_test(a_long_message_is_cut_at_a_character),
		cmocka_unit_test(parameters_are_copied_and_keep_their_order),
		cmocka_unit_test(refuses_parameters_that_argo_cannot_take),
		cmocka_unit_test(outputs_are_limited_together),
		cmocka_unit_test(progress_never_exceeds_its_total),
		cmocka_unit_test(phases_have_argos_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
