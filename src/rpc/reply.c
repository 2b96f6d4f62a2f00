/*
 * reply: the table of outcomes, and a node as JSON.
 */
#include "rpc/reply.h"

#include <string.h>

#include "base/json.h"

enum {
	REPLY_REQUEUE_MS = 2000
};

static const struct {
	int status;
	enum node_phase phase; /* with status 200 */
} reply_rows[] = {
	[REPLY_FOREIGN] = { 200, NODE_UNKNOWN },
	[REPLY_FAILED] = { 200, NODE_FAILED },
	[REPLY_ERROR] = { 200, NODE_ERROR },
	[REPLY_AGAIN] = { 200, NODE_UNKNOWN },
	[REPLY_OVERDUE] = { 200, NODE_RUNNING },
	[REPLY_BAD_CALL] = { 400, NODE_UNKNOWN },
	[REPLY_DENIED] = { 403, NODE_UNKNOWN },
	[REPLY_NO_METHOD] = { 404, NODE_UNKNOWN },
	[REPLY_NOT_POST] = { 405, NODE_UNKNOWN },
	[REPLY_TOO_LARGE] = { 413, NODE_UNKNOWN },
	[REPLY_ENCODED] = { 415, NODE_UNKNOWN },
	[REPLY_NOT_READY] = { 503, NODE_UNKNOWN },
	[REPLY_FULL] = { 503, NODE_UNKNOWN },
};

/* Append ,"name":"text" (the comma only behind another member). */
static void reply_add_text(struct buf *out, const char *name, const char *text)
{
	if (out->data[out->len - 1] != '{')
		buf_add_char(out, ',');
	buf_printf(out, "\"%s\":", name);
	json_add_string(out, text, strlen(text));
}

static void reply_add_message(struct buf *out, const struct node *node)
{
	const char *message = node->message != NULL ? node->message : "";

	/* No release records "progress" of a plugin: say it in words too. */
	if (node->progress[1] > 0)
		message = arena_printf(node->arena, "%s%s%zu/%zu", message,
				       message[0] != '\0' ? " " : "",
				       node->progress[0], node->progress[1]);
	if (message[0] != '\0')
		reply_add_text(out, "message", message);
}

static void reply_add_parameters(struct buf *out, const struct node *node)
{
	const struct node_parameter *at;

	if (node->parameters == NULL)
		return;
	if (out->data[out->len - 1] != '{')
		buf_add_char(out, ',');
	buf_add_text(out, "\"parameters\":[");
	for (at = node->parameters; at != NULL; at = at->next) {
		buf_add_text(out, at == node->parameters ? "{" : ",{");
		reply_add_text(out, "name", at->name);
		reply_add_text(out, "value", at->value);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

static void reply_add_outputs(struct buf *out, const struct node *node)
{
	if (node->parameters == NULL && node->result == NULL &&
	    node->exit_code == NULL)
		return;
	buf_add_text(out, ",\"outputs\":{");
	reply_add_parameters(out, node);
	if (node->result != NULL)
		reply_add_text(out, "result", node->result);
	if (node->exit_code != NULL)
		reply_add_text(out, "exitCode", node->exit_code);
	buf_add_char(out, '}');
}

static void reply_add_node(struct buf *out, const struct node *node)
{
	buf_add_text(out, "{\"node\":{");
	if (node->phase != NODE_UNKNOWN) {
		reply_add_text(out, "phase", node_phase_name(node->phase));
		reply_add_message(out, node);
		if (node->progress[1] > 0)
			buf_printf(out, ",\"progress\":\"%zu/%zu\"",
				   node->progress[0], node->progress[1]);
		reply_add_outputs(out, node);
	}
	buf_add_char(out, '}');
}

void reply_set_node(struct response *response, const struct node *node,
		    int64_t requeue_ms)
{
	struct buf *out = &response->body;

	response->status = 200;
	buf_reset(out);
	reply_add_node(out, node);
	if (!node_phase_is_terminal(node->phase)) {
		if (requeue_ms <= 0)
			requeue_ms = REPLY_REQUEUE_MS;
		if (requeue_ms % 1000 == 0)
			buf_printf(out, ",\"requeue\":\"%llds\"",
				   (long long)requeue_ms / 1000);
		else
			buf_printf(out, ",\"requeue\":\"%lldms\"",
				   (long long)requeue_ms);
	}
	buf_add_text(out, "}\n");
}

void reply_set(struct response *response, enum reply_outcome outcome,
	       const char *text)
{
	struct arena arena;
	struct node node;

	response->allow = outcome == REPLY_NOT_POST ? "POST" : NULL;
	if (reply_rows[outcome].status != 200) {
		response_set_error(response, reply_rows[outcome].status, text);
		return;
	}
	if (outcome == REPLY_FOREIGN) {
		response->status = 200;
		buf_reset(&response->body);
		buf_add_text(&response->body, "{}\n");
		return;
	}
	arena_init(&arena);
	node_init(&node, &arena);
	if (outcome != REPLY_AGAIN)
		node_set(&node, reply_rows[outcome].phase, text);
	reply_set_node(response, &node, 0);
	arena_clear(&arena);
}

enum reply_outcome reply_outcome_of(const struct error *err)
{
	if (err->code == ERROR_INPUT)
		return REPLY_FAILED;
	if (err->code == ERROR_LATER)
		return REPLY_AGAIN;
	return REPLY_ERROR;
}

enum node_phase reply_phase_of(enum reply_outcome outcome)
{
	return reply_rows[outcome].phase;
}
