/*
 * worker_client: a worker in a child process on a socket that needs no
 * file, and FastCGI clients of it.
 */
#ifndef UNIT_WORKER_CLIENT_H
#define UNIT_WORKER_CLIENT_H

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "records.h"
#include "worker/worker.h"

enum {
	WORKER_PATIENCE_MS = 10000
};

struct worker_fixture {
	struct options options;
	struct registry registry;
	struct board *board;
	struct board_slot *slot; /* the worker's */
	int listen_fd;
	struct sockaddr_un address; /* of listen_fd */
	socklen_t address_len;
	pid_t pid; /* the worker; 0: it has ended */
};

/* A socket, and a registry with the built-in handlers; no worker yet. */
static inline int worker_fixture_init(struct worker_fixture *fixture)
{
	struct sockaddr *address = (struct sockaddr *)&fixture->address;

	memset(fixture, 0, sizeof(*fixture));
	fixture->options.max_body = 1048576;
	fixture->options.deadline_ms = 20000;
	registry_init(&fixture->registry);
	fixture->board = board_new(NULL);
	if (fixture->board == NULL)
		return -1;
	board_set_no_token(fixture->board, TOKEN_OFF, "");
	fixture->slot = board_take(fixture->board, ROLE_WORKER);
	fixture->listen_fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	fixture->address.sun_family = AF_UNIX;
	fixture->address_len = sizeof(fixture->address);
	if (bind(fixture->listen_fd, address, sizeof(sa_family_t)) < 0 ||
	    getsockname(fixture->listen_fd, address, &fixture->address_len) < 0)
		return -1;
	return listen(fixture->listen_fd, 1024);
}

static inline void worker_fixture_start(struct worker_fixture *fixture,
					bool keep_connections)
{
	const struct worker_start start = {
		.options = &fixture->options,
		.registry = &fixture->registry,
		.board = fixture->board,
		.slot = fixture->slot,
		.listen_fd = fixture->listen_fd,
		.keep_connections = keep_connections,
		.peer_uid = -1,
	};

	fflush(stdout);
	fixture->pid = fork();
	assert_true(fixture->pid >= 0);
	if (fixture->pid == 0)
		exit(worker_run(&start));
	fixture->slot->pid = fixture->pid;
}

/* Wait for the worker's end.  Returns its exit code, -1: it was killed. */
static inline int worker_fixture_wait(struct worker_fixture *fixture)
{
	int64_t end_ms = clock_ms() + WORKER_PATIENCE_MS;
	int status = -1;

	while (waitpid(fixture->pid, &status, WNOHANG) == 0) {
		if (clock_ms() > end_ms)
			kill(fixture->pid, SIGKILL);
		poll(NULL, 0, 1);
	}
	fixture->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* End the worker, which must exit with 0: nothing leaked, nothing broke. */
static inline int worker_fixture_clear(struct worker_fixture *fixture)
{
	int code = 0;

	if (fixture->pid > 0) {
		kill(fixture->pid, SIGTERM);
		code = worker_fixture_wait(fixture);
	}
	close(fixture->listen_fd);
	return code;
}

/* Wait until *place is wanted; false: it took too long. */
static inline bool worker_await(const uint64_t *place, uint64_t wanted)
{
	int64_t end_ms = clock_ms() + WORKER_PATIENCE_MS;

	while (__atomic_load_n(place, __ATOMIC_ACQUIRE) != wanted) {
		if (clock_ms() > end_ms)
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

/* Wait until the worker says that it is in this state. */
static inline bool worker_await_state(const struct worker_fixture *fixture,
				      enum board_state wanted)
{
	int64_t end_ms = clock_ms() + WORKER_PATIENCE_MS;

	while (__atomic_load_n(&fixture->slot->state, __ATOMIC_ACQUIRE) !=
	       wanted) {
		if (clock_ms() > end_ms)
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

static inline int client_open(const struct worker_fixture *fixture)
{
	const struct timeval patience = { .tv_sec = WORKER_PATIENCE_MS / 1000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (const struct sockaddr *)&fixture->address,
				 fixture->address_len),
			 0);
	return fd;
}

static inline void client_send(int fd, unsigned id, const char *body)
{
	struct buf bytes;

	buf_init(&bytes, RECORDS_LIMIT);
	records_call(&bytes, id, body);
	assert_int_equal(send(fd, bytes.data, bytes.len, MSG_NOSIGNAL),
			 bytes.len);
	buf_clear(&bytes);
}

/* The next reply is this HTTP status with this body. */
static inline void client_assert(int fd, unsigned id, const char *status,
				 const char *body)
{
	struct records_reply reply = { .is_whole = false };
	struct buf bytes;
	char byte;

	buf_init(&bytes, RECORDS_LIMIT);
	/* Byte by byte: nothing of the reply behind it is taken. */
	while (!reply.is_whole && recv(fd, &byte, 1, 0) == 1) {
		buf_add_char(&bytes, byte);
		if (bytes.len % 8 != 0)
			continue;
		buf_clear(&reply.text);
		reply = records_read(bytes.data, bytes.len);
	}
	assert_true(reply.is_whole);
	assert_int_equal(reply.id, id);
	assert_memory_equal(reply.text.data + 8, status, strlen(status));
	assert_string_equal(strstr(reply.text.data, "\r\n\r\n") + 4, body);
	buf_clear(&reply.text);
	buf_clear(&bytes);
}

static inline void client_assert_closed(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

#endif
