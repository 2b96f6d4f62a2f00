/*
 * lexer: RFC 8259's tokens.
 */
#include "rpc/lexer.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

int lexer_fail(const struct lexer *lexer, const char *what)
{
	return error_set(lexer->err, ERROR_INPUT,
			 "the body is not JSON: %s at byte %zu", what,
			 (size_t)(lexer->at - lexer->begin));
}

void lexer_space(struct lexer *lexer)
{
	while (lexer->at < lexer->end &&
	       (*lexer->at == ' ' || *lexer->at == '\t' || *lexer->at == '\n' ||
		*lexer->at == '\r'))
		lexer->at++;
}

bool lexer_is(const struct lexer *lexer, char c)
{
	return lexer->at < lexer->end && *lexer->at == c;
}

static bool lexer_is_digit(const struct lexer *lexer)
{
	return lexer->at < lexer->end && *lexer->at >= '0' && *lexer->at <= '9';
}

/* Bytes of a member name; what does not fit makes it too long. */
struct lexer_name {
	char *text; /* LEXER_NAME_BYTES */
	size_t len;
	bool is_cut;
};

/* Add bytes to the name; NULL: it is a value's text. */
static void lexer_add(struct lexer_name *name, const char *bytes, size_t len)
{
	if (name == NULL)
		return;
	if (name->len + len >= LEXER_NAME_BYTES) {
		name->is_cut = true;
		return;
	}
	memcpy(name->text + name->len, bytes, len);
	name->len += len;
}

/* The value of a hexadecimal digit; 16: c is none. */
static uint32_t lexer_hex(char c)
{
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (uint32_t)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (uint32_t)(c - 'A' + 10);
	return 16;
}

static int lexer_hex4(struct lexer *lexer, uint32_t *code_r)
{
	uint32_t code = 0, digit;

	for (int i = 0; i < 4; i++) {
		digit = lexer->at < lexer->end ? lexer_hex(*lexer->at) : 16;
		if (digit == 16)
			return lexer_fail(lexer, "a bad \\u escape");
		code = code << 4 | digit;
		lexer->at++;
	}
	*code_r = code;
	return 0;
}

static size_t lexer_encode(uint32_t code, char text[4])
{
	static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t len = code < 0x80      ? 1
		     : code < 0x800   ? 2
		     : code < 0x10000 ? 3
				      : 4;

	for (size_t i = len - 1; i > 0; i--) {
		text[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	text[0] = (char)(first[len] | code);
	return len;
}

/*
 * Behind "\u": one code unit, or a pair.  A lone surrogate becomes U+FFFD,
 * as in json-c and Go.
 */
static int lexer_unicode(struct lexer *lexer, uint32_t *code_r)
{
	const char *back;
	uint32_t low;

	if (lexer_hex4(lexer, code_r) < 0)
		return -1;
	if (*code_r < 0xd800 || *code_r > 0xdfff)
		return 0;
	back = lexer->at;
	if (*code_r < 0xdc00 && lexer->end - back >= 6 && back[0] == '\\' &&
	    back[1] == 'u') {
		lexer->at += 2;
		if (lexer_hex4(lexer, &low) < 0)
			return -1;
		if (low >= 0xdc00 && low <= 0xdfff) {
			*code_r = 0x10000 + ((*code_r - 0xd800) << 10) +
				  (low - 0xdc00);
			return 0;
		}
		lexer->at = back;
	}
	*code_r = 0xfffd;
	return 0;
}

/* Behind a backslash.  name is NULL in a value. */
static int lexer_escape(struct lexer *lexer, struct lexer_name *name)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	char text[4];
	uint32_t code;
	size_t len;

	if (lexer->at == lexer->end)
		return lexer_fail(lexer, "a string without an end");
	if (*lexer->at == 'u') {
		lexer->at++;
		if (lexer_unicode(lexer, &code) < 0)
			return -1;
		if (code == 0 && name != NULL)
			return lexer_fail(lexer, "\\u0000 in a member name");
		len = lexer_encode(code, text);
	} else {
		found = memchr(from, *lexer->at, sizeof(from) - 1);
		if (found == NULL)
			return lexer_fail(lexer, "an unknown escape");
		text[0] = to[found - from];
		len = 1;
		lexer->at++;
	}
	lexer_add(name, text, len);
	return 0;
}

/* Skip what stands in a string as it is; most strings are nothing else. */
static void lexer_plain(struct lexer *lexer)
{
	const char *at = lexer->at;

	/* As a signed char, what is not ASCII is below 0x20 too. */
	while (at < lexer->end && (signed char)*at >= 0x20 && *at != '"' &&
	       *at != '\\')
		at++;
	lexer->at = at;
}

/*
 * What follows plain characters: 1: the last quote, 0: the string goes on,
 * -1: it is wrong.
 */
static int lexer_special(struct lexer *lexer, struct lexer_name *name)
{
	size_t n;

	if (lexer->at == lexer->end)
		return lexer_fail(lexer, "a string without an end");
	if (*lexer->at == '"')
		return 1;
	if (*lexer->at == '\\') {
		lexer->at++;
		return lexer_escape(lexer, name);
	}
	if ((unsigned char)*lexer->at < 0x20)
		return lexer_fail(lexer, "a control character in a string");
	n = utf8_char_len(lexer->at, (size_t)(lexer->end - lexer->at));
	if (n == 0)
		return lexer_fail(lexer, "invalid UTF-8");
	lexer_add(name, lexer->at, n);
	lexer->at += n;
	return 0;
}

/* A string, from its first quote to behind its last. */
static int lexer_text(struct lexer *lexer, struct lexer_name *name)
{
	const char *begin;
	int end;

	lexer->at++;
	do {
		begin = lexer->at;
		lexer_plain(lexer);
		lexer_add(name, begin, (size_t)(lexer->at - begin));
		end = lexer_special(lexer, name);
		if (end < 0)
			return -1;
	} while (end == 0);
	lexer->at++;
	return 0;
}

int lexer_string(struct lexer *lexer)
{
	return lexer_text(lexer, NULL);
}

int lexer_name(struct lexer *lexer)
{
	struct lexer_name name = { .text = lexer->name };

	if (lexer_text(lexer, &name) < 0)
		return -1;
	lexer->name[name.is_cut ? 0 : name.len] = '\0';
	return 0;
}

static int lexer_digits(struct lexer *lexer)
{
	if (!lexer_is_digit(lexer))
		return lexer_fail(lexer, "a bad number");
	while (lexer_is_digit(lexer))
		lexer->at++;
	return 0;
}

/* Is the number from begin to at one that int64 or double can hold? */
static void lexer_check_range(struct lexer *lexer, const char *begin,
			      bool is_integer)
{
	size_t len = (size_t)(lexer->at - begin);
	char text[400];

	if (is_integer && len < 19)
		return;
	if (!is_integer && len < 20 && memchr(begin, 'e', len) == NULL &&
	    memchr(begin, 'E', len) == NULL)
		return;
	if (len >= sizeof(text)) {
		/* No int64 is so long, and no double needs to be. */
		lexer->number_is_odd = true;
		return;
	}
	memcpy(text, begin, len);
	text[len] = '\0';
	errno = 0;
	if (is_integer)
		(void)strtoll(text, NULL, 10);
	if (errno == ERANGE || !isfinite(strtod(text, NULL)))
		lexer->number_is_odd = true;
}

int lexer_number(struct lexer *lexer)
{
	const char *begin = lexer->at;
	bool is_integer = true;

	if (lexer_is(lexer, '-'))
		lexer->at++;
	if (lexer_is(lexer, '0')) {
		lexer->at++;
		if (lexer_is_digit(lexer))
			return lexer_fail(lexer, "a number with a leading 0");
	} else if (lexer_digits(lexer) < 0) {
		return -1;
	}
	if (lexer_is(lexer, '.')) {
		is_integer = false;
		lexer->at++;
		if (lexer_digits(lexer) < 0)
			return -1;
	}
	if (lexer_is(lexer, 'e') || lexer_is(lexer, 'E')) {
		is_integer = false;
		lexer->at++;
		if (lexer_is(lexer, '+') || lexer_is(lexer, '-'))
			lexer->at++;
		if (lexer_digits(lexer) < 0)
			return -1;
	}
	lexer_check_range(lexer, begin, is_integer);
	return 0;
}

int lexer_word(struct lexer *lexer, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(lexer->end - lexer->at) < len ||
	    memcmp(lexer->at, word, len) != 0)
		return lexer_fail(lexer, "an unknown word");
	lexer->at += len;
	return 0;
}
