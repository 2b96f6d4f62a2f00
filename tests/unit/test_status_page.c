/*
 * /status as HTML and as JSON; texts of failures are the enemy's.
 */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "ops/status_page.h"
#include "ops/status_text.h"
#include "tests/unit/boards.h"

static char *html_of(const struct board *board)
{
	struct response response;
	char *html;

	response_init(&response);
	status_page_answer_html(board, boards_keys, ARRAY_LEN(boards_keys),
				&response);
	assert_int_equal(response.status, 200);
	assert_string_equal(response.content_type, "text/html; charset=utf-8");
	assert_false(response.body.cut);
	html = strdup(buf_text(&response.body));
	response_clear(&response);
	return html;
}

static struct json_object *json_of(const struct board *board)
{
	enum json_tokener_error error = json_tokener_success;
	struct response response;
	struct json_object *json;

	response_init(&response);
	status_page_answer_json(board, boards_keys, ARRAY_LEN(boards_keys),
				&response);
	assert_int_equal(response.status, 200);
	assert_string_equal(response.content_type, "application/json");
	json = json_tokener_parse_verbose(buf_text(&response.body), &error);
	assert_int_equal(error, json_tokener_success);
	response_clear(&response);
	return json;
}

/* The member of a dotted path; a number is an index. */
static struct json_object *at(struct json_object *json, const char *path)
{
	char name[64];
	size_t len;

	for (; *path != '\0'; path += len + (path[len] == '.')) {
		len = strcspn(path, ".");
		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		if (json_object_is_type(json, json_type_array))
			json = json_object_array_get_idx(
				json, strtoul(name, NULL, 10));
		else if (!json_object_object_get_ex(json, name, &json))
			fail_msg("no member %s", name);
	}
	return json;
}

static const char *text_at(struct json_object *json, const char *path)
{
	return json_object_get_string(at(json, path));
}

static int64_t number_at(struct json_object *json, const char *path)
{
	assert_true(json_object_is_type(at(json, path), json_type_int));
	return json_object_get_int64(at(json, path));
}

static void the_headline_says_the_state_and_why(void **state)
{
	static const struct {
		bool draining, has_token;
		const char *title, *why;
	} rows[] = {
		{ false, true, "<h1 class=\"good\"><span>Serving</span>",
		  "2 workers are taking calls behind nginx on port 4355." },
		{ true, true, "<h1 class=\"warn\"><span>Draining</span>",
		  "A stop was asked for; no call is in hand." },
		{ false, false, "<h1 class=\"bad\"><span>Not ready</span>",
		  "<bdi>cannot open &#39;t&#39;</bdi>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct board *board = boards_new_serving();
		char *html;

		board->front_port = 4355;
		board->draining = rows[i].draining;
		if (!rows[i].has_token)
			board_set_no_token(board, TOKEN_MISSING,
					   "cannot open 't'");
		html = html_of(board);
		assert_non_null(strstr(html, rows[i].title));
		assert_non_null(strstr(html, rows[i].why));
		free(html);
		boards_free(board);
	}
}

static void the_page_needs_nothing_from_outside(void **state)
{
	static const char *const absent[] = {
		"http:", "https:", "<script", "<img", "url(", "@import", "//",
	};
	struct board *board = boards_new_serving();
	char *html = html_of(board);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(absent); i++)
		assert_null(strstr(html, absent[i]));
	assert_non_null(strstr(html, "default-src 'none'"));
	assert_non_null(strstr(html, "prefers-color-scheme:dark"));
	assert_non_null(strstr(html, "name=\"viewport\""));
	free(html);
	boards_free(board);
}

static void hostile_texts_stay_texts(void **state)
{
	static const char *const rows[] = {
		"<script>alert(1)</script>",
		"</td></table><img src=x onerror=alert(1)>",
		"\"><svg onload=alert(1)>",
		"' onmouseover='alert(1)",
		"&lt;b&gt;",
		"<!-- ",
	};
	struct board *board = boards_new_serving();
	struct board_slot *worker = boards_slot(board, ROLE_WORKER);
	struct board_failure *failure = &worker->failures[0];
	char *html;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		boards_fail(worker, 200, 0, "");
		worker->n_failures = 0;
		snprintf(failure->text, sizeof(failure->text), "%s", rows[i]);
		snprintf(failure->key, 64, "%s", rows[i]);
		snprintf(failure->workflow, 64, "%s", rows[i]);
		snprintf(failure->request_id, 64, "%s", rows[i]);
		worker->call_digest = 1;
		snprintf(worker->call_key, 64, "%s", rows[i]);
		snprintf(board->listen, sizeof(board->listen), "%s", rows[i]);
		board_set_no_token(board, TOKEN_MISSING, rows[i]);
		html = html_of(board);
		assert_null(strstr(html, rows[i]));
		assert_null(strstr(html, "<script"));
		assert_null(strstr(html, "<img"));
		assert_null(strstr(html, "<svg"));
		assert_null(strstr(html, "<!--"));
		free(html);
	}
	boards_free(board);
}

static void texts_become_html_as_these_rows_say(void **state)
{
	static const struct {
		const char *text, *html;
	} rows[] = {
		{ "", "" },
		{ "a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "a\nb\x01\x7f", "a\ufffdb\ufffd\ufffd" },
		{ "\xff\xc3", "\ufffd\ufffd" },
		{ "\xc0\xbc", "\ufffd\ufffd" },           /* overlong < */
		{ "x\u202ey\u2066z", "x\ufffdy\ufffdz" }, /* direction */
		{ "\u2030\u2070\u2029", "\u2030\u2070\u2029" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 256);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&out);
		status_text_add(&out, rows[i].text);
		assert_string_equal(buf_text(&out), rows[i].html);
	}
	buf_clear(&out);
}

static void numbers_and_sizes_read_well(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 256);
	status_text_number(&out, 0);
	buf_add_char(&out, ',');
	status_text_number(&out, 999);
	buf_add_char(&out, ',');
	status_text_number(&out, 1234567);
	buf_add_char(&out, ',');
	status_text_memory(&out, 7 * 1048576 + 699051);
	buf_add_char(&out, ',');
	status_text_memory(&out, -1);
	buf_add_char(&out, ',');
	status_text_age(&out, -1);
	status_text_age(&out, 65000);
	assert_string_equal(buf_text(&out),
			    "0,999,1\u202f234\u202f567,7.6 MiB,not known,"
			    "1 min 5 s");
	buf_clear(&out);
}

static void the_token_is_never_shown(void **state)
{
	const char *token = "0123456789abcdefghijklmnopqrstuv";
	struct board *board = boards_new_serving();
	struct json_object *json;
	char *html;

	(void)state;
	board_set_token(board, token);
	html = html_of(board);
	json = json_of(board);
	assert_null(strstr(html, token));
	assert_null(strstr(json_object_to_json_string(json), token));
	json_object_put(json);
	free(html);
	boards_free(board);
}

static void json_has_the_documented_members(void **state)
{
	struct board *board = boards_new_serving();
	struct board_slot *worker = boards_slot(board, ROLE_WORKER);
	struct json_object *json;

	(void)state;
	board->front_port = 4355;
	board->generation = 2;
	worker->counters.requests[ROUTE_EXECUTE][0] = 30;
	worker->counters.handler_calls[1] = 20;
	worker->counters.handler_ok[1] = 17;
	worker->counters.handler_failed[1] = 2;
	worker->counters.handler_errors[1] = 1;
	worker->counters.rejections[REJECT_FULL] = 6;
	worker->counters.faults[FAULT_PEER] = 8;
	worker->n_parked = 4;
	worker->oldest_parked_ms = clock_ms() - 1500;
	board->deaths[ROLE_NGINX][DEATH_SIGNAL] = 5;
	boards_fail(worker, 403, 0, "\xff\"<wrong>");
	json = json_of(board);

	assert_string_equal(text_at(json, "state"), "serving");
	assert_string_equal(text_at(json, "reason"), "");
	assert_string_equal(text_at(json, "version"), PACKAGE_VERSION);
	assert_string_equal(text_at(json, "json_c"), json_c_version());
	assert_int_equal(strlen(text_at(json, "time")), 24);
	assert_int_equal(strlen(text_at(json, "started")), 24);
	assert_in_range(number_at(json, "uptime_ms"), 3600000, 3700000);
	assert_string_equal(text_at(json, "listen"), "/run/x/fcgi.sock");
	assert_int_equal(number_at(json, "port"), 4355);
	assert_int_equal(number_at(json, "generation"), 2);
	assert_int_equal(number_at(json, "workers_wanted"), 2);
	assert_int_equal(number_at(json, "in_hand"), 4);
	assert_int_equal(number_at(json, "calls.answered"), 30);
	assert_int_equal(number_at(json, "calls.ok"), 17);
	assert_int_equal(number_at(json, "calls.failed"), 2);
	assert_int_equal(number_at(json, "calls.error"), 1);
	assert_string_equal(text_at(json, "processes.2.role"), "worker");
	assert_int_equal(number_at(json, "processes.2.pid"), getpid());
	assert_string_equal(text_at(json, "processes.2.state"), "idle");
	assert_int_equal(number_at(json, "processes.2.parked"), 4);
	assert_in_range(number_at(json, "processes.2.in_hand_ms"), 1500, 9000);
	assert_null(at(json, "processes.3.in_hand_ms"));
	assert_null(at(json, "processes.1.turned_ms"));
	assert_string_equal(text_at(json, "failures.0.text"),
			    "\ufffd\"<wrong>");
	assert_int_equal(number_at(json, "failures.0.status"), 403);
	assert_string_equal(text_at(json, "handlers.1.key"), "howdy");
	assert_int_equal(number_at(json, "handlers.1.calls"), 20);
	assert_int_equal(number_at(json, "rejections.full"), 6);
	assert_int_equal(number_at(json, "protocol_errors.peer"), 8);
	assert_int_equal(number_at(json, "restarts.nginx.signal"), 5);
	assert_int_equal(number_at(json, "log_lines_dropped"), 0);
	json_object_put(json);
	boards_free(board);
}

static void json_is_valid_of_an_empty_board_and_of_a_full_one(void **state)
{
	struct board *board = boards_new();
	struct json_object *json = json_of(board);
	char *html;

	(void)state;
	assert_string_equal(text_at(json, "state"), "not_ready");
	assert_int_equal(json_object_array_length(at(json, "processes")), 0);
	json_object_put(json);

	board->has_front = false;
	board->draining = true;
	while (board_take(board, ROLE_WORKER) != NULL)
		board->slots[board->n_used - 1].pid = getpid();
	json = json_of(board);
	assert_string_equal(text_at(json, "state"), "draining");
	assert_null(at(json, "port"));
	assert_int_equal(json_object_array_length(at(json, "processes")),
			 BOARD_SLOTS);
	json_object_put(json);
	html = html_of(board);
	assert_non_null(strstr(html, "</html>"));
	free(html);
	boards_free(board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_headline_says_the_state_and_why),
		cmocka_unit_test(the_page_needs_nothing_from_outside),
		cmocka_unit_test(hostile_texts_stay_texts),
		cmocka_unit_test(texts_become_html_as_these_rows_say),
		cmocka_unit_test(numbers_and_sizes_read_well),
		cmocka_unit_test(the_token_is_never_shown),
		cmocka_unit_test(json_has_the_documented_members),
		cmocka_unit_test(
			json_is_valid_of_an_empty_board_and_of_a_full_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
