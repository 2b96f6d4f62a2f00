/*
 * journal: one line a call, written when it is answered.
 */
#include "worker/journal.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"

static void journal_copy(char *place, size_t size, const char *text)
{
	size_t len = utf8_cut(text, strlen(text), size - 1);

	memcpy(place, text, len);
	place[len] = '\0';
}

void journal_begin(struct journal_entry *entry, const struct request *request)
{
	entry->route = ROUTE_OTHER;
	entry->begun_us = clock_us();
	entry->bytes_in = request->body_len;
	journal_copy(entry->method, sizeof(entry->method), request->method);
	journal_copy(entry->path, sizeof(entry->path), request->path);
	journal_copy(entry->request_id, sizeof(entry->request_id), request->id);
}

void journal_note(struct journal_entry *entry, enum board_route route,
		  const struct method_note *note)
{
	entry->route = route;
	entry->handler = note->handler;
	entry->is_foreign = note->is_foreign;
	entry->rejection = note->rejection;
	entry->phase = note->phase;
	journal_copy(entry->key, sizeof(entry->key), note->key);
	journal_copy(entry->workflow, sizeof(entry->workflow), note->workflow);
	journal_copy(entry->text, sizeof(entry->text), note->text);
}

static void journal_log_text(const char *name, const char *text)
{
	if (text[0] != '\0')
		log_text(name, text, strlen(text));
}

static void journal_log(const struct journal_entry *entry, enum log_level level,
			const char *msg, const struct response *response)
{
	if (!log_begin(level, "worker", msg))
		return;
	journal_log_text("request_id", entry->request_id);
	journal_log_text("method", entry->method);
	journal_log_text("path", entry->path);
	if (response != NULL)
		log_number("status", response->status);
	journal_log_text("key", entry->key);
	journal_log_text("workflow", entry->workflow);
	journal_log_text("phase", node_phase_name(entry->phase));
	log_number("duration_ms", (clock_us() - entry->begun_us) / 1000);
	log_number("bytes_in", (int64_t)entry->bytes_in);
	if (response != NULL)
		log_number("bytes_out", (int64_t)response->body.len);
	journal_log_text("reason", entry->text);
	log_end();
}

static void journal_count(const struct journal_entry *entry,
			  struct board_counters *counters, int status)
{
	int64_t duration_us = clock_us() - entry->begun_us;

	board_add(&counters->requests[entry->route][board_status_index(status)],
		  1);
	if (entry->rejection < N_REJECTIONS)
		board_add(&counters->rejections[entry->rejection], 1);
	if (entry->route != ROUTE_EXECUTE)
		return;
	board_observe(counters->durations, board_durations_us, N_DURATIONS,
		      duration_us);
	board_add(&counters->duration_sum_us, (uint64_t)duration_us);
	board_observe(counters->sizes, board_sizes_bytes, N_SIZES,
		      (int64_t)entry->bytes_in);
	board_add(&counters->size_sum_bytes, entry->bytes_in);
	if (entry->is_foreign)
		board_add(&counters->foreign, 1);
	/* What was refused before, no handler has seen. */
	if (entry->handler < 0 || entry->rejection < N_REJECTIONS)
		return;
	board_add(&counters->handler_calls[entry->handler], 1);
	if (entry->phase == NODE_FAILED)
		board_add(&counters->handler_failed[entry->handler], 1);
	else if (entry->phase == NODE_ERROR)
		board_add(&counters->handler_errors[entry->handler], 1);
	else
		board_add(&counters->handler_ok[entry->handler], 1);
}

static bool journal_is_failure(const struct journal_entry *entry, int status)
{
	return status >= 400 || entry->phase == NODE_FAILED ||
	       entry->phase == NODE_ERROR;
}

static void journal_note_failure(const struct journal_entry *entry,
				 struct board_slot *slot, int status)
{
	struct board_failure failure = {
		.wall_ms = clock_wall_ms(),
		.status = status,
	};

	journal_copy(failure.key, sizeof(failure.key), entry->key);
	journal_copy(failure.request_id, sizeof(failure.request_id),
		     entry->request_id);
	journal_copy(failure.workflow, sizeof(failure.workflow),
		     entry->workflow);
	journal_copy(failure.text, sizeof(failure.text), entry->text);
	board_note_failure(slot, &failure);
}

/* Pages for operators are asked for every few seconds: not worth a line. */
static enum log_level journal_level(const struct journal_entry *entry,
				    int status)
{
	switch (entry->route) {
	case ROUTE_HEALTHZ:
	case ROUTE_READYZ:
	case ROUTE_METRICS:
	case ROUTE_STATUS:
		return LOG_LEVEL_DEBUG;
	case ROUTE_EXECUTE:
	case ROUTE_METHOD:
	case ROUTE_OTHER:
	case N_ROUTES:
		break;
	}
	return status >= 400 || entry->phase == NODE_ERROR ? LOG_LEVEL_WARN
							   : LOG_LEVEL_INFO;
}

void journal_end(const struct journal_entry *entry, struct board_slot *slot,
		 const struct response *response)
{
	enum log_level level = journal_level(entry, response->status);

	journal_count(entry, &slot->counters, response->status);
	board_add(&slot->replies, 1);
	if (level != LOG_LEVEL_DEBUG &&
	    journal_is_failure(entry, response->status))
		journal_note_failure(entry, slot, response->status);
	journal_log(entry, level, "call", response);
}

void journal_slow(const struct journal_entry *entry)
{
	journal_log(entry, LOG_LEVEL_WARN, "call is slow, still parked", NULL);
}

void journal_gone(const struct journal_entry *entry, struct board_slot *slot)
{
	board_add(&slot->counters.faults[FAULT_GONE], 1);
	journal_log(entry, LOG_LEVEL_INFO, "the caller left before the answer",
		    NULL);
}
