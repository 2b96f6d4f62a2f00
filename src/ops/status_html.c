/*
 * status_html: the page, from top to bottom.
 */
#include "ops/status_html.h"

#include <inttypes.h>

#include <json-c/json_c_version.h>

#include "base/clock.h"
#include "ops/status_style.h"
#include "ops/status_text.h"

static void add_head(struct buf *out, const char *title)
{
	buf_printf(out,
		   "<!doctype html>\n<html lang=\"en\">\n<head>\n"
		   "<meta charset=\"utf-8\">\n"
		   "<meta name=\"viewport\" "
		   "content=\"width=device-width,initial-scale=1\">\n"
		   "<meta http-equiv=\"Content-Security-Policy\" "
		   "content=\"default-src 'none';style-src 'unsafe-inline';"
		   "img-src data:\">\n"
		   "<link rel=\"icon\" href=\"data:,\">\n"
		   "<title>%s - execplug</title>\n<style>\n",
		   title);
	for (size_t i = 0; status_style[i] != NULL; i++)
		buf_add_text(out, status_style[i]);
	buf_add_text(out, "</style>\n</head>\n<body>\n<main>\n");
}

/* The processes that take calls now. */
static unsigned count_workers(const struct snapshot *now)
{
	const struct snapshot_process *one;
	unsigned n = 0;

	for (size_t i = 0; i < now->n_processes; i++) {
		one = &now->processes[i];
		n += one->role == ROLE_WORKER && !snapshot_is_stuck(one) &&
		     (one->state == STATE_IDLE || one->state == STATE_BUSY);
	}
	return n;
}

static void add_serving(struct buf *out, const struct snapshot *now)
{
	unsigned n = count_workers(now);

	buf_printf(out, "%u worker%s taking calls", n,
		   n == 1 ? " is" : "s are");
	if (now->board->has_front)
		buf_printf(out, " behind nginx on port %" PRId64 ".",
			   now->board->front_port);
	else
		buf_add_text(out, ".");
}

static void add_why(struct buf *out, const struct snapshot *now)
{
	buf_add_text(out, "<p class=\"why\">");
	if (now->board->draining && now->n_in_hand > 0)
		buf_printf(out,
			   "A stop was asked for; calls in hand are being "
			   "finished: %" PRIu64 ".",
			   now->n_in_hand);
	else if (now->board->draining)
		buf_add_text(out, "A stop was asked for; no call is in hand.");
	else if (now->is_ready)
		add_serving(out, now);
	else
		status_text_isolate(out, now->problem);
	buf_add_text(out, "</p>\n");
}

static void add_banner(struct buf *out, const struct snapshot *now,
		       const char *title)
{
	const char *color = now->board->draining ? "warn"
			    : now->is_ready      ? "good"
						 : "bad";
	char time[CLOCK_TEXT_LEN + 1];

	clock_text(now->wall_ms, time);
	buf_printf(out,
		   "<header>\n<div>\n<h1 class=\"%s\"><span>%s</span></h1>\n",
		   color, title);
	add_why(out, now);
	buf_add_text(out, "</div>\n<p class=\"meta\"><b>execplug ");
	status_text_add(out, PACKAGE_VERSION);
	buf_add_text(out, "</b>, up ");
	status_text_age(out, now->uptime_ms);
	buf_printf(out, "<br>%.10s %.8s UTC</p>\n</header>\n", time, time + 11);
}

static void add_tile(struct buf *out, const char *name, uint64_t number,
		     const char *color)
{
	buf_printf(out, "<div><dt>%s</dt><dd class=\"%s\">", name,
		   number > 0 ? color : "");
	status_text_number(out, number);
	buf_add_text(out, "<small>");
}

static void end_tile(struct buf *out)
{
	buf_add_text(out, "</small></dd></div>\n");
}

static uint64_t sum_of(const uint64_t *counts, size_t n)
{
	uint64_t sum = 0;

	while (n > 0)
		sum += counts[--n];
	return sum;
}

static int64_t oldest_in_hand(const struct snapshot *now)
{
	int64_t oldest = -1;

	for (size_t i = 0; i < now->n_processes; i++) {
		if (now->processes[i].in_hand_age_ms > oldest)
			oldest = now->processes[i].in_hand_age_ms;
	}
	return oldest;
}

static void add_tiles(struct buf *out, const struct snapshot *now)
{
	const struct board_counters *sum = &now->sum;
	int64_t oldest = oldest_in_hand(now);

	buf_add_text(out, "<dl class=\"tiles\">\n");
	add_tile(out, "In hand", now->n_in_hand, "busy");
	buf_add_text(out, oldest >= 0 ? "oldest " : "calls this moment");
	status_text_age(out, oldest);
	end_tile(out);
	add_tile(out, "Parked", now->n_parked, "");
	buf_add_text(out, "wait for their answer");
	end_tile(out);
	add_tile(out, "Answered",
		 sum_of(sum->requests[ROUTE_EXECUTE], N_STATUSES), "");
	status_text_number(out, sum->foreign);
	buf_add_text(out, " for other plugins");
	end_tile(out);
	add_tile(out, "Failed",
		 sum_of(sum->handler_failed, BOARD_HANDLERS) +
			 sum_of(sum->handler_errors, BOARD_HANDLERS),
		 "bad");
	status_text_number(out, sum_of(sum->handler_errors, BOARD_HANDLERS));
	buf_add_text(out, " by a fault of ours");
	end_tile(out);
	add_tile(out, "Refused", sum_of(sum->rejections, N_REJECTIONS), "warn");
	buf_add_text(out, "before a handler");
	end_tile(out);
	add_tile(out, "Connections", now->n_connections, "");
	buf_add_text(out, "FastCGI, open");
	end_tile(out);
	buf_add_text(out, "</dl>\n");
}

/* The supervisor and nginx have no such numbers. */
static bool takes_calls(const struct snapshot_process *one)
{
	return one->role == ROLE_WORKER || one->role == ROLE_OPS;
}

static void add_state(struct buf *out, const struct snapshot_process *one)
{
	static const char *const colors[N_STATES] = {
		[STATE_STARTING] = "warn",
		[STATE_IDLE] = "soft",
		[STATE_BUSY] = "busy",
		[STATE_RETIRING] = "warn",
	};

	if (snapshot_is_stuck(one)) {
		buf_add_text(out, "<span class=\"bad\">stuck for ");
		status_text_age(out, one->turned_age_ms);
		buf_add_text(out, "</span>");
		return;
	}
	if (!takes_calls(one)) {
		buf_add_text(out, "<span class=\"soft\">running</span>");
		return;
	}
	buf_printf(out, "<span class=\"%s\">%s</span>", colors[one->state],
		   board_state_names[one->state]);
}

static void add_in_hand(struct buf *out, const struct snapshot_process *one)
{
	if (one->n_in_hand == 0) {
		buf_add_text(out, "<span class=\"soft\">none</span>");
		return;
	}
	status_text_number(out, one->n_in_hand);
	buf_add_text(out, ", oldest ");
	status_text_age(out, one->in_hand_age_ms);
	if (one->n_parked > 0) {
		buf_add_text(out, "<small>");
		status_text_number(out, one->n_parked);
		buf_add_text(out, " parked</small>");
	}
	if (one->call_key[0] != '\0') {
		buf_add_text(out, "<small class=\"any\">now: ");
		status_text_isolate(out, one->call_key);
		buf_add_text(out, "</small>");
	}
}

static void add_work(struct buf *out, const struct snapshot_process *one)
{
	buf_add_text(out, "</td><td data-l=\"Replies\" class=\"num\">");
	status_text_number(out, one->replies);
	buf_add_text(out, "</td><td data-l=\"Connections\" class=\"num\">");
	status_text_number(out, one->n_connections);
	buf_add_text(out, "</td><td data-l=\"In hand\" class=\"wide\">");
	add_in_hand(out, one);
}

static void add_process(struct buf *out, const struct snapshot_process *one)
{
	buf_printf(out,
		   "<tr><td data-l=\"Process\">%s</td>"
		   "<td data-l=\"Pid\" class=\"num\">%d</td>"
		   "<td data-l=\"State\" class=\"fit\">",
		   board_role_names[one->role], (int)one->pid);
	add_state(out, one);
	buf_add_text(out, "</td><td data-l=\"Running for\" class=\"fit\">");
	status_text_age(out, one->started_age_ms);
	if (takes_calls(one)) {
		add_work(out, one);
	} else {
		buf_add_text(out, "</td><td class=\"gone\"></td>"
				  "<td class=\"gone\"></td>"
				  "<td class=\"gone\">");
	}
	buf_add_text(out, "</td><td data-l=\"Memory\" class=\"num\">");
	status_text_memory(out, one->memory_bytes);
	buf_add_text(out, "</td></tr>\n");
}

static void add_processes(struct buf *out, const struct snapshot *now)
{
	buf_printf(out, "<h2>Processes<small>%u worker%s wanted</small></h2>\n",
		   now->board->n_workers,
		   now->board->n_workers == 1 ? "" : "s");
	if (now->n_processes == 0) {
		buf_add_text(out, "<div class=\"card\"><p class=\"none\">None "
				  "is running.</p></div>\n");
		return;
	}
	buf_add_text(out,
		     "<div class=\"card\"><table class=\"cards\"><thead><tr>"
		     "<th>Process</th><th class=\"num\">Pid</th><th>State</th>"
		     "<th>Running for</th><th class=\"num\">Replies</th>"
		     "<th class=\"num\">Connections</th><th>In hand</th>"
		     "<th class=\"num\">Memory</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < now->n_processes; i++)
		add_process(out, &now->processes[i]);
	buf_add_text(out, "</tbody></table></div>\n");
}

static void add_failure(struct buf *out, const struct snapshot *now,
			const struct board_failure *failure)
{
	int64_t age = now->wall_ms - failure->wall_ms;
	char time[CLOCK_TEXT_LEN + 1];

	clock_text(failure->wall_ms, time);
	buf_printf(out,
		   "<tr><td data-l=\"Time (UTC)\" class=\"fit\">%.8s<small>",
		   time + 11);
	status_text_age(out, age > 0 ? age : 0);
	buf_printf(out,
		   " ago</small></td><td data-l=\"Status\" class=\"num %s\">"
		   "%d</td><td data-l=\"Plugin key\" class=\"any%s\">",
		   failure->status >= 400 ? "bad" : "warn",
		   (int)failure->status,
		   failure->key[0] == '\0' ? " gone" : "");
	status_text_isolate(out, failure->key);
	buf_printf(out, "</td><td data-l=\"Workflow\" class=\"any%s\">",
		   failure->workflow[0] == '\0' ? " gone" : "");
	status_text_isolate(out, failure->workflow);
	buf_add_text(out, "</td><td data-l=\"What happened\" "
			  "class=\"any full\">");
	status_text_isolate(out, failure->text);
	buf_add_text(out, "<small class=\"mono\">");
	status_text_isolate(out, failure->request_id);
	buf_add_text(out, "</small></td></tr>\n");
}

static void add_failures(struct buf *out, const struct snapshot *now)
{
	buf_add_text(out, "<h2>Recent failures</h2>\n<div class=\"card\">");
	if (now->n_failures == 0) {
		buf_add_text(out, "<p class=\"none\">No call has failed or "
				  "was refused.</p></div>\n");
		return;
	}
	buf_add_text(out,
		     "<table class=\"cards\"><thead><tr><th>Time (UTC)</th>"
		     "<th class=\"num\">Status</th><th>Plugin key</th>"
		     "<th>Workflow</th><th>What happened</th></tr></thead>\n"
		     "<tbody>\n");
	for (size_t i = 0; i < now->n_failures; i++)
		add_failure(out, now, &now->failures[i]);
	buf_add_text(out, "</tbody></table></div>\n");
}

static void add_count_cell(struct buf *out, uint64_t count, const char *color)
{
	buf_printf(out, "<td class=\"num %s\">", count > 0 ? color : "soft");
	status_text_number(out, count);
	buf_add_text(out, "</td>");
}

static void add_handlers(struct buf *out, const struct snapshot *now,
			 const char *const *keys, size_t n_keys)
{
	buf_add_text(out,
		     "<h2>Handlers</h2>\n<div class=\"card\">"
		     "<table><thead><tr><th>Plugin key</th>"
		     "<th class=\"num\">Calls</th><th class=\"num\">Failed</th>"
		     "<th class=\"num\">Errors</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < n_keys; i++) {
		buf_add_text(out, "<tr><td class=\"any\">");
		status_text_isolate(out, keys[i]);
		buf_add_text(out, "</td>");
		add_count_cell(out, now->sum.handler_calls[i], "");
		add_count_cell(out, now->sum.handler_failed[i], "warn");
		add_count_cell(out, now->sum.handler_errors[i], "bad");
		buf_add_text(out, "</tr>\n");
	}
	buf_add_text(out, "</tbody></table></div>\n");
}

static void add_count_row(struct buf *out, const char *what, uint64_t count)
{
	buf_printf(out, "<div><dt>%s</dt><dd class=\"%s\">", what,
		   count > 0 ? "warn" : "soft");
	status_text_number(out, count);
	buf_add_text(out, "</dd></div>\n");
}

static void add_troubles(struct buf *out, const struct snapshot *now)
{
	const struct board *board = now->board;

	buf_add_text(out, "<h2>Restarts and losses</h2>\n"
			  "<dl class=\"card list\">\n");
	add_count_row(out, "Workers restarted",
		      sum_of(board->deaths[ROLE_WORKER], N_DEATHS));
	add_count_row(out, "nginx restarted",
		      sum_of(board->deaths[ROLE_NGINX], N_DEATHS));
	add_count_row(out, "FastCGI connections closed for a fault",
		      sum_of(now->sum.faults, N_FAULTS));
	add_count_row(out, "Log lines dropped",
		      now->sum.log_dropped + board->front_log_dropped);
	buf_add_text(out, "</dl>\n");
}

static void add_refused(struct buf *out, const struct snapshot *now)
{
	static const char *const reasons[N_REJECTIONS] = {
		[REJECT_TOKEN] = "Wrong, missing or unread token",
		[REJECT_JSON] = "Body is not JSON",
		[REJECT_ENVELOPE] = "Not a call of Argo's",
		[REJECT_LIMIT] = "Too large, too deep or too many",
		[REJECT_HTTP] = "Unknown path, method or encoding",
		[REJECT_FULL] = "Too many calls parked",
		[REJECT_POISON] = "Call that has killed workers",
	};

	buf_add_text(out, "<h2>Refused calls</h2>\n"
			  "<dl class=\"card list\">\n");
	for (size_t i = 0; i < N_REJECTIONS; i++)
		add_count_row(out, reasons[i], now->sum.rejections[i]);
	buf_add_text(out, "</dl>\n");
}

static void add_footer(struct buf *out, const struct snapshot *now)
{
	char time[CLOCK_TEXT_LEN + 1];

	clock_text(now->board->started_wall_ms, time);
	buf_printf(out, "<footer>Started %.10s %.8s UTC, execplug ", time,
		   time + 11);
	status_text_add(out, PACKAGE_VERSION);
	buf_add_text(out, ", json-c ");
	status_text_add(out, json_c_version());
	buf_add_text(out, ", FastCGI on <span class=\"any\">");
	status_text_isolate(out, now->board->listen);
	buf_add_text(out,
		     "</span>. The same as <a href=\"?format=json\">JSON</a>; "
		     "<a href=\"metrics\">metrics</a>.</footer>\n");
}

void status_html_write(const struct snapshot *now, const char *const *keys,
		       size_t n_keys, struct buf *out)
{
	const char *title = now->board->draining ? "Draining"
			    : now->is_ready      ? "Serving"
						 : "Not ready";

	add_head(out, title);
	add_banner(out, now, title);
	add_tiles(out, now);
	add_processes(out, now);
	add_failures(out, now);
	buf_add_text(out, "<div class=\"pair\">\n<section>\n");
	add_handlers(out, now, keys, n_keys);
	add_troubles(out, now);
	buf_add_text(out, "</section>\n<section>\n");
	add_refused(out, now);
	buf_add_text(out, "</section>\n</div>\n");
	add_footer(out, now);
	buf_add_text(out, "</main>\n</body>\n</html>\n");
}
