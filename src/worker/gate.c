/*
 * gate: accept, one a turn; pause when descriptors ran out.
 */
#include "worker/gate.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	GATE_PAUSE_MS = 100,
};

void gate_close(struct gate *gate)
{
	if (gate->is_accepting)
		loop_remove(gate->site->loop, &gate->watch);
	gate->is_accepting = false;
	loop_timer_stop(gate->site->loop, &gate->pause);
}

static void gate_start(struct gate *gate)
{
	gate->is_accepting = loop_add(gate->site->loop, &gate->watch,
				      EPOLLIN | EPOLLEXCLUSIVE) == 0;
}

/*
 * Descriptors or memory ran out, or the kernel refuses for another reason
 * that may last.  The queue keeps the callers; without a pause the loop
 * would spin.
 */
static void gate_pause(struct gate *gate, int error)
{
	char reason[64];

	log_write(LOG_LEVEL_WARN, "worker", "cannot accept, waiting %d ms: %s",
		  GATE_PAUSE_MS, strerror_r(error, reason, sizeof(reason)));
	gate_close(gate);
	loop_timer_set(gate->site->loop, &gate->pause,
		       clock_ms() + GATE_PAUSE_MS);
}

static void gate_end_pause(struct timer *timer)
{
	struct gate *gate = CONTAINER_OF(timer, struct gate, pause);

	gate_start(gate);
	if (!gate->is_accepting)
		gate_pause(gate, errno);
}

static bool gate_is_welcome(const struct gate *gate, int fd)
{
	int64_t wanted = gate->peer_uid;
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (wanted < 0)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	return peer.uid == 0 || peer.uid == (uid_t)wanted;
}

static void gate_welcome(struct gate *gate, int fd)
{
	if (gate_is_welcome(gate, fd)) {
		connection_start(gate->site, fd);
		return;
	}
	board_add(&gate->site->slot->counters.faults[FAULT_PEER], 1);
	log_write(LOG_LEVEL_WARN, "worker",
		  "closed a FastCGI connection: its uid may not connect");
	close(fd);
}

/*
 * One a turn: what this process accepts waits for it alone, while in the
 * queue it can be had by a sibling that is idle.
 */
static void gate_accept(struct watch *watch, uint32_t events)
{
	struct gate *gate = CONTAINER_OF(watch, struct gate, watch);
	int fd;

	(void)events;
	fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		gate_welcome(gate, fd);
	else if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
		gate_pause(gate, errno);
}

int gate_open(struct gate *gate, struct connection_site *site, int listen_fd,
	      int64_t peer_uid, struct error *err)
{
	struct sockaddr address = { .sa_family = AF_UNIX };
	socklen_t len = sizeof(address);

	memset(gate, 0, sizeof(*gate));
	getsockname(listen_fd, &address, &len);
	site->end_is_gone = address.sa_family != AF_UNIX;
	gate->site = site;
	gate->peer_uid = peer_uid;
	gate->pause.fire = gate_end_pause;
	gate->watch.fd = listen_fd;
	gate->watch.ready = gate_accept;
	gate_start(gate);
	if (!gate->is_accepting)
		return error_sys(err, "cannot watch the listening socket");
	return 0;
}
