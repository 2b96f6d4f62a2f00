/*
 * listen: bind with care, then listen.
 */
#include "supervisor/listen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/listen_tcp.h"

enum {
	LISTEN_BACKLOG = 511
};

void listen_init(struct listen *listen)
{
	memset(listen, 0, sizeof(*listen));
	listen->fd = -1;
}

/* Any number of connections that a burst brings may wait. */
static int listen_on(int fd)
{
	return listen(fd, LISTEN_BACKLOG);
}

/* errno says why nobody can listen at what. */
static int listen_fail(const char *what, struct error *err)
{
	char reason[96];

	return error_set(err, ERROR_CONFIG, "cannot listen at '%s': %s", what,
			 strerror_r(errno, reason, sizeof(reason)));
}

static int listen_path_address(const char *path, struct sockaddr_un *address,
			       struct error *err)
{
	size_t len = strlen(path);

	if (len > LISTEN_PATH_BYTES)
		return error_set(err, ERROR_CONFIG,
				 "the path of a socket can have %d bytes, this "
				 "one has %zu: '%s'",
				 LISTEN_PATH_BYTES, len, path);
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, len);
	return 0;
}

/* True when a process listens there, even if its queue is full. */
static bool listen_is_served(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool served = true;

	if (fd < 0)
		return true;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		served = errno != ECONNREFUSED && errno != ENOENT;
	close(fd);
	return served;
}

/*
 * Look at what is at path.  Returns 0: nothing, 1: a stale socket of our
 * own, -1 with err set.
 */
static int listen_look_at(const char *path, const struct account *account,
			  struct error *err)
{
	struct sockaddr_un address;
	struct stat st;

	if (listen_path_address(path, &address, err) < 0)
		return -1;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : listen_fail(path, err);
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, ERROR_CONFIG,
				 "'%s' exists and is not a socket: remove it "
				 "or choose another --listen",
				 path);
	if (st.st_uid != geteuid() && st.st_uid != account->uid)
		return error_set(err, ERROR_CONFIG,
				 "the socket '%s' belongs to uid %u: remove it "
				 "or choose another --listen",
				 path, st.st_uid);
	if (listen_is_served(&address))
		return error_set(err, ERROR_CONFIG,
				 "another process listens at '%s'", path);
	return 1;
}

/*
 * Bind fd at path.  The umask gives the file its mode from the start, so
 * nothing has to be changed by name afterwards.
 */
static int listen_bind_path(const struct listen *listen, int fd,
			    struct error *err)
{
	const struct account *account = listen->account;
	struct sockaddr_un address;
	mode_t before;
	int ret;

	if (listen_path_address(listen->text, &address, err) < 0)
		return -1;
	before = umask(~listen->mode & 0777);
	ret = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(before);
	if (ret < 0)
		return listen_fail(listen->text, err);
	if (account->is_other &&
	    lchown(listen->text, account->uid, account->gid) < 0)
		return listen_fail(listen->text, err);
	if (listen_on(fd) < 0)
		return listen_fail(listen->text, err);
	return 0;
}

/* Make the socket of listen->text; remembers which file it is. */
static int listen_make_path(struct listen *listen, struct error *err)
{
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return listen_fail(listen->text, err);
	if (listen_bind_path(listen, fd, err) < 0 ||
	    lstat(listen->text, &st) < 0) {
		close(fd);
		return listen_fail(listen->text, err);
	}
	listen_close(listen);
	listen->fd = fd;
	listen->dev = st.st_dev;
	listen->ino = st.st_ino;
	listen->has_path = true;
	return 0;
}

int listen_open_path(struct listen *listen, const char *path, mode_t mode,
		     const struct account *account, struct error *err)
{
	int found = listen_look_at(path, account, err);

	if (found < 0)
		return -1;
	if (found == 1 && unlink(path) < 0)
		return listen_fail(path, err);
	listen->mode = mode;
	listen->account = account;
	snprintf(listen->text, sizeof(listen->text), "%s", path);
	return listen_make_path(listen, err);
}

static bool listen_is_path(const char *address)
{
	return address[0] == '/' || address[0] == '.';
}

/* Split "HOST:PORT" and "[HOST]:PORT". */
static int listen_split(const char *address, char host[64], int64_t *port_r,
			struct error *err)
{
	const char *colon = strrchr(address, ':');
	const char *begin = address, *end = colon;
	char *rest;

	if (colon != NULL && address[0] == '[' && colon[-1] == ']') {
		begin = address + 1;
		end = colon - 1;
	}
	if (colon == NULL || end <= begin || end - begin >= 64 ||
	    colon[1] < '0' || colon[1] > '9')
		goto bad;
	snprintf(host, 64, "%.*s", (int)(end - begin), begin);
	*port_r = strtol(colon + 1, &rest, 10);
	if (*rest == '\0' && *port_r <= 65535)
		return 0;
bad:
	return error_set(err, ERROR_CONFIG,
			 "'%s' is neither a path that begins with / nor an IP "
			 "address and a port, such as 127.0.0.1:9000",
			 address);
}

int listen_open(struct listen *listen, const char *address, mode_t mode,
		const struct account *account, struct error *err)
{
	char host[64];
	int64_t port = 0;

	if (listen_is_path(address))
		return listen_open_path(listen, address, mode, account, err);
	if (listen_split(address, host, &port, err) < 0)
		return -1;
	return listen_tcp_open(listen, strcmp(host, "*") != 0 ? host : NULL,
			       port, err);
}

/* The folder of path must be one where a file can be made. */
static int listen_examine_folder(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char folder[LISTEN_PATH_BYTES + 1];

	snprintf(folder, sizeof(folder), "%.*s",
		 slash > path ? (int)(slash - path) : 1, path);
	if (access(folder, W_OK | X_OK) < 0)
		return listen_fail(path, err);
	return 0;
}

int listen_examine(const char *address, const struct account *account,
		   struct error *err)
{
	struct listen tried;

	if (listen_is_path(address)) {
		if (listen_look_at(address, account, err) < 0)
			return -1;
		return listen_examine_folder(address, err);
	}
	listen_init(&tried);
	if (listen_open(&tried, address, 0, account, err) < 0)
		return -1;
	listen_close(&tried);
	return 0;
}

enum listen_state listen_look(const struct listen *listen)
{
	struct stat st;

	if (!listen->has_path)
		return LISTEN_FINE;
	if (lstat(listen->text, &st) < 0)
		return LISTEN_GONE;
	if (st.st_dev == listen->dev && st.st_ino == listen->ino)
		return LISTEN_FINE;
	return LISTEN_REPLACED;
}

int listen_remake(struct listen *listen, struct error *err)
{
	return listen_make_path(listen, err);
}

void listen_close(struct listen *listen)
{
	if (listen->fd >= 0)
		close(listen->fd);
	listen->fd = -1;
}

void listen_remove(struct listen *listen)
{
	if (listen->has_path && listen_look(listen) == LISTEN_FINE)
		unlink(listen->text);
	listen->has_path = false;
	listen_close(listen);
}
