#include "tests/unit/test.h"

#include <string.h>

#include "base/arena.h"

static void pieces_are_aligned_and_apart(void **state)
{
	struct arena arena;
	char *pieces[200];

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		pieces[i] = arena_alloc(&arena, i);
		assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t),
				 0);
		memset(pieces[i], (int)i, i);
	}
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		for (size_t j = 0; j < i; j++)
			assert_int_equal((unsigned char)pieces[i][j], i);
	}
	arena_clear(&arena);
}

static void a_large_piece_fits(void **state)
{
	struct arena arena;
	char *small, *large;

	(void)state;
	arena_init(&arena);
	small = arena_strndup(&arena, "small", 5);
	large = arena_alloc(&arena, 300000);
	memset(large, 'x', 300000);
	assert_string_equal(small, "small");
	arena_clear(&arena);
}

static void texts_are_copied_joined_and_formatted(void **state)
{
	struct arena arena;
	char word[600];

	(void)state;
	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	arena_init(&arena);
	assert_string_equal(arena_strndup(&arena, "abcdef", 3), "abc");
	assert_string_equal(arena_strndup(&arena, "", 0), "");
	assert_string_equal(arena_join(&arena, "ab", "cd"), "abcd");
	assert_string_equal(arena_join(&arena, "", ""), "");
	assert_string_equal(arena_printf(&arena, "%d %s", 7, "x"), "7 x");
	assert_string_equal(arena_printf(&arena, "%s", ""), "");
	assert_string_equal(arena_printf(&arena, "%s", word), word);
	arena_clear(&arena);
}

static void a_reset_keeps_one_small_block_to_use_again(void **state)
{
	struct arena arena;
	void *first;

	(void)state;
	arena_init(&arena);
	first = arena_alloc(&arena, 10);
	arena_alloc(&arena, 100000);
	arena_alloc(&arena, 100000);
	arena_reset(&arena);
	assert_non_null(arena.blocks);
	assert_ptr_equal(arena_alloc(&arena, 10), first);
	arena_clear(&arena);
	assert_null(arena.blocks);
	arena_reset(&arena);
	assert_non_null(arena_alloc(&arena, 1));
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_aligned_and_apart),
		cmocka_unit_test(a_large_piece_fits),
		cmocka_unit_test(texts_are_copied_joined_and_formatted),
		cmocka_unit_test(a_reset_keeps_one_small_block_to_use_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
