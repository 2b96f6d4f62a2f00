/*
 * test_auth: whoever has the token, and nobody else.
 */
#include "test.h"

#include <string.h>

#include "rpc/auth.h"

#define TOKEN "0123456789abcdefghijklmnopqrstuv"

static void only_the_exact_token_passes(void **state)
{
	static const struct {
		const char *authorization;
		enum auth_verdict verdict;
	} rows[] = {
		{ "Bearer " TOKEN, AUTH_OK },
		{ "bearer " TOKEN, AUTH_OK },
		{ "BEARER " TOKEN, AUTH_OK },
		{ "Bearer   " TOKEN, AUTH_OK },
		{ "", AUTH_DENIED },
		{ "Bearer", AUTH_DENIED },
		{ "Bearer ", AUTH_DENIED },
		{ "Bearer" TOKEN, AUTH_DENIED },
		{ "Bearer\t" TOKEN, AUTH_DENIED },
		{ "Bearer \t" TOKEN, AUTH_DENIED },
		{ " Bearer " TOKEN, AUTH_DENIED },
		{ "Bearer " TOKEN " ", AUTH_DENIED },
		{ "Bearer " TOKEN "\n", AUTH_DENIED },
		{ "Bearer " TOKEN "w", AUTH_DENIED },
		{ "Bearer " TOKEN TOKEN, AUTH_DENIED },
		{ "Bearer " TOKEN ", Bearer " TOKEN, AUTH_DENIED },
		{ "Bearer 0123456789abcdefghijklmnopqrstu", AUTH_DENIED },
		{ "Bearer 1123456789abcdefghijklmnopqrstuv", AUTH_DENIED },
		{ "Bearer 0123456789abcdefghijklmnopqrstuw", AUTH_DENIED },
		{ "Bearer 0123456789ABCDEFGHIJKLMNOPQRSTUV", AUTH_DENIED },
		{ "Basic " TOKEN, AUTH_DENIED },
		{ "Token " TOKEN, AUTH_DENIED },
		{ TOKEN, AUTH_DENIED },
	};
	struct board *board = board_new(NULL);

	(void)state;
	assert_non_null(board);
	board_set_token(board, TOKEN);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(auth_check(board, rows[i].authorization),
				 rows[i].verdict);
}

static void nobody_passes_before_there_is_a_token(void **state)
{
	static const char zeros[] = "Bearer "
				    "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
				    "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1";
	struct board *board = board_new(NULL);

	(void)state;
	assert_non_null(board);
	assert_int_equal(auth_check(board, ""), AUTH_NOT_READY);
	assert_int_equal(auth_check(board, zeros), AUTH_NOT_READY);
	board_set_no_token(board, TOKEN_MISSING, "no file");
	assert_int_equal(auth_check(board, "Bearer "), AUTH_NOT_READY);
}

static void everybody_passes_without_auth(void **state)
{
	struct board *board = board_new(NULL);

	(void)state;
	assert_non_null(board);
	board_set_no_token(board, TOKEN_OFF, "");
	assert_int_equal(auth_check(board, ""), AUTH_OK);
	assert_int_equal(auth_check(board, "Basic x"), AUTH_OK);
}

static void a_token_that_has_changed_replaces_the_old_one(void **state)
{
	struct board *board = board_new(NULL);

	(void)state;
	assert_non_null(board);
	board_set_token(board, TOKEN);
	board_set_token(board, "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345");
	assert_int_equal(auth_check(board, "Bearer " TOKEN), AUTH_DENIED);
	assert_int_equal(
		auth_check(board, "Bearer ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"),
		AUTH_OK);
	board_set_no_token(board, TOKEN_MISSING, "gone");
	assert_int_equal(
		auth_check(board, "Bearer ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"),
		AUTH_NOT_READY);
}

/* A writer that was killed halfway must not hold up a worker. */
static void a_token_that_is_half_written_is_not_ready(void **state)
{
	struct board *board = board_new(NULL);

	(void)state;
	assert_non_null(board);
	board_set_token(board, TOKEN);
	board->token_version++;
	assert_int_equal(auth_check(board, "Bearer " TOKEN), AUTH_NOT_READY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_exact_token_passes),
		cmocka_unit_test(nobody_passes_before_there_is_a_token),
		cmocka_unit_test(everybody_passes_without_auth),
		cmocka_unit_test(a_token_that_has_changed_replaces_the_old_one),
		cmocka_unit_test(a_token_that_is_half_written_is_not_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
