/*
 * status_json: the members that status_page.h promises.
 */
#include "ops/status_json.h"

#include <inttypes.h>
#include <string.h>

#include <json-c/json_c_version.h>

#include "base/clock.h"
#include "base/json.h"

static void add_text(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "\"%s\":", name);
	json_add_string(out, text, strlen(text));
}

static void add_time(struct buf *out, const char *name, int64_t wall_ms)
{
	char text[CLOCK_TEXT_LEN + 1];

	clock_text(wall_ms, text);
	add_text(out, name, text);
}

/* A number, or null when it is negative: not known, or there is none. */
static void add_known(struct buf *out, const char *name, int64_t number)
{
	if (number < 0)
		buf_printf(out, "\"%s\":null", name);
	else
		buf_printf(out, "\"%s\":%" PRId64, name, number);
}

static void add_head(struct buf *out, const struct snapshot *now)
{
	const struct board *board = now->board;
	const char *state = board->draining ? "draining"
			    : now->is_ready ? "serving"
					    : "not_ready";

	add_text(out, "state", state);
	buf_add_char(out, ',');
	add_text(out, "reason", now->problem);
	buf_add_char(out, ',');
	add_text(out, "version", PACKAGE_VERSION);
	buf_add_char(out, ',');
	add_text(out, "json_c", json_c_version());
	buf_add_char(out, ',');
	add_time(out, "time", now->wall_ms);
	buf_add_char(out, ',');
	add_time(out, "started", board->started_wall_ms);
	buf_printf(out, ",\"uptime_ms\":%" PRId64 ",", now->uptime_ms);
	add_text(out, "listen", board->listen);
	buf_add_char(out, ',');
	add_known(out, "port", board->has_front ? board->front_port : -1);
	buf_printf(out, ",\"generation\":%u,\"workers_wanted\":%u",
		   board->generation, board->n_workers);
	buf_printf(out,
		   ",\"in_hand\":%" PRIu64 ",\"parked\":%" PRIu64
		   ",\"connections\":%" PRIu64,
		   now->n_in_hand, now->n_parked, now->n_connections);
}

static void add_calls(struct buf *out, const struct board_counters *sum)
{
	uint64_t answered = 0, ok = 0, failed = 0, error = 0;

	for (size_t i = 0; i < N_STATUSES; i++)
		answered += sum->requests[ROUTE_EXECUTE][i];
	for (size_t i = 0; i < BOARD_HANDLERS; i++) {
		ok += sum->handler_ok[i];
		failed += sum->handler_failed[i];
		error += sum->handler_errors[i];
	}
	buf_printf(out,
		   ",\"calls\":{\"answered\":%" PRIu64 ",\"ok\":%" PRIu64
		   ",\"failed\":%" PRIu64 ",\"error\":%" PRIu64
		   ",\"foreign\":%" PRIu64 ",\"parked\":%" PRIu64 "}",
		   answered, ok, failed, error, sum->foreign,
		   sum->parked_total);
}

static void add_process(struct buf *out, const struct snapshot_process *one)
{
	buf_printf(out,
		   "{\"role\":\"%s\",\"pid\":%d,\"state\":\"%s\","
		   "\"generation\":%u,",
		   board_role_names[one->role], (int)one->pid,
		   board_state_names[one->state], one->generation);
	add_known(out, "age_ms", one->started_age_ms);
	buf_add_char(out, ',');
	add_known(out, "turned_ms", one->turned_age_ms);
	buf_printf(out,
		   ",\"stuck\":%s,\"replies\":%" PRIu64
		   ",\"connections\":%" PRIu64 ",\"in_hand\":%" PRIu64 ",",
		   snapshot_is_stuck(one) ? "true" : "false", one->replies,
		   one->n_connections, one->n_in_hand);
	add_known(out, "in_hand_ms", one->in_hand_age_ms);
	buf_printf(out, ",\"parked\":%" PRIu64 ",", one->n_parked);
	add_text(out, "key", one->call_key);
	buf_add_char(out, ',');
	add_known(out, "memory_bytes", one->memory_bytes);
	buf_add_char(out, '}');
}

static void add_failure(struct buf *out, const struct board_failure *failure)
{
	buf_add_char(out, '{');
	add_time(out, "time", failure->wall_ms);
	buf_printf(out, ",\"status\":%d,", (int)failure->status);
	add_text(out, "key", failure->key);
	buf_add_char(out, ',');
	add_text(out, "workflow", failure->workflow);
	buf_add_char(out, ',');
	add_text(out, "request_id", failure->request_id);
	buf_add_char(out, ',');
	add_text(out, "text", failure->text);
	buf_add_char(out, '}');
}

/* The comma before every element of a list but the first. */
static void add_comma(struct buf *out, size_t i)
{
	if (i > 0)
		buf_add_char(out, ',');
}

static void add_lists(struct buf *out, const struct snapshot *now)
{
	buf_add_text(out, ",\"processes\":[");
	for (size_t i = 0; i < now->n_processes; i++) {
		add_comma(out, i);
		add_process(out, &now->processes[i]);
	}
	buf_add_text(out, "],\"failures\":[");
	for (size_t i = 0; i < now->n_failures; i++) {
		add_comma(out, i);
		add_failure(out, &now->failures[i]);
	}
	buf_add_char(out, ']');
}

static void add_handlers(struct buf *out, const struct board_counters *sum,
			 const char *const *keys, size_t n_keys)
{
	buf_add_text(out, ",\"handlers\":[");
	for (size_t i = 0; i < n_keys; i++) {
		add_comma(out, i);
		buf_add_char(out, '{');
		add_text(out, "key", keys[i]);
		buf_printf(out,
			   ",\"calls\":%" PRIu64 ",\"failed\":%" PRIu64
			   ",\"error\":%" PRIu64 "}",
			   sum->handler_calls[i], sum->handler_failed[i],
			   sum->handler_errors[i]);
	}
	buf_add_char(out, ']');
}

/* An object of n counts by name. */
static void add_counts(struct buf *out, const char *const *names,
		       const uint64_t *counts, size_t n)
{
	buf_add_char(out, '{');
	for (size_t i = 0; i < n; i++) {
		add_comma(out, i);
		buf_printf(out, "\"%s\":%" PRIu64, names[i], counts[i]);
	}
	buf_add_char(out, '}');
}

static void add_troubles(struct buf *out, const struct snapshot *now)
{
	const struct board *board = now->board;

	buf_add_text(out, ",\"rejections\":");
	add_counts(out, board_rejection_names, now->sum.rejections,
		   N_REJECTIONS);
	buf_add_text(out, ",\"protocol_errors\":");
	add_counts(out, board_fault_names, now->sum.faults, N_FAULTS);
	buf_add_text(out, ",\"restarts\":{");
	for (size_t role = ROLE_WORKER; role < N_ROLES; role++) {
		add_comma(out, role - ROLE_WORKER);
		buf_printf(out, "\"%s\":", board_role_names[role]);
		add_counts(out, board_death_names, board->deaths[role],
			   N_DEATHS);
	}
	buf_printf(out, "},\"log_lines_dropped\":%" PRIu64,
		   now->sum.log_dropped + board->front_log_dropped);
}

void status_json_write(const struct snapshot *now, const char *const *keys,
		       size_t n_keys, struct buf *out)
{
	buf_add_char(out, '{');
	add_head(out, now);
	add_calls(out, &now->sum);
	add_lists(out, now);
	add_handlers(out, &now->sum, keys, n_keys);
	add_troubles(out, now);
	buf_add_text(out, "}\n");
}
