/*
 * fuzz_scan: what scan_call() takes as JSON within the limits, json-c must
 * take too; both must find the same members and keys, with the same values;
 * and call_decode() must read them as json-c does.
 */
#include <json-c/json_object.h>
#include <json-c/json_tokener.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "rpc/call.h"
#include "rpc/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Strictly parse the text, which must be JSON for json-c. */
static struct json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(SCAN_DEPTH + 1);
	struct json_object *root;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	root = json_tokener_parse_ex(tokener, text, (int)len);
	/* A number or word at the very end might go on, for json-c. */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		root = json_tokener_parse_ex(tokener, "", 1);
	must(json_tokener_get_error(tokener) == json_tokener_success);
	json_tokener_free(tokener);
	return root;
}

/* The range holds the same value as the member that json-c has found. */
static void compare_range(const struct scan_range *range, bool is_there,
			  struct json_object *value)
{
	struct json_object *ours;

	must((range->text != NULL) == is_there);
	if (!is_there)
		return;
	ours = parse(range->text, range->len);
	must(json_object_equal(ours, value));
	json_object_put(ours);
}

static bool find(struct json_object *parent, const char *name,
		 struct json_object **value_r)
{
	*value_r = NULL;
	return json_object_is_type(parent, json_type_object) &&
	       json_object_object_get_ex(parent, name, value_r);
}

static void compare_keys(const struct scan *scan, struct json_object *plugin)
{
	struct json_object *body;

	/* Only the names that are kept are known when they come again. */
	if (scan->n_keys <= SCAN_KEYS)
		must(scan->n_keys <= (size_t)json_object_object_length(plugin));
	for (size_t i = 0; i < scan->n_keys && i < SCAN_KEYS; i++) {
		if (scan->keys[i][0] == '\0')
			continue; /* or one that is too long */
		must(find(plugin, scan->keys[i], &body));
		compare_range(&scan->bodies[i], true, body);
	}
}

/* Members of the envelope, their parents before them. */
static const struct {
	enum scan_member member, parent;
	const char *name;
	bool is_text;
} rows[] = {
	{ SCAN_WORKFLOW, SCAN_ROOT, "workflow", false },
	{ SCAN_METADATA, SCAN_WORKFLOW, "metadata", false },
	{ SCAN_NAME, SCAN_METADATA, "name", true },
	{ SCAN_NAMESPACE, SCAN_METADATA, "namespace", true },
	{ SCAN_UID, SCAN_METADATA, "uid", true },
	{ SCAN_TEMPLATE, SCAN_ROOT, "template", false },
	{ SCAN_TEMPLATE_NAME, SCAN_TEMPLATE, "name", true },
	{ SCAN_TIMEOUT, SCAN_TEMPLATE, "timeout", true },
	{ SCAN_INPUTS, SCAN_TEMPLATE, "inputs", false },
	{ SCAN_OUTPUTS, SCAN_TEMPLATE, "outputs", false },
	{ SCAN_PLUGIN, SCAN_TEMPLATE, "plugin", false },
};

/* Has the value the type that we want, so that C can hold it? */
static bool fits(struct json_object *value, bool is_text)
{
	if (value == NULL)
		return true;
	if (!is_text)
		return json_object_is_type(value, json_type_object);
	return json_object_is_type(value, json_type_string) &&
	       strlen(json_object_get_string(value)) ==
		       (size_t)json_object_get_string_len(value);
}

static void compare_text(const char *ours, struct json_object *value)
{
	must(strcmp(ours, value != NULL ? json_object_get_string(value) : "") ==
	     0);
}

static void compare_call(const struct scan *scan,
			 struct json_object *values[SCAN_MEMBERS], bool fit)
{
	struct json_object *body;
	struct error err = ERROR_INIT;
	struct arena arena;
	struct call call;

	arena_init(&arena);
	if (call_decode(&call, scan, scan->keys[0], &arena, &err) < 0) {
		must(!fit && err.code == ERROR_INPUT);
	} else {
		must(fit);
		compare_text(call.workflow, values[SCAN_NAME]);
		compare_text(call.workflow_namespace, values[SCAN_NAMESPACE]);
		compare_text(call.workflow_uid, values[SCAN_UID]);
		compare_text(call.template_name, values[SCAN_TEMPLATE_NAME]);
		compare_text(call.timeout, values[SCAN_TIMEOUT]);
		must(find(values[SCAN_PLUGIN], scan->keys[0], &body));
		must(json_object_equal(call.body.value, body));
		call_clear(&call);
	}
	arena_clear(&arena);
}

static void compare(const struct scan *scan, struct json_object *root)
{
	struct json_object *values[SCAN_MEMBERS] = { [SCAN_ROOT] = root };
	bool is_there, fit = true;

	compare_range(&scan->members[SCAN_ROOT], true, root);
	must(scan->root_is_object ==
	     (bool)json_object_is_type(root, json_type_object));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		is_there = find(values[rows[i].parent], rows[i].name,
				&values[rows[i].member]);
		compare_range(&scan->members[rows[i].member], is_there,
			      values[rows[i].member]);
		fit &= fits(values[rows[i].member], rows[i].is_text);
	}
	if (!json_object_is_type(values[SCAN_PLUGIN], json_type_object)) {
		must(scan->n_keys == 0);
		return;
	}
	compare_keys(scan, values[SCAN_PLUGIN]);
	if (scan->n_keys > 0 && scan->keys[0][0] != '\0')
		compare_call(scan, values, fit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct json_object *root;
	struct scan scan;

	if (scan_call((const char *)data, size, &scan, &err) < 0) {
		must(err.code == ERROR_INPUT);
		return 0;
	}
	if (scan.limit != SCAN_WITHIN)
		return 0;
	root = parse((const char *)data, size);
	compare(&scan, root);
	json_object_put(root);
	return 0;
}
