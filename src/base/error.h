/*
 * error: why an action failed, in one sentence for a person.
 *
 * Actions return 0, or -1 with the caller's struct error filled.  The first
 * record wins: a later error_set() on the same struct changes nothing, so
 * the innermost, most exact sentence survives.  NULL is allowed everywhere.
 * Text: lower case, no full stop, subject in quotes.  Who returns an error
 * does not log it; who ends it does.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum error_code {
	ERROR_NONE = 0,
	ERROR_INPUT,    /* the caller's template or request is wrong */
	ERROR_LATER,    /* nothing was begun; may succeed if asked again */
	ERROR_INTERNAL, /* our own fault, or a handler's */
	ERROR_SYSTEM,   /* the kernel refused something */
	ERROR_CONFIG,   /* the operator must change something: exit 78 */
	ERROR_USAGE,    /* a bad option: exit 64 */
};

struct error {
	enum error_code code;
	char text[320]; /* NUL-terminated, cut to fit */
};

#define ERROR_INIT                                                             \
	{                                                                      \
		ERROR_NONE, ""                                                 \
	}

/*
 * Record code and the formatted text.  Always returns -1, so that a caller
 * can write `return error_set(...)`.
 */
int error_set(struct error *err, enum error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * As error_set(ERROR_SYSTEM), with ": " and the text of errno added.
 * errno is read first and left as it was.
 */
int error_sys(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
