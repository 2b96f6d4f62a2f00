/*
 * notify: one datagram per message.
 */
#include "supervisor/notify.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void notify_read_address(struct notify *notify, const char *name)
{
	size_t len = name != NULL ? strlen(name) : 0;

	if (len < 2 || len >= sizeof(notify->address.sun_path))
		return;
	if (name[0] != '/' && name[0] != '@')
		return;
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, name, len);
	if (name[0] == '@') /* an abstract name begins with a NUL */
		notify->address.sun_path[0] = '\0';
	notify->address_len =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* Half of what systemd waits, as its manual advises. */
static int64_t notify_watchdog_ms(const char *usec, const char *pid)
{
	if (usec == NULL)
		return 0;
	if (pid != NULL && strtoll(pid, NULL, 10) != getpid())
		return 0;
	return strtoll(usec, NULL, 10) / 2000;
}

void notify_init(struct notify *notify)
{
	memset(notify, 0, sizeof(*notify));
	notify_read_address(notify, getenv("NOTIFY_SOCKET"));
	if (notify->address_len > 0)
		notify->watchdog_ms = notify_watchdog_ms(
			getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
}

void notify_send(const struct notify *notify, const char *text)
{
	int fd;

	if (notify->address_len == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	sendto(fd, text, strlen(text), MSG_NOSIGNAL,
	       (const struct sockaddr *)&notify->address, notify->address_len);
	close(fd);
}
