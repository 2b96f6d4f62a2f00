/*
 * daemon: from the command line to one of the ways of life.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include "handlers/handler.h"

/*
 * Run execplugd: --help, --version, --check, --try, one CGI request, or the
 * supervisor with its workers, with the built-in handlers and the
 * NULL-terminated list of extra ones (NULL: none).
 * Returns the exit code: 0 after a stop that was asked for or a question
 * that was answered; 64 usage, 70 internal, 78 configuration; --try: 1
 * when the answer is an error.
 */
int daemon_main(int argc, char *const argv[],
		const struct handler *const extra[]);

#endif
