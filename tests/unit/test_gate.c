/*
 * test_gate: who comes in, how many at once, and what happens when no
 * descriptor is left.
 */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "worker/gate.h"

enum {
	TURN_MS = 20,
	PATIENCE_MS = 5000,
	CLIENTS = 32
};

struct fixture {
	struct loop loop;
	struct board_slot slot;
	struct connection_site site;
	struct gate gate;
	struct sockaddr_un address; /* of the listening socket */
	socklen_t address_len;
	int listen_fd;
	int clients[CLIENTS];
	size_t n_clients;
};

static int set_up(void **state)
{
	struct fixture *fixture = mem_zalloc(sizeof(*fixture));

	if (loop_init(&fixture->loop, NULL) < 0)
		return -1;
	fixture->site.loop = &fixture->loop;
	fixture->site.slot = &fixture->slot;
	fixture->site.keep = true;
	fixture->listen_fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Without a name the kernel gives one that needs no file. */
	fixture->address.sun_family = AF_UNIX;
	fixture->address_len = sizeof(fixture->address);
	if (bind(fixture->listen_fd, (struct sockaddr *)&fixture->address,
		 sizeof(sa_family_t)) < 0 ||
	    getsockname(fixture->listen_fd,
			(struct sockaddr *)&fixture->address,
			&fixture->address_len) < 0 ||
	    listen(fixture->listen_fd, 128) < 0)
		return -1;
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	gate_close(&fixture->gate);
	while (fixture->site.first != NULL)
		connection_close(fixture->site.first);
	for (size_t i = 0; i < fixture->n_clients; i++)
		close(fixture->clients[i]);
	close(fixture->listen_fd);
	loop_clear(&fixture->loop);
	free(fixture);
	return 0;
}

static void open_gate(struct fixture *fixture, int64_t peer_uid)
{
	assert_int_equal(gate_open(&fixture->gate, &fixture->site,
				   fixture->listen_fd, peer_uid, NULL),
			 0);
}

static int client_connect(const struct fixture *fixture)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&fixture->address,
			      fixture->address_len) < 0)
		return -1;
	return fd;
}

static void add_clients(struct fixture *fixture, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int fd = client_connect(fixture);

		assert_true(fd >= 0);
		fixture->clients[fixture->n_clients++] = fd;
	}
}

/* Turn until at least so many connections are open. */
static void await_connections(struct fixture *fixture, size_t n)
{
	int64_t end_ms = clock_ms() + PATIENCE_MS;

	while (fixture->site.n < n && clock_ms() < end_ms)
		loop_turn(&fixture->loop, TURN_MS);
	assert_true(fixture->site.n >= n);
}

static void takes_one_a_turn_and_leaves_the_others_to_siblings(void **state)
{
	struct fixture *fixture = *state;

	open_gate(fixture, -1);
	add_clients(fixture, 3);
	for (size_t n = 1; n <= 3; n++) {
		loop_turn(&fixture->loop, TURN_MS);
		assert_int_equal(fixture->site.n, n);
	}
	assert_int_equal(fixture->slot.counters.connections, 3);
}

static void a_closed_gate_leaves_callers_to_others(void **state)
{
	struct fixture *fixture = *state;

	open_gate(fixture, -1);
	add_clients(fixture, 1);
	await_connections(fixture, 1);
	gate_close(&fixture->gate);
	gate_close(&fixture->gate);
	add_clients(fixture, 1);
	loop_turn(&fixture->loop, TURN_MS);
	assert_int_equal(fixture->site.n, 1);
	open_gate(fixture, -1);
	await_connections(fixture, 2);
}

static void row_56_without_descriptors_it_waits_and_recovers(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit limit, none;

	open_gate(fixture, -1);
	add_clients(fixture, 2);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	loop_turn(&fixture->loop, TURN_MS);
	assert_int_equal(fixture->site.n, 0);
	assert_false(fixture->gate.is_accepting);
	assert_true(loop_timer_is_running(&fixture->gate.pause));
	/* Still none: the pause ends, and begins again. */
	loop_turn(&fixture->loop, 200);
	loop_turn(&fixture->loop, 0);
	assert_true(loop_timer_is_running(&fixture->gate.pause));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	/* Valgrind lets accept() take a caller, and loses it. */
	add_clients(fixture, 2);
	await_connections(fixture, 2);
	assert_true(fixture->gate.is_accepting);
}

static void a_gate_that_waits_can_be_closed(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit limit, none;

	open_gate(fixture, -1);
	add_clients(fixture, 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	loop_turn(&fixture->loop, TURN_MS);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	gate_close(&fixture->gate);
	assert_false(loop_timer_is_running(&fixture->gate.pause));
	loop_turn(&fixture->loop, TURN_MS);
	assert_int_equal(fixture->site.n, 0);
}

/* accept() fails at once, for ever: the loop must not spin. */
static void row_60_a_socket_that_fails_is_tried_now_and_then(void **state)
{
	struct fixture *fixture = *state;

	close(fixture->listen_fd);
	fixture->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(listen(fixture->listen_fd, 1), 0);
	open_gate(fixture, -1);
	assert_int_equal(shutdown(fixture->listen_fd, SHUT_RD), 0);
	loop_turn(&fixture->loop, TURN_MS);
	assert_false(fixture->gate.is_accepting);
	assert_true(loop_timer_is_running(&fixture->gate.pause));
}

/* Connect as a uid; the child exits 0 when it was closed at once. */
static pid_t connect_as(const struct fixture *fixture, uid_t uid)
{
	pid_t pid = fork();
	char byte;
	int fd;

	if (pid != 0)
		return pid;
	if (setresuid(uid, uid, uid) < 0)
		_exit(2);
	fd = client_connect(fixture);
	_exit(fd >= 0 && read(fd, &byte, 1) == 0 ? 0 : 1);
}

static void row_78_a_peer_of_another_uid_is_closed(void **state)
{
	struct fixture *fixture = *state;
	int64_t end_ms = clock_ms() + PATIENCE_MS;
	uid_t other = getuid() == 0 ? 12345 : getuid();
	int status = -1;
	pid_t pid;

	open_gate(fixture, (int64_t)other + 1);
	pid = connect_as(fixture, other);
	assert_true(pid > 0);
	while (fixture->slot.counters.faults[FAULT_PEER] == 0 &&
	       clock_ms() < end_ms)
		loop_turn(&fixture->loop, TURN_MS);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(fixture->slot.counters.faults[FAULT_PEER], 1);
	assert_int_equal(fixture->site.n, 0);
}

static void the_wanted_uid_and_root_come_in(void **state)
{
	struct fixture *fixture = *state;

	open_gate(fixture, getuid());
	add_clients(fixture, 1);
	await_connections(fixture, 1);
	if (getuid() != 0)
		return;
	gate_close(&fixture->gate);
	open_gate(fixture, 12345);
	add_clients(fixture, 1);
	await_connections(fixture, 2);
}

static void a_bad_listening_socket_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;

	assert_int_equal(
		gate_open(&fixture->gate, &fixture->site, -1, -1, &err), -1);
	assert_int_equal(err.code, ERROR_SYSTEM);
	assert_string_equal(err.text, "cannot watch the listening socket: Bad "
				      "file descriptor");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(takes_one_a_turn_and_leaves_the_others_to_siblings),
		TEST(a_closed_gate_leaves_callers_to_others),
		TEST(row_56_without_descriptors_it_waits_and_recovers),
		TEST(a_gate_that_waits_can_be_closed),
		TEST(row_60_a_socket_that_fails_is_tried_now_and_then),
		TEST(row_78_a_peer_of_another_uid_is_closed),
		TEST(the_wanted_uid_and_root_come_in),
		TEST(a_bad_listening_socket_is_an_error),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
