/*
 * test_connection: reading, parking, sending, and every way to an end.
 */
#include "test.h"

#include "one_connection.h"

static void a_kept_connection_answers_again_and_again(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned i = 1; i <= 20; i++) {
		peer_send(fixture, fixture->call.data, fixture->call.len);
		assert_received(fixture, 5);
		assert_int_equal(fixture->n_whole, i);
	}
	assert_int_equal(fixture->site.n, 1);
	assert_int_equal(fixture->slot.counters.connections, 1);
}

static void a_connection_is_closed_after_its_reply(void **state)
{
	struct fixture *fixture = *state;
	struct buf text;

	buf_init(&text, 65536);
	fixture->site.keep = false;
	peer_send(fixture, fixture->call.data, fixture->call.len);
	assert_int_equal(peer_receive(fixture, &text, 6), 5);
	assert_int_equal(fixture->site.n, 0);
	buf_clear(&text);
}

static void row_16_a_request_may_come_byte_by_byte(void **state)
{
	struct fixture *fixture = *state;
	struct buf call;

	buf_init(&call, 65536);
	records_call(&call, 1, "{\"template\":{}}");
	for (size_t i = 0; i < call.len; i++) {
		assert_int_equal(fixture->n_whole, 0);
		peer_send(fixture, call.data + i, 1);
		loop_turn(&fixture->loop, TURN_MS);
	}
	assert_received(fixture, 5);
	assert_int_equal(fixture->requests.len, call.len);
	assert_memory_equal(fixture->requests.data, call.data, call.len);
	buf_clear(&call);
}

/* In pieces that end anywhere, so that bytes of one wait for another. */
static void requests_in_one_piece_are_answered_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct buf calls;
	char body[32];
	size_t half;

	buf_init(&calls, 65536);
	for (int i = 0; i < 10; i++) {
		snprintf(body, sizeof(body), "{\"n\":%d}", i);
		records_call(&calls, (unsigned)(1 + i), body);
	}
	for (size_t cut = 1; cut <= 10; cut++) {
		fixture->n_whole = 0;
		buf_reset(&fixture->requests);
		half = calls.len * cut / 10;
		peer_send(fixture, calls.data, half);
		loop_turn(&fixture->loop, 0);
		if (half < calls.len)
			peer_send(fixture, calls.data + half, calls.len - half);
		assert_received(fixture, 50);
		assert_int_equal(fixture->n_whole, 10);
		assert_int_equal(fixture->requests.len, calls.len);
		assert_memory_equal(fixture->requests.data, calls.data,
				    calls.len);
	}
	buf_clear(&calls);
}

/* A call that was parked is followed by bytes that were read long ago. */
static void what_came_behind_a_parked_call_is_taken_first(void **state)
{
	struct fixture *fixture = *state;
	struct buf calls;

	buf_init(&calls, 65536);
	fixture->park = true;
	for (unsigned i = 1; i <= 4; i++)
		records_call(&calls, i, "{}");
	/* The second call is cut: its end stays in the socket. */
	peer_send(fixture, calls.data, calls.len / 4 + 30);
	loop_turn(&fixture->loop, TURN_MS);
	assert_int_equal(fixture->n_whole, 1);
	peer_send(fixture, calls.data + calls.len / 4 + 30,
		  calls.len - calls.len / 4 - 30);
	assert_received(fixture, 20);
	assert_int_equal(fixture->n_whole, 4);
	assert_int_equal(fixture->n_due, 4);
	assert_memory_equal(fixture->requests.data, calls.data, calls.len);
	buf_clear(&calls);
}

static void a_large_reply_is_sent_as_the_peer_takes_it(void **state)
{
	struct fixture *fixture = *state;

	fixture->reply_bytes = 3 * 1024 * 1024;
	peer_send(fixture, fixture->call.data, fixture->call.len);
	loop_turn(&fixture->loop, TURN_MS);
	assert_int_equal(fixture->last->state, CONNECTION_SENDING);
	assert_received(fixture, fixture->reply_bytes);
	assert_int_equal(fixture->site.n, 1);
	assert_int_equal(fixture->last->state, CONNECTION_READING);
	assert_null(fixture->last->out.data);
}

static void row_19_a_peer_that_does_not_read_is_cut_off(void **state)
{
	struct fixture *fixture = *state;

	fixture->reply_bytes = 3 * 1024 * 1024;
	peer_send(fixture, fixture->call.data, fixture->call.len);
	loop_turn(&fixture->loop, TURN_MS);
	assert_in_range(fixture->last->timer.at_ms - clock_ms(), 1,
			CONNECTION_REPLY_MS);
	let_time_pass(fixture);
	assert_int_equal(fixture->site.n, 0);
	assert_int_equal(fixture->slot.counters.faults[FAULT_TIMEOUT], 1);
}

static void row_20_a_peer_that_leaves_before_its_reply_is_noted(void **state)
{
	struct fixture *fixture = *state;

	peer_send(fixture, fixture->call.data, fixture->call.len);
	close(fixture->peer);
	fixture->peer = -1;
	loop_turn(&fixture->loop, TURN_MS);
	assert_int_equal(fixture->n_whole, 1);
	assert_int_equal(fixture->site.n, 0);
	assert_int_equal(fixture->slot.counters.faults[FAULT_GONE], 1);
}

static void park_a_call(struct fixture *fixture)
{
	fixture->park = true;
	peer_send(fixture, fixture->call.data, fixture->call.len);
	loop_turn(&fixture->loop, TURN_MS);
	assert_int_equal(fixture->last->state, CONNECTION_PARKED);
}

static void a_peer_that_leaves_while_parked_is_told(void **state)
{
	struct fixture *fixture = *state;

	park_a_call(fixture);
	close(fixture->peer);
	fixture->peer = -1;
	loop_turn(&fixture->loop, TURN_MS);
	assert_int_equal(fixture->n_gone, 1);
	assert_int_equal(fixture->n_due, 0);
	assert_int_equal(fixture->site.n, 0);
}

/* On TCP a peer that has closed shows by the end of its bytes only. */
static void on_tcp_a_peer_that_ends_while_parked_is_gone(void **state)
{
	struct fixture *fixture = *state;

	fixture->site.end_is_gone = true;
	park_a_call(fixture);
	shutdown(fixture->peer, SHUT_WR);
	loop_turn(&fixture->loop, TURN_MS);
	assert_int_equal(fixture->n_gone, 1);
	assert_int_equal(fixture->site.n, 0);
}

/* A call has arrived, and we are told to leave before it was read. */
static void what_has_arrived_is_answered_by_one_who_leaves(void **state)
{
	struct fixture *fixture = *state;

	peer_send(fixture, fixture->call.data, fixture->call.len);
	fixture->site.leaving = true;
	connection_close_idle(&fixture->site);
	assert_int_equal(fixture->site.n, 1);
	assert_received(fixture, 5);
	assert_int_equal(fixture->n_whole, 1);
	assert_int_equal(fixture->site.n, 0);
}

/* Some web servers half close behind the request. */
static void a_peer_that_has_ended_its_side_is_answered(void **state)
{
	struct fixture *fixture = *state;

	fixture->park = true;
	peer_send(fixture, fixture->call.data, fixture->call.len);
	shutdown(fixture->peer, SHUT_WR);
	assert_received(fixture, 5);
	assert_int_equal(fixture->n_gone, 0);
	loop_turn(&fixture->loop, TURN_MS);
	assert_int_equal(fixture->site.n, 0);
}

static void time_closes_what_does_not_go_on(void **state)
{
	static const struct {
		size_t len; /* bytes of a request that come; 0: none */
		int64_t within_ms;
		unsigned n_timeouts;
	} rows[] = {
		{ 0, CONNECTION_SILENT_MS, 0 },
		{ 1, CONNECTION_REQUEST_MS, 1 },
		{ 20, CONNECTION_REQUEST_MS, 1 },
	};
	struct fixture *fixture = *state;
	const uint64_t *timeouts =
		&fixture->slot.counters.faults[FAULT_TIMEOUT];
	uint64_t before;
	int ends[2];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (fixture->site.n == 0) {
			close(fixture->peer);
			assert_int_equal(socketpair(AF_UNIX,
						    SOCK_STREAM | SOCK_NONBLOCK,
						    0, ends),
					 0);
			fixture->peer = ends[0];
			connection_start(&fixture->site, ends[1]);
		}
		before = *timeouts;
		peer_send(fixture, fixture->call.data, rows[i].len);
		loop_turn(&fixture->loop, TURN_MS);
		assert_in_range(fixture->site.first->timer.at_ms - clock_ms(),
				rows[i].within_ms - 1000, rows[i].within_ms);
		let_time_pass(fixture);
		assert_int_equal(fixture->site.n, 0);
		assert_int_equal(*timeouts - before, rows[i].n_timeouts);
	}
}

/* More bytes do not buy more time. */
static void a_slow_request_has_its_time_from_the_first_byte(void **state)
{
	struct fixture *fixture = *state;
	int64_t at_ms;

	peer_send(fixture, fixture->call.data, 1);
	loop_turn(&fixture->loop, TURN_MS);
	at_ms = fixture->site.first->timer.at_ms;
	for (size_t i = 1; i < 40; i++) {
		peer_send(fixture, fixture->call.data + i, 1);
		loop_turn(&fixture->loop, TURN_MS);
		assert_int_equal(fixture->site.first->timer.at_ms, at_ms);
	}
}

static void bytes_that_are_not_fastcgi_close_it(void **state)
{
	struct fixture *fixture = *state;

	peer_send(fixture, "GET / HTTP/1.1\r\n\r\n", 18);
	loop_turn(&fixture->loop, TURN_MS);
	assert_int_equal(fixture->site.n, 0);
	assert_int_equal(fixture->slot.counters.faults[FAULT_RECORD], 1);
}

static void the_guards_answers_are_sent(void **state)
{
	struct fixture *fixture = *state;
	struct buf bytes, text;

	buf_init(&bytes, 65536);
	buf_init(&text, 65536);
	records_add(&bytes, FCGI_GET_VALUES, 0, "\17\0FCGI_MPXS_CONNS", 17);
	peer_send(fixture, bytes.data, bytes.len);
	assert_int_equal(peer_receive(fixture, &text, 26), 26);
	assert_int_equal(fixture->site.n, 1);

	buf_reset(&bytes);
	buf_reset(&text);
	records_begin(&bytes, 1, FCGI_AUTHORIZER, 0);
	peer_send(fixture, bytes.data, bytes.len);
	assert_int_equal(peer_receive(fixture, &text, 16), 16);
	assert_int_equal(text.data[12], FCGI_UNKNOWN_ROLE);
	assert_int_equal(fixture->site.n, 0);
	buf_clear(&bytes);
	buf_clear(&text);
}

static void a_site_that_leaves_closes_what_is_idle(void **state)
{
	struct fixture *fixture = *state;
	int ends[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	connection_start(&fixture->site, ends[1]);
	peer_send(fixture, fixture->call.data, 20);
	loop_turn(&fixture->loop, TURN_MS);
	fixture->site.leaving = true;
	connection_close_idle(&fixture->site);
	assert_int_equal(fixture->site.n, 1);
	peer_send(fixture, fixture->call.data + 20, fixture->call.len - 20);
	assert_received(fixture, 5);
	assert_int_equal(fixture->site.n, 0);
	close(ends[0]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_kept_connection_answers_again_and_again),
		TEST(a_connection_is_closed_after_its_reply),
		TEST(row_16_a_request_may_come_byte_by_byte),
		TEST(requests_in_one_piece_are_answered_in_order),
		TEST(what_came_behind_a_parked_call_is_taken_first),
		TEST(a_large_reply_is_sent_as_the_peer_takes_it),
		TEST(row_19_a_peer_that_does_not_read_is_cut_off),
		TEST(row_20_a_peer_that_leaves_before_its_reply_is_noted),
		TEST(a_peer_that_leaves_while_parked_is_told),
		TEST(on_tcp_a_peer_that_ends_while_parked_is_gone),
		TEST(what_has_arrived_is_answered_by_one_who_leaves),
		TEST(a_peer_that_has_ended_its_side_is_answered),
		TEST(time_closes_what_does_not_go_on),
		TEST(a_slow_request_has_its_time_from_the_first_byte),
		TEST(bytes_that_are_not_fastcgi_close_it),
		TEST(the_guards_answers_are_sent),
		TEST(a_site_that_leaves_closes_what_is_idle),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
