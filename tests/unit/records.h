/*
 * records: FastCGI bytes as a web server writes them, and its view of a
 * reply, for the tests of whatever reads or writes such bytes.
 */
#ifndef UNIT_RECORDS_H
#define UNIT_RECORDS_H

#include <fastcgi.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"

enum {
	RECORDS_LIMIT = 64 * 1024 * 1024
};

static inline void records_header(struct buf *out, unsigned type, unsigned id,
				  size_t len, size_t padding)
{
	const unsigned char header[8] = {
		FCGI_VERSION_1,
		(unsigned char)type,
		(unsigned char)(id >> 8),
		(unsigned char)id,
		(unsigned char)(len >> 8),
		(unsigned char)len,
		(unsigned char)padding,
		0,
	};

	buf_add(out, header, sizeof(header));
}

/* One record of at most 65535 bytes. */
static inline void records_add(struct buf *out, unsigned type, unsigned id,
			       const void *bytes, size_t len)
{
	records_header(out, type, id, len, 0);
	buf_add(out, bytes, len);
}

/* The same, with padding behind it that is not zero. */
static inline void records_add_padded(struct buf *out, unsigned type,
				      unsigned id, const struct buf *content,
				      size_t padding)
{
	records_header(out, type, id, content->len, padding);
	buf_add(out, content->data, content->len);
	for (size_t i = 0; i < padding; i++)
		buf_add_char(out, (char)0xfe);
}

static inline void records_begin(struct buf *out, unsigned id, unsigned role,
				 unsigned flags)
{
	const unsigned char body[8] = { (unsigned char)(role >> 8),
					(unsigned char)role,
					(unsigned char)flags };

	records_add(out, FCGI_BEGIN_REQUEST, id, body, sizeof(body));
}

static inline void records_length(struct buf *out, size_t len)
{
	const unsigned char four[4] = { (unsigned char)(len >> 24 | 0x80),
					(unsigned char)(len >> 16),
					(unsigned char)(len >> 8),
					(unsigned char)len };

	if (len < 128)
		buf_add(out, &four[3], 1);
	else
		buf_add(out, four, sizeof(four));
}

/* A name-value pair, as in PARAMS and GET_VALUES. */
static inline void records_pair(struct buf *out, const char *name,
				const char *value)
{
	records_length(out, strlen(name));
	records_length(out, strlen(value));
	buf_add_text(out, name);
	buf_add_text(out, value);
}

/* A stream in records of at most `piece` bytes, and its end. */
static inline void records_stream(struct buf *out, unsigned type, unsigned id,
				  const struct buf *content, size_t piece)
{
	size_t n;

	for (size_t at = 0; at < content->len; at += n) {
		n = content->len - at < piece ? content->len - at : piece;
		records_add(out, type, id, content->data + at, n);
	}
	records_add(out, type, id, "", 0);
}

/* The pairs that describe a POST of len bytes to path. */
static inline void records_post_pairs(struct buf *pairs, const char *path,
				      size_t len)
{
	struct buf number;

	buf_init(&number, 32);
	buf_printf(&number, "%zu", len);
	records_pair(pairs, "REQUEST_METHOD", "POST");
	records_pair(pairs, "SCRIPT_NAME", path);
	records_pair(pairs, "CONTENT_LENGTH", buf_text(&number));
	buf_clear(&number);
}

/* A whole POST of body to path, on a connection that is to be kept. */
static inline void records_post(struct buf *out, unsigned id, const char *path,
				const char *body)
{
	struct buf pairs, content;

	buf_init(&pairs, RECORDS_LIMIT);
	buf_init(&content, RECORDS_LIMIT);
	records_post_pairs(&pairs, path, strlen(body));
	buf_add_text(&content, body);
	records_begin(out, id, FCGI_RESPONDER, FCGI_KEEP_CONN);
	records_stream(out, FCGI_PARAMS, id, &pairs, 65535);
	records_stream(out, FCGI_STDIN, id, &content, 65535);
	buf_clear(&pairs);
	buf_clear(&content);
}

/* The same for template.execute. */
static inline void records_call(struct buf *out, unsigned id, const char *body)
{
	records_post(out, id, "/api/v1/template.execute", body);
}

struct records_reply {
	bool is_whole; /* END_REQUEST has come */
	unsigned id;   /* of END_REQUEST */
	unsigned app_status, protocol_status;
	size_t used;     /* bytes of the reply */
	struct buf text; /* what came on STDOUT; the caller clears it */
};

/* Read the first reply in the len bytes; not whole: it is cut. */
static inline struct records_reply records_read(const char *bytes, size_t len)
{
	struct records_reply reply = { .id = 0 };
	const unsigned char *at = (const unsigned char *)bytes, *body;
	size_t content;

	buf_init(&reply.text, RECORDS_LIMIT);
	while (len - reply.used >= 8) {
		content = (size_t)at[4] << 8 | at[5];
		if (len - reply.used < 8 + content + at[6])
			break;
		body = at + 8;
		reply.used += 8 + content + at[6];
		if (at[1] == FCGI_STDOUT)
			buf_add(&reply.text, body, content);
		if (at[1] == FCGI_END_REQUEST) {
			reply.is_whole = true;
			reply.id = (unsigned)(at[2] << 8 | at[3]);
			reply.app_status = (unsigned)(body[2] << 8 | body[3]);
			reply.protocol_status = body[4];
			break;
		}
		at += 8 + content + at[6];
	}
	return reply;
}

#endif
