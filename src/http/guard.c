/*
 * guard: a state machine over record headers, contents and padding.
 */
#include "http/guard.h"

#include <fastcgi.h>
#include <string.h>

#include "base/array.h"

enum {
	GUARD_CONTENT_BYTES = 4096, /* of a record that is read whole */
	GUARD_RECORD_BYTES = 65535,
	/* headers of merged records: 8 bytes per 64 KiB, and a few */
	GUARD_FRAME_BYTES = 16384,
	GUARD_KEPT_BYTES = 4096, /* for the next request */
};

void guard_init(struct guard *guard, size_t max_body)
{
	memset(guard, 0, sizeof(*guard));
	guard->max_body = max_body;
	buf_init(&guard->request,
		 max_body + GUARD_PARAMS_BYTES + GUARD_FRAME_BYTES);
	buf_init(&guard->content, GUARD_CONTENT_BYTES);
	buf_init(&guard->answer, GUARD_CONTENT_BYTES);
}

void guard_clear(struct guard *guard)
{
	buf_clear(&guard->request);
	buf_clear(&guard->content);
	buf_clear(&guard->answer);
}

void guard_reset(struct guard *guard)
{
	struct buf request = guard->request;
	size_t max_body = guard->max_body;

	buf_clear(&guard->content);
	buf_clear(&guard->answer);
	guard_init(guard, max_body);
	if (request.cap <= GUARD_KEPT_BYTES) {
		buf_reset(&request);
		guard->request = request;
	} else {
		buf_clear(&request);
	}
}

bool guard_is_idle(const struct guard *guard)
{
	return guard->phase == GUARD_BEGIN && guard->header_len == 0;
}

static enum guard_result guard_refuse(struct guard *guard, const char *reason)
{
	guard->reason = reason;
	return GUARD_REFUSED;
}

static unsigned guard_type(const struct guard *guard)
{
	return guard->header[1];
}

static uint16_t guard_record_id(const struct guard *guard)
{
	return (uint16_t)(guard->header[2] << 8 | guard->header[3]);
}

static void guard_put_header(struct buf *out, unsigned type, uint16_t id,
			     size_t len)
{
	const uint8_t header[8] = {
		FCGI_VERSION_1,
		(uint8_t)type,
		(uint8_t)(id >> 8),
		(uint8_t)id,
		(uint8_t)(len >> 8),
		(uint8_t)len,
		0,
		0,
	};

	buf_add(out, header, sizeof(header));
}

static void guard_answer_end(struct guard *guard, uint8_t protocol_status)
{
	const uint8_t body[8] = { 0, 0, 0, 0, protocol_status, 0, 0, 0 };

	guard_put_header(&guard->answer, FCGI_END_REQUEST,
			 guard_record_id(guard), sizeof(body));
	buf_add(&guard->answer, body, sizeof(body));
}

/* Add content to the clean request, to its last record where it fits. */
static void guard_keep(struct guard *guard, const uint8_t *bytes, size_t len)
{
	struct buf *request = &guard->request;
	uint8_t *last = (uint8_t *)request->data + guard->last_header;
	size_t has = (size_t)last[4] << 8 | last[5], n;

	while (len > 0) {
		if (last[1] != guard_type(guard) || has == GUARD_RECORD_BYTES) {
			guard->last_header = request->len;
			guard_put_header(request, guard_type(guard), guard->id,
					 0);
			has = 0;
		}
		n = GUARD_RECORD_BYTES - has;
		if (n > len)
			n = len;
		buf_add(request, bytes, n);
		has += n;
		last = (uint8_t *)request->data + guard->last_header;
		last[4] = (uint8_t)(has >> 8);
		last[5] = (uint8_t)has;
		bytes += n;
		len -= n;
	}
}

/* A length of a pair has come whole: what is next? */
static int guard_pairs_length_done(struct guard *guard)
{
	struct guard_pairs *pairs = &guard->pairs;

	if (pairs->part == 0) {
		pairs->part = 1;
		return 0;
	}
	if (++pairs->n_pairs > GUARD_PARAMS ||
	    pairs->length[0] > GUARD_PARAMS_BYTES ||
	    pairs->length[1] > GUARD_PARAMS_BYTES)
		return -1;
	pairs->part = 2;
	pairs->left = pairs->length[0];
	return 0;
}

static int guard_pairs_length_byte(struct guard *guard, uint8_t byte)
{
	struct guard_pairs *pairs = &guard->pairs;
	uint32_t *length = &pairs->length[pairs->part];

	if (pairs->length_bytes > 0) {
		*length = *length << 8 | byte;
		if (--pairs->length_bytes > 0)
			return 0;
	} else {
		*length = byte & 0x7f;
		if (byte & 0x80) {
			pairs->length_bytes = 3;
			return 0;
		}
	}
	return guard_pairs_length_done(guard);
}

/* From name to value, from value to the next pair, where one has ended. */
static void guard_pairs_advance(struct guard_pairs *pairs)
{
	if (pairs->part == 2 && pairs->left == 0) {
		pairs->part = 3;
		pairs->left = pairs->length[1];
	}
	if (pairs->part == 3 && pairs->left == 0)
		pairs->part = 0;
}

/*
 * Walk through len bytes of parameters.  Returns -1 when a length or the
 * number of pairs is above the limits.
 */
static int guard_pairs_walk(struct guard *guard, const uint8_t *bytes,
			    size_t len)
{
	struct guard_pairs *pairs = &guard->pairs;
	size_t n;

	while (len > 0) {
		if (pairs->part < 2) {
			n = 1;
			if (guard_pairs_length_byte(guard, *bytes) < 0)
				return -1;
		} else {
			n = len < pairs->left ? len : pairs->left;
			if (memchr(bytes, 0, n) != NULL ||
			    (pairs->part == 2 && memchr(bytes, '=', n) != NULL))
				guard->params_are_odd = true;
			pairs->left -= (uint32_t)n;
		}
		guard_pairs_advance(pairs);
		bytes += n;
		len -= n;
	}
	return 0;
}

static bool guard_pairs_are_whole(const struct guard_pairs *pairs)
{
	return pairs->part == 0 && pairs->length_bytes == 0;
}

/* Answer GET_VALUES: each name that we know, once. */
static enum guard_result guard_get_values(struct guard *guard)
{
	static const struct {
		const char *name;
		const char *value;
	} rows[] = {
		{ FCGI_MAX_CONNS, "1024" },
		{ FCGI_MAX_REQS, "1024" },
		{ FCGI_MPXS_CONNS, "0" },
	};
	struct buf found;
	uint8_t lengths[2];

	buf_init(&found, 256);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (memmem(buf_text(&guard->content), guard->content.len,
			   rows[i].name, strlen(rows[i].name)) == NULL)
			continue;
		lengths[0] = (uint8_t)strlen(rows[i].name);
		lengths[1] = (uint8_t)strlen(rows[i].value);
		buf_add(&found, lengths, sizeof(lengths));
		buf_add_text(&found, rows[i].name);
		buf_add_text(&found, rows[i].value);
	}
	guard_put_header(&guard->answer, FCGI_GET_VALUES_RESULT, 0, found.len);
	buf_add(&guard->answer, found.data, found.len);
	buf_clear(&found);
	if (guard->answer.cut)
		return guard_refuse(guard, "too many GET_VALUES records");
	return GUARD_MORE;
}

static enum guard_result guard_begin(struct guard *guard)
{
	const uint8_t *body = (const uint8_t *)guard->content.data;

	if (guard->phase != GUARD_BEGIN) {
		if (guard_record_id(guard) == guard->id)
			return guard_refuse(guard, "a request began twice");
		guard_answer_end(guard, FCGI_CANT_MPX_CONN);
		return guard->answer.cut
			       ? guard_refuse(guard,
					      "too many requests at once")
			       : GUARD_MORE;
	}
	if ((body[0] << 8 | body[1]) != FCGI_RESPONDER) {
		guard_answer_end(guard, FCGI_UNKNOWN_ROLE);
		return guard_refuse(guard, "a role other than responder");
	}
	guard->id = guard_record_id(guard);
	guard->keep = body[2] & FCGI_KEEP_CONN;
	guard->phase = GUARD_IN_PARAMS;
	guard_put_header(&guard->request, FCGI_BEGIN_REQUEST, guard->id, 8);
	buf_add(&guard->request, body, 8);
	return GUARD_MORE;
}

/* An empty record ends a stream. */
static enum guard_result guard_end_stream(struct guard *guard)
{
	guard_put_header(&guard->request, guard_type(guard), guard->id, 0);
	if (guard->phase == GUARD_IN_BODY)
		return GUARD_WHOLE;
	if (!guard_pairs_are_whole(&guard->pairs))
		return guard_refuse(guard, "a parameter is cut");
	guard->phase = GUARD_IN_BODY;
	return GUARD_MORE;
}

static enum guard_result guard_take_params(struct guard *guard,
					   const uint8_t *bytes, size_t len)
{
	guard->params_bytes += len;
	if (guard->params_bytes > GUARD_PARAMS_BYTES ||
	    guard_pairs_walk(guard, bytes, len) < 0)
		return guard_refuse(guard, "parameters above the limits");
	guard_keep(guard, bytes, len);
	return GUARD_MORE;
}

static enum guard_result guard_take_body(struct guard *guard,
					 const uint8_t *bytes, size_t len)
{
	size_t room = guard->max_body > guard->body_bytes
			      ? guard->max_body - guard->body_bytes
			      : 0;

	guard->body_bytes += len;
	if (len > room) {
		guard->body_is_cut = true;
		len = room;
	}
	guard_keep(guard, bytes, len);
	return GUARD_MORE;
}

/* A part of the record's content has come. */
static enum guard_result guard_take_content(struct guard *guard,
					    const uint8_t *bytes, size_t len)
{
	switch (guard_type(guard)) {
	case FCGI_PARAMS:
		if (guard_record_id(guard) != guard->id)
			return GUARD_MORE; /* of a request refused above */
		return guard_take_params(guard, bytes, len);
	case FCGI_STDIN:
		if (guard_record_id(guard) != guard->id)
			return GUARD_MORE;
		return guard_take_body(guard, bytes, len);
	default:
		buf_add(&guard->content, bytes, len);
		return GUARD_MORE;
	}
}

/* The record's content has come whole. */
static enum guard_result guard_finish_content(struct guard *guard)
{
	size_t len = (size_t)guard->header[4] << 8 | guard->header[5];

	switch (guard_type(guard)) {
	case FCGI_BEGIN_REQUEST:
		return guard_begin(guard);
	case FCGI_GET_VALUES:
		return guard_get_values(guard);
	default:
		if (len > 0 || guard_record_id(guard) != guard->id)
			return GUARD_MORE;
		return guard_end_stream(guard);
	}
}

/* May parameters or a body come at this moment?  NULL: yes; else why not. */
static const char *guard_stream_fault(const struct guard *guard)
{
	bool is_ours = guard_record_id(guard) == guard->id;

	if (guard->phase == GUARD_BEGIN)
		return "a stream before BEGIN_REQUEST";
	if (!is_ours)
		return NULL; /* of a request refused above */
	if (guard_type(guard) == FCGI_PARAMS && guard->phase == GUARD_IN_BODY)
		return "parameters after their end";
	if (guard_type(guard) == FCGI_STDIN && guard->phase == GUARD_IN_PARAMS)
		return "a body before the end of the parameters";
	return NULL;
}

/* May this record come at this moment?  NULL: yes; else why not. */
static const char *guard_header_fault(const struct guard *guard)
{
	size_t len = (size_t)guard->header[4] << 8 | guard->header[5];

	if (guard->header[0] != FCGI_VERSION_1)
		return "not FastCGI version 1";
	if ((guard_type(guard) == FCGI_GET_VALUES) !=
	    (guard_record_id(guard) == 0))
		return "a management record that is not GET_VALUES";
	switch (guard_type(guard)) {
	case FCGI_GET_VALUES:
		return len <= GUARD_CONTENT_BYTES ? NULL
						  : "a long GET_VALUES record";
	case FCGI_BEGIN_REQUEST:
		return len == 8 ? NULL : "a BEGIN_REQUEST of a wrong length";
	case FCGI_PARAMS:
	case FCGI_STDIN:
		return guard_stream_fault(guard);
	case FCGI_ABORT_REQUEST:
		return "the peer aborted the request";
	default:
		return "a record of a type that we do not take";
	}
}

/* The header has come whole. */
static enum guard_result guard_finish_header(struct guard *guard)
{
	const char *fault = guard_header_fault(guard);

	if (fault != NULL)
		return guard_refuse(guard, fault);
	guard->content_left = (size_t)guard->header[4] << 8 | guard->header[5];
	guard->padding_left = guard->header[6];
	buf_reset(&guard->content);
	if (guard->content_left > 0)
		return GUARD_MORE;
	return guard_finish_content(guard);
}

/* Take at least one byte; *used_r says how many. */
static enum guard_result guard_step(struct guard *guard, const uint8_t *bytes,
				    size_t len, size_t *used_r)
{
	enum guard_result result;
	size_t n;

	if (guard->header_len < sizeof(guard->header)) {
		n = sizeof(guard->header) - guard->header_len;
		n = n < len ? n : len;
		memcpy(guard->header + guard->header_len, bytes, n);
		guard->header_len += n;
		*used_r = n;
		if (guard->header_len < sizeof(guard->header))
			return GUARD_MORE;
		result = guard_finish_header(guard);
	} else if (guard->content_left > 0) {
		n = guard->content_left < len ? guard->content_left : len;
		*used_r = n;
		guard->content_left -= n;
		result = guard_take_content(guard, bytes, n);
		if (result == GUARD_MORE && guard->content_left == 0)
			result = guard_finish_content(guard);
	} else {
		n = guard->padding_left < len ? guard->padding_left : len;
		*used_r = n;
		guard->padding_left -= n;
		result = GUARD_MORE;
	}
	return result;
}

/* A request is whole only after the padding of its last record. */
static void guard_finish_record(struct guard *guard, enum guard_result *result)
{
	if (*result == GUARD_WHOLE) {
		guard->is_whole = true;
		*result = GUARD_MORE;
	}
	if (guard->header_len < sizeof(guard->header) ||
	    guard->content_left > 0 || guard->padding_left > 0)
		return;
	guard->header_len = 0;
	if (*result == GUARD_MORE && guard->is_whole)
		*result = GUARD_WHOLE;
}

enum guard_result guard_feed(struct guard *guard, const void *bytes, size_t len,
			     size_t *used_r)
{
	const uint8_t *at = bytes;
	enum guard_result result = GUARD_MORE;
	size_t used;

	*used_r = 0;
	while (result == GUARD_MORE && *used_r < len) {
		result = guard_step(guard, at + *used_r, len - *used_r, &used);
		*used_r += used;
		guard_finish_record(guard, &result);
	}
	return result;
}
