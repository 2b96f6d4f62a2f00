/*
 * listen_queue: sock_diag over netlink.  The kernel writes an answer while
 * the request is sent, and more while one is read, so MSG_DONTWAIT gets
 * all of it and nothing here waits.
 */
#include "ops/listen_queue.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What is looked for.  A host of no bytes is any host. */
struct listen_queue_wanted {
	const char *path; /* NULL: TCP */
	unsigned char host[16];
	size_t host_len;
	uint16_t port; /* network order */
	struct listen_queue *queue;
};

union listen_queue_message {
	struct nlmsghdr head;
	char bytes[8192];
};

enum {
	LISTEN_QUEUE_ROUNDS = 64
}; /* 8 KiB each */

/* The payload of an attribute of the type with min bytes or more, or NULL. */
static const void *listen_queue_attr(const struct nlmsghdr *head, int type,
				     size_t min, size_t *len_r)
{
	const char *at = (const char *)NLMSG_DATA(head) +
			 NLMSG_ALIGN(sizeof(struct unix_diag_msg));
	const char *end = (const char *)head + head->nlmsg_len;
	struct rtattr attr;
	size_t step;

	for (; end - at >= (ptrdiff_t)sizeof(attr); at += step) {
		memcpy(&attr, at, sizeof(attr));
		if (attr.rta_len < sizeof(attr) || attr.rta_len > end - at)
			break;
		*len_r = attr.rta_len - RTA_LENGTH(0);
		if (attr.rta_type == type && *len_r >= min)
			return at + RTA_LENGTH(0);
		step = RTA_ALIGN(attr.rta_len);
		if (step > (size_t)(end - at))
			break;
	}
	return NULL;
}

/* The kernel gives a name with or without the NUL that it was bound with. */
static bool listen_queue_match_unix(const struct listen_queue_wanted *wanted,
				    const struct nlmsghdr *head)
{
	size_t path_len = strlen(wanted->path), len;
	struct unix_diag_rqlen rqlen;
	const char *name;
	const void *lengths;

	name = listen_queue_attr(head, UNIX_DIAG_NAME, path_len, &len);
	if (name == NULL || memcmp(name, wanted->path, path_len) != 0 ||
	    (len > path_len && name[path_len] != '\0'))
		return false;
	lengths = listen_queue_attr(head, UNIX_DIAG_RQLEN, sizeof(rqlen), &len);
	if (lengths == NULL)
		return false;
	memcpy(&rqlen, lengths, sizeof(rqlen));
	wanted->queue->length = rqlen.udiag_rqueue;
	wanted->queue->limit = rqlen.udiag_wqueue;
	return true;
}

static bool listen_queue_match_inet(const struct listen_queue_wanted *wanted,
				    const struct nlmsghdr *head)
{
	const struct inet_diag_msg *msg = NLMSG_DATA(head);

	if (msg->id.idiag_sport != wanted->port ||
	    memcmp(msg->id.idiag_src, wanted->host, wanted->host_len) != 0)
		return false;
	wanted->queue->length = msg->idiag_rqueue;
	wanted->queue->limit = msg->idiag_wqueue;
	return true;
}

static bool listen_queue_match(const struct listen_queue_wanted *wanted,
			       const struct nlmsghdr *head)
{
	if (wanted->path != NULL)
		return head->nlmsg_len >=
			       NLMSG_LENGTH(sizeof(struct unix_diag_msg)) &&
		       listen_queue_match_unix(wanted, head);
	return head->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)) &&
	       listen_queue_match_inet(wanted, head);
}

/* Go through one batch.  1: found, 0: more may come, -1: the end. */
static int listen_queue_scan(const struct listen_queue_wanted *wanted,
			     const union listen_queue_message *message,
			     size_t len)
{
	const struct nlmsghdr *head = &message->head;

	for (; NLMSG_OK(head, len); head = NLMSG_NEXT(head, len)) {
		if (head->nlmsg_type != SOCK_DIAG_BY_FAMILY)
			return -1;
		if (listen_queue_match(wanted, head))
			return 1;
	}
	return 0;
}

static bool listen_queue_ask(const struct listen_queue_wanted *wanted,
			     const struct nlmsghdr *request)
{
	union listen_queue_message message;
	int fd, found = -1;
	ssize_t n;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return false;
	if (send(fd, request, request->nlmsg_len, MSG_DONTWAIT) > 0)
		found = 0;
	for (int i = 0; found == 0 && i < LISTEN_QUEUE_ROUNDS; i++) {
		n = recv(fd, &message, sizeof(message), MSG_DONTWAIT);
		if (n <= 0)
			break;
		found = listen_queue_scan(wanted, &message, (size_t)n);
	}
	close(fd);
	return found > 0;
}

static bool listen_queue_ask_unix(const struct listen_queue_wanted *wanted)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req body;
	} request = {
		.head = { .nlmsg_len = sizeof(request),
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = AF_UNIX,
			  .udiag_states = 1U << TCP_LISTEN,
			  .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN },
	};

	return listen_queue_ask(wanted, &request.head);
}

static bool listen_queue_ask_inet(const struct listen_queue_wanted *wanted,
				  unsigned char family)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
	} request = {
		.head = { .nlmsg_len = sizeof(request),
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = family,
			  .sdiag_protocol = IPPROTO_TCP,
			  .idiag_states = 1U << TCP_LISTEN,
			  .id = { .idiag_sport = wanted->port } },
	};

	return listen_queue_ask(wanted, &request.head);
}

/* Split HOST:PORT; "[::1]:80" is fine. */
static bool listen_queue_split(const char *address,
			       struct listen_queue_wanted *wanted)
{
	const char *colon = strrchr(address, ':');
	char host[INET6_ADDRSTRLEN], *end;
	size_t len;
	long port;

	if (colon == NULL)
		return false;
	port = strtol(colon + 1, &end, 10);
	if (end == colon + 1 || *end != '\0' || port < 1 || port > 65535)
		return false;
	wanted->port = htons((uint16_t)port);

	len = (size_t)(colon - address);
	if (len >= 2 && address[0] == '[' && colon[-1] == ']') {
		address++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return true;
	memcpy(host, address, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, wanted->host) == 1)
		wanted->host_len = 4;
	else if (inet_pton(AF_INET6, host, wanted->host) == 1)
		wanted->host_len = 16;
	return true;
}

bool listen_queue_read(const char *address, struct listen_queue *queue)
{
	struct listen_queue_wanted wanted = { .queue = queue };

	if (address[0] == '/') {
		wanted.path = address;
		return listen_queue_ask_unix(&wanted);
	}
	if (!listen_queue_split(address, &wanted))
		return false;
	return (wanted.host_len != 16 &&
		listen_queue_ask_inet(&wanted, AF_INET)) ||
	       (wanted.host_len != 4 &&
		listen_queue_ask_inet(&wanted, AF_INET6));
}
