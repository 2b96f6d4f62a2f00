/*
 * status_page: /status, what an operator looks at first.
 *
 * One small HTML page without outside assets (processes, calls in hand and
 * for how long, recent failures, handlers, versions), or the same as JSON.
 */
#ifndef OPS_STATUS_PAGE_H
#define OPS_STATUS_PAGE_H

#include "base/scoreboard.h"
#include "http/response.h"

/* keys names the n_keys handlers in registry order. */
void status_page_answer_html(const struct board *board, const char *const *keys,
			     size_t n_keys, struct response *response);

/*
 * The same as one JSON object.  Members are only ever added:
 *   state         "serving", "draining" or "not_ready"
 *   reason        why not serving, "" otherwise
 *   version, json_c, time, started (RFC 3339), uptime_ms
 *   listen        FastCGI address; port: nginx' (null: no nginx of ours)
 *   generation    one more at each HUP; workers_wanted
 *   in_hand, parked, connections: this moment
 *   calls         answered, ok, failed, error, foreign, parked: ever
 *   processes     role, pid, state, generation, age_ms, turned_ms (since
 *                 its loop turned last; null for nginx), stuck, replies,
 *                 connections, in_hand, in_hand_ms (the oldest, null:
 *                 none), parked, key (being answered now; ""), memory_bytes
 *                 (null: not known)
 *   failures      time, status, key, workflow, request_id, text; the
 *                 newest first
 *   handlers      key, calls, failed, error
 *   rejections    by reason; protocol_errors: by kind
 *   restarts      by role, each by reason (exit, signal, watchdog)
 *   log_lines_dropped
 */
void status_page_answer_json(const struct board *board, const char *const *keys,
			     size_t n_keys, struct response *response);

#endif
