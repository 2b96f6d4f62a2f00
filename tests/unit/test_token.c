/*
 * token: files that are a token, and all others.
 */
#include "test.h"

#include "base/log.h"
#include "folder.h"
#include "supervisor/token.h"

#define GOOD  "wEvtPCkfSMHPLgtj8LkmSLVWYB3jHJUL"
#define OTHER "x9Nn2P7cDq4TgkXy5vLwRzBs8mHfJtQe"

static int start(struct token *token, struct board *board, const char *path,
		 struct error *err)
{
	static struct options options;

	memset(&options, 0, sizeof(options));
	memset(err, 0, sizeof(*err));
	options.token_file = path;
	return token_start(token, &options, board, err);
}

static void assert_token(const struct board *board, const char *wanted)
{
	char text[BOARD_TOKEN_BYTES];

	assert_int_equal(board_get_token(board, text), TOKEN_READY);
	assert_memory_equal(text, wanted, BOARD_TOKEN_BYTES);
}

static void white_space_behind_a_token_is_dropped(void **state)
{
	static const char *const ends[] = { "", "\n", "\r\n", " \n", "\t" };
	struct board *board = board_new(NULL);
	struct token token;
	struct error err;
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		snprintf(text, sizeof(text), "%s%s", GOOD, ends[i]);
		folder_write(*state, "token", text);
		assert_int_equal(start(&token, board,
				       folder_path(*state, "token"), &err),
				 0);
		assert_token(board, GOOD);
	}
}

static void row_30_what_is_no_token_ends_the_start(void **state)
{
	static const char *const rows[] = {
		"",
		"\n",
		"short",
		GOOD "x",
		GOOD "\n" OTHER,
		" wEvtPCkfSMHPLgtj8LkmSLVWYB3jHJU",
		"wEvtPCkfSMHP gtj8LkmSLVWYB3jHJUL",
		"wEvtPCkfSMHP\x7f"
		"gtj8LkmSLVWYB3jHJUL",
		"wEvtPCkfSMHP\xff"
		"gtj8LkmSLVWYB3jHJUL",
	};
	const char *path = folder_path(*state, "token");
	struct board *board = board_new(NULL);
	struct token token;
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		folder_write(*state, "token", rows[i]);
		assert_int_equal(start(&token, board, path, &err), -1);
		assert_int_equal(err.code, ERROR_CONFIG);
		assert_non_null(strstr(err.text, path));
		assert_null(strstr(err.text, "wEvt"));
	}
}

static void row_30_only_regular_files_are_read(void **state)
{
	const char *folder = folder_path(*state, "folder");
	const char *fifo = folder_path(*state, "fifo");
	const char *rows[] = { folder, fifo, "/dev/zero" };
	struct board *board = board_new(NULL);
	struct token token;
	struct error err;

	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(start(&token, board, rows[i], &err), -1);
		assert_int_equal(err.code, ERROR_CONFIG);
	}
}

static void row_30_a_missing_file_is_waited_for(void **state)
{
	const char *path = folder_path(*state, "token");
	struct board *board = board_new(NULL);
	char text[BOARD_TOKEN_BYTES];
	struct token token;
	struct error err;

	assert_int_equal(start(&token, board, path, &err), 0);
	assert_int_equal(board_get_token(board, text), TOKEN_MISSING);
	assert_non_null(strstr(board->token_problem, path));
	token_check(&token);
	assert_int_equal(board_get_token(board, text), TOKEN_MISSING);
	folder_write(*state, "token", "half");
	token_check(&token);
	assert_int_equal(board_get_token(board, text), TOKEN_MISSING);
	folder_write(*state, "token", GOOD);
	token_check(&token);
	assert_token(board, GOOD);
}

static void row_30_the_last_good_token_stays(void **state)
{
	const char *path = folder_path(*state, "token");
	struct board *board = board_new(NULL);
	struct token token;
	struct error err;

	folder_write(*state, "token", GOOD);
	assert_int_equal(start(&token, board, path, &err), 0);
	folder_write(*state, "token", "bad");
	token_check(&token);
	assert_token(board, GOOD);
	unlink(path);
	token_check(&token);
	token_check(&token);
	assert_token(board, GOOD);
	folder_write(*state, "token", OTHER);
	token_check(&token);
	assert_token(board, OTHER);
}

static void row_30_an_unreadable_file_is_explained(void **state)
{
	const char *path = folder_path(*state, "token");
	char text[BOARD_TOKEN_BYTES];
	struct error err = ERROR_INIT;

	if (geteuid() != 0)
		skip();
	folder_write(*state, "token", GOOD);
	assert_int_equal(chmod(path, 0440), 0);
	assert_int_equal(chown(path, 8737, 0), 0);
	assert_int_equal(chmod(((struct folder *)*state)->path, 0755), 0);
	assert_int_equal(setegid(12345), 0);
	assert_int_equal(seteuid(12345), 0);
	assert_int_equal(token_read(path, text, &err), -1);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
	assert_int_equal(err.code, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "uid 12345 gid 12345"));
	assert_non_null(strstr(err.text, "mode 0440, owner 8737:0"));
	assert_non_null(strstr(err.text, "runAsGroup: 0"));
}

static void no_auth_reads_nothing(void **state)
{
	struct options options = { .no_auth = true, .token_file = "/nowhere" };
	struct board *board = board_new(NULL);
	char text[BOARD_TOKEN_BYTES];
	struct error err = ERROR_INIT;
	struct token token;

	(void)state;
	assert_int_equal(token_start(&token, &options, board, &err), 0);
	token_check(&token);
	assert_int_equal(board_get_token(board, text), TOKEN_OFF);
}

#define ROW(test)                                                              \
	cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(white_space_behind_a_token_is_dropped),
		ROW(row_30_what_is_no_token_ends_the_start),
		ROW(row_30_only_regular_files_are_read),
		ROW(row_30_a_missing_file_is_waited_for),
		ROW(row_30_the_last_good_token_stays),
		ROW(row_30_an_unreadable_file_is_explained),
		ROW(no_auth_reads_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
