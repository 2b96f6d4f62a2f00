/*
 * buf: a growing buffer; doubling, bounded.
 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void buf_init(struct buf *buf, size_t limit)
{
	memset(buf, 0, sizeof(*buf));
	buf->limit = limit;
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->cut = false;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

void buf_clear(struct buf *buf)
{
	free(buf->data);
	buf_init(buf, buf->limit);
}

static void buf_reserve(struct buf *buf, size_t len)
{
	size_t cap = buf->cap > 0 ? buf->cap : 128;

	if (len + 1 <= buf->cap)
		return;
	while (cap < len + 1)
		cap *= 2;
	buf->data = mem_realloc(buf->data, cap);
	buf->cap = cap;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
	if (len > buf->limit - buf->len) {
		len = buf->limit - buf->len;
		buf->cut = true;
	}
	if (len == 0)
		return;
	buf_reserve(buf, buf->len + len);
	memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_add_number(struct buf *buf, long long number)
{
	unsigned long long left = number < 0 ? 0 - (unsigned long long)number
					     : (unsigned long long)number;
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (number < 0)
		digits[--at] = '-';
	buf_add(buf, digits + at, sizeof(digits) - at);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	char small[256];
	va_list args, again;
	char *text = small;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(small, sizeof(small), format, args);
	if (len >= (int)sizeof(small)) {
		text = mem_alloc((size_t)len + 1);
		vsnprintf(text, (size_t)len + 1, format, again);
	}
	va_end(again);
	va_end(args);

	if (len > 0)
		buf_add(buf, text, (size_t)len);
	if (text != small)
		free(text);
}

void buf_drop(struct buf *buf, size_t n)
{
	assert(n <= buf->len);
	if (n == 0)
		return;
	buf->len -= n;
	memmove(buf->data, buf->data + n, buf->len);
	buf->data[buf->len] = '\0';
}

const char *buf_text(const struct buf *buf)
{
	return buf->data != NULL ? buf->data : "";
}
