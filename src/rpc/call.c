/*
 * call: from JSON to struct call, by json-c.
 *
 * Only members that we read are checked; unknown ones are accepted, as
 * newer releases of Argo add some.
 */
#include "rpc/call.h"

#include <json-c/json_object.h>
#include <json-c/json_object_iterator.h>
#include <json-c/json_tokener.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"

enum {
	CALL_KEPT_BYTES = 65536
}; /* a longer text's parser is dropped */

/*
 * Parse with one parser per process: its stack of levels is made once.  It
 * never gives back the buffer of its longest string.
 */
static struct json_object *call_parse(const char *text, size_t len,
				      struct error *err)
{
	static struct json_tokener *tokener;
	enum json_tokener_error code;
	struct json_object *root;

	if (tokener == NULL) {
		/* json-c counts the innermost scalar as a level. */
		tokener = json_tokener_new_ex(SCAN_DEPTH + 1);
		if (tokener == NULL)
			mem_die();
		json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	}
	json_tokener_reset(tokener);
	root = json_tokener_parse_ex(tokener, text, (int)len);
	code = json_tokener_get_error(tokener);
	/* No value and no fault of the text: no memory. */
	if (root == NULL &&
	    (code == json_tokener_success || code == json_tokener_continue))
		mem_die();
	if (root == NULL)
		error_set(err, ERROR_INPUT, "json-c does not take it: %s",
			  json_tokener_error_desc(code));
	if (len > CALL_KEPT_BYTES) {
		json_tokener_free(tokener);
		tokener = NULL;
	}
	return root;
}

static size_t call_count(struct json_object *value);

static size_t call_count_members(struct json_object *value)
{
	struct json_object_iterator at = json_object_iter_begin(value);
	struct json_object_iterator end = json_object_iter_end(value);
	size_t n = 0;

	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
		n += call_count(json_object_iter_peek_value(&at));
	return n;
}

static size_t call_count_elements(struct json_object *value)
{
	size_t n = 0;

	for (size_t i = 0; i < json_object_array_length(value); i++)
		n += call_count(json_object_array_get_idx(value, i));
	return n;
}

/* The number of values in value, itself included; its depth is bounded. */
static size_t call_count(struct json_object *value)
{
	if (json_object_is_type(value, json_type_array))
		return 1 + call_count_elements(value);
	if (json_object_is_type(value, json_type_object))
		return 1 + call_count_members(value);
	return 1;
}

/*
 * json-c leaves a member out when it has no memory for it, and says
 * nothing.  A value that has fewer values than its text must have equal
 * names in it; then it is the same when it is built again.
 */
static void call_check_count(struct json_object *value,
			     const struct scan_range *range, const char *text,
			     size_t len)
{
	size_t n = call_count(value);
	struct json_object *again;

	if (n == range->n_values)
		return;
	again = call_parse(text, len, NULL);
	if (call_count(again) != n)
		mem_die();
	json_object_put(again);
}

/*
 * Build the value in range.  Returns NULL for null, and with err set where
 * json-c refuses what the scan has accepted.
 */
static struct json_object *call_build(const struct call *call,
				      const struct scan_range *range,
				      struct error *err)
{
	const char *text = range->text;
	struct json_object *value;
	size_t len = range->len;
	char first = text[0];

	if (first == 'n')
		return NULL;
	/* A number or word ends for json-c only where something follows. */
	if (first != '{' && first != '[' && first != '"') {
		text = arena_strndup(call->arena, range->text, range->len);
		len++;
	}
	value = call_parse(text, len, err);
	if (value != NULL)
		call_check_count(value, range, text, len);
	return value;
}

static bool call_is_null(const struct scan_range *range)
{
	return range->text == NULL || range->text[0] == 'n';
}

/* A member that we read; place: where its text goes, in struct call. */
struct call_row {
	enum scan_member member;
	const char *path;
	size_t place; /* CALL_OBJECT: it is an object, and not built yet */
};

#define CALL_OBJECT     SIZE_MAX
#define CALL_TEXT(name) offsetof(struct call, name)

static const struct call_row call_rows[] = {
	{ SCAN_WORKFLOW, "workflow", CALL_OBJECT },
	{ SCAN_METADATA, "workflow.metadata", CALL_OBJECT },
	{ SCAN_NAME, "workflow.metadata.name", CALL_TEXT(workflow) },
	{ SCAN_NAMESPACE, "workflow.metadata.namespace",
	  CALL_TEXT(workflow_namespace) },
	{ SCAN_UID, "workflow.metadata.uid", CALL_TEXT(workflow_uid) },
	{ SCAN_TEMPLATE_NAME, "template.name", CALL_TEXT(template_name) },
	{ SCAN_TIMEOUT, "template.timeout", CALL_TEXT(timeout) },
	{ SCAN_INPUTS, "template.inputs", CALL_OBJECT },
	{ SCAN_OUTPUTS, "template.outputs", CALL_OBJECT },
};

/* Copy the text of a JSON string to the arena. */
static int call_read_text(const struct call *call,
			  const struct scan_range *range, const char **text_r,
			  struct error *err)
{
	struct json_object *value;
	size_t len;

	/* Between the quotes of most texts nothing is to be undone. */
	if (memchr(range->text, '\\', range->len) == NULL) {
		*text_r = arena_strndup(call->arena, range->text + 1,
					range->len - 2);
		return 0;
	}
	value = call_build(call, range, err);
	if (value == NULL)
		return -1;
	len = (size_t)json_object_get_string_len(value);
	*text_r =
		arena_strndup(call->arena, json_object_get_string(value), len);
	json_object_put(value);
	if (strlen(*text_r) != len)
		return error_set(err, ERROR_INPUT, "holds a NUL character");
	return 0;
}

/* Check the type of the row's member, and read it if it is a text. */
static int call_read(struct call *call, const struct call_row *row,
		     struct error *err)
{
	const struct scan_range *range = &call->scan->members[row->member];
	char first = row->place == CALL_OBJECT ? '{' : '"';
	struct error cause = ERROR_INIT;
	const char **place;

	if (call_is_null(range))
		return 0;
	if (range->text[0] != first)
		return error_set(err, ERROR_INPUT, "%s: not %s", row->path,
				 first == '{' ? "an object" : "a string");
	if (first == '{')
		return 0;
	place = (const char **)(void *)((char *)call + row->place);
	if (call_read_text(call, range, place, &cause) < 0)
		return error_set(err, ERROR_INPUT, "%s: %s", row->path,
				 cause.text);
	return 0;
}

/* The value of the plugin's key. */
static int call_decode_body(struct call *call, struct error *err)
{
	const struct scan *scan = call->scan;
	size_t i = 0;

	while (strcmp(scan->keys[i], call->key) != 0)
		i++;
	call->body.path = arena_join(call->arena, "plugin.", call->key);
	call->body.value = call_build(call, &scan->bodies[i], err);
	return err->code == ERROR_NONE ? 0 : -1;
}

int call_decode(struct call *call_r, const struct scan *scan, const char *key,
		struct arena *arena, struct error *err)
{
	struct call *call = call_r;

	memset(call, 0, sizeof(*call));
	call->workflow = call->workflow_namespace = call->workflow_uid = "";
	call->template_name = call->timeout = call->request_id = "";
	call->scan = scan;
	call->text = scan->members[SCAN_ROOT].text;
	call->text_len = scan->members[SCAN_ROOT].len;
	call->key = key;
	call->arena = arena;
	for (size_t i = 0; i < ARRAY_LEN(call_rows); i++) {
		if (call_read(call, &call_rows[i], err) < 0)
			return -1;
	}
	return call_decode_body(call, err);
}

struct json_object *call_member(const struct call *call,
				enum scan_member member)
{
	const struct scan_range *range = &call->scan->members[member];

	return call_is_null(range) ? NULL : call_build(call, range, NULL);
}

void call_clear(struct call *call)
{
	json_object_put(call->body.value);
	call->body.value = NULL;
}
