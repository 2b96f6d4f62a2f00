/*
 * lexer: the tokens of a JSON text, checked strictly as RFC 8259 and
 * RFC 3629 say, without building anything.
 */
#ifndef RPC_LEXER_H
#define RPC_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
	LEXER_NAME_BYTES = 64
}; /* of a member name, with its NUL */

struct lexer {
	const char *begin, *at, *end; /* at: where reading goes on */
	char name[LEXER_NAME_BYTES];  /* the last member name */
	bool number_is_odd; /* one was no int64 and no finite double */
	struct error *err;
};

/*
 * Record that the text is no JSON: what is wrong, and at which byte.
 * Always returns -1.
 */
int lexer_fail(const struct lexer *lexer, const char *what);

/* Skip white space. */
void lexer_space(struct lexer *lexer);

/* Is c the next character? */
bool lexer_is(const struct lexer *lexer, char c);

/*
 * Read a token, whose first character is next.  Return 0; -1 with err set.
 * lexer_name() reads a string too, refuses \u0000 in it, and leaves it
 * unescaped in `name`; one that does not fit there is left as "".
 */
int lexer_string(struct lexer *lexer);
int lexer_name(struct lexer *lexer);
int lexer_number(struct lexer *lexer);
int lexer_word(struct lexer *lexer, const char *word);

#endif
