/*
 * listen_tcp: the part of listen that knows TCP.
 */
#ifndef SUPERVISOR_LISTEN_TCP_H
#define SUPERVISOR_LISTEN_TCP_H

#include <stdint.h>

#include "base/error.h"
#include "supervisor/listen.h"

/*
 * Listen at a TCP port of address (NULL: every address, IPv6 too where the
 * kernel has it).  Port 0: any that is free.  Connections are handed over
 * when their first bytes have come, so whoever only connects keeps nobody
 * busy.  Returns 0; -1 with err ERROR_CONFIG that names the port.
 */
int listen_tcp_open(struct listen *listen, const char *address, int64_t port,
		    struct error *err);

/*
 * Set listen->text to the name that the socket at listen->fd has: a path,
 * or HOST:PORT with IPv6 in brackets.
 */
void listen_tcp_name(struct listen *listen);

#endif
