/*
 * token: read, checked, published; looked at again when the file changed.
 */
#include "supervisor/token.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

enum {
	TOKEN_FILE_BYTES = 4096,
	TOKEN_FRESH_S = 2
};

/* errno says why path could not be read. */
static int token_refuse(const char *path, struct error *err)
{
	int why = errno;
	char reason[96];
	struct stat st;

	if (why == ENOENT)
		return error_set(err, ERROR_LATER,
				 "the token file '%s' is not there yet", path);
	if (why != EACCES)
		return error_set(err, ERROR_CONFIG,
				 "cannot read the token file '%s': %s", path,
				 strerror_r(why, reason, sizeof(reason)));
	if (stat(path, &st) < 0)
		return error_set(err, ERROR_CONFIG,
				 "uid %u gid %u may not enter the folder of "
				 "the token file '%s': set runAsUser: 8737 and "
				 "runAsGroup: 0",
				 geteuid(), getegid(), path);
	return error_set(err, ERROR_CONFIG,
			 "uid %u gid %u may not read the token file '%s' (mode "
			 "%04o, owner %u:%u): set runAsUser: 8737 and "
			 "runAsGroup: 0",
			 geteuid(), getegid(), path,
			 (unsigned)(st.st_mode & 07777), st.st_uid, st.st_gid);
}

static int token_check_text(const char *path, const struct buf *text,
			    struct error *err)
{
	size_t len = text->len;

	while (len > 0 && isspace((unsigned char)text->data[len - 1]))
		len--;
	if (len != BOARD_TOKEN_BYTES)
		return error_set(err, ERROR_CONFIG,
				 "the token file '%s' holds %zu characters, "
				 "not the %d of a token of Argo's agent",
				 path, len, BOARD_TOKEN_BYTES);
	for (size_t i = 0; i < len; i++) {
		if (text->data[i] <= ' ' || text->data[i] > '~')
			return error_set(err, ERROR_CONFIG,
					 "the token file '%s' holds a byte "
					 "that is no visible ASCII character",
					 path);
	}
	return 0;
}

int token_read(const char *path, char token[BOARD_TOKEN_BYTES],
	       struct error *err)
{
	struct error reason = ERROR_INIT;
	struct buf text;
	int ret = -1;

	buf_init(&text, TOKEN_FILE_BYTES);
	if (file_read(path, &text, &reason) < 0) {
		if (reason.code == ERROR_SYSTEM)
			token_refuse(path, err);
		else
			error_set(err, ERROR_CONFIG, "token file: %s",
				  reason.text);
	} else if (token_check_text(path, &text, err) == 0) {
		memcpy(token, text.data, BOARD_TOKEN_BYTES);
		ret = 0;
	}
	if (text.data != NULL)
		explicit_bzero(text.data, text.cap);
	buf_clear(&text);
	return ret;
}

/*
 * Read and publish.  The file's identity is taken before its text, so that a
 * later change is seen.  Returns 1: a new token, 0: the same; -1 with err.
 */
static int token_publish(struct token *token, struct error *err)
{
	char text[BOARD_TOKEN_BYTES];
	int ret;

	if (stat(token->path, &token->seen) < 0)
		memset(&token->seen, 0, sizeof(token->seen));
	/* A file's times are coarse: a second write could look like one. */
	token->was_fresh =
		clock_wall_ms() / 1000 - (int64_t)token->seen.st_ctim.tv_sec <
		TOKEN_FRESH_S;
	ret = token_read(token->path, text, err);
	if (ret == 0) {
		if (!token->has_one ||
		    memcmp(token->board->token, text, BOARD_TOKEN_BYTES) != 0)
			ret = 1;
		if (ret == 1)
			board_set_token(token->board, text);
		token->has_one = true;
		token->was_missing = false;
	}
	explicit_bzero(text, sizeof(text));
	return ret;
}

int token_start(struct token *token, const struct options *options,
		struct board *board, struct error *err)
{
	struct error reason = ERROR_INIT;

	memset(token, 0, sizeof(*token));
	token->board = board;
	if (options->no_auth) {
		board_set_no_token(board, TOKEN_OFF, "");
		return 0;
	}
	token->path = options->token_file;
	if (token_publish(token, &reason) >= 0)
		return 0;
	if (reason.code != ERROR_LATER)
		return error_set(err, reason.code, "%s", reason.text);

	token->was_missing = true;
	board_set_no_token(board, TOKEN_MISSING, reason.text);
	log_write(LOG_LEVEL_WARN, "token",
		  "%s: calls are answered 503 until "
		  "it is",
		  reason.text);
	return 0;
}

static bool token_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void token_check(struct token *token)
{
	struct error err = ERROR_INIT;
	struct stat now;
	bool is_same;
	int ret;

	if (token->path == NULL)
		return;
	if (stat(token->path, &now) < 0) {
		if (!token->was_missing)
			log_write(LOG_LEVEL_WARN, "token",
				  "the token file '%s' has gone: the last "
				  "token stays valid",
				  token->path);
		token->was_missing = true;
		memset(&token->seen, 0, sizeof(token->seen));
		return;
	}
	is_same = token_is_same(&now, &token->seen);
	if (is_same && !token->was_fresh)
		return;
	ret = token_publish(token, &err);
	if (ret == 1)
		log_write(LOG_LEVEL_INFO, "token", "took the token of '%s'",
			  token->path);
	if (ret >= 0 || is_same)
		return;
	log_write(LOG_LEVEL_WARN, "token", "%s%s", err.text,
		  token->has_one ? " (the last token stays valid)" : "");
	if (!token->has_one)
		board_set_no_token(token->board, TOKEN_MISSING, err.text);
}
