/*
 * request: what may be asked of a request.
 */
#include "http/request.h"

#include <stdio.h>
#include <string.h>

void request_query_value(const struct request *request, const char *name,
			 char *value, size_t size)
{
	const char *at = request->query;
	size_t name_len = strlen(name), len;

	value[0] = '\0';
	while (*at != '\0') {
		len = strcspn(at, "&");
		if (len > name_len && memcmp(at, name, name_len) == 0 &&
		    at[name_len] == '=') {
			snprintf(value, size, "%.*s", (int)(len - name_len - 1),
				 at + name_len + 1);
			return;
		}
		at += len + (at[len] == '&');
	}
}
