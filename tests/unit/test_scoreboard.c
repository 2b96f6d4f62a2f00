#include "tests/unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scoreboard.h"

static struct board *board;

static int begin(void **state)
{
	(void)state;
	board = board_new(NULL);
	return board != NULL ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	return munmap(board, sizeof(*board));
}

static void a_slot_is_taken_clean_and_given_back(void **state)
{
	struct board_slot *one, *two;

	(void)state;
	board->generation = 3;
	one = board_take(board, ROLE_WORKER);
	two = board_take(board, ROLE_OPS);
	assert_int_equal(board->n_used, 2);
	assert_ptr_not_equal(one, two);
	assert_int_equal(one->pid, -1);
	assert_int_equal(one->role, ROLE_WORKER);
	assert_int_equal(one->state, STATE_STARTING);
	assert_int_equal(one->generation, 3);
	assert_in_range(clock_ms() - one->turned_ms, 0, 60000);
	one->replies = 9;
	one->call_digest = 9;
	one->watchdog = true;
	board_release(board, one);
	assert_int_equal(one->pid, 0);
	assert_ptr_equal(board_take(board, ROLE_WORKER), one);
	assert_int_equal(one->replies, 0);
	assert_int_equal(one->call_digest, 0);
	assert_false(one->watchdog);
	assert_int_equal(board->n_used, 2);
}

static void there_are_so_many_slots_and_no_more(void **state)
{
	(void)state;
	for (int i = 0; i < BOARD_SLOTS; i++)
		assert_non_null(board_take(board, ROLE_WORKER));
	assert_null(board_take(board, ROLE_WORKER));
	board_release(board, &board->slots[7]);
	assert_ptr_equal(board_take(board, ROLE_WORKER), &board->slots[7]);
}

static void sums_hold_the_living_and_the_dead(void **state)
{
	struct board_slot *one = board_take(board, ROLE_WORKER);
	struct board_slot *two = board_take(board, ROLE_WORKER);
	struct board_counters sum;

	(void)state;
	board_add(&one->counters.requests[ROUTE_EXECUTE][0], 5);
	board_add(&two->counters.requests[ROUTE_EXECUTE][0], 7);
	board_add(&two->counters.handler_errors[BOARD_HANDLERS - 1], 1);
	for (int i = 0; i < 3; i++) {
		board_sum(board, &sum);
		assert_int_equal(sum.requests[ROUTE_EXECUTE][0], 12);
		assert_int_equal(sum.handler_errors[BOARD_HANDLERS - 1], 1);
		if (i == 0)
			board_release(board, two);
		if (i == 1)
			board_take(board, ROLE_WORKER);
	}
}

/* A child does what a supervisor does, as fast as it can. */
static void sums_never_go_back_while_slots_are_released(void **state)
{
	struct board_counters sum;
	uint64_t last = 0, n_back = 0;
	pid_t pid;

	(void)state;
	board_take(board, ROLE_SUPERVISOR);
	pid = fork();
	while (pid == 0) {
		struct board_slot *slot = board_take(board, ROLE_WORKER);

		board_add(&slot->counters.requests[0][0], 1);
		board_release(board, slot);
	}
	do {
		board_sum(board, &sum);
		n_back += sum.requests[0][0] < last;
		last = sum.requests[0][0];
	} while (last < 100000 && n_back == 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(n_back, 0);
}

static void a_value_falls_into_the_bucket_that_holds_it(void **state)
{
	static const int64_t bounds[3] = { 10, 20, 30 };
	static const struct {
		int64_t value;
		size_t bucket;
	} rows[] = {
		{ 0, 0 },  { 10, 0 }, { 11, 1 },        { 20, 1 },
		{ 30, 2 }, { 31, 3 }, { INT64_MAX, 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t buckets[4] = { 0 };

		board_observe(buckets, bounds, ARRAY_LEN(bounds),
			      rows[i].value);
		for (size_t j = 0; j < ARRAY_LEN(buckets); j++)
			assert_int_equal(buckets[j], j == rows[i].bucket);
	}
}

static void bounds_rise_and_every_name_is_there(void **state)
{
	(void)state;
	for (size_t i = 1; i < N_DURATIONS; i++)
		assert_true(board_durations_us[i] > board_durations_us[i - 1]);
	for (size_t i = 1; i < N_SIZES; i++)
		assert_true(board_sizes_bytes[i] > board_sizes_bytes[i - 1]);
	for (size_t i = 0; i < N_ROLES; i++)
		assert_non_null(board_role_names[i]);
	for (size_t i = 0; i < N_STATES; i++)
		assert_non_null(board_state_names[i]);
	for (size_t i = 0; i < N_ROUTES; i++)
		assert_non_null(board_route_names[i]);
	for (size_t i = 0; i < N_REJECTIONS; i++)
		assert_non_null(board_rejection_names[i]);
	for (size_t i = 0; i < N_FAULTS; i++)
		assert_non_null(board_fault_names[i]);
	for (size_t i = 0; i < N_DEATHS; i++)
		assert_non_null(board_death_names[i]);
}

static void a_status_that_is_not_listed_counts_as_500(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_STATUSES; i++)
		assert_int_equal(board_status_index(board_statuses[i]), i);
	assert_int_equal(board_statuses[board_status_index(418)], 500);
	assert_int_equal(board_statuses[board_status_index(0)], 500);
}

static void the_newest_failures_are_kept(void **state)
{
	struct board_slot *slot = board_take(board, ROLE_WORKER);
	struct board_failure failure = { .wall_ms = 1 };

	(void)state;
	for (int i = 0; i < BOARD_FAILURES + 3; i++) {
		failure.status = i;
		board_note_failure(slot, &failure);
	}
	assert_int_equal(slot->n_failures, BOARD_FAILURES + 3);
	for (int i = 3; i < BOARD_FAILURES + 3; i++)
		assert_int_equal(slot->failures[i % BOARD_FAILURES].status, i);
}

static void two_deaths_within_a_minute_make_a_poison_for_ten(void **state)
{
	static const struct {
		int64_t deaths_ms[4]; /* 0: no more */
		int64_t asked_ms;
		bool want;
	} rows[] = {
		{ { 0 }, 1000, false },
		{ { 1000 }, 1001, false },
		{ { 1000, 1000 }, 1000, true },
		{ { 1000, 61000 }, 61001, true },
		{ { 1000, 61001 }, 61002, false },
		{ { 1000, 61001, 62000 }, 62001, true },
		/* forgotten ten minutes after the last death */
		{ { 1000, 2000 }, 2000 + 599999, true },
		{ { 1000, 2000 }, 2000 + 600000, false },
		{ { 1000, 2000, 300000 }, 2000 + 600000, true },
		{ { 1000, 2000, 300000 }, 300000 + 600000, false },
		/* and then one death is a first one again */
		{ { 1000, 2000, 602000 }, 602001, false },
		{ { 1000, 2000, 602000, 603000 }, 603001, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memset(board->poisons, 0, sizeof(board->poisons));
		for (size_t j = 0; j < 4 && rows[i].deaths_ms[j] != 0; j++)
			board_note_poison(board, 77, "k", rows[i].deaths_ms[j]);
		assert_int_equal(
			(board_poison_key(board, 77, rows[i].asked_ms) != NULL),
			rows[i].want);
		assert_false((board_poison_key(board, 78, rows[i].asked_ms) !=
			      NULL));
		assert_false(
			(board_poison_key(board, 0, rows[i].asked_ms) != NULL));
	}
}

static void the_oldest_poison_makes_room(void **state)
{
	(void)state;
	for (uint64_t digest = 1; digest <= BOARD_POISONS + 1; digest++) {
		board_note_poison(board, digest, "k", 1000 + (int64_t)digest);
		board_note_poison(board, digest, "k", 1000 + (int64_t)digest);
	}
	assert_false((board_poison_key(board, 1, 2000) != NULL));
	for (uint64_t digest = 2; digest <= BOARD_POISONS + 1; digest++)
		assert_true((board_poison_key(board, digest, 2000) != NULL));
}

static void the_token_is_published_with_its_state(void **state)
{
	const char *token = "0123456789abcdefghijklmnopqrstuv";
	char copy[BOARD_TOKEN_BYTES];
	char problem[400];

	(void)state;
	assert_int_equal(board_get_token(board, copy), TOKEN_MISSING);
	board_set_token(board, token);
	assert_int_equal(board_get_token(board, copy), TOKEN_READY);
	assert_memory_equal(copy, token, BOARD_TOKEN_BYTES);
	assert_string_equal(board->token_problem, "");

	board_set_no_token(board, TOKEN_MISSING, "it is gone");
	assert_int_equal(board_get_token(board, copy), TOKEN_MISSING);
	assert_string_equal(board->token_problem, "it is gone");
	assert_memory_not_equal(board->token, token, 1);
	board_set_no_token(board, TOKEN_OFF, "");
	assert_int_equal(board_get_token(board, copy), TOKEN_OFF);
	assert_int_equal(board->token_version, 6);

	memset(problem, 'x', sizeof(problem) - 1);
	problem[sizeof(problem) - 1] = '\0';
	board_set_no_token(board, TOKEN_MISSING, problem);
	assert_int_equal(strlen(board->token_problem),
			 sizeof(board->token_problem) - 1);
}

static void a_token_that_was_never_finished_is_none(void **state)
{
	char copy[BOARD_TOKEN_BYTES];

	(void)state;
	board_set_token(board, "0123456789abcdefghijklmnopqrstuv");
	board->token_version++;
	assert_int_equal(board_get_token(board, copy), TOKEN_MISSING);
}

/* A child changes it all the time between tokens of one letter. */
static void a_token_is_never_half_of_another(void **state)
{
	char tokens[2][BOARD_TOKEN_BYTES], copy[BOARD_TOKEN_BYTES];
	int n_ready = 0, n_torn = 0;
	pid_t pid;

	(void)state;
	memset(tokens[0], 'a', BOARD_TOKEN_BYTES);
	memset(tokens[1], 'b', BOARD_TOKEN_BYTES);
	board_set_token(board, tokens[0]);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 200000; i++)
			board_set_token(board, tokens[i % 2]);
		_exit(0);
	}
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (board_get_token(board, copy) != TOKEN_READY)
			continue;
		n_ready++;
		n_torn += memcmp(copy, tokens[copy[0] - 'a'],
				 BOARD_TOKEN_BYTES) != 0;
	}
	assert_true(n_ready > 0);
	assert_int_equal(n_torn, 0);
}

#define BOARD_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOARD_TEST(a_slot_is_taken_clean_and_given_back),
		BOARD_TEST(there_are_so_many_slots_and_no_more),
		BOARD_TEST(sums_hold_the_living_and_the_dead),
		BOARD_TEST(sums_never_go_back_while_slots_are_released),
		BOARD_TEST(a_value_falls_into_the_bucket_that_holds_it),
		BOARD_TEST(bounds_rise_and_every_name_is_there),
		BOARD_TEST(a_status_that_is_not_listed_counts_as_500),
		BOARD_TEST(the_newest_failures_are_kept),
		BOARD_TEST(two_deaths_within_a_minute_make_a_poison_for_ten),
		BOARD_TEST(the_oldest_poison_makes_room),
		BOARD_TEST(the_token_is_published_with_its_state),
		BOARD_TEST(a_token_that_was_never_finished_is_none),
		BOARD_TEST(a_token_is_never_half_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
