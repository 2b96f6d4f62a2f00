/*
 * connection: reading -> in hand -> (parked) -> sending -> reading.
 */
#include "worker/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/response.h"

enum {
	/* a reply with its record headers, and management answers */
	CONNECTION_OUT_BYTES = RESPONSE_BODY_LIMIT + 65536,
};

static void connection_set_timer(struct connection *connection, int64_t in_ms)
{
	loop_timer_set(connection->site->loop, &connection->timer,
		       clock_ms() + in_ms);
}

/* Watch for events; most often they are the ones already watched for. */
static void connection_await(struct connection *connection, uint32_t events)
{
	if (connection->events == events)
		return;
	connection->events = events;
	loop_change(connection->site->loop, &connection->watch, events);
}

void connection_close(struct connection *connection)
{
	struct connection_site *site = connection->site;

	loop_timer_stop(site->loop, &connection->timer);
	loop_remove(site->loop, &connection->watch);
	close(connection->watch.fd);

	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		site->first = connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
	site->n--;

	guard_clear(&connection->guard);
	buf_clear(&connection->out);
	buf_clear(&connection->rest);
	free(connection->entry);
	free(connection);
}

/* Close because of the peer's fault, and say which. */
static void connection_fail(struct connection *connection,
			    enum board_fault fault, const char *reason)
{
	board_add(&connection->site->slot->counters.faults[fault], 1);
	log_write(LOG_LEVEL_WARN, "worker", "closed a FastCGI connection: %s",
		  reason);
	connection_close(connection);
}

/* What the peer gets before it is cut off; best effort. */
static void connection_last_words(struct connection *connection)
{
	const struct buf *answer = &connection->guard.answer;
	ssize_t n;

	if (answer->len == 0)
		return;
	n = send(connection->watch.fd, answer->data, answer->len,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)n;
}

/*
 * Send what is in `out`.  Returns 1: all of it; 0: the peer takes no more
 * now; -1: the connection is broken.
 */
static int connection_flush(struct connection *connection)
{
	struct buf *out = &connection->out;
	ssize_t n;

	while (out->len > 0) {
		n = send(connection->watch.fd, out->data, out->len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		buf_drop(out, (size_t)n);
	}
	return 1;
}

/* All was sent: read the next request, or close. */
static void connection_next(struct connection *connection)
{
	struct connection_site *site = connection->site;

	buf_clear(&connection->out);
	if (connection->close_after || site->leaving) {
		connection_close(connection);
		return;
	}
	connection->state = CONNECTION_READING;
	connection_await(connection, EPOLLIN);
	connection_set_timer(connection,
			     connection->rest.len > 0 ? 0 : CONNECTION_IDLE_MS);
}

static void connection_wait_to_send(struct connection *connection)
{
	connection->state = CONNECTION_SENDING;
	connection_await(connection, EPOLLOUT);
	connection_set_timer(connection, CONNECTION_REPLY_MS);
}

void connection_send(struct connection *connection, const struct buf *reply)
{
	size_t sent = 0;
	ssize_t n;

	if (connection->out.len == 0) {
		n = send(connection->watch.fd, reply->data, reply->len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			connection_fail(connection, FAULT_GONE,
					"the peer left before its reply");
			return;
		}
		sent = n > 0 ? (size_t)n : 0;
	}
	buf_add(&connection->out, reply->data + sent, reply->len - sent);
	if (connection->out.len > 0)
		connection_wait_to_send(connection);
	else
		connection_next(connection);
}

/* Send what the guard answers itself; false: the connection is closed. */
static bool connection_answer_guard(struct connection *connection)
{
	struct buf *answer = &connection->guard.answer;

	if (answer->len == 0)
		return true;
	buf_add(&connection->out, answer->data, answer->len);
	buf_reset(answer);
	if (connection->out.cut || connection_flush(connection) < 0) {
		connection_fail(connection, FAULT_GONE,
				"the peer does not read its replies");
		return false;
	}
	return true;
}

/* Bytes have come.  The connection may be closed when this returns. */
static void connection_take(struct connection *connection, const char *bytes,
			    size_t len)
{
	struct guard *guard = &connection->guard;
	bool was_idle = guard_is_idle(guard);
	enum guard_result result;
	size_t used;

	result = guard_feed(guard, bytes, len, &used);
	if (result == GUARD_REFUSED) {
		connection_last_words(connection);
		connection_fail(connection, FAULT_RECORD, guard->reason);
		return;
	}
	if (!connection_answer_guard(connection))
		return;
	if (result == GUARD_MORE) {
		if (was_idle && !guard_is_idle(guard))
			connection_set_timer(connection, CONNECTION_REQUEST_MS);
		return;
	}
	if (used < len)
		buf_add(&connection->rest, bytes + used, len - used);
	connection->state = CONNECTION_IN_HAND;
	connection->site->whole(connection->site, connection);
}

void connection_release_request(struct connection *connection)
{
	connection->id = connection->guard.id;
	connection->close_after =
		!connection->site->keep || !connection->guard.keep;
	guard_reset(&connection->guard);
}

void connection_park(struct connection *connection, int64_t due_ms)
{
	connection->state = CONNECTION_PARKED;
	guard_clear(&connection->guard);
	/* EPOLLHUP and EPOLLERR still come; bytes wait for their turn. */
	connection_await(connection,
			 connection->site->end_is_gone ? EPOLLRDHUP : 0);
	loop_timer_set(connection->site->loop, &connection->timer, due_ms);
}

static void connection_read(struct connection *connection)
{
	char *scratch = connection->site->scratch;
	ssize_t n = recv(connection->watch.fd, scratch,
			 CONNECTION_SCRATCH_BYTES, MSG_DONTWAIT);

	if (n > 0) {
		connection_take(connection, scratch, (size_t)n);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (guard_is_idle(&connection->guard))
		connection_close(connection);
	else
		connection_fail(connection, FAULT_GONE,
				"the peer left before its request was whole");
}

/* Take the bytes that came behind the last request. */
static void connection_take_rest(struct connection *connection)
{
	struct buf rest = connection->rest;

	buf_init(&connection->rest, rest.limit);
	connection_set_timer(connection, CONNECTION_REQUEST_MS);
	connection_take(connection, rest.data, rest.len);
	buf_clear(&rest);
}

static void connection_ready(struct watch *watch, uint32_t events)
{
	struct connection *connection =
		CONTAINER_OF(watch, struct connection, watch);
	int sent;

	(void)events;
	switch (connection->state) {
	case CONNECTION_READING:
		/* What was read before comes first. */
		if (connection->rest.len > 0)
			connection_take_rest(connection);
		else
			connection_read(connection);
		break;
	case CONNECTION_PARKED:
		connection->site->gone(connection->site, connection);
		connection_close(connection);
		break;
	case CONNECTION_SENDING:
		sent = connection_flush(connection);
		if (sent < 0)
			connection_fail(connection, FAULT_GONE,
					"the peer left before its reply");
		else if (sent > 0)
			connection_next(connection);
		break;
	case CONNECTION_IN_HAND:
		break;
	}
}

static void connection_fire(struct timer *timer)
{
	struct connection *connection =
		CONTAINER_OF(timer, struct connection, timer);

	switch (connection->state) {
	case CONNECTION_READING:
		if (connection->rest.len > 0)
			connection_take_rest(connection);
		else if (guard_is_idle(&connection->guard))
			connection_close(connection);
		else
			connection_fail(connection, FAULT_TIMEOUT,
					"the request was not whole in time");
		break;
	case CONNECTION_PARKED:
		connection->site->due(connection->site, connection);
		break;
	case CONNECTION_SENDING:
		connection_fail(connection, FAULT_TIMEOUT,
				"the reply was not taken in time");
		break;
	case CONNECTION_IN_HAND:
		break;
	}
}

void connection_start(struct connection_site *site, int fd)
{
	struct connection *connection = mem_zalloc(sizeof(*connection));

	connection->site = site;
	connection->watch.fd = fd;
	connection->events = EPOLLIN;
	connection->watch.ready = connection_ready;
	connection->timer.fire = connection_fire;
	guard_init(&connection->guard, site->max_body);
	buf_init(&connection->out, CONNECTION_OUT_BYTES);
	buf_init(&connection->rest, CONNECTION_SCRATCH_BYTES);
	if (loop_add(site->loop, &connection->watch, EPOLLIN) < 0) {
		log_write(LOG_LEVEL_WARN, "worker",
			  "cannot watch a connection: closed it");
		close(fd);
		free(connection);
		return;
	}
	connection->next = site->first;
	if (site->first != NULL)
		site->first->previous = connection;
	site->first = connection;
	site->n++;
	board_add(&site->slot->counters.connections, 1);
	connection_set_timer(connection, CONNECTION_SILENT_MS);
}

/* Is it between two requests, with no byte of the next one here? */
static bool connection_is_idle(const struct connection *connection)
{
	char byte;

	return connection->state == CONNECTION_READING &&
	       guard_is_idle(&connection->guard) && connection->rest.len == 0 &&
	       recv(connection->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <=
		       0;
}

void connection_close_idle(struct connection_site *site)
{
	struct connection *connection, *next;

	for (connection = site->first; connection != NULL; connection = next) {
		next = connection->next;
		if (connection_is_idle(connection))
			connection_close(connection);
	}
}
