/*
 * /healthz and /readyz from boards made by hand.
 */
#include "tests/unit/test.h"

#include "ops/health.h"
#include "tests/unit/boards.h"

static void assert_ready(const struct board *board, int status,
			 const char *body)
{
	struct response response;

	response_init(&response);
	health_answer_ready(board, &response);
	assert_string_equal(buf_text(&response.body), body);
	assert_int_equal(response.status, status);
	assert_string_equal(response.content_type, "application/json");
	response_clear(&response);
}

static void assert_live(const struct board *board, int status, const char *body)
{
	struct response response;

	response_init(&response);
	health_answer_live(board, &response);
	assert_string_equal(buf_text(&response.body), body);
	assert_int_equal(response.status, status);
	response_clear(&response);
}

static void live_while_the_supervisor_turns_even_when_draining(void **state)
{
	struct board *board = boards_new_serving();

	(void)state;
	assert_live(board, 200, "{\"status\":\"ok\"}\n");
	board->draining = true;
	boards_slot(board, ROLE_SUPERVISOR)->turned_ms = clock_ms() - 4900;
	assert_live(board, 200, "{\"status\":\"ok\"}\n");
	boards_free(board);
}

static void not_live_when_the_supervisor_is_stuck_or_gone(void **state)
{
	struct board *board = boards_new_serving();

	(void)state;
	boards_slot(board, ROLE_SUPERVISOR)->turned_ms = clock_ms() - 7250;
	assert_live(board, 503,
		    "{\"message\":\"the supervisor has not responded for 7.2 "
		    "s\"}\n");
	board_release(board, boards_slot(board, ROLE_SUPERVISOR));
	assert_live(board, 503, "{\"message\":\"no supervisor is running\"}\n");
	boards_free(board);
}

static void ready_with_one_worker_that_turns(void **state)
{
	struct board *board = boards_new_serving();
	struct board_slot *worker = boards_slot(board, ROLE_WORKER);

	(void)state;
	assert_ready(board, 200, "{\"status\":\"ready\"}\n");
	worker[0].state = STATE_BUSY;
	worker[1].turned_ms = clock_ms() - 60000;
	assert_ready(board, 200, "{\"status\":\"ready\"}\n");
	boards_free(board);
}

static void a_worker_that_takes_no_calls_is_not_enough(void **state)
{
	static const struct {
		enum board_state state;
		pid_t pid;
		int64_t turned_age_ms;
	} rows[] = {
		{ STATE_STARTING, 1, 0 }, /* its loop has not turned yet */
		{ STATE_RETIRING, 1, 0 }, /* takes no new connections */
		{ STATE_IDLE, 1, 2500 },  /* hangs */
		{ STATE_IDLE, -1, 0 },    /* not forked yet */
		{ STATE_IDLE, 0, 0 },     /* free slot */
	};
	struct board *board = boards_new();
	struct board_slot *worker = boards_add(board, ROLE_WORKER, STATE_IDLE);

	(void)state;
	boards_add(board, ROLE_OPS, STATE_IDLE);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		worker->pid = rows[i].pid;
		worker->state = rows[i].state;
		worker->turned_ms = clock_ms() - rows[i].turned_age_ms;
		assert_ready(board, 503,
			     "{\"message\":\"no worker is taking calls\"}\n");
	}
	boards_free(board);
}

static void the_token_decides_unless_it_is_off(void **state)
{
	struct board *board = boards_new_serving();

	(void)state;
	board_set_no_token(board, TOKEN_MISSING, "cannot open 'x': gone");
	assert_ready(board, 503, "{\"message\":\"cannot open 'x': gone\"}\n");
	board_set_no_token(board, TOKEN_MISSING, "");
	assert_ready(board, 503,
		     "{\"message\":\"the token was not read yet\"}\n");
	board_set_no_token(board, TOKEN_OFF, "");
	assert_ready(board, 200, "{\"status\":\"ready\"}\n");
	boards_free(board);
}

static void every_reason_stands_in_one_sentence(void **state)
{
	struct board *board = boards_new();

	(void)state;
	board->draining = true;
	board->listen_lost = true;
	board_set_no_token(board, TOKEN_MISSING, "no \"token\"");
	assert_ready(board, 503,
		     "{\"message\":\"a stop was asked for; no \\\"token\\\"; "
		     "the socket '/run/x/fcgi.sock' is missing and is being "
		     "made again; no worker is taking calls\"}\n");
	boards_free(board);
}

static void reasons_are_appended_to_what_stands_there(void **state)
{
	struct board *board = boards_new();
	struct buf reasons;

	(void)state;
	buf_init(&reasons, 256);
	buf_add_text(&reasons, "not ready: ");
	assert_false(health_is_ready(board, &reasons));
	assert_string_equal(buf_text(&reasons),
			    "not ready: no worker is taking calls");
	buf_clear(&reasons);
	boards_free(board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			live_while_the_supervisor_turns_even_when_draining),
		cmocka_unit_test(not_live_when_the_supervisor_is_stuck_or_gone),
		cmocka_unit_test(ready_with_one_worker_that_turns),
		cmocka_unit_test(a_worker_that_takes_no_calls_is_not_enough),
		cmocka_unit_test(the_token_decides_unless_it_is_off),
		cmocka_unit_test(every_reason_stands_in_one_sentence),
		cmocka_unit_test(reasons_are_appended_to_what_stands_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
