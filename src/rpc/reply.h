/*
 * reply: the one place that knows how Argo reads an answer.
 *
 * 200 with a node is taken; exactly {} means "not mine"; a phase that is
 * not terminal needs a requeue, or the node hangs for ever; a terminal one
 * must not have it, or the call comes again; 404 bans the method; 503 is
 * asked again for about 15 s; every other status makes the node Failed,
 * with the body as its message.
 */
#ifndef RPC_REPLY_H
#define RPC_REPLY_H

#include <stdint.h>

#include "base/error.h"
#include "http/response.h"
#include "rpc/node.h"

enum reply_outcome {
	/* a call of Argo's */
	REPLY_FOREIGN, /* another plugin's key: {} */
	REPLY_FAILED,  /* the template is wrong */
	REPLY_ERROR,   /* our own fault, or a handler's */
	REPLY_AGAIN,   /* nothing is known yet: ask again soon */
	REPLY_OVERDUE, /* no answer within the deadline: still Running */
	/* not a call of Argo's, or not to us */
	REPLY_BAD_CALL,  /* not JSON, or not Argo's envelope */
	REPLY_DENIED,    /* a wrong token */
	REPLY_NO_METHOD, /* a method that we do not implement */
	REPLY_NOT_POST,
	REPLY_TOO_LARGE,
	REPLY_ENCODED, /* a Content-Encoding */
	/* asked again by Argo's client for about 15 s */
	REPLY_NOT_READY, /* no token yet */
	REPLY_FULL,      /* too many calls are parked */
};

/*
 * Fill response for an outcome.  text is the node's message, or the one
 * sentence of an error; ignored for REPLY_FOREIGN and REPLY_AGAIN.
 */
void reply_set(struct response *response, enum reply_outcome outcome,
	       const char *text);

/*
 * Fill response with a handler's node.  requeue_ms (0: 2 s) is used for a
 * phase that is not terminal.
 */
void reply_set_node(struct response *response, const struct node *node,
		    int64_t requeue_ms);

/* The outcome of a handler's error. */
enum reply_outcome reply_outcome_of(const struct error *err);

/* The phase that an outcome gives the node. */
enum node_phase reply_phase_of(enum reply_outcome outcome);

#endif
