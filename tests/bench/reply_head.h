/*
 * reply_head: what a client must know of a reply's head to find its end.
 */
#ifndef BENCH_REPLY_HEAD_H
#define BENCH_REPLY_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#define REPLY_STATUS_MAX 600

struct reply_head {
	int status;    /* 0: not HTTP, else 100 .. REPLY_STATUS_MAX - 1 */
	size_t len;    /* of the head with its empty line */
	long body_len; /* -1: chunked, or until the connection closes */
	bool chunked;
	bool closes; /* the peer will close the connection */
};

/*
 * Read the head at the start of in (ended by NUL).  Returns false while it
 * is not whole.
 */
bool reply_head_parse(const char *in, struct reply_head *head);

/*
 * Whether the in_len bytes at in hold the whole reply; eof says that the
 * peer will send no more.
 */
bool reply_is_whole(const struct reply_head *head, const char *in,
		    size_t in_len, bool eof);

#endif
