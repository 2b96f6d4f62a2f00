/*
 * listen_queue: how many connections wait at a listening socket.
 *
 * Asked of the kernel by address (what `ss -ltxn` prints), so the socket
 * itself is not needed.
 */
#ifndef OPS_LISTEN_QUEUE_H
#define OPS_LISTEN_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct listen_queue {
	uint32_t length; /* connections that wait to be accepted */
	uint32_t limit;  /* a connection above it is not taken */
};

/*
 * Look up the listening socket at address: a path (begins with "/") or
 * HOST:PORT.  A host that is not an IP address ("*") means any.  Returns
 * false when there is none or the kernel does not say.  Never waits.
 */
bool listen_queue_read(const char *address, struct listen_queue *queue);

#endif
