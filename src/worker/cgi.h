/*
 * cgi: one call, one process: plain CGI/1.1, and --try.
 */
#ifndef WORKER_CGI_H
#define WORKER_CGI_H

#include "base/error.h"
#include "base/options.h"
#include "base/scoreboard.h"
#include "handlers/registry.h"

/*
 * Answer the request that a web server describes in the environment, its
 * body on stdin, with status, headers and body on stdout.
 * Returns the exit code: 0 when an answer was written, whatever it is; 70
 * when it could not be written.  Blocks until stdin gives what
 * CONTENT_LENGTH says, or ends.
 */
int cgi_run(const struct options *options, const struct registry *registry,
	    struct board *board);

/*
 * Answer the call in the file path ("-": stdin), without a token, and write
 * the reply's body to stdout.  Returns 0: answered 200; 1: answered with an
 * error; -1 with err set: the file cannot be read.
 */
int cgi_try(const char *path, const struct options *options,
	    const struct registry *registry, struct board *board,
	    struct error *err);

#endif
