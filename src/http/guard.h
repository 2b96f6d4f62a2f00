/*
 * guard: looks at FastCGI bytes before libfcgi sees them.
 *
 * libfcgi blocks on its peer and trusts it: it overruns a buffer on a long
 * GET_VALUES, aborts on two huge lengths, leaks on unknown records, and
 * takes what is left of an unread body for the next request.  The guard
 * takes bytes as they come, in pieces of any size, checks every record, and
 * builds a clean request: the records of one request only, whole, merged,
 * without padding.  libfcgi then decodes what cannot hurt it.
 *
 * Pure: no system calls, no clock.  Its memory is bounded by its limits,
 * whatever the record sizes are.
 */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	GUARD_PARAMS = 100,             /* parameters of a request */
	GUARD_PARAMS_BYTES = 64 * 1024, /* of all of them */
};

enum guard_result {
	GUARD_MORE,    /* not whole yet */
	GUARD_WHOLE,   /* request is whole: take it, then guard_reset() */
	GUARD_REFUSED, /* close the connection (after sending `answer`) */
};

enum guard_phase {
	GUARD_BEGIN,
	GUARD_IN_PARAMS,
	GUARD_IN_BODY
};

/* Where a stream of name-value pairs stands. */
struct guard_pairs {
	uint32_t length[2];   /* of name and value */
	uint8_t length_bytes; /* still to come of a four-byte length */
	uint8_t part;         /* 0, 1: lengths; 2: name; 3: value */
	uint32_t left;        /* bytes of name or value still to come */
	uint32_t n_pairs;
};

struct guard {
	size_t max_body;
	enum guard_phase phase;
	uint16_t id; /* of the request that is coming in */
	bool keep;   /* the peer asked to keep the connection */
	/* the record that is coming in */
	uint8_t header[8];
	size_t header_len;
	size_t content_left;
	size_t padding_left;
	bool is_whole;      /* but for the padding of the last record */
	struct buf content; /* of small records that are read whole */
	/* the request */
	struct buf request;
	size_t last_header; /* offset of its last record */
	struct guard_pairs pairs;
	size_t params_bytes;
	size_t body_bytes;   /* sent by the peer, kept or not */
	bool body_is_cut;    /* more than max_body: the rest is dropped */
	bool params_are_odd; /* NUL in a parameter, "=" in its name */
	/* results */
	struct buf answer;  /* bytes to send to the peer now */
	const char *reason; /* of GUARD_REFUSED */
};

/* A guard for a new connection; bodies up to max_body bytes are kept. */
void guard_init(struct guard *guard, size_t max_body);

/*
 * Forget the request, to await the next one; at most 4 KiB of memory are
 * kept.  guard_clear() frees that too; the guard may be used again.
 */
void guard_reset(struct guard *guard);
void guard_clear(struct guard *guard);

/* True between two requests: no byte of the next one has come. */
bool guard_is_idle(const struct guard *guard);

/*
 * Take up to len bytes; *used_r says how many were.  All are, unless the
 * request became whole or was refused before their end.
 */
enum guard_result guard_feed(struct guard *guard, const void *bytes, size_t len,
			     size_t *used_r);

#endif
