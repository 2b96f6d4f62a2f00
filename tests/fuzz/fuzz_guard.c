/*
 * fuzz_guard: any bytes, cut anywhere, give the same verdict and the same
 * clean request, which the guard then takes unchanged.
 *
 * The first byte says how the rest is cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/guard.h"

enum {
	MAX_BODY = 1000
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct verdict {
	struct guard guard;
	enum guard_result result;
	size_t used;
	struct buf answer; /* all of them */
};

/* Feed the bytes in pieces of at most `piece` bytes. */
static void feed(struct verdict *verdict, const uint8_t *data, size_t size,
		 size_t piece)
{
	size_t n, used;

	memset(verdict, 0, sizeof(*verdict));
	guard_init(&verdict->guard, MAX_BODY);
	buf_init(&verdict->answer, 1048576);
	while (verdict->result == GUARD_MORE && verdict->used < size) {
		n = size - verdict->used < piece ? size - verdict->used : piece;
		verdict->result = guard_feed(&verdict->guard,
					     data + verdict->used, n, &used);
		if (used == 0 || used > n ||
		    (used < n && verdict->result == GUARD_MORE))
			abort();
		verdict->used += used;
		buf_add(&verdict->answer, verdict->guard.answer.data,
			verdict->guard.answer.len);
		buf_reset(&verdict->guard.answer);
	}
}

static void verdict_clear(struct verdict *verdict)
{
	guard_clear(&verdict->guard);
	buf_clear(&verdict->answer);
}

static void must_be_equal(const struct buf *a, const struct buf *b)
{
	if (a->len != b->len ||
	    (a->len > 0 && memcmp(a->data, b->data, a->len) != 0))
		abort();
}

static void compare(const struct verdict *a, const struct verdict *b)
{
	/* Answers that do not fit together are refused only in one piece. */
	if (a->result == GUARD_REFUSED &&
	    strncmp(a->guard.reason, "too many", 8) == 0)
		return;
	if (a->result != b->result)
		abort();
	must_be_equal(&a->answer, &b->answer);
	if (a->result == GUARD_REFUSED) {
		if (strcmp(a->guard.reason, b->guard.reason) != 0)
			abort();
		return;
	}
	must_be_equal(&a->guard.request, &b->guard.request);
	if (a->used != b->used || a->guard.id != b->guard.id ||
	    a->guard.keep != b->guard.keep ||
	    a->guard.body_bytes != b->guard.body_bytes ||
	    a->guard.body_is_cut != b->guard.body_is_cut ||
	    a->guard.params_are_odd != b->guard.params_are_odd)
		abort();
}

/* A clean request is one that the guard has nothing to change about. */
static void check_clean(const struct verdict *verdict)
{
	const struct buf *request = &verdict->guard.request;
	struct verdict again;

	if (request->cut)
		abort();
	feed(&again, (const uint8_t *)request->data, request->len,
	     request->len);
	if (again.result != GUARD_WHOLE || again.used != request->len ||
	    again.answer.len > 0)
		abort();
	must_be_equal(request, &again.guard.request);
	verdict_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verdict whole, cut;

	if (size < 2)
		return 0;
	feed(&whole, data + 1, size - 1, size);
	feed(&cut, data + 1, size - 1, 1 + data[0] % 32);
	compare(&whole, &cut);
	if (whole.result == GUARD_WHOLE)
		check_clean(&whole);
	verdict_clear(&whole);
	verdict_clear(&cut);
	return 0;
}
