/*
 * node: a handler's answer, kept within what Argo can store.
 */
#include "rpc/node.h"

#include <stdarg.h>
#include <string.h>

#include "base/utf8.h"

void node_init(struct node *node, struct arena *arena)
{
	memset(node, 0, sizeof(*node));
	node->arena = arena;
	node->parameters_end = &node->parameters;
}

void node_set(struct node *node, enum node_phase phase, const char *message)
{
	size_t len = strlen(message);
	size_t cut = utf8_cut(message, len, NODE_MESSAGE_BYTES);

	node->phase = phase;
	node->message = arena_strndup(node->arena, message, cut);
}

void node_succeed(struct node *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	node_set(node, NODE_SUCCEEDED,
		 arena_vprintf(node->arena, format, args));
	va_end(args);
}

void node_fail(struct node *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	node_set(node, NODE_FAILED, arena_vprintf(node->arena, format, args));
	va_end(args);
}

void node_run(struct node *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	node_set(node, NODE_RUNNING, arena_vprintf(node->arena, format, args));
	va_end(args);
}

void node_set_progress(struct node *node, size_t done, size_t total)
{
	node->progress[0] = done < total ? done : total;
	node->progress[1] = total;
}

int node_add_parameter(struct node *node, const char *name, const char *value,
		       struct error *err)
{
	size_t name_len = strlen(name), value_len = strlen(value);
	struct node_parameter *parameter;

	if (name_len == 0)
		return error_set(err, ERROR_INPUT,
				 "outputs: a parameter without a name");
	for (parameter = node->parameters; parameter != NULL;
	     parameter = parameter->next) {
		if (strcmp(parameter->name, name) == 0)
			return error_set(err, ERROR_INPUT,
					 "outputs: two parameters '%s'", name);
	}
	if (name_len + value_len > NODE_OUTPUTS_BYTES - node->outputs_bytes)
		return error_set(err, ERROR_INPUT,
				 "outputs: parameter '%.64s' makes them larger "
				 "than %d bytes",
				 name, NODE_OUTPUTS_BYTES);

	parameter = arena_alloc(node->arena, sizeof(*parameter));
	parameter->next = NULL;
	parameter->name = arena_strndup(node->arena, name, name_len);
	parameter->value = arena_strndup(node->arena, value, value_len);
	*node->parameters_end = parameter;
	node->parameters_end = &parameter->next;
	node->outputs_bytes += name_len + value_len;
	return 0;
}

bool node_phase_is_terminal(enum node_phase phase)
{
	return phase >= NODE_SUCCEEDED;
}

const char *node_phase_name(enum node_phase phase)
{
	static const char *const names[] = {
		[NODE_UNKNOWN] = "",        [NODE_PENDING] = "Pending",
		[NODE_RUNNING] = "Running", [NODE_SUCCEEDED] = "Succeeded",
		[NODE_FAILED] = "Failed",   [NODE_ERROR] = "Error",
	};

	return names[phase];
}
