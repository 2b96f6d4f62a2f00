/*
 * json: reading members with their path, and writing strings that are
 * always valid.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct json_object;

/*
 * A value together with where it stands, so that every complaint names the
 * member ("plugin.hello.text: not a string").  Both are borrowed.
 */
struct json_at {
	struct json_object *value; /* NULL is JSON null */
	const char *path;          /* dotted; "" at the root */
};

/*
 * Check that at is an object.  Returns 0; -1 with err ERROR_INPUT
 * "<path>: not an object" (at the root: "not an object").
 */
int json_want_object(const struct json_at *at, struct error *err);

/*
 * Read the member name of the object at.  An absent member leaves *value_r
 * as it is, and so does an object that is null (YAML's "hello:" with
 * nothing behind it).  A member that is null has a wrong type.
 * Returns 0; -1 with err ERROR_INPUT: at is not an object, or the member
 * is not a string / not an integer of min..max.
 * Strings are borrowed from the object; one that holds a NUL character is
 * refused, since C would cut it there.
 */
int json_optional_string(const struct json_at *at, const char *name,
			 const char **value_r, struct error *err);
int json_optional_integer(const struct json_at *at, const char *name,
			  const int64_t range[2], int64_t *value_r,
			  struct error *err);

/*
 * The member name of the object value, or NULL (absent, null, or value is
 * not an object).  Borrowed.
 */
struct json_object *json_member(struct json_object *value, const char *name);

/*
 * Append text as a JSON string with its quotes.  Bytes that are not UTF-8
 * become U+FFFD, control characters are escaped, so the result is valid
 * whatever the bytes are.
 */
void json_add_string(struct buf *out, const char *text, size_t len);

#endif
