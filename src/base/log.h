/*
 * log: one JSON object a line on stderr, for machines first.
 *
 * {"time":"...","level":"info","pid":1,"area":"worker","msg":"..."} and
 * members of the line's own.  Lines are gathered and written together at
 * the end of a loop turn, each write at most LOG_WRITE_BYTES (what a pipe
 * takes in one piece), so lines of several processes never mix.  Nothing
 * here waits: a line that stderr does not take at once is dropped and
 * counted (log_dropped()).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR,
};

enum {
	LOG_WRITE_BYTES = 4096,
	LOG_TEXT_BYTES = 1024, /* a longer member is cut, marked by "..." */
};

/*
 * Open stderr for the whole process and its children; call once, while
 * still privileged, before any other function here.  Lines below level are
 * not written.
 */
void log_open(enum log_level level);

/*
 * Write one line.  The format's result is the member "msg".  Levels warn
 * and error are flushed at once.
 */
void log_write(enum log_level level, const char *area, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A line with members of its own: log_begin(), then any number of
 * members, then log_end().  Between them no other log function may be
 * called.  log_begin() returns 0 when the level is not written; the other
 * calls may then be left out.
 */
int log_begin(enum log_level level, const char *area, const char *msg);
void log_text(const char *name, const char *text, size_t len);
void log_number(const char *name, int64_t number);
void log_end(void);

/* Write what is gathered.  Each loop calls it before it waits. */
void log_flush(void);

/* The number of lines that were dropped so far in this process. */
uint64_t log_dropped(void);

/* Those since the last call of this; a child begins at 0. */
uint64_t log_take_dropped(void);

/*
 * Pass on a line that already is a JSON object (no line end, at most
 * LOG_WRITE_BYTES - 1 bytes).
 */
void log_pass(const char *line, size_t len);

#endif
