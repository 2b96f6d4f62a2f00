/*
 * places: open in the order in which a mistake is cheapest to report.
 */
#include "supervisor/places.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/adopt.h"
#include "supervisor/listen_tcp.h"
#include "supervisor/process.h"

static void places_init(struct places *places)
{
	memset(places, 0, sizeof(*places));
	places->dir.fd = -1;
	places->log.watch.fd = places->log.write_fd = -1;
	listen_init(&places->calls);
	listen_init(&places->ops);
	listen_init(&places->port);
}

/* Whoever --allow-uid names must get through the file's mode as well. */
static mode_t places_mode(const struct options *options)
{
	return options->allow_uid >= 0 ? 0666 : 0660;
}

/* Who connects is known on unix sockets only. */
static int places_check_allow(const struct places *places,
			      const struct options *options, struct error *err)
{
	struct sockaddr address = { .sa_family = AF_UNSPEC };
	socklen_t len = sizeof(address);

	if (options->allow_uid < 0)
		return 0;
	if (places->calls.fd >= 0)
		getsockname(places->calls.fd, &address, &len);
	if (address.sa_family == AF_UNIX)
		return 0;
	return error_set(err, ERROR_CONFIG,
			 "--allow-uid needs a unix socket: give --listen a "
			 "path, or leave it out");
}

/* The socket that is given by our parent or by --listen. */
static int places_open_given(struct places *places,
			     const struct options *options, struct error *err)
{
	bool is_stdin = adopt_is_stdin_listening();
	int adopted = adopt_socket(&places->calls, err);

	if (adopted < 0)
		return -1;
	process_close_inherited();
	places->is_stdin = adopted && is_stdin;
	if (!adopted && options->listen != NULL &&
	    listen_open(&places->calls, options->listen, places_mode(options),
			&places->account, err) < 0)
		return -1;
	return places_check_allow(places, options, err);
}

static int places_open_private(struct places *places, struct listen *listen,
			       const char *name, struct error *err)
{
	char path[PRIVATE_DIR_BYTES + 16];

	snprintf(path, sizeof(path), "%s/%s", places->dir.path, name);
	return listen_open_path(listen, path, 0600, &places->account, err);
}

static int places_open_front(struct places *places,
			     const struct options *options, struct error *err)
{
	struct front *front = &places->front;

	if (front_find(front, options, err) < 0 ||
	    listen_tcp_open(&places->port, options->address, options->port,
			    err) < 0 ||
	    private_dir_open(&places->dir, &places->account, err) < 0 ||
	    places_open_private(places, &places->calls, FRONT_CALLS_SOCKET,
				err) < 0 ||
	    places_open_private(places, &places->ops, FRONT_OPS_SOCKET, err) <
		    0 ||
	    front_log_open(&places->log, &places->account, err) < 0 ||
	    front_write(front, options, places->dir.path, places->port.text,
			err) < 0)
		return -1;
	front->port_fd = places->port.fd;
	front->log_fd = places->log.write_fd;
	return 0;
}

static int places_open_all(struct places *places, const struct options *options,
			   struct error *err)
{
	bool is_given;

	if (account_find(options->user, &places->account, err) < 0 ||
	    places_open_given(places, options, err) < 0)
		return -1;
	is_given = places->calls.fd >= 0;
	places->has_front = options->front == FRONT_NGINX && !is_given;
	if (is_given && options->front == FRONT_NGINX &&
	    options->front_is_given)
		return error_set(
			err, ERROR_CONFIG,
			"--front=nginx uses a private socket, and '%s' "
			"was given: use --front=none with it",
			places->calls.text);
	if (!is_given && !places->has_front)
		return error_set(err, ERROR_CONFIG,
				 "--front=none: give --listen, or a listening "
				 "socket on standard input or by systemd");
	if (places->has_front)
		return places_open_front(places, options, err);
	return 0;
}

int places_open(struct places *places, const struct options *options,
		struct board *board, struct error *err)
{
	places_init(places);
	if (places_open_all(places, options, err) < 0) {
		places_close(places);
		return -1;
	}
	board->has_front = places->has_front;
	board->front_port = places->has_front ? options->port : 0;
	snprintf(board->listen, sizeof(board->listen), "%s",
		 places->calls.text);
	return 0;
}

/* Make a socket again whose file has gone; true when it was. */
static bool places_check_one(struct places *places, struct listen *listen,
			     struct board *board)
{
	enum listen_state state = listen_look(listen);
	struct error err = ERROR_INIT;

	if (state == LISTEN_FINE)
		return false;
	board->listen_lost = true;
	if (state == LISTEN_GONE && listen_remake(listen, &err) == 0) {
		places->loss_was_said = false;
		log_write(LOG_LEVEL_WARN, "supervisor",
			  "the socket '%s' had gone and was made again",
			  listen->text);
		return true;
	}
	if (!places->loss_was_said)
		log_write(LOG_LEVEL_ERROR, "supervisor",
			  "nobody can reach '%s': %s", listen->text,
			  state == LISTEN_GONE
				  ? err.text
				  : "somebody has put another file there");
	places->loss_was_said = true;
	return false;
}

bool places_check(struct places *places, struct board *board)
{
	bool calls = places_check_one(places, &places->calls, board);
	bool ops = places_check_one(places, &places->ops, board);

	return calls || ops;
}

static void places_close_but(struct listen *listen, int keep_fd)
{
	if (listen->fd != keep_fd)
		listen_close(listen);
}

void places_leave(struct places *places, int keep_fd)
{
	places_close_but(&places->calls, keep_fd);
	places_close_but(&places->ops, keep_fd);
	places_close_but(&places->port, keep_fd);
	front_log_close(&places->log);
	private_dir_forget(&places->dir);
}

void places_close(struct places *places)
{
	listen_remove(&places->calls);
	listen_remove(&places->ops);
	listen_close(&places->port);
	front_log_close(&places->log);
	private_dir_remove(&places->dir);
}
