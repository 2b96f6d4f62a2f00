/*
 * buf: bytes that grow, up to a limit.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;   /* NULL while empty; NUL-terminated otherwise */
	size_t len;   /* bytes in use, without the NUL */
	size_t cap;   /* bytes allocated */
	size_t limit; /* len never exceeds it */
	bool cut;     /* something did not fit and was dropped */
};

/* An empty buffer that holds at most limit bytes. */
void buf_init(struct buf *buf, size_t limit);

/* Forget the bytes, keep the memory.  `cut` becomes false. */
void buf_reset(struct buf *buf);

/* Free the memory.  The buffer may be used again with the same limit. */
void buf_clear(struct buf *buf);

/*
 * Append.  What exceeds the limit is dropped, and `cut` says so: check it
 * once, after the last append.
 */
void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
void buf_add_number(struct buf *buf, long long number);
void buf_printf(struct buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Drop the first n bytes (n <= len). */
void buf_drop(struct buf *buf, size_t n);

/* The bytes as a string, "" when empty.  Borrowed until the next change. */
const char *buf_text(const struct buf *buf);

#endif
