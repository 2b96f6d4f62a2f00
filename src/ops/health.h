/*
 * health: /healthz and /readyz, for probes and for people.
 *
 * Read from the scoreboard only, so they answer while the workers are
 * busy, stopped or crashing.  Neither ever looks at the Kubernetes API: an
 * outage there must not restart or unready a container.
 */
#ifndef OPS_HEALTH_H
#define OPS_HEALTH_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/scoreboard.h"
#include "http/response.h"

/*
 * Alive: the supervisor's loop turned within 5 s.  200 {"status":"ok"},
 * also while draining; else 503 with the reason.
 */
void health_answer_live(const struct board *board, struct response *response);

/*
 * Ready: a worker's loop turned within 2 s, the token is readable, no stop
 * was asked for, the socket is there.  200 {"status":"ready"}; else 503
 * {"message": every reason in one sentence}.
 */
void health_answer_ready(const struct board *board, struct response *response);

/*
 * The same as a question.  When it is not ready, every reason is appended
 * to reasons, joined by "; ".
 */
bool health_is_ready(const struct board *board, struct buf *reasons);

#endif
