/*
 * log: lines into a buffer of one pipe write, the buffer to stderr.
 *
 * stderr is opened again by its name in /proc, which gives this process a
 * file description of its own: O_NONBLOCK there does not change the one
 * that we share with our parent.  A socket (journald) cannot be opened that
 * way and is written with MSG_DONTWAIT.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"

static struct {
	int fd; /* -1: stderr is closed */
	bool is_socket;
	bool is_own; /* a file description of ours, which does not block */
	enum log_level level;
	pid_t pid;          /* 0: to be asked for */
	struct buf line;    /* the one that is being made */
	struct buf pending; /* whole lines */
	uint64_t n_pending;
	uint64_t n_dropped;
	uint64_t n_taken; /* of n_dropped, by log_take_dropped() */
} log_state = {
	.fd = STDERR_FILENO,
	.level = LOG_LEVEL_INFO,
	.line = { .limit = LOG_WRITE_BYTES },
	.pending = { .limit = LOG_WRITE_BYTES },
};

static const char *const log_level_names[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_ERROR] = "error",
};

/* In a child: what is pending or was dropped is the parent's. */
static void log_forget_parent(void)
{
	log_state.pid = 0;
	log_state.n_dropped = log_state.n_taken = log_state.n_pending = 0;
	buf_reset(&log_state.pending);
}

void log_open(enum log_level level)
{
	int fd = open("/proc/self/fd/2",
		      O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	log_state.level = level;
	pthread_atfork(NULL, NULL, log_forget_parent);
	log_state.is_own = fd >= 0;
	if (fd >= 0)
		log_state.fd = fd;
	else
		log_state.is_socket = errno == ENXIO;
}

/*
 * Would a write wait?  Only a stderr that could not be opened again can
 * block; a pipe that is ready takes PIPE_BUF bytes.
 */
static bool log_has_room(void)
{
	struct pollfd wait = { .fd = log_state.fd, .events = POLLOUT };

	return log_state.is_own || poll(&wait, 1, 0) == 1;
}

void log_flush(void)
{
	struct buf *pending = &log_state.pending;
	ssize_t n = 0;

	if (pending->len == 0)
		return;
	if (log_state.is_socket)
		n = send(log_state.fd, pending->data, pending->len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (log_has_room())
		n = write(log_state.fd, pending->data, pending->len);
	if (n != (ssize_t)pending->len)
		log_state.n_dropped += log_state.n_pending;
	buf_reset(pending);
	log_state.n_pending = 0;
}

uint64_t log_dropped(void)
{
	return log_state.n_dropped;
}

uint64_t log_take_dropped(void)
{
	uint64_t n = log_state.n_dropped - log_state.n_taken;

	log_state.n_taken = log_state.n_dropped;
	return n;
}

void log_pass(const char *line, size_t len)
{
	if (log_state.pending.len + len + 1 > LOG_WRITE_BYTES)
		log_flush();
	buf_add(&log_state.pending, line, len);
	buf_add_char(&log_state.pending, '\n');
	log_state.n_pending++;
}

static void log_name(const char *name)
{
	buf_add_text(&log_state.line, ",\"");
	buf_add_text(&log_state.line, name);
	buf_add_text(&log_state.line, "\":");
}

/* Append a member, or nothing and say so when the line has no room for it. */
static bool log_try_text(const char *name, const char *text, size_t len,
			 bool is_cut)
{
	struct buf *line = &log_state.line;
	size_t before = line->len;

	log_name(name);
	json_add_string(line, text, len);
	if (is_cut && line->len > 0) {
		line->len--;
		buf_add_text(line, "...\"");
	}
	if (!line->cut && line->len <= LOG_WRITE_BYTES - 32)
		return true;
	line->len = before;
	line->cut = false;
	return false;
}

/* Escaped, a byte takes up to six: how much fits is only known when tried. */
void log_text(const char *name, const char *text, size_t len)
{
	size_t cut = utf8_cut(text, len, LOG_TEXT_BYTES);

	while (!log_try_text(name, text, cut, cut < len) && cut > 0)
		cut = utf8_cut(text, len, cut / 2);
}

void log_number(const char *name, int64_t number)
{
	struct buf *line = &log_state.line;
	size_t before = line->len;

	log_name(name);
	buf_add_number(line, number);
	if (line->len > LOG_WRITE_BYTES - 32)
		line->len = before;
}

int log_begin(enum log_level level, const char *area, const char *msg)
{
	struct buf *line = &log_state.line;
	char now[CLOCK_TEXT_LEN + 1];

	if (level < log_state.level)
		return 0;
	if (log_state.pid == 0)
		log_state.pid = getpid();
	clock_text(clock_wall_ms(), now);
	buf_reset(line);
	buf_add_text(line, "{\"time\":\"");
	buf_add_text(line, now);
	buf_add_text(line, "\",\"level\":\"");
	buf_add_text(line, log_level_names[level]);
	buf_add_char(line, '"');
	log_number("pid", log_state.pid);
	log_text("area", area, strlen(area));
	log_text("msg", msg, strlen(msg));
	return 1;
}

void log_end(void)
{
	buf_add_char(&log_state.line, '}');
	log_pass(log_state.line.data, log_state.line.len);
}

void log_write(enum log_level level, const char *area, const char *format, ...)
{
	char msg[LOG_TEXT_BYTES + 8]; /* longer, so that a cut is marked */
	va_list args;

	if (level < log_state.level)
		return;
	va_start(args, format);
	vsnprintf(msg, sizeof(msg), format, args);
	va_end(args);

	if (log_begin(level, area, msg))
		log_end();
	if (level >= LOG_LEVEL_WARN)
		log_flush();
}
