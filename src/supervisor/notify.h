/*
 * notify: tells systemd how we are (sd_notify without its library).
 */
#ifndef SUPERVISOR_NOTIFY_H
#define SUPERVISOR_NOTIFY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	struct sockaddr_un address;
	socklen_t address_len; /* 0: nobody asked */
	int64_t watchdog_ms;   /* a sign of life each time; 0: none wanted */
};

/*
 * Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
 */
void notify_init(struct notify *notify);

/*
 * Send text ("READY=1", lines joined by "\n").  Does nothing when nobody
 * asked; never waits; a message that cannot be sent is dropped.
 */
void notify_send(const struct notify *notify, const char *text);

#endif
