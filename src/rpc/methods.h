/*
 * methods: the RPC methods that we implement.  Every other one is a 404,
 * which tells Argo's agent not to call it again.
 */
#ifndef RPC_METHODS_H
#define RPC_METHODS_H

#include "base/arena.h"
#include "base/scoreboard.h"
#include "handlers/registry.h"
#include "http/request.h"
#include "http/response.h"
#include "rpc/call.h"
#include "rpc/node.h"

/* What the log, the metrics and /status say about a call. */
struct method_note {
	int handler; /* place in the registry; -1: none */
	bool is_foreign;
	enum board_rejection rejection; /* N_REJECTIONS: none */
	enum node_phase phase;
	const char *key;      /* never NULL; of the call's arena */
	const char *workflow; /* likewise */
	const char *text;     /* why it failed; "" else */
};

/* One call of a method: what it works with, and what becomes of it. */
struct method_call {
	/* given; borrowed */
	const struct request *request;
	const struct board *board;
	const struct registry *registry;
	struct arena *arena;
	uint64_t digest; /* of the body; 0: none */
	/*
	 * SCAN_KEY_BYTES bytes where the key is written before its handler
	 * runs, so that a crash can be explained; may be NULL.
	 */
	char *key_in_hand;
	/* filled by the method */
	struct response *response;
	struct method_note note;
	const struct handler *later; /* with METHOD_SUBMIT */
	struct call call;            /* with METHOD_SUBMIT; call_clear() it */
};

enum method_end {
	METHOD_ANSWERED, /* response is filled */
	METHOD_SUBMIT,   /* give `call` to later->submit() */
};

struct method {
	const char *name;
	enum method_end (*run)(struct method_call *method_call);
};

/* The method of this name, or NULL.  Static. */
const struct method *methods_find(const char *name);

#endif
