/*
 * check: tries what a start would do, in a folder that is removed again.
 */
#include "supervisor/check.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "supervisor/account.h"
#include "supervisor/adopt.h"
#include "supervisor/front.h"
#include "supervisor/listen.h"
#include "supervisor/listen_tcp.h"
#include "supervisor/private_dir.h"
#include "supervisor/process.h"
#include "supervisor/token.h"

enum {
	CHECK_EXIT_CONFIG = 78,
	CHECK_NGINX_MS = 10000
};

struct check {
	const struct options *options;
	FILE *out;
	struct account account;
	int n_problems;
};

static void check_ok(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void check_ok(struct check *check, const char *format, ...)
{
	va_list args;

	fputs("ok: ", check->out);
	va_start(args, format);
	vfprintf(check->out, format, args);
	va_end(args);
	fputc('\n', check->out);
}

static void check_problem(struct check *check, const char *what,
			  const char *cure)
{
	fprintf(check->out, "problem: %s - %s\n", what, cure);
	check->n_problems++;
}

static void check_account(struct check *check)
{
	struct error err = ERROR_INIT;

	if (account_find(check->options->user, &check->account, &err) < 0)
		check_problem(check, err.text,
			      "give --user a user that exists and is not root");
	else
		check_ok(check, "nginx and the workers run as uid %u gid %u",
			 check->account.uid, check->account.gid);
}

static void check_token(struct check *check)
{
	const char *path = check->options->token_file;
	char token[BOARD_TOKEN_BYTES];
	struct error err = ERROR_INIT;

	if (check->options->no_auth) {
		check_ok(check, "no token is asked for (--no-auth)");
		return;
	}
	if (token_read(path, token, &err) == 0)
		check_ok(check, "'%s' holds a token", path);
	else if (err.code == ERROR_LATER)
		check_problem(
			check, err.text,
			"mount Argo's volume there, give --token-file, or "
			"--no-auth for a trial; calls are answered 503 "
			"until the file is there");
	else
		check_problem(
			check, err.text,
			"give the file that Argo's agent writes, readable "
			"for this uid and gid");
	explicit_bzero(token, sizeof(token));
}

/* What nginx does not like: its [emerg] line, else all that it said. */
static const char *check_reason(struct buf *text)
{
	char *line;

	for (size_t i = 0; i < text->len; i++) {
		if ((unsigned char)text->data[i] < ' ')
			text->data[i] = text->data[i] == '\n' ? '\0' : '?';
	}
	for (size_t i = 0; i < text->len; i += strlen(line) + 1) {
		line = text->data + i;
		if (strstr(line, "[emerg]") != NULL)
			return line;
	}
	return text->len > 0 ? text->data : "it did not end, or said nothing";
}

static void check_nginx_conf(struct check *check, struct front *front)
{
	const struct process_way way = {
		.account = &check->account,
		.death_signal = SIGKILL,
		.main = front_main_test,
		.context = front,
	};
	struct error err = ERROR_INIT;
	struct buf text;
	int status;

	buf_init(&text, 8192);
	status = process_run(&way, CHECK_NGINX_MS, &text, &err);
	if (status == 0)
		check_ok(check, "'%s' accepts our configuration",
			 front->program);
	else
		check_problem(check,
			      err.code != ERROR_NONE ? err.text
						     : check_reason(&text),
			      "nginx refuses our configuration: give another "
			      "--nginx (1.22 or newer, with FastCGI)");
	buf_clear(&text);
}

/* With a free port when nginx's own is taken, so that both are told. */
static void check_port(struct check *check, struct listen *port)
{
	const struct options *options = check->options;
	struct error err = ERROR_INIT;

	if (listen_tcp_open(port, options->address, options->port, &err) == 0) {
		check_ok(check, "%s is free for nginx", port->text);
		return;
	}
	check_problem(check, err.text,
		      "stop what listens there, or give another --port or "
		      "--address");
	listen_tcp_open(port, "127.0.0.1", 0, NULL);
}

static void check_front(struct check *check)
{
	struct private_dir dir = { .fd = -1 };
	struct error err = ERROR_INIT;
	struct front front = { .log_fd = -1 };
	struct listen port;
	bool has_nginx = front_find(&front, check->options, &err) == 0;

	if (has_nginx)
		check_ok(check, "'%s' is there", front.program);
	else
		check_problem(check, err.text,
			      "install nginx-light, or give --nginx");
	listen_init(&port);
	check_port(check, &port);
	memset(&err, 0, sizeof(err));
	if (private_dir_open(&dir, &check->account, &err) < 0) {
		check_problem(check, err.text,
			      "mount a tmpfs, for example at /tmp");
	} else {
		check_ok(check, "'%s' can be a private folder", dir.path);
		front.port_fd = port.fd;
		if (has_nginx && port.fd >= 0 &&
		    front_write(&front, check->options, dir.path, port.text,
				&err) == 0)
			check_nginx_conf(check, &front);
	}
	listen_close(&port);
	private_dir_remove(&dir);
}

static void check_given(struct check *check)
{
	const char *address = check->options->listen;
	struct error err = ERROR_INIT;

	if (adopt_is_stdin_listening())
		check_ok(check, "standard input is a listening socket");
	else if (address == NULL)
		check_problem(check, "--front=none without --listen",
			      "give --listen");
	else if (listen_examine(address, &check->account, &err) == 0)
		check_ok(check, "'%s' is free for FastCGI", address);
	else
		check_problem(check, err.text, "give another --listen");
}

int check_run(const struct options *options, FILE *out)
{
	struct check check = { .options = options, .out = out };
	struct error err = ERROR_INIT;
	bool has_given = options->listen != NULL || adopt_is_stdin_listening();

	if (process_prepare(&err) < 0)
		check_problem(&check, err.text, "mount /dev as usual");
	check_account(&check);
	check_token(&check);
	if (options->front == FRONT_NONE || has_given)
		check_given(&check);
	else
		check_front(&check);
	fflush(out);
	return check.n_problems > 0 ? CHECK_EXIT_CONFIG : 0;
}
