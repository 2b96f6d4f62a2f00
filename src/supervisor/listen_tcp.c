/*
 * listen_tcp: bind and listen at a port, on IPv6 and IPv4 at once.
 */
#include "supervisor/listen_tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	LISTEN_TCP_BACKLOG = 2048,
	LISTEN_TCP_SILENT_S = 60, /* how long the kernel keeps a silent one */
};

union listen_tcp_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/* Fill address; host NULL is IPv6's any.  Returns its length, 0: no IP. */
static socklen_t listen_tcp_parse(const char *host, int64_t port,
				  union listen_tcp_address *address)
{
	in_port_t number = htons((uint16_t)port);

	memset(address, 0, sizeof(*address));
	if (host != NULL &&
	    inet_pton(AF_INET, host, &address->in.sin_addr) == 1) {
		address->in.sin_family = AF_INET;
		address->in.sin_port = number;
		return sizeof(address->in);
	}
	if (host == NULL ||
	    inet_pton(AF_INET6, host, &address->in6.sin6_addr) == 1) {
		address->in6.sin6_family = AF_INET6;
		address->in6.sin6_port = number;
		return sizeof(address->in6);
	}
	return 0;
}

/* Bind and listen.  Returns 0; -1 with errno. */
static int listen_tcp_bind(int fd, const union listen_tcp_address *address,
			   socklen_t len, bool is_any)
{
	int yes = 1, only_6 = is_any ? 0 : 1, silent_s = LISTEN_TCP_SILENT_S;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &silent_s,
		   sizeof(silent_s));
	if (address->any.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_6, sizeof(only_6)) <
		    0)
		return -1;
	if (bind(fd, &address->any, len) < 0)
		return -1;
	return listen(fd, LISTEN_TCP_BACKLOG);
}

/* Returns the descriptor; -1 with errno. */
static int listen_tcp_socket(const char *host, int64_t port, bool is_any)
{
	union listen_tcp_address address;
	socklen_t len = listen_tcp_parse(host, port, &address);
	int fd, saved;

	if (len == 0) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(address.any.sa_family,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (listen_tcp_bind(fd, &address, len, is_any) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int listen_tcp_fail(const char *host, int64_t port, struct error *err)
{
	char reason[96];

	if (errno == EADDRINUSE)
		return error_set(err, ERROR_CONFIG,
				 "port %lld is taken by another program: stop "
				 "it or choose another port",
				 (long long)port);
	if (errno == EINVAL && host != NULL)
		return error_set(err, ERROR_CONFIG, "'%s' is not an IP address",
				 host);
	return error_set(err, ERROR_CONFIG,
			 "cannot listen at '%s' port %lld: "
			 "%s",
			 host != NULL ? host : "*", (long long)port,
			 strerror_r(errno, reason, sizeof(reason)));
}

void listen_tcp_name(struct listen *listen)
{
	union listen_tcp_address address;
	socklen_t len = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "?";

	memset(&address, 0, sizeof(address));
	getsockname(listen->fd, &address.any, &len);
	if (address.any.sa_family == AF_UNIX) {
		snprintf(listen->text, sizeof(listen->text), "%.*s",
			 (int)sizeof(address.un.sun_path), address.un.sun_path);
	} else if (address.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &address.in6.sin6_addr, host, sizeof(host));
		snprintf(listen->text, sizeof(listen->text), "[%s]:%u", host,
			 ntohs(address.in6.sin6_port));
	} else {
		inet_ntop(AF_INET, &address.in.sin_addr, host, sizeof(host));
		snprintf(listen->text, sizeof(listen->text), "%s:%u", host,
			 ntohs(address.in.sin_port));
	}
}

int listen_tcp_open(struct listen *listen, const char *address, int64_t port,
		    struct error *err)
{
	listen->fd = listen_tcp_socket(address, port, address == NULL);
	if (listen->fd < 0 && address == NULL && errno != EADDRINUSE)
		listen->fd = listen_tcp_socket("0.0.0.0", port, true);
	if (listen->fd < 0)
		return listen_tcp_fail(address, port, err);
	listen_tcp_name(listen);
	return 0;
}
