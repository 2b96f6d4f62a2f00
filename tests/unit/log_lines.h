/*
 * log_lines: what a test's code logs, kept in memory to look at.
 */
#ifndef UNIT_LOG_LINES_H
#define UNIT_LOG_LINES_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"

enum {
	LOG_LINES_BYTES = 65536
};

/* Put a file in memory in stderr's place; the tests' own stays in *kept_r. */
static inline void log_lines_begin(int *kept_r)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	log_flush();
	fflush(stderr);
	*kept_r = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

/* Put stderr back and return what was logged meanwhile.  Static. */
static inline const char *log_lines_end(int kept)
{
	static char text[LOG_LINES_BYTES];
	ssize_t n;

	log_flush();
	n = pread(STDERR_FILENO, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	dup2(kept, STDERR_FILENO);
	close(kept);
	return text;
}

#endif
