/*
 * utf8: well-formed UTF-8 as RFC 3629 says: no overlong forms, no
 * surrogates, nothing above U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/*
 * The length (1 to 4) of the character at text, or 0 when the bytes there,
 * of which len are readable (at least 1), are not UTF-8.
 */
size_t utf8_char_len(const char *text, size_t len);

/*
 * The longest prefix of the len bytes at text that has at most max bytes
 * and does not cut a character.
 */
size_t utf8_cut(const char *text, size_t len, size_t max);

#endif
