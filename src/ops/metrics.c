/*
 * metrics: families in a fixed order, each with its HELP and TYPE.
 */
#include "ops/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "ops/listen_queue.h"
#include "ops/procfs.h"
#include "ops/snapshot.h"

/* Where families are written, and from what. */
struct metrics {
	const struct snapshot *now;
	struct buf *out;
};

static void metrics_family(struct metrics *m, const char *name,
			   const char *type, const char *help)
{
	buf_printf(m->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
		   type);
}

static void metrics_one(struct metrics *m, const char *name, const char *type,
			const char *help, uint64_t value)
{
	metrics_family(m, name, type, help);
	buf_printf(m->out, "%s %" PRIu64 "\n", name, value);
}

/* A series of one label, whose value is known to need no escape. */
static void metrics_row(struct metrics *m, const char *name, const char *label,
			const char *label_value, uint64_t value)
{
	buf_printf(m->out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label,
		   label_value, value);
}

static void metrics_add_label_value(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			buf_add_text(out, "\\n");
		else if (*text == '"' || *text == '\\')
			buf_printf(out, "\\%c", *text);
		else
			buf_add_char(out, *text);
	}
}

static void metrics_write_build(struct metrics *m)
{
	const char *name = "execplug_build_info";

	metrics_family(m, name, "gauge", "The version that runs; always 1.");
	metrics_row(m, name, "version", PACKAGE_VERSION, 1);
	metrics_one(m, "execplug_ready", "gauge",
		    "1 when /readyz answers 200, else 0.", m->now->is_ready);
}

static void metrics_write_requests(struct metrics *m)
{
	const char *name = "execplug_requests_total";

	metrics_family(m, name, "counter",
		       "HTTP requests that were answered, by route and status "
		       "code.");
	for (size_t route = 0; route < N_ROUTES; route++) {
		for (size_t i = 0; i < N_STATUSES; i++)
			buf_printf(m->out,
				   "%s{route=\"%s\",code=\"%d\"} %" PRIu64 "\n",
				   name, board_route_names[route],
				   board_statuses[i],
				   m->now->sum.requests[route][i]);
	}
}

/* The buckets of a histogram, added up, and its count. */
static void metrics_buckets(struct metrics *m, const char *name,
			    const uint64_t *buckets, size_t n_bounds,
			    char (*bounds)[24])
{
	uint64_t count = 0;

	for (size_t i = 0; i <= n_bounds; i++) {
		count += buckets[i];
		buf_printf(m->out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name,
			   i < n_bounds ? bounds[i] : "+Inf", count);
	}
	buf_printf(m->out, "%s_count %" PRIu64 "\n", name, count);
}

static void metrics_write_durations(struct metrics *m)
{
	const char *name = "execplug_request_duration_seconds";
	uint64_t sum_us = m->now->sum.duration_sum_us;
	char bounds[N_DURATIONS][24];

	for (size_t i = 0; i < N_DURATIONS; i++)
		snprintf(bounds[i], sizeof(bounds[i]), "%g",
			 (double)board_durations_us[i] / 1e6);
	metrics_family(m, name, "histogram",
		       "Time from a whole template.execute request to its "
		       "answer.");
	metrics_buckets(m, name, m->now->sum.durations, N_DURATIONS, bounds);
	buf_printf(m->out, "%s_sum %" PRIu64 ".%06" PRIu64 "\n", name,
		   sum_us / 1000000, sum_us % 1000000);
}

static void metrics_write_sizes(struct metrics *m)
{
	const char *name = "execplug_request_body_bytes";
	char bounds[N_SIZES][24];

	for (size_t i = 0; i < N_SIZES; i++)
		snprintf(bounds[i], sizeof(bounds[i]), "%" PRId64,
			 board_sizes_bytes[i]);
	metrics_family(m, name, "histogram",
		       "Size of template.execute request bodies.");
	metrics_buckets(m, name, m->now->sum.sizes, N_SIZES, bounds);
	buf_printf(m->out, "%s_sum %" PRIu64 "\n", name,
		   m->now->sum.size_sum_bytes);
}

/* A label and its n values. */
struct metrics_label {
	const char *name;
	const char *const *values;
	size_t n;
};

static void metrics_rows(struct metrics *m, const char *name,
			 const struct metrics_label *label,
			 const uint64_t *counts)
{
	for (size_t i = 0; i < label->n; i++)
		metrics_row(m, name, label->name, label->values[i], counts[i]);
}

static void metrics_write_refused(struct metrics *m)
{
	static const struct metrics_label reasons = { "reason",
						      board_rejection_names,
						      N_REJECTIONS };
	static const struct metrics_label kinds = { "kind", board_fault_names,
						    N_FAULTS };
	const char *name = "execplug_rejected_total";
	const struct board_counters *sum = &m->now->sum;

	metrics_family(m, name, "counter",
		       "Requests that were refused before a handler saw them.");
	metrics_rows(m, name, &reasons, sum->rejections);

	name = "execplug_fcgi_protocol_errors_total";
	metrics_family(m, name, "counter",
		       "FastCGI connections that were closed for a fault of "
		       "the peer.");
	metrics_rows(m, name, &kinds, sum->faults);
}

static void metrics_write_calls(struct metrics *m)
{
	const struct board_counters *sum = &m->now->sum;

	metrics_one(m, "execplug_requests_in_progress", "gauge",
		    "Calls in hand: parked ones and those being answered.",
		    m->now->n_in_hand);
	metrics_one(m, "execplug_parked_calls", "gauge",
		    "Calls that wait for a later answer.", m->now->n_parked);
	metrics_one(m, "execplug_calls_parked_total", "counter",
		    "Calls that ever waited for a later answer.",
		    sum->parked_total);
	metrics_one(m, "execplug_connections", "gauge",
		    "FastCGI connections that are open.",
		    m->now->n_connections);
	metrics_one(m, "execplug_connections_accepted_total", "counter",
		    "FastCGI connections that were accepted.",
		    sum->connections);
	metrics_one(m, "execplug_foreign_calls_total", "counter",
		    "Calls for another plugin, answered with {}.",
		    sum->foreign);
}

static void metrics_write_handlers(struct metrics *m, const char *const *keys,
				   size_t n_keys)
{
	const char *name = "execplug_handler_calls_total";
	const struct board_counters *sum = &m->now->sum;
	const struct {
		const char *phase;
		const uint64_t *counts;
	} rows[] = {
		{ "ok", sum->handler_ok },
		{ "failed", sum->handler_failed },
		{ "error", sum->handler_errors },
	};

	if (n_keys == 0)
		return;
	metrics_family(m, name, "counter",
		       "Calls that a handler answered; ok is every phase but "
		       "Failed and Error.");
	for (size_t i = 0; i < n_keys * ARRAY_LEN(rows); i++) {
		buf_printf(m->out, "%s{key=\"", name);
		metrics_add_label_value(m->out, keys[i / ARRAY_LEN(rows)]);
		buf_printf(
			m->out, "\",phase=\"%s\"} %" PRIu64 "\n",
			rows[i % ARRAY_LEN(rows)].phase,
			rows[i % ARRAY_LEN(rows)].counts[i / ARRAY_LEN(rows)]);
	}
}

static void metrics_write_workers(struct metrics *m)
{
	static const struct metrics_label by_state = { "state",
						       board_state_names,
						       N_STATES };
	static const struct metrics_label by_reason = { "reason",
							board_death_names,
							N_DEATHS };
	const char *name = "execplug_workers";
	const struct board *board = m->now->board;
	const struct snapshot_process *process;
	uint64_t states[N_STATES] = { 0 }, restarts = 0;

	for (size_t i = 0; i < m->now->n_processes; i++) {
		process = &m->now->processes[i];
		if (process->role == ROLE_WORKER)
			states[process->state]++;
	}
	metrics_family(m, name, "gauge", "Worker processes by state.");
	metrics_rows(m, name, &by_state, states);

	name = "execplug_worker_restarts_total";
	metrics_family(m, name, "counter",
		       "Workers that ended without being asked to, and were "
		       "replaced.");
	metrics_rows(m, name, &by_reason, board->deaths[ROLE_WORKER]);

	for (size_t i = 0; i < N_DEATHS; i++)
		restarts += board->deaths[ROLE_NGINX][i];
	metrics_one(m, "execplug_nginx_restarts_total", "counter",
		    "Times that nginx ended by itself and was replaced.",
		    restarts);
}

static void metrics_write_queue_row(struct metrics *m, const char *name,
				    const char *help,
				    const struct listen_queue queues[2],
				    const bool is_known[2])
{
	static const char *const sockets[] = { "fastcgi", "http" };
	bool is_limit = strstr(name, "limit") != NULL;

	if (!is_known[0] && !is_known[1])
		return;
	metrics_family(m, name, "gauge", help);
	for (size_t i = 0; i < ARRAY_LEN(sockets); i++) {
		if (is_known[i])
			metrics_row(m, name, "socket", sockets[i],
				    is_limit ? queues[i].limit
					     : queues[i].length);
	}
}

static void metrics_write_queues(struct metrics *m)
{
	struct listen_queue queues[2];
	bool is_known[2];
	char text[sizeof(m->now->board->listen) + 1];

	snprintf(text, sizeof(text), "%.*s", (int)sizeof(m->now->board->listen),
		 m->now->board->listen);
	is_known[0] = listen_queue_read(text, &queues[0]);
	snprintf(text, sizeof(text), "*:%" PRId64, m->now->board->front_port);
	is_known[1] = listen_queue_read(text, &queues[1]);

	metrics_write_queue_row(m, "execplug_listen_queue_length",
				"Connections that wait to be accepted.", queues,
				is_known);
	metrics_write_queue_row(m, "execplug_listen_queue_limit",
				"Connections that can wait to be accepted.",
				queues, is_known);
}

static void metrics_write_memory(struct metrics *m)
{
	static const struct metrics_label by_role = { "role", board_role_names,
						      N_ROLES };
	const char *name = "execplug_process_resident_memory_bytes";
	const struct snapshot_process *process;
	uint64_t bytes[N_ROLES] = { 0 };

	for (size_t i = 0; i < m->now->n_processes; i++) {
		process = &m->now->processes[i];
		if (process->memory_bytes > 0)
			bytes[process->role] += (uint64_t)process->memory_bytes;
	}
	metrics_family(m, name, "gauge",
		       "Resident memory of all processes of a role; what they "
		       "share counts in each.");
	metrics_rows(m, name, &by_role, bytes);
}

static void metrics_known(struct metrics *m, const char *name, const char *help,
			  int64_t value)
{
	if (value >= 0)
		metrics_one(m, name, "gauge", help, (uint64_t)value);
}

/* The names that every Prometheus client uses, for the supervisor. */
static void metrics_write_process(struct metrics *m)
{
	struct procfs_facts facts = { -1, -1, -1, -1 };
	const char *name = "process_cpu_seconds_total";
	int64_t started = m->now->board->started_wall_ms;

	for (size_t i = 0; i < m->now->n_processes; i++) {
		if (m->now->processes[i].role == ROLE_SUPERVISOR)
			procfs_read(m->now->processes[i].pid, &facts);
	}
	if (facts.cpu_ms >= 0) {
		metrics_family(m, name, "counter",
			       "Processor time that the supervisor used.");
		buf_printf(m->out, "%s %" PRId64 ".%03" PRId64 "\n", name,
			   facts.cpu_ms / 1000, facts.cpu_ms % 1000);
	}
	metrics_known(m, "process_resident_memory_bytes",
		      "Resident memory of the supervisor.",
		      facts.resident_bytes);
	metrics_known(m, "process_virtual_memory_bytes",
		      "Virtual memory of the supervisor.", facts.virtual_bytes);
	metrics_known(m, "process_open_fds",
		      "Descriptors that the supervisor has open.", facts.n_fds);
	name = "process_start_time_seconds";
	metrics_family(m, name, "gauge",
		       "When the supervisor was started, in seconds since "
		       "1970.");
	buf_printf(m->out, "%s %" PRId64 ".%03" PRId64 "\n", name,
		   started / 1000, started % 1000);
}

void metrics_answer(const struct board *board, const char *const *keys,
		    size_t n_keys, struct response *response)
{
	struct snapshot now;
	struct metrics m = { &now, &response->body };

	snapshot_take(board, &now);
	response->status = 200;
	response->content_type = "text/plain; version=0.0.4; charset=utf-8";
	metrics_write_build(&m);
	metrics_write_requests(&m);
	metrics_write_durations(&m);
	metrics_write_sizes(&m);
	metrics_write_calls(&m);
	metrics_write_refused(&m);
	metrics_write_handlers(&m, keys, n_keys);
	metrics_write_workers(&m);
	metrics_write_queues(&m);
	metrics_one(&m, "execplug_log_lines_dropped_total", "counter",
		    "Log lines that standard error did not take in time.",
		    now.sum.log_dropped + board->front_log_dropped);
	metrics_write_memory(&m);
	metrics_write_process(&m);
}
