/*
 * call: one template.execute call for a key of ours, decoded.
 */
#ifndef RPC_CALL_H
#define RPC_CALL_H

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "rpc/scan.h"

/*
 * json-c is given what a handler reads, and no more: building the whole
 * call costs more than all the rest of a short call.
 *
 * Everything is borrowed until call_clear().  Texts are never NULL; what
 * the call does not say is "" (before Argo v3.4.2 it has no namespace and
 * no uid).
 */
struct call {
	const char *workflow; /* workflow.metadata.name */
	const char *workflow_namespace;
	const char *workflow_uid;
	const char *template_name;
	const char *timeout; /* template.timeout, Argo's text */
	const char *key;     /* the one member of template.plugin */
	struct json_at body; /* its value; path "plugin.<key>"; owned */
	const char *text;    /* the call as it came */
	size_t text_len;
	const char *request_id;
	struct arena *arena;     /* for what lives as long as the call */
	const struct scan *scan; /* where each member stands in text */
};

/*
 * Decode what scan_call() has found, for the plugin key, which is one of
 * scan's.  scan, the text behind it, key and arena are borrowed and must
 * live as long as the call.  err must not be NULL.
 * Returns 0; -1 with err ERROR_INPUT, call_r cleared: a known member has a
 * wrong type; the text names it ("workflow.metadata.name: not a string").
 */
int call_decode(struct call *call_r, const struct scan *scan, const char *key,
		struct arena *arena, struct error *err);

/*
 * Build a member of the call, such as SCAN_INPUTS, SCAN_OUTPUTS or
 * SCAN_TEMPLATE.  Returns NULL: it is absent or null.  The caller owns the
 * object (json_object_put()).
 */
struct json_object *call_member(const struct call *call,
				enum scan_member member);

/* Free the JSON.  Nothing of the call is valid after. */
void call_clear(struct call *call);

#endif
