/*
 * daemon: options, handlers, then one way of life.
 */
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"
#include "base/scoreboard.h"
#include "handlers/registry.h"
#include "supervisor/adopt.h"
#include "supervisor/check.h"
#include "supervisor/process.h"
#include "supervisor/supervisor.h"
#include "supervisor/token.h"
#include "worker/cgi.h"
#include "worker/worker.h"

enum {
	EXIT_USAGE = 64,
	EXIT_SOFTWARE = 70,
	EXIT_CONFIG = 78
};

/* What the children, forked with it, serve with.  Const after the start. */
static struct registry daemon_registry;

static int daemon_exit_code(const struct error *err)
{
	switch (err->code) {
	case ERROR_USAGE:
		return EXIT_USAGE;
	case ERROR_CONFIG:
		return EXIT_CONFIG;
	case ERROR_NONE:
	case ERROR_INPUT:
	case ERROR_LATER:
	case ERROR_INTERNAL:
	case ERROR_SYSTEM:
		break;
	}
	return EXIT_SOFTWARE;
}

static int daemon_fail(const struct error *err)
{
	log_write(LOG_LEVEL_ERROR, "daemon", "%s", err->text);
	log_flush();
	return daemon_exit_code(err);
}

static int daemon_serve(const struct supervisor_child *child)
{
	const struct worker_start start = {
		.options = child->options,
		.registry = &daemon_registry,
		.board = child->board,
		.slot = child->slot,
		.listen_fd = child->listen_fd,
		.keep_connections = child->keep_connections,
		.peer_uid = child->peer_uid,
	};

	return worker_run(&start);
}

/* A web server started us for one request; a listening fd 0 is FastCGI. */
static bool daemon_is_cgi(void)
{
	return getenv("GATEWAY_INTERFACE") != NULL &&
	       !adopt_is_stdin_listening();
}

static int daemon_try(const struct options *options, struct error *err)
{
	struct board *board = board_new(err);
	int ret;

	if (board == NULL)
		return daemon_fail(err);
	ret = cgi_try(options->try_file, options, &daemon_registry, board, err);
	if (ret < 0) {
		daemon_fail(err);
		return EXIT_USAGE;
	}
	return ret;
}

static int daemon_cgi(const struct options *options, struct error *err)
{
	struct board *board = board_new(err);
	struct token token;

	if (board == NULL)
		return daemon_fail(err);
	/* The web server wants an answer in any case. */
	if (token_start(&token, options, board, err) < 0)
		board_set_no_token(board, TOKEN_MISSING, err->text);
	return cgi_run(options, &daemon_registry, board);
}

static int daemon_supervise(const struct options *options, struct error *err)
{
	static const struct supervisor_roles roles = {
		.worker = daemon_serve,
		.ops = daemon_serve,
	};
	int code = supervisor_run(options, &roles, err);

	if (err->code != ERROR_NONE)
		log_write(LOG_LEVEL_ERROR, "daemon", "%s", err->text);
	log_flush();
	return code;
}

static int daemon_add_handlers(const struct handler *const extra[],
			       const struct options *options, struct error *err)
{
	registry_init(&daemon_registry);
	for (; extra != NULL && *extra != NULL; extra++) {
		if (registry_add(&daemon_registry, *extra, err) < 0)
			return -1;
	}
	return registry_select(&daemon_registry, options->handlers, err);
}

int daemon_main(int argc, char *const argv[],
		const struct handler *const extra[])
{
	struct error err = ERROR_INIT;
	struct options options;

	/* A web server makes arguments of a query: they are the caller's. */
	if (daemon_is_cgi())
		argc = 1;
	if (options_parse(&options, argc, argv, &err) < 0) {
		fprintf(stderr, "execplugd: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (options.help) {
		options_print_help(stdout);
		return 0;
	}
	if (options.version) {
		puts("execplugd " PACKAGE_VERSION);
		return 0;
	}
	if (process_fill_standard(&err) < 0)
		return EXIT_SOFTWARE;
	log_open((enum log_level)options.log_level);
	if (daemon_add_handlers(extra, &options, &err) < 0)
		return daemon_fail(&err);
	if (options.check)
		return check_run(&options, stdout);
	if (options.try_file != NULL)
		return daemon_try(&options, &err);
	if (daemon_is_cgi())
		return daemon_cgi(&options, &err);
	return daemon_supervise(&options, &err);
}
