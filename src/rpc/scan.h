/*
 * scan: one strict pass over a call's JSON text, before json-c sees it.
 *
 * json-c accepts more than JSON (NaN, -01, raw newlines, overlong UTF-8,
 * bytes after a NUL) and takes up to 264 bytes of memory for one byte of
 * text.  The scan accepts exactly RFC 8259 in UTF-8, finds the key of
 * template.plugin without building anything, and notes which limits the
 * text is above.  A call for somebody else's key is answered from here.
 *
 * Stated differences to RFC 8259: \u0000 in a member name is refused
 * (json-c would cut the name there and let it collide).
 */
#ifndef RPC_SCAN_H
#define RPC_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "rpc/lexer.h"

enum {
	SCAN_DEPTH = 128,    /* nesting of a call of ours */
	SCAN_VALUES = 20000, /* values in it, objects among them */
	SCAN_OBJECTS = 2000,
	SCAN_KEY_BYTES = LEXER_NAME_BYTES, /* of a plugin key, with its NUL */
	SCAN_KEYS = 4, /* keys of template.plugin that are kept */
};

enum scan_limit {
	SCAN_WITHIN = 0,
	SCAN_TOO_DEEP,
	SCAN_TOO_MANY_VALUES,
	SCAN_TOO_MANY_OBJECTS,
	SCAN_NUMBER_RANGE, /* no int64, or an infinite double */
};

/* What stands at a place where an object is wanted. */
enum scan_place {
	SCAN_ABSENT,
	SCAN_NO_OBJECT,
	SCAN_OBJECT
};

/* The members of Argo's envelope that we know. */
enum scan_member {
	SCAN_ROOT, /* the call */
	SCAN_WORKFLOW,
	SCAN_METADATA,  /* workflow.metadata */
	SCAN_NAME,      /* workflow.metadata.name */
	SCAN_NAMESPACE, /* workflow.metadata.namespace */
	SCAN_UID,       /* workflow.metadata.uid */
	SCAN_TEMPLATE,
	SCAN_TEMPLATE_NAME, /* template.name */
	SCAN_TIMEOUT,       /* template.timeout */
	SCAN_INPUTS,        /* template.inputs */
	SCAN_OUTPUTS,       /* template.outputs */
	SCAN_PLUGIN,        /* template.plugin */
	SCAN_MEMBERS,
	SCAN_OTHER = SCAN_MEMBERS,
};

/* Where a value stands in the text; text is NULL when it is absent. */
struct scan_range {
	const char *text;
	size_t len;
	size_t n_values; /* in it, itself included */
};

struct scan {
	struct scan_range members[SCAN_MEMBERS];
	bool root_is_object;
	enum scan_place template_place;
	enum scan_place plugin_place; /* template.plugin */
	/* its members, unescaped; a longer name is kept as "" */
	char keys[SCAN_KEYS][SCAN_KEY_BYTES];
	struct scan_range bodies[SCAN_KEYS]; /* their values */
	size_t n_keys;                       /* all of them, kept or not */
	/* the first limit that was exceeded, and whether in the plugin */
	enum scan_limit limit;
	bool limit_is_in_plugin;
	size_t n_values, n_objects;
};

/*
 * Walk through the len bytes at text.  Of equal names the last counts, as
 * in json-c and Go.  Returns 0 with scan_r filled, which points into text; -1
 * with err ERROR_INPUT when it is not JSON: what is wrong and at which byte.
 * Takes memory of one bit per level of nesting.
 */
int scan_call(const char *text, size_t len, struct scan *scan_r,
	      struct error *err);

/* What stands at a member's place. */
enum scan_place scan_place_of(const struct scan_range *range);

/* The sentence for a limit, without the member in front. */
const char *scan_limit_text(enum scan_limit limit);

#endif
