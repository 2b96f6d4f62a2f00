/*
 * connection: the bytes of one FastCGI connection.
 *
 * Reads without blocking, lets the guard look at every byte, says when a
 * request is whole, and sends the reply as fast as the peer takes it.  A
 * silent, slow or half-sent request costs its own few hundred bytes until
 * its time is over, and nobody else anything.
 */
#ifndef WORKER_CONNECTION_H
#define WORKER_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/scoreboard.h"
#include "http/guard.h"

struct connection;
struct journal_entry;

/* What all connections of a worker share.  The worker's. */
struct connection_site {
	struct loop *loop;
	struct board_slot *slot;
	size_t max_body;
	bool keep;    /* the front closes; else we do, after each reply */
	bool leaving; /* close what is idle, and after each reply */
	/*
	 * A peer that has closed shows as a hang-up on unix sockets only; on
	 * others as the end of its bytes.
	 */
	bool end_is_gone;
	char *scratch; /* CONNECTION_SCRATCH_BYTES to read into */
	struct connection *first;
	size_t n; /* connections that are open */

	/*
	 * connection->guard holds a whole request.  Answer it, now or later,
	 * with connection_send(), or close the connection.
	 */
	void (*whole)(struct connection_site *site,
		      struct connection *connection);
	/* The timer of a parked connection fired. */
	void (*due)(struct connection_site *site,
		    struct connection *connection);
	/* A parked connection is about to be closed: its peer is gone. */
	void (*gone)(struct connection_site *site,
		     struct connection *connection);
};

enum {
	CONNECTION_SCRATCH_BYTES = 65536,
	/* until the first byte, where we close after each reply */
	CONNECTION_SILENT_MS = 10000,
	/* between two requests, where the front closes: it is long gone */
	CONNECTION_IDLE_MS = 60000,
	/* from the first byte until the request is whole */
	CONNECTION_REQUEST_MS = 10000,
	/* until the peer has taken the reply */
	CONNECTION_REPLY_MS = 10000,
};

enum connection_state {
	CONNECTION_READING,
	CONNECTION_IN_HAND, /* whole, being answered */
	CONNECTION_PARKED,
	CONNECTION_SENDING, /* the peer has not taken all of the reply */
};

struct connection {
	struct watch watch;
	uint32_t events; /* watched for */
	struct timer timer;
	struct connection_site *site;
	struct connection *previous, *next;
	enum connection_state state;
	struct guard guard;
	uint16_t id;      /* of the request that is being answered */
	bool close_after; /* the reply */
	struct buf out;   /* not taken by the peer yet */
	struct buf rest;  /* came behind a whole request */
	/* while parked; the worker's */
	uint64_t ticket;
	struct journal_entry *entry; /* owned; NULL: not parked */
	bool slow_was_said;
};

/*
 * Begin with an accepted, non-blocking descriptor, which is owned from now
 * on.  A connection that cannot be watched is closed at once.
 */
void connection_start(struct connection_site *site, int fd);

/* Close and free, whatever it is doing. */
void connection_close(struct connection *connection);

/*
 * Call from site->whole(): the request was decoded, its memory is not
 * needed any more.  id and close_after are noted from it.
 */
void connection_release_request(struct connection *connection);

/* Wait for the answer; site->due() is called at due_ms (clock_ms()). */
void connection_park(struct connection *connection, int64_t due_ms);

/*
 * Send a reply and then read on, or close, as the peer and the site want
 * it.  The connection may be closed and freed when this returns.
 */
void connection_send(struct connection *connection, const struct buf *reply);

/* The site is leaving: close the connections that are between requests. */
void connection_close_idle(struct connection_site *site);

#endif
