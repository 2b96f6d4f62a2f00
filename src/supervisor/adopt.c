/*
 * adopt: which descriptor it is, and that it is what it should be.
 */
#include "supervisor/adopt.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/listen_tcp.h"

enum {
	ADOPT_FIRST_FD = 3
}; /* of those that systemd hands over */

static bool adopt_is_listening(int fd)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) ==
		       0 &&
	       listening;
}

/*
 * The place (from 0) of the name "execplug" among n names, separated by
 * colons; -1: none.
 */
static int adopt_place_of_name(const char *names)
{
	static const char ours[] = "execplug";
	size_t len;

	for (int place = 0;; place++) {
		len = strcspn(names, ":");
		if (len == strlen(ours) && strncmp(names, ours, len) == 0)
			return place;
		if (names[len] == '\0')
			return -1;
		names += len + 1;
	}
}

/* The descriptor that systemd made for us; 0: none, -1: err is set. */
static int adopt_from_systemd(struct error *err)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	long n;
	int place;

	if (pid == NULL || fds == NULL || strtol(pid, NULL, 10) != getpid())
		return 0;
	n = strtol(fds, NULL, 10);
	if (n < 1)
		return 0;
	place = names != NULL ? adopt_place_of_name(names) : -1;
	if (place < 0 && n == 1)
		place = 0;
	if (place < 0 || place >= n)
		return error_set(err, ERROR_CONFIG,
				 "LISTEN_FDS hands over %ld sockets and "
				 "LISTEN_FDNAMES does not say which is "
				 "'execplug': set FileDescriptorName=execplug",
				 n);
	if (!adopt_is_listening(ADOPT_FIRST_FD + place))
		return error_set(err, ERROR_CONFIG,
				 "LISTEN_FDS: descriptor %d is not a listening "
				 "socket",
				 ADOPT_FIRST_FD + place);
	return ADOPT_FIRST_FD + place;
}

/* Take a descriptor of our parent's, as a copy above stderr. */
static int adopt_take(struct listen *listen, int fd, struct error *err)
{
	int flags = fcntl(fd, F_GETFL);

	/* Shared with our parent and its other children, on purpose: none
	 * of them can want to wait in accept() while we take connections. */
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return error_sys(err, "cannot set up the given socket");
	listen->fd = fcntl(fd, F_DUPFD_CLOEXEC, ADOPT_FIRST_FD);
	if (listen->fd < 0)
		return error_sys(err, "cannot take the given socket");
	if (fd >= ADOPT_FIRST_FD)
		close(fd);
	listen_tcp_name(listen);
	return 1;
}

bool adopt_is_stdin_listening(void)
{
	return adopt_is_listening(STDIN_FILENO);
}

int adopt_socket(struct listen *listen, struct error *err)
{
	int fd = adopt_from_systemd(err);

	if (fd < 0)
		return -1;
	if (fd == 0 && !adopt_is_stdin_listening())
		return 0;
	return adopt_take(listen, fd, err);
}
