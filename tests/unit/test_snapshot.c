/*
 * A board's copy, also of one where a process has written nonsense.
 */
#include "tests/unit/test.h"

#include "ops/snapshot.h"
#include "tests/unit/boards.h"

static void free_slots_and_those_before_the_fork_are_left_out(void **state)
{
	struct board *board = boards_new_serving();
	struct snapshot now;

	(void)state;
	board_release(board, boards_slot(board, ROLE_NGINX));
	boards_slot(board, ROLE_OPS)->pid = -1;
	snapshot_take(board, &now);
	assert_int_equal(now.n_processes, 3);
	assert_int_equal(now.processes[0].role, ROLE_SUPERVISOR);
	assert_int_equal(now.processes[1].role, ROLE_WORKER);
	assert_int_equal(now.processes[2].role, ROLE_WORKER);
	boards_free(board);
}

static void calls_in_hand_are_parked_ones_and_the_current_one(void **state)
{
	struct board *board = boards_new_serving();
	struct board_slot *worker = boards_slot(board, ROLE_WORKER);
	const struct snapshot_process *one;
	struct snapshot now;

	(void)state;
	worker->n_parked = 3;
	worker->oldest_parked_ms = clock_ms() - 5000;
	worker->call_digest = 9;
	worker->call_begun_ms = clock_ms() - 100;
	snprintf(worker->call_key, sizeof(worker->call_key), "hello");
	snapshot_take(board, &now);
	one = &now.processes[2];
	assert_int_equal(one->n_in_hand, 4);
	assert_int_equal(one->n_parked, 3);
	assert_string_equal(one->call_key, "hello");
	assert_in_range(one->in_hand_age_ms, 5000, 8000);
	assert_int_equal(now.n_in_hand, 4);
	assert_int_equal(now.n_parked, 3);

	/* The key of an old call is not the current one's. */
	worker->call_digest = 0;
	worker->n_parked = 0;
	worker->oldest_parked_ms = 0;
	snapshot_take(board, &now);
	assert_int_equal(now.processes[2].n_in_hand, 0);
	assert_true(now.processes[2].in_hand_age_ms == -1);
	assert_string_equal(now.processes[2].call_key, "");
	boards_free(board);
}

static void the_page_itself_is_not_in_hand(void **state)
{
	struct board *board = boards_new_serving();
	struct snapshot now;

	(void)state;
	boards_slot(board, ROLE_OPS)->call_digest = 9;
	snapshot_take(board, &now);
	assert_int_equal(now.n_in_hand, 0);
	boards_free(board);
}

static void only_a_loop_of_ours_can_be_stuck(void **state)
{
	struct board *board = boards_new_serving();
	struct snapshot now;

	(void)state;
	for (uint32_t i = 0; i < board->n_used; i++)
		board->slots[i].turned_ms = clock_ms() - 4000;
	snapshot_take(board, &now);
	for (size_t i = 0; i < now.n_processes; i++)
		assert_int_equal(snapshot_is_stuck(&now.processes[i]),
				 now.processes[i].role != ROLE_NGINX);
	boards_free(board);
}

static void the_newest_failures_of_all_slots_come_first(void **state)
{
	struct board *board = boards_new_serving();
	struct board_slot *worker = boards_slot(board, ROLE_WORKER);
	struct snapshot now;
	char text[32];

	(void)state;
	for (int i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "%d", i);
		boards_fail(&worker[i % 3], 400, (30 - i) * 1000, text);
	}
	snapshot_take(board, &now);
	assert_int_equal(now.n_failures, SNAPSHOT_FAILURES);
	for (int i = 0; i < SNAPSHOT_FAILURES; i++) {
		snprintf(text, sizeof(text), "%d", 29 - i);
		assert_string_equal(now.failures[i].text, text);
	}
	boards_free(board);
}

static void failures_outlive_their_process(void **state)
{
	struct board *board = boards_new_serving();
	struct board_slot *worker = boards_slot(board, ROLE_WORKER);
	struct snapshot now;

	(void)state;
	boards_fail(worker, 500, 10, "last words");
	board_release(board, worker);
	snapshot_take(board, &now);
	assert_int_equal(now.n_failures, 1);
	assert_string_equal(now.failures[0].text, "last words");
	boards_free(board);
}

static void nonsense_in_a_slot_is_harmless(void **state)
{
	struct board *board = boards_new_serving();
	struct board_slot *worker = boards_slot(board, ROLE_WORKER);
	struct snapshot now;
	pid_t pid = worker->pid;

	(void)state;
	memset(worker, 0x7f, sizeof(*worker));
	snapshot_take(board, &now); /* the role is none */
	assert_int_equal(now.n_processes, 4);
	worker->role = ROLE_WORKER;
	worker->pid = pid;
	snapshot_take(board, &now);
	assert_int_equal(now.n_processes, 5);
	assert_int_equal(now.processes[2].state, STATE_STARTING);
	assert_int_equal(strlen(now.processes[2].call_key), 63);
	assert_int_equal(strlen(now.failures[0].text), 191);
	assert_int_equal(strlen(now.failures[0].key), 63);

	board->n_used = UINT32_MAX;
	board->slots[BOARD_SLOTS - 1].pid = pid;
	snapshot_take(board, &now);
	assert_int_equal(now.n_processes, 6);
	boards_free(board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			free_slots_and_those_before_the_fork_are_left_out),
		cmocka_unit_test(
			calls_in_hand_are_parked_ones_and_the_current_one),
		cmocka_unit_test(the_page_itself_is_not_in_hand),
		cmocka_unit_test(only_a_loop_of_ours_can_be_stuck),
		cmocka_unit_test(the_newest_failures_of_all_slots_come_first),
		cmocka_unit_test(failures_outlive_their_process),
		cmocka_unit_test(nonsense_in_a_slot_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
