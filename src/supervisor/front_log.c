/*
 * front_log: two kinds of lines: of the access log, whose fields
 * conf/nginx.conf.in separates by tabs, and of the error log.
 */
#include "supervisor/front_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"

enum {
	FRONT_LOG_READS = 16, /* a turn, of 4 KiB each */
	FRONT_LOG_FIELDS = 6,
	FRONT_LOG_SECONDS = 3, /* the field that is in seconds */
};

static const char front_log_access[] = "access\t";

int front_log_open(struct front_log *log, const struct account *account,
		   struct error *err)
{
	int fds[2];

	memset(log, 0, sizeof(*log));
	log->watch.fd = log->write_fd = -1;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_sys(err, "cannot make a pipe");
	log->watch.fd = fds[0];
	log->write_fd = fds[1];
	/* nginx opens its access log by the name of its stderr. */
	if (account->is_other &&
	    fchown(log->write_fd, account->uid, account->gid) < 0)
		return error_sys(err, "cannot give away a pipe");
	return 0;
}

static enum log_level front_log_level(const char *name, size_t len)
{
	static const struct {
		const char *name;
		enum log_level level;
	} rows[] = {
		{ "emerg", LOG_LEVEL_ERROR }, { "alert", LOG_LEVEL_ERROR },
		{ "crit", LOG_LEVEL_ERROR },  { "error", LOG_LEVEL_WARN },
		{ "warn", LOG_LEVEL_WARN },   { "notice", LOG_LEVEL_INFO },
		{ "info", LOG_LEVEL_INFO },   { "debug", LOG_LEVEL_DEBUG },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strlen(rows[i].name) == len &&
		    memcmp(rows[i].name, name, len) == 0)
			return rows[i].level;
	}
	return LOG_LEVEL_WARN;
}

/* What nginx says at each start, or about a client that is not a fault. */
static bool front_log_is_noise(const char *text)
{
	static const char *const noise[] = {
		"using inherited sockets from",
	};

	for (size_t i = 0; i < ARRAY_LEN(noise); i++) {
		if (strncmp(text, noise[i], strlen(noise[i])) == 0)
			return true;
	}
	return false;
}

/* Skip "17546#17546: " and "*5 ". */
static const char *front_log_skip_ids(const char *text)
{
	const char *at = text + strspn(text, "0123456789");

	if (*at != '#')
		return text;
	at += 1 + strspn(at + 1, "0123456789");
	if (strncmp(at, ": ", 2) != 0)
		return text;
	at += 2;
	if (*at == '*') {
		text = at + 1 + strspn(at + 1, "0123456789");
		if (*text == ' ')
			return text + 1;
	}
	return at;
}

/*
 * "2000/01/02 03:04:05 [error] 1#1: *2 text", or "nginx: [emerg] text", or
 * anything else.
 */
static void front_log_error_line(struct front_log *log, const char *line)
{
	enum log_level level = LOG_LEVEL_WARN;
	const char *open = strchr(line, '['), *close, *text = line;

	close = open != NULL ? strchr(open, ']') : NULL;
	if (close != NULL && open - line <= 24 && close - open <= 8) {
		level = front_log_level(open + 1, (size_t)(close - open - 1));
		text = close + 1 + strspn(close + 1, " ");
		text = front_log_skip_ids(text);
		if (strncmp(open, "[emerg]", 7) == 0)
			snprintf(log->reason, sizeof(log->reason), "%s", text);
	}
	if (!front_log_is_noise(text) && log_begin(level, "nginx", text))
		log_end();
}

/* "POST /path HTTP/1.1"; of a malformed line whatever there is. */
static void front_log_request(const char *line)
{
	size_t method_len = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	const char *path = line;

	if (method_len > 0 && line[method_len] == ' ') {
		log_text("method", line, method_len);
		path += method_len + 1;
	}
	log_text("path", path, strcspn(path, " "));
}

static void front_log_access_line(char *line)
{
	static const char *const names[] = {
		"status",
		"bytes_out",
		"bytes_in",
		"duration_ms",
	};
	char *fields[FRONT_LOG_FIELDS] = { 0 };
	char msg[64];
	double number;

	line += strlen(front_log_access);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		fields[i] = strsep(&line, "\t");
		if (fields[i] == NULL)
			return;
	}
	snprintf(msg, sizeof(msg), "nginx answered %.3s itself", fields[0]);
	if (!log_begin(fields[0][0] == '5' ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
		       "nginx", msg))
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		number = strtod(fields[i], NULL);
		if (i == FRONT_LOG_SECONDS)
			number *= 1000;
		log_number(names[i], (int64_t)number);
	}
	log_text("request_id", fields[4], strlen(fields[4]));
	front_log_request(fields[5]);
	log_end();
}

static void front_log_line(struct front_log *log)
{
	for (size_t i = 0; i < log->len; i++) {
		if (log->line[i] == '\0')
			log->line[i] = '?';
	}
	log->line[log->len] = '\0';
	if (strncmp(log->line, front_log_access, strlen(front_log_access)) == 0)
		front_log_access_line(log->line);
	else if (log->line[0] != '\0')
		front_log_error_line(log, log->line);
	log->len = 0;
}

void front_log_take(struct front_log *log, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			front_log_line(log);
		else if (log->len < sizeof(log->line) - 1)
			log->line[log->len++] = bytes[i];
	}
}

void front_log_drain(struct front_log *log)
{
	uint64_t before = log_dropped();
	char chunk[FRONT_LOG_BYTES];
	ssize_t n;

	if (log->watch.fd < 0)
		return;
	for (int i = 0; i < FRONT_LOG_READS; i++) {
		n = read(log->watch.fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		front_log_take(log, chunk, (size_t)n);
	}
	log_flush();
	log->n_dropped += log_dropped() - before;
}

static void front_log_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	front_log_drain(CONTAINER_OF(watch, struct front_log, watch));
}

int front_log_start(struct front_log *log, struct loop *loop, struct error *err)
{
	log->watch.ready = front_log_ready;
	if (loop_add(loop, &log->watch, EPOLLIN) < 0)
		return error_sys(err, "cannot watch nginx's log");
	return 0;
}

void front_log_close(struct front_log *log)
{
	if (log->watch.fd >= 0)
		close(log->watch.fd);
	if (log->write_fd >= 0)
		close(log->write_fd);
	log->watch.fd = log->write_fd = -1;
}
