/*
 * options: how the daemon is told what to do.
 *
 * One const table (options.c) is the source of parsing, of --help and, by
 * a test that compares them, of the man page and the README.  Each option
 * can also be given as EXECPLUG_<NAME> in the environment, as a plugin
 * sidecar can have no configuration file; the command line wins.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum options_front {
	FRONT_NGINX,
	FRONT_NONE
};

/* Set once at start, const after; texts are borrowed from argv or environ */
struct options {
	const char *listen;  /* FastCGI address; NULL: a private socket */
	int64_t port;        /* TCP port of the front */
	const char *address; /* NULL: all addresses */
	int64_t workers;
	int64_t front;       /* enum options_front */
	bool front_is_given; /* not the default */
	const char *nginx;   /* program; NULL: look for it */
	const char *token_file;
	bool no_auth;
	const char *handlers; /* comma list; NULL: all built-in ones */
	int64_t max_body;     /* bytes */
	int64_t deadline_ms;
	int64_t drain_ms;
	int64_t allow_uid; /* -1: the socket's mode decides */
	const char *user;
	int64_t log_level; /* enum log_level */
	bool check;
	const char *try_file; /* NULL: not asked for */
	bool version;
	bool help;
};

/*
 * Fill options from the defaults, the environment, then argv.
 * Returns 0; -1 with err ERROR_USAGE, one sentence that names the option
 * and what it takes.
 */
int options_parse(struct options *options, int argc, char *const argv[],
		  struct error *err);

/* Write what --help shows. */
void options_print_help(FILE *out);

/*
 * Read a duration ("500ms", "20s", "2m", "1h") as milliseconds, or a size
 * ("4096", "256k", "2m") as bytes.
 * Return 0; -1: not one, or larger than INT64_MAX.
 */
int options_read_duration(const char *text, int64_t *ms_r);
int options_read_size(const char *text, int64_t *bytes_r);

#endif
