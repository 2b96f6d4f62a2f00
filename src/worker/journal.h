/*
 * journal: what is noted about a request: counters, one log line, and the
 * recent failures that /status shows.
 */
#ifndef WORKER_JOURNAL_H
#define WORKER_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/scoreboard.h"
#include "http/request.h"
#include "http/response.h"
#include "rpc/methods.h"

/* Kept while a call is parked; owns its texts, which are cut to fit. */
struct journal_entry {
	enum board_route route;
	int64_t begun_us; /* clock_us() when the request was whole */
	size_t bytes_in;
	int handler; /* place in the registry; -1 */
	bool is_foreign;
	enum board_rejection rejection;
	enum node_phase phase;
	char method[8];
	char path[64];
	char request_id[64];
	char key[64];
	char workflow[64];
	char text[192]; /* why it failed; "" else */
};

/* Begin with a request that is whole now. */
void journal_begin(struct journal_entry *entry, const struct request *request);

/* Take over what dispatch_request() found out. */
void journal_note(struct journal_entry *entry, enum board_route route,
		  const struct method_note *note);

/* The request was answered: count it and log one line. */
void journal_end(const struct journal_entry *entry, struct board_slot *slot,
		 const struct response *response);

/* The call takes long and is still parked: one warning. */
void journal_slow(const struct journal_entry *entry);

/* The peer left before the answer: count it and log one line. */
void journal_gone(const struct journal_entry *entry, struct board_slot *slot);

#endif
