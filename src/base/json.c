/*
 * json: json-c for reading; strings are written here, as json-c passes
 * bytes through that are not UTF-8.
 */
#include "base/json.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static int json_refuse(const struct json_at *at, const char *name,
		       const char *what, struct error *err)
{
	const char *dot = at->path[0] != '\0' && name[0] != '\0' ? "." : "";

	if (at->path[0] == '\0' && name[0] == '\0')
		return error_set(err, ERROR_INPUT, "%s", what);
	return error_set(err, ERROR_INPUT, "%s%s%s: %s", at->path, dot, name,
			 what);
}

int json_want_object(const struct json_at *at, struct error *err)
{
	if (json_object_is_type(at->value, json_type_object))
		return 0;
	return json_refuse(at, "", "not an object", err);
}

struct json_object *json_member(struct json_object *value, const char *name)
{
	struct json_object *member = NULL;

	if (json_object_is_type(value, json_type_object))
		json_object_object_get_ex(value, name, &member);
	return member;
}

int json_optional_string(const struct json_at *at, const char *name,
			 const char **value_r, struct error *err)
{
	struct json_object *member;
	const char *text;

	if (at->value == NULL)
		return 0;
	if (json_want_object(at, err) < 0)
		return -1;
	if (!json_object_object_get_ex(at->value, name, &member))
		return 0;
	if (!json_object_is_type(member, json_type_string))
		return json_refuse(at, name, "not a string", err);

	text = json_object_get_string(member);
	if (strlen(text) != (size_t)json_object_get_string_len(member))
		return json_refuse(at, name, "holds a NUL character", err);
	*value_r = text;
	return 0;
}

int json_optional_integer(const struct json_at *at, const char *name,
			  const int64_t range[2], int64_t *value_r,
			  struct error *err)
{
	struct json_object *member;
	char what[96];
	int64_t value;

	if (at->value == NULL)
		return 0;
	if (json_want_object(at, err) < 0)
		return -1;
	if (!json_object_object_get_ex(at->value, name, &member))
		return 0;
	if (!json_object_is_type(member, json_type_int))
		return json_refuse(at, name, "not an integer", err);

	value = json_object_get_int64(member);
	if (value < range[0] || value > range[1]) {
		snprintf(what, sizeof(what), "not between %lld and %lld",
			 (long long)range[0], (long long)range[1]);
		return json_refuse(at, name, what, err);
	}
	*value_r = value;
	return 0;
}

static void json_add_escaped(struct buf *out, char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[7] = "\\u00";

	switch (c) {
	case '"':
		buf_add_text(out, "\\\"");
		return;
	case '\\':
		buf_add_text(out, "\\\\");
		return;
	case '\n':
		buf_add_text(out, "\\n");
		return;
	case '\t':
		buf_add_text(out, "\\t");
		return;
	default:
		text[4] = hex[(unsigned char)c >> 4];
		text[5] = hex[c & 15];
		buf_add(out, text, 6);
	}
}

/* Is c ASCII that stands in a string as it is? */
static bool json_is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7f &&
	       c != '"' && c != '\\';
}

/* The number of bytes at text that need no change. */
static size_t json_plain_len(const char *text, size_t len)
{
	size_t i = 0, n;

	while (i < len) {
		while (i < len && json_is_plain(text[i]))
			i++;
		if (i == len)
			break;
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f ||
		    text[i] == '"' || text[i] == '\\')
			break;
		n = utf8_char_len(text + i, len - i);
		if (n == 0)
			break;
		i += n;
	}
	return i;
}

void json_add_string(struct buf *out, const char *text, size_t len)
{
	size_t n;

	buf_add_char(out, '"');
	while (len > 0) {
		n = json_plain_len(text, len);
		buf_add(out, text, n);
		text += n;
		len -= n;
		if (len == 0)
			break;
		if ((unsigned char)*text < 0x80)
			json_add_escaped(out, *text);
		else
			buf_add_text(out, "\xef\xbf\xbd");
		text++;
		len--;
	}
	buf_add_char(out, '"');
}
