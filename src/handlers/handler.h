/*
 * handler: what answers a plugin key.
 *
 * A handler is a file in this folder: what it answers, one function, one
 * const struct, and a line in registry.c.  It knows no FastCGI, no HTTP
 * status and no requeue rule; hello.c is the one to copy.
 */
#ifndef HANDLERS_HANDLER_H
#define HANDLERS_HANDLER_H

#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"
#include "rpc/call.h"
#include "rpc/node.h"

/* Where the answer to a submitted call goes.  The caller's. */
struct handler_later {
	struct loop *loop;
	/*
	 * Answer the call of ticket; node and what it points to are only
	 * read before this returns.  requeue_ms is when Argo shall ask again
	 * (0: reply.h decides) if the phase is not terminal.  A ticket whose
	 * peer is gone, or that was answered, is ignored.  Only from the
	 * loop, never from within submit() or execute(): the memory of the
	 * call in hand is given back.
	 */
	void (*answer)(struct handler_later *later, uint64_t ticket,
		       const struct node *node, int64_t requeue_ms);
};

/* Exactly one of execute and submit is set. */
struct handler {
	const char *key; /* of template.plugin */

	/*
	 * Answer the call at once, without waiting for anything, by filling
	 * node (an empty one).  Returns 0; -1 with err set: ERROR_INPUT when
	 * the template is wrong (the node becomes Failed; name the member),
	 * ERROR_LATER when nothing was begun and asking again may help,
	 * another code when it is our fault (the node becomes Error).
	 */
	int (*execute)(const struct call *call, struct node *node,
		       struct error *err);

	/*
	 * Take the call and answer it later, from the loop, with
	 * later->answer(later, ticket, ...), not before this returns.  call
	 * is borrowed until this returns; copy what is needed.
	 * Returns 0; -1 with err as above, and no answer will come.
	 */
	int (*submit)(const struct call *call, uint64_t ticket,
		      struct handler_later *later, struct error *err);
};

#endif
