/*
 * log_reader: log lines as a reader at the other end of stderr gets them.
 * Each case logs in a child whose stderr is a pipe.
 */
#ifndef UNIT_LOG_READER_H
#define UNIT_LOG_READER_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <json-c/json.h>

#include "base/buf.h"
#include "base/log.h"

/* Run body in a child that has fds[1] as stderr; all it wrote, in out. */
static inline void run(void (*body)(void), enum log_level level,
		       const int fds[2], struct buf *out)
{
	char chunk[4096];
	int status;
	ssize_t n;
	pid_t pid;

	buf_init(out, 1 << 20);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		log_open(level);
		body();
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], chunk, sizeof(chunk))) > 0)
		buf_add(out, chunk, (size_t)n);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static inline void run_piped(void (*body)(void), enum log_level level,
			     struct buf *out)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	/* A reader that gets no time must not cost lines. */
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20) >= 1 << 18);
	run(body, level, fds, out);
}

/* The next line of *at as JSON, NULL at the end; each must be whole. */
static inline struct json_object *next_line(char **at)
{
	enum json_tokener_error error = json_tokener_success;
	struct json_object *value;
	char *end;

	if (**at == '\0')
		return NULL;
	end = strchr(*at, '\n');
	assert_non_null(end);
	assert_true(end - *at < LOG_WRITE_BYTES);
	*end = '\0';
	value = json_tokener_parse_verbose(*at, &error);
	assert_int_equal(error, json_tokener_success);
	assert_true(json_object_is_type(value, json_type_object));
	*at = end + 1;
	return value;
}

static inline const char *member(struct json_object *line, const char *name)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(line, name, &value);
	return value != NULL ? json_object_get_string(value) : NULL;
}

#endif
