/*
 * /metrics, read back by a strict parser.
 */
#include "tests/unit/test.h"

#include "ops/metrics.h"
#include "tests/unit/boards.h"
#include "tests/unit/prometheus.h"

static void read_page(const struct board *board, const char *const *keys,
		      size_t n_keys, struct prometheus *page)
{
	struct response response;

	response_init(&response);
	metrics_answer(board, keys, n_keys, &response);
	assert_int_equal(response.status, 200);
	assert_string_equal(response.content_type,
			    "text/plain; version=0.0.4; charset=utf-8");
	assert_false(response.body.cut);
	prometheus_read(page, buf_text(&response.body));
	response_clear(&response);
}

static void every_series_is_there_as_0_before_the_first_call(void **state)
{
	static const char *const zeros[] = {
		"execplug_requests_total{route=\"template.execute\",code="
		"\"200\"}",
		"execplug_requests_total{route=\"other\",code=\"503\"}",
		"execplug_request_duration_seconds_bucket{le=\"0.0001\"}",
		"execplug_request_duration_seconds_bucket{le=\"25\"}",
		"execplug_request_duration_seconds_sum",
		"execplug_request_body_bytes_bucket{le=\"2097152\"}",
		"execplug_requests_in_progress",
		"execplug_parked_calls",
		"execplug_calls_parked_total",
		"execplug_connections",
		"execplug_connections_accepted_total",
		"execplug_foreign_calls_total",
		"execplug_rejected_total{reason=\"poison\"}",
		"execplug_fcgi_protocol_errors_total{kind=\"record\"}",
		"execplug_handler_calls_total{key=\"howdy\",phase=\"ok\"}",
		"execplug_handler_calls_total{key=\"hello\",phase=\"error\"}",
		"execplug_workers{state=\"draining\"}",
		"execplug_worker_restarts_total{reason=\"watchdog\"}",
		"execplug_nginx_restarts_total",
		"execplug_log_lines_dropped_total",
	};
	struct board *board = boards_new();
	struct prometheus page;

	(void)state;
	read_page(board, boards_keys, ARRAY_LEN(boards_keys), &page);
	for (size_t i = 0; i < ARRAY_LEN(zeros); i++)
		assert_true(prometheus_value(&page, zeros[i]) == 0);
	assert_true(prometheus_value(
			    &page,
			    "execplug_build_info{version=\"" PACKAGE_VERSION
			    "\"}") == 1);
	assert_true(prometheus_value(&page, "execplug_ready") == 0);
	prometheus_clear(&page);
	boards_free(board);
}

static void counts_are_sums_of_live_and_dead_processes(void **state)
{
	const char *series = "execplug_requests_total{route=\"template.execute"
			     "\",code=\"503\"}";
	struct board *board = boards_new_serving();
	struct board_slot *worker = boards_slot(board, ROLE_WORKER);
	size_t status = board_status_index(503);
	struct prometheus page;

	(void)state;
	for (int i = 0; i < 2; i++) {
		worker[i].counters.requests[ROUTE_EXECUTE][status] = 4;
		worker[i].counters.handler_ok[1] = 5;
		worker[i].counters.log_dropped = 1;
	}
	board->front_log_dropped = 7;
	board_release(board, worker);
	read_page(board, boards_keys, ARRAY_LEN(boards_keys), &page);
	assert_true(prometheus_value(&page, series) == 8);
	assert_true(prometheus_value(&page,
				     "execplug_handler_calls_total{"
				     "key=\"howdy\",phase=\"ok\"}") == 10);
	assert_true(prometheus_value(&page,
				     "execplug_log_lines_dropped_total") == 9);
	prometheus_clear(&page);
	boards_free(board);
}

static void histograms_add_up_in_seconds_and_bytes(void **state)
{
	struct board *board = boards_new_serving();
	struct board_counters *own = &boards_slot(board, ROLE_WORKER)->counters;
	struct prometheus page;

	(void)state;
	board_observe(own->durations, board_durations_us, N_DURATIONS, 90);
	board_observe(own->durations, board_durations_us, N_DURATIONS, 900);
	board_observe(own->durations, board_durations_us, N_DURATIONS,
		      60000000);
	own->duration_sum_us = 60000990;
	board_observe(own->sizes, board_sizes_bytes, N_SIZES, 1024);
	own->size_sum_bytes = 1024;
	read_page(board, boards_keys, ARRAY_LEN(boards_keys), &page);

#define DURATION "execplug_request_duration_seconds"
	assert_true(prometheus_value(&page,
				     DURATION "_bucket{le=\"0.0001\"}") == 1);
	assert_true(prometheus_value(&page, DURATION "_bucket{le=\"0.001\"}") ==
		    2);
	assert_true(prometheus_value(&page, DURATION "_bucket{le=\"+Inf\"}") ==
		    3);
	assert_true(prometheus_value(&page, DURATION "_sum") == 60.00099);
	assert_true(prometheus_value(&page, "execplug_request_body_bytes_"
					    "bucket{le=\"256\"}") == 0);
	assert_true(prometheus_value(&page, "execplug_request_body_bytes_"
					    "bucket{le=\"1024\"}") == 1);
	prometheus_clear(&page);
	boards_free(board);
}

static void gauges_show_this_moment(void **state)
{
	struct board *board = boards_new_serving();
	struct board_slot *worker = boards_slot(board, ROLE_WORKER);
	struct prometheus page;

	(void)state;
	worker[0].state = STATE_BUSY;
	worker[0].n_parked = 5;
	worker[0].n_connections = 9;
	worker[0].call_digest = 1;
	worker[1].n_parked = 2;
	board->deaths[ROLE_WORKER][DEATH_SIGNAL] = 3;
	board->deaths[ROLE_NGINX][DEATH_EXIT] = 1;
	board->deaths[ROLE_NGINX][DEATH_SIGNAL] = 1;
	read_page(board, boards_keys, ARRAY_LEN(boards_keys), &page);
	assert_true(prometheus_value(&page, "execplug_ready") == 1);
	assert_true(prometheus_value(&page, "execplug_parked_calls") == 7);
	assert_true(prometheus_value(&page, "execplug_requests_in_progress") ==
		    8);
	assert_true(prometheus_value(&page, "execplug_connections") == 9);
	assert_true(prometheus_value(&page,
				     "execplug_workers{state=\"busy\"}") == 1);
	assert_true(prometheus_value(&page,
				     "execplug_workers{state=\"idle\"}") == 1);
	assert_true(prometheus_value(&page, "execplug_worker_restarts_total{"
					    "reason=\"signal\"}") == 3);
	assert_true(prometheus_value(&page, "execplug_nginx_restarts_total") ==
		    2);
	prometheus_clear(&page);
	boards_free(board);
}

static void the_supervisor_is_described_while_it_runs(void **state)
{
	struct board *board = boards_new_serving();
	struct prometheus page;

	(void)state;
	read_page(board, boards_keys, ARRAY_LEN(boards_keys), &page);
	assert_true(prometheus_value(&page, "process_resident_memory_bytes") >
		    100000);
	assert_true(prometheus_value(&page, "process_virtual_memory_bytes") >
		    prometheus_value(&page, "process_resident_memory_bytes"));
	assert_true(prometheus_value(&page, "process_open_fds") >= 3);
	assert_true(prometheus_value(&page, "process_start_time_seconds") ==
		    (double)board->started_wall_ms / 1000);
	assert_true(prometheus_has(&page, "process_cpu_seconds_total"));
	assert_true(prometheus_value(&page,
				     "execplug_process_resident_memory_bytes{"
				     "role=\"worker\"}") > 100000);
	prometheus_clear(&page);

	board_release(board, boards_slot(board, ROLE_SUPERVISOR));
	read_page(board, boards_keys, ARRAY_LEN(boards_keys), &page);
	assert_false(prometheus_has(&page, "process_open_fds"));
	assert_true(prometheus_value(&page,
				     "execplug_process_resident_memory_bytes{"
				     "role=\"supervisor\"}") == 0);
	prometheus_clear(&page);
	boards_free(board);
}

static void keys_are_escaped(void **state)
{
	static const char *const keys[] = { "a\"b\\c\nd" };
	struct board *board = boards_new();
	struct prometheus page;

	(void)state;
	read_page(board, keys, 1, &page);
	prometheus_value(&page, "execplug_handler_calls_total{key=\"a\\\"b"
				"\\\\c\\nd\",phase=\"failed\"}");
	prometheus_clear(&page);
	read_page(board, keys, 0, &page);
	assert_false(prometheus_has(&page, "execplug_handler_calls_total"));
	prometheus_clear(&page);
	boards_free(board);
}

static void queues_are_absent_when_nothing_listens(void **state)
{
	struct board *board = boards_new();
	struct prometheus page;

	(void)state;
	read_page(board, boards_keys, ARRAY_LEN(boards_keys), &page);
	assert_false(prometheus_has(&page, "execplug_listen_queue"));
	prometheus_clear(&page);
	boards_free(board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_series_is_there_as_0_before_the_first_call),
		cmocka_unit_test(counts_are_sums_of_live_and_dead_processes),
		cmocka_unit_test(histograms_add_up_in_seconds_and_bytes),
		cmocka_unit_test(gauges_show_this_moment),
		cmocka_unit_test(the_supervisor_is_described_while_it_runs),
		cmocka_unit_test(keys_are_escaped),
		cmocka_unit_test(queues_are_absent_when_nothing_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
