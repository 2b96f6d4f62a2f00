/*
 * error: the first sentence about a failure, kept in the caller's storage.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, enum error_code code, const char *format, ...)
{
	va_list args;

	if (err == NULL || err->code != ERROR_NONE)
		return -1;

	err->code = code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return -1;
}

int error_sys(struct error *err, const char *format, ...)
{
	int saved = errno;
	char reason[128];
	va_list args;
	size_t len;

	if (err == NULL || err->code != ERROR_NONE)
		return -1;

	err->code = ERROR_SYSTEM;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);

	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s",
		 strerror_r(saved, reason, sizeof(reason)));
	errno = saved;
	return -1;
}
