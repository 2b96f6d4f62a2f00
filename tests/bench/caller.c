/*
 * caller: the loop that calls, and the agent's patience.
 *
 * It shares the processors with what it measures, so a call costs two
 * system calls and its share of an epoll_wait.
 */
#include "caller.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REPLY_MAX   16383
#define N_EVENTS    256
#define AGENT_TRIES 5
#define NS_PER_MS   1000000LL
#define PAUSE_NS    (10 * NS_PER_MS) /* after a failure: no storm of errors */
#define SWEEP_NS    (5 * NS_PER_MS)  /* how exactly timeouts are kept */

enum conn_state {
	CONN_RESTING,    /* there is no call, and none may begin */
	CONN_CONNECTING, /* a call waits for connect() */
	CONN_SENDING,
	CONN_READING,
	CONN_WAITING, /* until due_ns: then a new try, or a new call */
};

struct conn {
	int fd;
	enum conn_state state;
	bool watches_out;
	int n_tries;     /* of this call; 0: there is no call */
	size_t sent;     /* bytes of the request */
	size_t in_len;   /* bytes of the reply */
	int64_t call_ns; /* when the call began, all its tries included */
	int64_t due_ns;  /* when the try times out, or the waiting ends */
	char in[REPLY_MAX + 1];
};

struct caller {
	const struct caller_options *opt;
	struct caller_result *res;
	struct conn *conns;
	int epoll_fd;
	bool over;     /* no call begins any more */
	long n_active; /* calls that have begun and not ended */
	int64_t now_ns;
	int64_t begin_ns;
	int64_t last_ok_ns;
};

static volatile sig_atomic_t stop_asked;

void caller_stop(void)
{
	stop_asked = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(70);
}

static int64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 * NS_PER_MS + t.tv_nsec;
}

static void conn_watch(struct caller *caller, struct conn *conn, bool out)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };

	if (conn->watches_out == out)
		return;
	if (out)
		event.events |= EPOLLOUT;
	if (epoll_ctl(caller->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event) < 0)
		die("epoll_ctl");
	conn->watches_out = out;
}

static void conn_close(struct conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
}

static bool may_begin(const struct caller *caller)
{
	long count = caller->opt->count;

	return !caller->over && (count == 0 || caller->res->n.begun < count);
}

static void call_failed(struct caller *caller, struct conn *conn)
{
	caller->res->n.failed++;
	caller->n_active--;
	conn->n_tries = 0;
	conn->state = CONN_WAITING;
	conn->due_ns = caller->now_ns + PAUSE_NS;
}

/* A try met what the agent takes for trouble that passes. */
static void try_failed(struct caller *caller, struct conn *conn)
{
	double wait_ms;

	if (caller->opt->retry < 0 || conn->n_tries >= AGENT_TRIES) {
		call_failed(caller, conn);
		return;
	}
	wait_ms = 1000 * caller->opt->retry * (1 << (conn->n_tries - 1));
	conn->state = CONN_WAITING;
	conn->due_ns = caller->now_ns + (int64_t)(wait_ms * NS_PER_MS);
}

/* The connection broke during a try, or could not be made. */
static void conn_broke(struct caller *caller, struct conn *conn, int why)
{
	conn_close(conn);
	if (why == ECONNREFUSED)
		caller->res->n.refused++;
	else if (why == ETIMEDOUT)
		caller->res->n.timeout++;
	else
		caller->res->n.reset++;
	try_failed(caller, conn);
}

static void conn_send(struct caller *caller, struct conn *conn)
{
	const struct caller_options *opt = caller->opt;
	ssize_t n;

	conn->state = CONN_SENDING;
	while (conn->sent < opt->request_len) {
		n = send(conn->fd, opt->request + conn->sent,
			 opt->request_len - conn->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			conn_watch(caller, conn, true);
			return;
		}
		if (n < 0)
			break; /* a refusal may lie there to be read */
		conn->sent += (size_t)n;
	}
	conn_watch(caller, conn, false);
	conn->state = CONN_READING;
}

static void conn_connect(struct caller *caller, struct conn *conn)
{
	const struct sockaddr_in *peer = &caller->opt->peer;
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT,
				     .data.ptr = conn };

	conn->fd =
		socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		die("socket");
	caller->res->n.connects++;
	conn->state = CONN_CONNECTING;
	if (connect(conn->fd, (const struct sockaddr *)peer, sizeof(*peer)) <
		    0 &&
	    errno != EINPROGRESS) {
		conn_broke(caller, conn, errno);
		return;
	}
	if (epoll_ctl(caller->epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) < 0)
		die("epoll_ctl");
	conn->watches_out = true;
}

static void try_begin(struct caller *caller, struct conn *conn)
{
	caller->res->n.tries++;
	conn->n_tries++;
	conn->sent = 0;
	conn->in_len = 0;
	conn->due_ns = caller->now_ns + caller->opt->timeout_ms * NS_PER_MS;
	if (conn->fd < 0)
		conn_connect(caller, conn);
	else
		conn_send(caller, conn);
}

static void call_begin(struct caller *caller, struct conn *conn)
{
	conn->state = CONN_RESTING;
	if (!may_begin(caller))
		return;
	caller->res->n.begun++;
	caller->n_active++;
	conn->n_tries = 0;
	conn->call_ns = caller->now_ns;
	try_begin(caller, conn);
}

static void call_succeeded(struct caller *caller, struct conn *conn)
{
	double gap_ms =
		(double)(caller->now_ns - caller->last_ok_ns) / NS_PER_MS;

	if (gap_ms > caller->res->gap_ms)
		caller->res->gap_ms = gap_ms;
	caller->last_ok_ns = caller->now_ns;
	histogram_add(&caller->res->latency, caller->now_ns - conn->call_ns);
	caller->res->n.ok++;
	caller->n_active--;
	call_begin(caller, conn);
}

static void reply_judge(struct caller *caller, struct conn *conn,
			const struct reply_head *head)
{
	const struct caller_options *opt = caller->opt;

	caller->res->n.status[head->status]++;
	if (head->closes || conn->sent < opt->request_len)
		conn_close(conn);

	if (head->status == 503) {
		try_failed(caller, conn);
	} else if (head->status != 200) {
		call_failed(caller, conn);
	} else if (opt->expect != NULL &&
		   strstr(conn->in + head->len, opt->expect) == NULL) {
		caller->res->n.wrong++;
		call_failed(caller, conn);
	} else {
		call_succeeded(caller, conn);
	}
}

/* The peer closed before the reply was whole. */
static void reply_broke(struct caller *caller, struct conn *conn, int why)
{
	if (strncmp(conn->in, "HTTP/1.1 200", 12) != 0) {
		conn_broke(caller, conn, why);
		return;
	}
	caller->res->n.truncated++;
	conn_close(conn);
	call_failed(caller, conn);
}

static void conn_read(struct caller *caller, struct conn *conn)
{
	struct reply_head head;
	ssize_t n;

	n = recv(conn->fd, conn->in + conn->in_len, REPLY_MAX - conn->in_len,
		 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		conn->in_len += (size_t)n;
	conn->in[conn->in_len] = '\0';

	if (n >= 0 && reply_head_parse(conn->in, &head) &&
	    reply_is_whole(&head, conn->in, conn->in_len, n == 0)) {
		if (n == 0)
			head.closes = true;
		reply_judge(caller, conn, &head);
	} else if (n <= 0 || conn->in_len == REPLY_MAX) {
		reply_broke(caller, conn, n < 0 ? errno : ECONNRESET);
	}
}

static void conn_event(struct caller *caller, struct conn *conn,
		       uint32_t events)
{
	socklen_t len = sizeof(int);
	int why = 0;

	if (conn->state == CONN_RESTING || conn->state == CONN_WAITING) {
		conn_close(conn); /* the peer is done with it */
		return;
	}
	if (conn->state == CONN_CONNECTING) {
		getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &why, &len);
		if (why != 0)
			conn_broke(caller, conn, why);
		else
			conn_send(caller, conn);
		return;
	}
	if ((events & EPOLLOUT) != 0 && conn->state == CONN_SENDING)
		conn_send(caller, conn);
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		conn_read(caller, conn);
}

static void sweep(struct caller *caller)
{
	struct conn *conn;

	for (long i = 0; i < caller->opt->n_connections; i++) {
		conn = &caller->conns[i];
		if (conn->state == CONN_RESTING ||
		    conn->due_ns > caller->now_ns)
			continue;
		if (conn->state != CONN_WAITING)
			conn_broke(caller, conn, ETIMEDOUT);
		else if (conn->n_tries > 0)
			try_begin(caller, conn);
		else
			call_begin(caller, conn);
	}
}

/* Look whether the measured time has come to its end. */
static void note_end(struct caller *caller)
{
	double seconds =
		(double)(caller->now_ns - caller->begin_ns) / 1000 / NS_PER_MS;
	double limit = caller->opt->seconds;

	if (caller->over)
		return;
	if (!stop_asked && (limit <= 0 || seconds < limit) &&
	    (may_begin(caller) || caller->n_active > 0))
		return;
	caller->over = true;
	caller->res->seconds = seconds;
	caller->res->ok_in_time = caller->res->n.ok;
}

static void loop(struct caller *caller)
{
	struct epoll_event events[N_EVENTS];
	int64_t sweep_ns = caller->begin_ns;
	int n;

	while (caller->n_active > 0 || !caller->over) {
		n = epoll_wait(caller->epoll_fd, events, N_EVENTS,
			       SWEEP_NS / NS_PER_MS);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			caller->now_ns = clock_ns();
			conn_event(caller, events[i].data.ptr,
				   events[i].events);
		}
		caller->now_ns = clock_ns();
		if (caller->now_ns - sweep_ns >= SWEEP_NS) {
			sweep_ns = caller->now_ns;
			sweep(caller);
		}
		note_end(caller);
	}
}

void caller_run(const struct caller_options *opt, struct caller_result *result)
{
	struct caller caller = { .opt = opt, .res = result };

	memset(result, 0, sizeof(*result));
	caller.conns = calloc((size_t)opt->n_connections, sizeof(struct conn));
	caller.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (caller.conns == NULL || caller.epoll_fd < 0)
		die("cannot begin");
	caller.begin_ns = caller.now_ns = caller.last_ok_ns = clock_ns();
	for (long i = 0; i < opt->n_connections; i++) {
		caller.conns[i].fd = -1;
		call_begin(&caller, &caller.conns[i]);
	}

	loop(&caller);

	for (long i = 0; i < opt->n_connections; i++)
		conn_close(&caller.conns[i]);
	close(caller.epoll_fd);
	free(caller.conns);
}
