/*
 * fuzz_fcgi: bytes of a connection, through guard, libfcgi and an answer.
 * What the guard lets through, libfcgi must decode, and encode a reply for.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/fcgi.h"

enum {
	MAX_BODY = 100000
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fcgi *library(void)
{
	static struct fcgi *fcgi;

	if (fcgi == NULL)
		fcgi = fcgi_new(NULL);
	if (fcgi == NULL)
		abort();
	return fcgi;
}

static void must(int ret, const struct error *err)
{
	if (ret < 0) {
		fprintf(stderr, "%s\n", err->text);
		abort();
	}
}

/* A reply is whole: it ends with END_REQUEST of its request. */
static void check_reply(const struct buf *out, uint16_t id)
{
	const uint8_t *end;

	if (out->len < 16)
		abort();
	end = (const uint8_t *)out->data + out->len - 16;
	if (end[0] != 1 || end[1] != 3 || (end[2] << 8 | end[3]) != id)
		abort();
}

static void answer(const struct request *request, uint16_t id)
{
	struct error err = ERROR_INIT;
	struct response response;
	struct buf out;

	response_init(&response);
	response.status =
		request->refused_status != 0 ? request->refused_status : 200;
	buf_add(&response.body, request->body, request->body_len);
	buf_init(&out, RESPONSE_BODY_LIMIT + 65536);
	must(fcgi_encode(library(), id, &response, &out, &err), &err);
	check_reply(&out, id);
	/* As if it had been parked meanwhile. */
	buf_reset(&out);
	must(fcgi_encode(library(), id, &response, &out, &err), &err);
	check_reply(&out, id);
	buf_clear(&out);
	response_clear(&response);
}

static void take_request(const struct guard *guard)
{
	struct error err = ERROR_INIT;
	struct request request;
	struct arena arena;

	arena_init(&arena);
	must(fcgi_decode(library(), guard, &arena, &request, &err), &err);
	if (request.body_len > MAX_BODY ||
	    (request.body_len != guard->body_bytes && !guard->body_is_cut))
		abort();
	answer(&request, guard->id);
	arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum guard_result result = GUARD_MORE;
	struct guard guard;
	size_t used;

	guard_init(&guard, MAX_BODY);
	while (size > 0 && result != GUARD_REFUSED) {
		result = guard_feed(&guard, data, size, &used);
		data += used;
		size -= used;
		if (result != GUARD_WHOLE)
			continue;
		take_request(&guard);
		guard_reset(&guard);
	}
	guard_clear(&guard);
	return 0;
}
