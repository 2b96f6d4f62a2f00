/*
 * registry: the handlers that this instance answers with.
 */
#ifndef HANDLERS_REGISTRY_H
#define HANDLERS_REGISTRY_H

#include <stddef.h>

#include "base/error.h"
#include "base/scoreboard.h"
#include "handlers/handler.h"

struct registry {
	const struct handler *handlers[BOARD_HANDLERS]; /* borrowed */
	const char *keys[BOARD_HANDLERS]; /* of handlers, for ops pages */
	size_t n;
};

/* A registry with the built-in handlers, in a fixed order. */
void registry_init(struct registry *registry);

/*
 * Add a handler.  Returns 0; -1 with err ERROR_CONFIG: its key is taken,
 * or there are too many.
 */
int registry_add(struct registry *registry, const struct handler *handler,
		 struct error *err);

/*
 * Keep only the handlers whose keys are named in the comma list; NULL keeps
 * all.  Returns 0; -1 with err ERROR_CONFIG: a key has no handler.
 */
int registry_select(struct registry *registry, const char *keys,
		    struct error *err);

/* The place of key, which indexes the board's counters; -1: not ours. */
int registry_find(const struct registry *registry, const char *key);

#endif
