/*
 * caller: many connections to one plugin, one call in flight on each, all
 * in one epoll loop.
 *
 * A call is good when it is answered 200 with the expected text.  Without
 * retries every other end is a failed call.  With retries the caller does
 * as Argo's agent: 503, a refused or broken connection and a timeout are
 * tried again, five tries in all; anything else is a failed call at once,
 * a 200 that breaks off included (most releases of the agent give up).
 */
#ifndef BENCH_CALLER_H
#define BENCH_CALLER_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "reply_head.h"

struct caller_options {
	struct sockaddr_in peer;
	const char *request; /* head and body; the caller's owner keeps it */
	size_t request_len;
	const char *expect; /* stands in each good body; NULL: any body */
	long n_connections;
	long count;      /* calls in all; 0: no such limit */
	double seconds;  /* when no call begins any more; 0: no limit */
	double retry;    /* < 0: no retries; else scales 1, 2, 4, 8 s */
	long timeout_ms; /* for a try */
};

struct caller_counters {
	long begun; /* calls; in the end ok + failed */
	long ok;
	long failed;
	long tries;
	long connects;
	long refused; /* tries, as the next three */
	long reset;
	long timeout;
	long truncated;
	long wrong; /* a 200 without the expected text */
	long status[REPLY_STATUS_MAX];
};

struct caller_result {
	struct caller_counters n;
	struct histogram latency; /* of good calls, all their tries */
	double seconds;           /* until no call began any more */
	long ok_in_time;          /* good calls within these seconds */
	double gap_ms;            /* longest time without a good reply */
};

/*
 * Call until count, seconds or caller_stop() ends it, then wait for the
 * calls in flight.  Fills *result.  Blocks.  Trouble on our own side (no
 * more descriptors) ends the program with 70.
 */
void caller_run(const struct caller_options *opt, struct caller_result *result);

/* Begin no more calls.  May be called in a signal handler. */
void caller_stop(void);

#endif
