/*
 * test_journal: what one request leaves in the log and on the board.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "log_lines.h"
#include "worker/journal.h"

struct fixture {
	struct board_slot slot;
	struct request request;
	struct response response;
	struct method_note note;
	struct journal_entry entry;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	response_init(&fixture.response);
	fixture.response.status = 200;
	fixture.request.method = "POST";
	fixture.request.path = "/api/v1/template.execute";
	fixture.request.id = "id-1";
	fixture.request.body_len = 300;
	fixture.note.handler = -1;
	fixture.note.rejection = N_REJECTIONS;
	fixture.note.key = fixture.note.workflow = fixture.note.text = "";
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	response_clear(&fixture->response);
	return 0;
}

/* Note the fixture's request and return the log lines. */
static const char *note(struct fixture *fixture, enum board_route route)
{
	int kept;

	log_lines_begin(&kept);
	journal_begin(&fixture->entry, &fixture->request);
	journal_note(&fixture->entry, route, &fixture->note);
	journal_end(&fixture->entry, &fixture->slot, &fixture->response);
	return log_lines_end(kept);
}

static void a_call_is_one_line(void **state)
{
	static const char members[] =
		",\"msg\":\"call\",\"request_id\":\"id-1\",\"method\":\"POST\","
		"\"path\":\"/api/v1/template.execute\",\"status\":200,"
		"\"key\":\"hello\",\"workflow\":\"hello-abc\","
		"\"phase\":\"Succeeded\",\"duration_ms\":";
	struct fixture *fixture = *state;
	const char *line, *rest;

	buf_add_text(&fixture->response.body, "{}\n");
	fixture->note.handler = 3;
	fixture->note.key = "hello";
	fixture->note.workflow = "hello-abc";
	fixture->note.phase = NODE_SUCCEEDED;
	line = note(fixture, ROUTE_EXECUTE);
	assert_non_null(strstr(line, "\"level\":\"info\""));
	rest = strstr(line, "\"area\":\"worker\"");
	assert_non_null(rest);
	rest += strlen("\"area\":\"worker\"");
	assert_memory_equal(rest, members, strlen(members));
	rest = strstr(rest + strlen(members), ",");
	assert_string_equal(rest, ",\"bytes_in\":300,\"bytes_out\":3}\n");
}

static void the_level_says_how_bad_it_is(void **state)
{
	static const struct {
		enum board_route route;
		int status;
		enum node_phase phase;
		const char *level; /* NULL: no line */
	} rows[] = {
		{ ROUTE_EXECUTE, 200, NODE_SUCCEEDED, "info" },
		{ ROUTE_EXECUTE, 200, NODE_FAILED, "info" },
		{ ROUTE_EXECUTE, 200, NODE_ERROR, "warn" },
		{ ROUTE_EXECUTE, 400, NODE_UNKNOWN, "warn" },
		{ ROUTE_EXECUTE, 403, NODE_UNKNOWN, "warn" },
		{ ROUTE_METHOD, 404, NODE_UNKNOWN, "warn" },
		{ ROUTE_OTHER, 404, NODE_UNKNOWN, "warn" },
		{ ROUTE_HEALTHZ, 200, NODE_UNKNOWN, NULL },
		{ ROUTE_READYZ, 503, NODE_UNKNOWN, NULL },
		{ ROUTE_METRICS, 200, NODE_UNKNOWN, NULL },
		{ ROUTE_STATUS, 405, NODE_UNKNOWN, NULL },
	};
	struct fixture *fixture = *state;
	const char *line;
	char want[32];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fixture->response.status = rows[i].status;
		fixture->note.phase = rows[i].phase;
		line = note(fixture, rows[i].route);
		if (rows[i].level == NULL) {
			assert_string_equal(line, "");
			continue;
		}
		snprintf(want, sizeof(want), "\"level\":\"%s\"", rows[i].level);
		assert_non_null(strstr(line, want));
	}
	assert_int_equal(fixture->slot.replies, ARRAY_LEN(rows));
}

static void a_call_is_counted(void **state)
{
	struct fixture *fixture = *state;
	const struct board_counters *counters = &fixture->slot.counters;

	fixture->note.handler = 3;
	fixture->note.phase = NODE_SUCCEEDED;
	note(fixture, ROUTE_EXECUTE);
	fixture->note.phase = NODE_FAILED;
	note(fixture, ROUTE_EXECUTE);
	fixture->note.phase = NODE_ERROR;
	note(fixture, ROUTE_EXECUTE);
	/* Refused before: the handler has not seen it. */
	fixture->note.rejection = REJECT_LIMIT;
	note(fixture, ROUTE_EXECUTE);
	fixture->note.handler = -1;
	fixture->note.is_foreign = true;
	fixture->note.phase = NODE_UNKNOWN;
	fixture->note.rejection = N_REJECTIONS;
	note(fixture, ROUTE_EXECUTE);
	assert_int_equal(
		counters->requests[ROUTE_EXECUTE][board_status_index(200)], 5);
	assert_int_equal(counters->handler_calls[3], 3);
	assert_int_equal(counters->handler_failed[3], 1);
	assert_int_equal(counters->handler_errors[3], 1);
	assert_int_equal(counters->foreign, 1);
	assert_int_equal(counters->rejections[REJECT_LIMIT], 1);
	assert_int_equal(counters->sizes[1], 5); /* up to 1024 bytes */
	assert_int_equal(counters->size_sum_bytes, 1500);
	assert_int_equal(
		counters->durations[0] + counters->durations[1] +
			counters->durations[2] + counters->durations[3] +
			counters->durations[4] + counters->durations[5] +
			counters->durations[6],
		5);
}

static void other_routes_have_no_durations(void **state)
{
	struct fixture *fixture = *state;
	const struct board_counters *counters = &fixture->slot.counters;

	fixture->response.status = 404;
	fixture->note.rejection = REJECT_HTTP;
	note(fixture, ROUTE_OTHER);
	assert_int_equal(
		counters->requests[ROUTE_OTHER][board_status_index(404)], 1);
	assert_int_equal(counters->rejections[REJECT_HTTP], 1);
	assert_int_equal(counters->size_sum_bytes, 0);
	for (size_t i = 0; i <= N_DURATIONS; i++)
		assert_int_equal(counters->durations[i], 0);
}

static void failures_are_kept_for_the_status_page(void **state)
{
	struct fixture *fixture = *state;
	const struct board_failure *failure = &fixture->slot.failures[0];
	const char *line;

	fixture->note.phase = NODE_SUCCEEDED;
	note(fixture, ROUTE_EXECUTE);
	assert_int_equal(fixture->slot.n_failures, 0);

	fixture->note.phase = NODE_FAILED;
	fixture->note.key = "hello";
	fixture->note.workflow = "w";
	fixture->note.text = "plugin.hello.text: not a string";
	line = note(fixture, ROUTE_EXECUTE);
	assert_non_null(strstr(
		line, "\"reason\":\"plugin.hello.text: not a string\"}\n"));
	assert_int_equal(fixture->slot.n_failures, 1);
	assert_int_equal(failure->status, 200);
	assert_string_equal(failure->key, "hello");
	assert_string_equal(failure->request_id, "id-1");
	assert_string_equal(failure->workflow, "w");
	assert_string_equal(failure->text, "plugin.hello.text: not a string");
	assert_in_range(clock_wall_ms() - failure->wall_ms, 0, 60000);

	fixture->response.status = 503;
	note(fixture, ROUTE_READYZ);
	assert_int_equal(fixture->slot.n_failures, 1);
}

static void row_79_what_a_caller_writes_stays_one_valid_line(void **state)
{
	struct fixture *fixture = *state;
	const char *line;
	char path[5000];

	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	fixture->request.path = path;
	fixture->request.method = "A\"B\n\x1b[31mC";
	fixture->request.id = "\xff\xfe}{";
	line = note(fixture, ROUTE_OTHER);
	assert_non_null(strstr(line, "\"request_id\":\"\xef\xbf\xbd\xef\xbf\xbd"
				     "}{\",\"method\":\"A\\\"B\\n\\u001b[3\""));
	path[63] = '\0';
	assert_non_null(strstr(line, path));
	path[63] = 'p';
	path[64] = '\0';
	assert_null(strstr(line, path));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void slow_and_gone_calls_have_lines_of_their_own(void **state)
{
	struct fixture *fixture = *state;
	const char *lines;
	int kept;

	fixture->note.key = "slow";
	journal_begin(&fixture->entry, &fixture->request);
	journal_note(&fixture->entry, ROUTE_EXECUTE, &fixture->note);
	log_lines_begin(&kept);
	journal_slow(&fixture->entry);
	journal_gone(&fixture->entry, &fixture->slot);
	lines = log_lines_end(kept);
	assert_non_null(strstr(lines, "\"level\":\"warn\""));
	assert_non_null(strstr(lines,
			       "\"msg\":\"call is slow, still parked\",\""
			       "request_id\":\"id-1\",\"method\":\"POST\","
			       "\"path\":\"/api/v1/template.execute\",\"key\":"
			       "\"slow\",\"duration_ms\":"));
	assert_non_null(
		strstr(lines, "\"msg\":\"the caller left before the answer\""));
	assert_int_equal(fixture->slot.counters.faults[FAULT_GONE], 1);
	assert_int_equal(fixture->slot.replies, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_call_is_one_line),
		TEST(the_level_says_how_bad_it_is),
		TEST(a_call_is_counted),
		TEST(other_routes_have_no_durations),
		TEST(failures_are_kept_for_the_status_page),
		TEST(row_79_what_a_caller_writes_stays_one_valid_line),
		TEST(slow_and_gone_calls_have_lines_of_their_own),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
