/*
 * execute: poison, scan, whose key, limits, decode, handler.
 */
#include "rpc/execute.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "rpc/reply.h"
#include "rpc/scan.h"

/* Answer with an outcome; text must live as long as the call. */
static enum method_end execute_answer(struct method_call *method_call,
				      enum reply_outcome outcome,
				      const char *text)
{
	reply_set(method_call->response, outcome, text);
	method_call->note.phase = reply_phase_of(outcome);
	method_call->note.text = text;
	return METHOD_ANSWERED;
}

static enum method_end execute_reject(struct method_call *method_call,
				      enum board_rejection rejection,
				      enum reply_outcome outcome,
				      const char *text)
{
	method_call->note.rejection = rejection;
	return execute_answer(method_call, outcome, text);
}

static enum method_end execute_foreign(struct method_call *method_call)
{
	method_call->note.is_foreign = true;
	return execute_answer(method_call, REPLY_FOREIGN, "");
}

/* What is wrong with the envelope; NULL: it names at least one key. */
static const char *execute_envelope_fault(const struct scan *scan)
{
	if (!scan->root_is_object)
		return "the body is not a JSON object";
	if (scan->template_place == SCAN_ABSENT)
		return "template: is missing";
	if (scan->template_place == SCAN_NO_OBJECT)
		return "template: not an object";
	if (scan->plugin_place == SCAN_ABSENT)
		return "template.plugin: is missing";
	if (scan->plugin_place == SCAN_NO_OBJECT)
		return "template.plugin: not an object";
	if (scan->n_keys == 0)
		return "template.plugin: has no key that says which plugin is "
		       "meant";
	return NULL;
}

/* The first of the call's keys that has a handler; -1: none has. */
static int execute_find_handler(const struct method_call *method_call,
				const struct scan *scan, const char **key_r)
{
	int handler = -1;

	for (size_t i = 0; i < scan->n_keys && i < SCAN_KEYS; i++) {
		handler = registry_find(method_call->registry, scan->keys[i]);
		if (handler >= 0) {
			*key_r = method_call->registry->keys[handler];
			return handler;
		}
	}
	*key_r = arena_strndup(method_call->arena, scan->keys[0],
			       strlen(scan->keys[0]));
	return -1;
}

static enum method_end execute_over_limit(struct method_call *method_call,
					  const struct scan *scan)
{
	const char *text = scan_limit_text(scan->limit);

	if (scan->limit_is_in_plugin)
		return execute_reject(
			method_call, REJECT_LIMIT, REPLY_FAILED,
			arena_printf(method_call->arena, "plugin.%s: %s",
				     method_call->note.key, text));
	return execute_reject(
		method_call, REJECT_LIMIT, REPLY_BAD_CALL,
		arena_printf(method_call->arena, "the call: %s", text));
}

/* Let the handler answer, now or later. */
static enum method_end execute_handler(struct method_call *method_call)
{
	const struct handler *handler =
		method_call->registry->handlers[method_call->note.handler];
	struct call *call = &method_call->call;
	struct error err = ERROR_INIT;
	struct node node;

	method_call->note.workflow = arena_strndup(
		method_call->arena, call->workflow, strlen(call->workflow));
	if (method_call->key_in_hand != NULL)
		snprintf(method_call->key_in_hand, SCAN_KEY_BYTES, "%s",
			 handler->key);
	if (handler->execute == NULL) {
		method_call->later = handler;
		return METHOD_SUBMIT;
	}
	node_init(&node, method_call->arena);
	if (handler->execute(call, &node, &err) < 0) {
		call_clear(call);
		return execute_answer(method_call, reply_outcome_of(&err),
				      arena_strndup(method_call->arena,
						    err.text,
						    strlen(err.text)));
	}
	reply_set_node(method_call->response, &node, 0);
	method_call->note.phase = node.phase;
	if (node.phase >= NODE_FAILED && node.message != NULL)
		method_call->note.text = node.message;
	call_clear(call);
	return METHOD_ANSWERED;
}

/* A call for a handler of ours, within all limits. */
static enum method_end execute_ours(struct method_call *method_call,
				    const struct scan *scan)
{
	const struct request *request = method_call->request;
	struct error err = ERROR_INIT;

	if (call_decode(&method_call->call, scan, method_call->note.key,
			method_call->arena, &err) < 0)
		return execute_reject(
			method_call, REJECT_ENVELOPE, REPLY_BAD_CALL,
			arena_strndup(method_call->arena, err.text,
				      strlen(err.text)));
	method_call->call.request_id = request->id;
	return execute_handler(method_call);
}

static enum method_end execute_poison(struct method_call *method_call,
				      const char *key)
{
	method_call->note.key = key;
	return execute_reject(method_call, REJECT_POISON, REPLY_ERROR,
			      "this call has crashed two workers and is not "
			      "tried again for ten minutes");
}

enum method_end execute_template(struct method_call *method_call)
{
	const struct request *request = method_call->request;
	struct error err = ERROR_INIT;
	struct scan *scan = arena_alloc(method_call->arena, sizeof(*scan));
	const char *fault, *key;

	if (request->body_len == 0)
		return execute_reject(method_call, REJECT_JSON, REPLY_BAD_CALL,
				      "the body is empty: a call is a JSON "
				      "object with a template");
	/* Before the scan, which could be what it crashes. */
	key = board_poison_key(method_call->board, method_call->digest,
			       clock_ms());
	if (key != NULL)
		return execute_poison(method_call, key);
	if (scan_call(request->body, request->body_len, scan, &err) < 0)
		return execute_reject(method_call, REJECT_JSON, REPLY_BAD_CALL,
				      arena_strndup(method_call->arena,
						    err.text,
						    strlen(err.text)));
	fault = execute_envelope_fault(scan);
	if (fault != NULL)
		return execute_reject(method_call, REJECT_ENVELOPE,
				      REPLY_BAD_CALL, fault);

	method_call->note.handler =
		execute_find_handler(method_call, scan, &method_call->note.key);
	if (method_call->note.handler < 0)
		return execute_foreign(method_call);
	if (scan->n_keys > 1)
		return execute_answer(method_call, REPLY_FAILED,
				      "plugin: has more than one key; a "
				      "template is for one plugin");
	if (scan->limit != SCAN_WITHIN)
		return execute_over_limit(method_call, scan);
	return execute_ours(method_call, scan);
}
