/*
 * node: what a handler says about a workflow node.
 */
#ifndef RPC_NODE_H
#define RPC_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

enum node_phase {
	NODE_UNKNOWN, /* nothing is to be recorded */
	NODE_PENDING,
	NODE_RUNNING,
	NODE_SUCCEEDED,
	NODE_FAILED, /* the user's template or the job: wrong or failed */
	NODE_ERROR,  /* our own fault, or the outcome is unknown */
};

enum {
	NODE_MESSAGE_BYTES = 4096,       /* a longer one is cut */
	NODE_OUTPUTS_BYTES = 256 * 1024, /* of all outputs together */
};

struct node_parameter {
	struct node_parameter *next;
	const char *name, *value;
};

struct node {
	struct arena *arena; /* borrowed; owns every text below */
	enum node_phase phase;
	const char *message;   /* NULL: none */
	size_t progress[2];    /* done, of; {0, 0}: none */
	const char *result;    /* outputs.result; NULL: none */
	const char *exit_code; /* outputs.exitCode; NULL: none */
	struct node_parameter *parameters, **parameters_end;
	size_t outputs_bytes;
};

/* An empty node whose texts are kept in arena. */
void node_init(struct node *node, struct arena *arena);

/*
 * Set the phase and the message.  The message is cut to
 * NODE_MESSAGE_BYTES at a character's end.
 */
void node_succeed(struct node *node, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void node_fail(struct node *node, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void node_run(struct node *node, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void node_set(struct node *node, enum node_phase phase, const char *message);

/* done of total steps; the reply also says it in the message. */
void node_set_progress(struct node *node, size_t done, size_t total);

/*
 * Add an output parameter; name and value are copied.
 * Returns 0; -1 with err ERROR_INPUT: the name is empty or taken, or all
 * outputs together would be larger than NODE_OUTPUTS_BYTES.
 */
int node_add_parameter(struct node *node, const char *name, const char *value,
		       struct error *err);

/* True for Succeeded, Failed and Error: Argo asks no more. */
bool node_phase_is_terminal(enum node_phase phase);

/* As Argo writes it: "Succeeded"; "" for NODE_UNKNOWN. */
const char *node_phase_name(enum node_phase phase);

#endif
