/*
 * test_worker: a worker process, its clients and its signals.
 */
#include "test.h"

#include "worker_client.h"

#define PLUGIN(plugin) "{\"template\":{\"plugin\":" plugin "}}"
#define HELLO          PLUGIN("{\"hello\":{\"text\":\"you\"}}")
#define HELLO_REPLY                                                            \
	"{\"node\":{\"phase\":\"Succeeded\",\"message\":\"Hello you!\","       \
	"\"outputs\":{\"parameters\":[{\"name\":\"greeting\",\"value\":"       \
	"\"you\"}]}}}\n"
#define AGAIN "{\"node\":{},\"requeue\":\"2s\"}\n"
#define OVERDUE                                                                \
	"{\"node\":{\"phase\":\"Running\",\"message\":\"no answer within "     \
	"the deadline: still running\"},\"requeue\":\"2s\"}\n"
#define SLEPT     "{\"node\":{\"phase\":\"Succeeded\",\"message\":\"slept\"}}\n"
#define SLEEP(ms) PLUGIN("{\"sleep\":{\"ms\":" ms "}}")

/* {"sleep": {"ms": N}}: Succeeded after N ms; other bodies are refused. */
struct sleeper {
	struct timer timer;
	struct handler_later *later;
	uint64_t ticket;
};

static void sleeper_end(struct timer *timer)
{
	struct sleeper *sleeper = CONTAINER_OF(timer, struct sleeper, timer);
	struct arena arena;
	struct node node;

	arena_init(&arena);
	node_init(&node, &arena);
	node_succeed(&node, "slept");
	/* Twice: the second must do nothing. */
	for (int i = 0; i < 2; i++)
		sleeper->later->answer(sleeper->later, sleeper->ticket, &node,
				       0);
	arena_clear(&arena);
}

static int sleep_submit(const struct call *call, uint64_t ticket,
			struct handler_later *later, struct error *err)
{
	static const int64_t range[2] = { 0, 600000 };
	static struct sleeper sleepers[64];
	static size_t n;
	struct sleeper *sleeper = &sleepers[n];
	int64_t ms = 0;

	if (json_optional_integer(&call->body, "ms", range, &ms, err) < 0)
		return -1;
	n++;
	sleeper->timer.fire = sleeper_end;
	sleeper->later = later;
	sleeper->ticket = ticket;
	loop_timer_set(later->loop, &sleeper->timer, clock_ms() + ms);
	return 0;
}

static const struct handler handler_sleep = {
	.key = "sleep",
	.submit = sleep_submit,
};

static int set_up(void **state)
{
	static struct worker_fixture fixture;

	if (worker_fixture_init(&fixture) < 0 ||
	    registry_add(&fixture.registry, &handler_sleep, NULL) < 0)
		return -1;
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	return worker_fixture_clear(*state);
}

static void a_kept_connection_is_answered_again(void **state)
{
	struct worker_fixture *fixture = *state;
	const struct board_counters *counters = &fixture->slot->counters;
	int fd;

	worker_fixture_start(fixture, true);
	fd = client_open(fixture);
	for (unsigned id = 1; id <= 50; id++) {
		client_send(fd, id, HELLO);
		client_assert(fd, id, "200 OK", HELLO_REPLY);
	}
	assert_true(worker_await(&fixture->slot->replies, 50));
	assert_int_equal(counters->handler_calls[0], 50);
	assert_int_equal(counters->connections, 1);
	assert_true(worker_await(&fixture->slot->n_connections, 1));
	assert_true(worker_await(&fixture->slot->call_digest, 0));
	assert_string_equal(fixture->slot->call_key, "hello");
	close(fd);
	assert_true(worker_await(&fixture->slot->n_connections, 0));
}

static void behind_a_foreign_front_each_reply_ends_it(void **state)
{
	struct worker_fixture *fixture = *state;
	int fd;

	worker_fixture_start(fixture, false);
	fd = client_open(fixture);
	client_send(fd, 1, HELLO);
	client_assert(fd, 1, "200 OK", HELLO_REPLY);
	client_assert_closed(fd);
	close(fd);
}

static void a_parked_call_holds_up_nobody(void **state)
{
	struct worker_fixture *fixture = *state;
	int slow, fast;

	worker_fixture_start(fixture, true);
	slow = client_open(fixture);
	fast = client_open(fixture);
	client_send(slow, 3, SLEEP("300"));
	assert_true(worker_await(&fixture->slot->n_parked, 1));
	assert_true(worker_await_state(fixture, STATE_BUSY));
	assert_in_range(clock_ms() - fixture->slot->oldest_parked_ms, 0,
			WORKER_PATIENCE_MS);
	client_send(fast, 1, HELLO);
	client_assert(fast, 1, "200 OK", HELLO_REPLY);
	client_assert(slow, 3, "200 OK", SLEPT);
	assert_true(worker_await(&fixture->slot->n_parked, 0));
	client_send(slow, 4, HELLO);
	client_assert(slow, 4, "200 OK", HELLO_REPLY);
	assert_true(worker_await(
		(const uint64_t *)&fixture->slot->oldest_parked_ms, 0));
	assert_int_equal(fixture->slot->counters.parked_total, 1);
	close(slow);
	close(fast);
}

static void calls_in_one_piece_are_answered_in_order(void **state)
{
	struct worker_fixture *fixture = *state;
	int fd;

	worker_fixture_start(fixture, true);
	fd = client_open(fixture);
	client_send(fd, 1, SLEEP("50"));
	client_send(fd, 2, HELLO);
	client_send(fd, 3, SLEEP("0"));
	client_send(fd, 4, PLUGIN("{\"sleep\":{\"ms\":-1}}"));
	client_send(fd, 5, PLUGIN("{\"nobody\":{}}"));
	client_assert(fd, 1, "200 OK", SLEPT);
	client_assert(fd, 2, "200 OK", HELLO_REPLY);
	client_assert(fd, 3, "200 OK", SLEPT);
	client_assert(fd, 4, "200 OK",
		      "{\"node\":{\"phase\":\"Failed\",\"message\":\"plugin."
		      "sleep.ms: not between 0 and 600000\"}}\n");
	client_assert(fd, 5, "200 OK", "{}\n");
	close(fd);
}

static void a_call_that_takes_too_long_is_still_running(void **state)
{
	struct worker_fixture *fixture = *state;
	int64_t begun_ms = clock_ms();
	int fd;

	fixture->options.deadline_ms = 200;
	worker_fixture_start(fixture, true);
	fd = client_open(fixture);
	client_send(fd, 1, SLEEP("1500"));
	client_assert(fd, 1, "200 OK", OVERDUE);
	assert_in_range(clock_ms() - begun_ms, 200, 1400);
	/* The handler's late answer must not reach the next call. */
	client_send(fd, 2, SLEEP("150"));
	client_assert(fd, 2, "200 OK", SLEPT);
	client_send(fd, 3, SLEEP("10000"));
	client_assert(fd, 3, "200 OK", OVERDUE);
	close(fd);
}

static void row_70_a_caller_that_left_costs_nothing(void **state)
{
	struct worker_fixture *fixture = *state;
	const struct board_counters *counters = &fixture->slot->counters;
	int fds[20], fd;

	worker_fixture_start(fixture, true);
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = client_open(fixture);
		client_send(fds[i], 1, SLEEP("100"));
	}
	assert_true(worker_await(&fixture->slot->n_parked, ARRAY_LEN(fds)));
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	assert_true(worker_await(&fixture->slot->n_parked, 0));
	assert_true(
		worker_await(&counters->faults[FAULT_GONE], ARRAY_LEN(fds)));
	/* Before this one, all of them answer tickets that are gone. */
	fd = client_open(fixture);
	client_send(fd, 1, SLEEP("150"));
	client_assert(fd, 1, "200 OK", SLEPT);
	close(fd);
}

static void when_1024_calls_are_parked_the_next_is_503(void **state)
{
	struct worker_fixture *fixture = *state;
	struct board_slot *other = board_take(fixture->board, ROLE_WORKER);
	int fd;

	worker_fixture_start(fixture, true);
	fd = client_open(fixture);
	other->n_parked = 1024;
	client_send(fd, 1, SLEEP("0"));
	client_assert(fd, 1, "503 Service Unavailable",
		      "{\"message\":\"1024 calls wait for their answers: ask "
		      "again\"}\n");
	other->n_parked = 1023;
	client_send(fd, 2, SLEEP("0"));
	client_assert(fd, 2, "200 OK", SLEPT);
	/* A worker that died with its parked calls does not count. */
	other->n_parked = 5000;
	board_release(fixture->board, other);
	client_send(fd, 3, SLEEP("0"));
	client_assert(fd, 3, "200 OK", SLEPT);
	assert_int_equal(fixture->slot->counters.rejections[REJECT_FULL], 1);
	close(fd);
}

static void term_answers_parked_calls_and_leaves(void **state)
{
	struct worker_fixture *fixture = *state;
	int parked, idle, half;

	worker_fixture_start(fixture, true);
	idle = client_open(fixture);
	client_send(idle, 1, HELLO);
	client_assert(idle, 1, "200 OK", HELLO_REPLY);
	half = client_open(fixture);
	assert_int_equal(send(half, "\1\1\0\1\0\10\0\0", 8, 0), 8);
	parked = client_open(fixture);
	client_send(parked, 1, SLEEP("60000"));
	assert_true(worker_await(&fixture->slot->n_parked, 1));
	kill(fixture->pid, SIGTERM);
	client_assert(parked, 1, "200 OK", AGAIN);
	client_assert_closed(parked);
	client_assert_closed(idle);
	/* A request that has begun may still be ended. */
	assert_int_equal(send(half, "\0\1\1\0\0\0\0\0", 8, 0), 8);
	assert_int_equal(send(half, "\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0", 16, 0),
			 16);
	client_assert(half, 1, "404 Not Found",
		      "{\"message\":\"nothing is here: calls go to POST "
		      "/api/v1/template.execute\"}\n");
	client_assert_closed(half);
	assert_int_equal(worker_fixture_wait(fixture), 0);
	assert_int_equal(fixture->slot->state, STATE_RETIRING);
	close(parked);
	close(idle);
	close(half);
}

static void usr2_answers_parked_calls_and_parks_no_more(void **state)
{
	struct worker_fixture *fixture = *state;
	int parked, other;

	worker_fixture_start(fixture, true);
	parked = client_open(fixture);
	client_send(parked, 1, SLEEP("60000"));
	assert_true(worker_await(&fixture->slot->n_parked, 1));
	kill(fixture->pid, SIGUSR2);
	client_assert(parked, 1, "200 OK", AGAIN);
	client_send(parked, 2, SLEEP("0"));
	client_assert(parked, 2, "200 OK", AGAIN);
	other = client_open(fixture);
	client_send(other, 1, HELLO);
	client_assert(other, 1, "200 OK", HELLO_REPLY);
	close(parked);
	close(other);
}

static void usr1_serves_kept_connections_until_they_are_closed(void **state)
{
	struct worker_fixture *fixture = *state;
	struct pollfd late = { .events = POLLIN };
	int kept;

	worker_fixture_start(fixture, true);
	kept = client_open(fixture);
	client_send(kept, 1, HELLO);
	client_assert(kept, 1, "200 OK", HELLO_REPLY);
	kill(fixture->pid, SIGUSR1);
	assert_true(worker_await_state(fixture, STATE_RETIRING));
	late.fd = client_open(fixture);
	client_send(late.fd, 1, HELLO);
	client_send(kept, 2, SLEEP("50"));
	client_assert(kept, 2, "200 OK", SLEPT);
	client_send(kept, 3, HELLO);
	client_assert(kept, 3, "200 OK", HELLO_REPLY);
	assert_int_equal(poll(&late, 1, 0), 0);
	close(kept);
	assert_int_equal(worker_fixture_wait(fixture), 0);
	/* The next worker on the same socket finds it in the queue. */
	worker_fixture_start(fixture, true);
	client_assert(late.fd, 1, "200 OK", HELLO_REPLY);
	close(late.fd);
}

static void bad_bytes_end_their_connection_only(void **state)
{
	struct worker_fixture *fixture = *state;
	int good, bad;

	worker_fixture_start(fixture, true);
	good = client_open(fixture);
	bad = client_open(fixture);
	assert_int_equal(send(bad, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
	client_assert_closed(bad);
	client_send(good, 1, HELLO);
	client_assert(good, 1, "200 OK", HELLO_REPLY);
	assert_int_equal(fixture->slot->counters.faults[FAULT_RECORD], 1);
	close(good);
	close(bad);
}

static void a_worker_without_a_socket_exits_70(void **state)
{
	struct worker_fixture *fixture = *state;
	int listen_fd = fixture->listen_fd;

	fixture->listen_fd = -1;
	worker_fixture_start(fixture, true);
	fixture->listen_fd = listen_fd;
	assert_int_equal(worker_fixture_wait(fixture), 70);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_kept_connection_is_answered_again),
		TEST(behind_a_foreign_front_each_reply_ends_it),
		TEST(a_parked_call_holds_up_nobody),
		TEST(calls_in_one_piece_are_answered_in_order),
		TEST(a_call_that_takes_too_long_is_still_running),
		TEST(row_70_a_caller_that_left_costs_nothing),
		TEST(when_1024_calls_are_parked_the_next_is_503),
		TEST(term_answers_parked_calls_and_leaves),
		TEST(usr2_answers_parked_calls_and_parks_no_more),
		TEST(usr1_serves_kept_connections_until_they_are_closed),
		TEST(bad_bytes_end_their_connection_only),
		TEST(a_worker_without_a_socket_exits_70),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
