/*
 * gate: who comes in: accepts connections from the shared listening socket.
 */
#ifndef WORKER_GATE_H
#define WORKER_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"
#include "worker/connection.h"

struct gate {
	struct watch watch; /* the listening socket */
	struct timer pause;
	struct connection_site *site;
	int64_t peer_uid;
	bool is_accepting;
};

/*
 * Begin to accept from listen_fd (borrowed, non-blocking, shared with other
 * processes); each connection is started at site.  With a peer_uid that is
 * not -1, only that uid and root may connect (unix sockets only).
 * Returns 0; -1 with err set.
 */
int gate_open(struct gate *gate, struct connection_site *site, int listen_fd,
	      int64_t peer_uid, struct error *err);

/* Accept no more.  May be called again. */
void gate_close(struct gate *gate);

#endif
