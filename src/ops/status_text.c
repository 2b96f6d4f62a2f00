/*
 * status_text: the five things that stand in the page's cells.
 */
#include "ops/status_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/utf8.h"

/* What HTML would read as markup, as a character reference, or NULL. */
static const char *reference(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* U+202A to U+202E and U+2066 to U+2069 turn the text around them. */
static bool is_direction(const char *text, size_t n)
{
	static const char first[][4] = { "\u202a", "\u2066" };
	static const char last[][4] = { "\u202e", "\u2069" };

	if (n != 3)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(first); i++) {
		if (memcmp(text, first[i], 3) >= 0 &&
		    memcmp(text, last[i], 3) <= 0)
			return true;
	}
	return false;
}

void status_text_add(struct buf *out, const char *text)
{
	size_t len = strlen(text), n;
	const char *escaped;

	for (; len > 0; text += n, len -= n) {
		n = utf8_char_len(text, len);
		escaped = reference(*text);
		if (escaped != NULL) {
			buf_add_text(out, escaped);
		} else if (n == 0 || (unsigned char)*text < 0x20 ||
			   *text == 0x7f || is_direction(text, n)) {
			buf_add_text(out, "\xef\xbf\xbd");
			n = n > 0 ? n : 1;
		} else {
			buf_add(out, text, n);
		}
	}
}

void status_text_isolate(struct buf *out, const char *text)
{
	buf_add_text(out, "<bdi>");
	status_text_add(out, text);
	buf_add_text(out, "</bdi>");
}

void status_text_number(struct buf *out, uint64_t number)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, number);

	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			buf_add_text(out, "\xe2\x80\xaf");
		buf_add_char(out, digits[i]);
	}
}

void status_text_age(struct buf *out, int64_t ms)
{
	char text[32];

	if (ms < 0)
		return;
	clock_duration_text(ms, text, sizeof(text));
	buf_add_text(out, text);
}

void status_text_memory(struct buf *out, int64_t bytes)
{
	if (bytes < 0)
		buf_add_text(out, "not known");
	else
		buf_printf(out, "%" PRId64 ".%" PRId64 " MiB", bytes >> 20,
			   (bytes & 0xfffff) * 10 >> 20);
}
