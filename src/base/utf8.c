/*
 * utf8: the table of RFC 3629, section 4, as code.
 */
#include "base/utf8.h"

#include <stdbool.h>

static bool utf8_is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

static bool utf8_is_second(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf;
	case 0xed:
		return second >= 0x80 && second <= 0x9f;
	case 0xf0:
		return second >= 0x90 && second <= 0xbf;
	case 0xf4:
		return second >= 0x80 && second <= 0x8f;
	default:
		return utf8_is_tail(second);
	}
}

size_t utf8_char_len(const char *text, size_t len)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t want;

	if (c[0] < 0x80)
		return 1;
	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 0;
	want = c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
	if (len < want || !utf8_is_second(c[0], c[1]))
		return 0;
	for (size_t i = 2; i < want; i++) {
		if (!utf8_is_tail(c[i]))
			return 0;
	}
	return want;
}

size_t utf8_cut(const char *text, size_t len, size_t max)
{
	size_t cut = len < max ? len : max;

	if (cut == len)
		return len;
	while (cut > 0 && utf8_is_tail((unsigned char)text[cut]))
		cut--;
	return cut;
}
