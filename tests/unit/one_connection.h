/*
 * one_connection: one FastCGI connection over a socket pair, on a real loop,
 * at a site that records what it is told.
 */
#ifndef UNIT_ONE_CONNECTION_H
#define UNIT_ONE_CONNECTION_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "records.h"
#include "worker/connection.h"
#include "worker/journal.h"

enum {
	MAX_BODY = 65536,
	TURN_MS = 20,
	PATIENCE_MS = 5000
};

struct fixture {
	struct loop loop;
	struct board_slot slot;
	struct connection_site site;
	int peer; /* our end; -1: closed */
	/* what the site was told */
	unsigned n_whole, n_due, n_gone;
	struct buf requests; /* the clean bytes of each, one behind another */
	struct connection *last;
	struct buf call; /* a whole request, to be sent */
	/* what the site does with a whole request */
	bool park;
	size_t reply_bytes;
};

/* Reply with so many bytes. */
static void answer(struct fixture *fixture, struct connection *connection)
{
	struct buf reply;

	buf_init(&reply, RECORDS_LIMIT);
	while (reply.len < fixture->reply_bytes)
		buf_add_char(&reply, (char)('a' + reply.len % 26));
	connection_send(connection, &reply);
	buf_clear(&reply);
}

static void site_whole(struct connection_site *site,
		       struct connection *connection)
{
	struct fixture *fixture = CONTAINER_OF(site, struct fixture, site);

	fixture->n_whole++;
	fixture->last = connection;
	buf_add(&fixture->requests, connection->guard.request.data,
		connection->guard.request.len);
	connection_release_request(connection);
	if (fixture->park) {
		connection->entry = mem_zalloc(sizeof(*connection->entry));
		connection_park(connection, clock_ms() + 50);
	} else {
		answer(fixture, connection);
	}
}

static void site_due(struct connection_site *site,
		     struct connection *connection)
{
	struct fixture *fixture = CONTAINER_OF(site, struct fixture, site);

	fixture->n_due++;
	free(connection->entry);
	connection->entry = NULL;
	answer(fixture, connection);
}

static void site_gone(struct connection_site *site,
		      struct connection *connection)
{
	struct fixture *fixture = CONTAINER_OF(site, struct fixture, site);

	(void)connection;
	fixture->n_gone++;
}

static int set_up(void **state)
{
	struct fixture *fixture = mem_zalloc(sizeof(*fixture));
	int ends[2];

	if (loop_init(&fixture->loop, NULL) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       ends) < 0)
		return -1;
	fixture->peer = ends[0];
	fixture->site.loop = &fixture->loop;
	fixture->site.slot = &fixture->slot;
	fixture->site.max_body = MAX_BODY;
	fixture->site.keep = true;
	fixture->site.scratch = mem_alloc(CONNECTION_SCRATCH_BYTES);
	fixture->site.whole = site_whole;
	fixture->site.due = site_due;
	fixture->site.gone = site_gone;
	fixture->reply_bytes = 5;
	buf_init(&fixture->requests, RECORDS_LIMIT);
	buf_init(&fixture->call, 4096);
	records_call(&fixture->call, 1, "{}");
	connection_start(&fixture->site, ends[1]);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	while (fixture->site.first != NULL)
		connection_close(fixture->site.first);
	if (fixture->peer >= 0)
		close(fixture->peer);
	loop_clear(&fixture->loop);
	buf_clear(&fixture->requests);
	buf_clear(&fixture->call);
	free(fixture->site.scratch);
	free(fixture);
	return 0;
}

static void peer_send(struct fixture *fixture, const void *bytes, size_t len)
{
	assert_int_equal(send(fixture->peer, bytes, len, MSG_NOSIGNAL), len);
}

/* Turn until the peer has len bytes of `text`, or the connection is over. */
static size_t peer_receive(struct fixture *fixture, struct buf *text,
			   size_t len)
{
	int64_t end_ms = clock_ms() + PATIENCE_MS;
	char chunk[8192];
	ssize_t n;

	while (text->len < len && clock_ms() < end_ms) {
		loop_turn(&fixture->loop, 0);
		n = recv(fixture->peer, chunk, sizeof(chunk), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		if (n > 0)
			buf_add(text, chunk, (size_t)n);
	}
	return text->len;
}

static void assert_received(struct fixture *fixture, size_t len)
{
	struct buf text;

	buf_init(&text, RECORDS_LIMIT);
	assert_int_equal(peer_receive(fixture, &text, len), len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(text.data[i],
				 'a' + i % fixture->reply_bytes % 26);
	buf_clear(&text);
}

/* Make the loop believe that the connection's time is over. */
static void let_time_pass(struct fixture *fixture)
{
	loop_timer_set(&fixture->loop, &fixture->site.first->timer, 0);
	loop_turn(&fixture->loop, 0);
}

#endif
