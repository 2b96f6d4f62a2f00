/*
 * policy: what follows from which event, as tables and short stories.
 */
#include "test.h"

#include "story.h"

/* The place of the newest live worker. */
static size_t newest_worker(const struct story *story)
{
	size_t found = 0;

	for (size_t i = 0; i < POLICY_PLACES; i++) {
		if (story->policy.places[i].role == ROLE_WORKER &&
		    story->policy.places[i].state >= PLACE_WAITING &&
		    story->policy.places[i].generation ==
			    story->policy.generation)
			found = i;
	}
	return found;
}

static void backoff_grows_to_five_seconds(void **state)
{
	static const int64_t pauses[] = { 0,    100,  200,  400, 800,
					  1600, 3200, 5000, 5000 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(pauses); i++)
		assert_int_equal(policy_backoff_ms(i), pauses[i]);
	assert_int_equal(policy_backoff_ms(4000000000U), 5000);
}

static void start_is_ready_when_all_have_turned(void **state)
{
	struct story story;

	(void)state;
	begin(&story, 2, true);
	assert_said(&story,
		    "start worker, start worker, start ops, start nginx");
	for (size_t i = 0; i < 3; i++)
		turn(&story, i, false);
	assert_said(&story, "renewed");
	turn(&story, 3, false);
	assert_said(&story, "ready");
	turn_all(&story);
	pass(&story, 10000);
	assert_said(&story, "");
}

static void a_dead_worker_is_replaced_with_backoff(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	die(&story, 0);
	assert_said(&story, "wait 0, start worker");
	die(&story, 0);
	assert_said(&story, "wait 100");
	pass(&story, 99);
	assert_said(&story, "");
	pass(&story, 1);
	assert_said(&story, "start worker");
	die(&story, 0);
	assert_said(&story, "wait 200");
}

static void a_reply_ends_the_backoff(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	for (int i = 0; i < 50; i++) {
		turn(&story, 0, true);
		die(&story, 0);
		assert_said(&story, "wait 0, start worker");
	}
}

static void row_42_ten_early_deaths_end_the_daemon(void **state)
{
	struct story story;

	(void)state;
	begin(&story, 1, false);
	for (int i = 0; i < 9; i++) {
		die(&story, 0);
		pass(&story, 5000);
		assert_null(strstr(story.said, "give up"));
	}
	story.said[0] = '\0';
	die(&story, 0);
	assert_said(&story, "give up, close, exit 70");
}

static void early_deaths_over_hours_are_no_storm(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	for (int i = 0; i < 50; i++) {
		die(&story, 0);
		pass(&story, 10000);
		turn_all(&story);
	}
	assert_null(strstr(story.said, "give up"));
}

static void nobody_gives_up_while_a_worker_serves(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	turn(&story, 1, true);
	for (int i = 0; i < 30; i++) {
		die(&story, 0);
		pass(&story, 5000);
	}
	assert_null(strstr(story.said, "give up"));
}

/* Kept connections stick to one worker: the others have had no call yet. */
static void a_reply_in_between_ends_a_storm(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	for (int i = 0; i < 30; i++) {
		turn(&story, 0, true);
		die(&story, 0);
		die(&story, 1);
		pass(&story, 300);
		turn_all(&story);
	}
	assert_null(strstr(story.said, "give up"));
}

static void an_nginx_that_never_starts_is_a_configuration_error(void **state)
{
	struct story story;

	(void)state;
	begin(&story, 1, true);
	story.said[0] = '\0';
	feed(&story, (struct policy_event){ .type = POLICY_DIED,
					    .place = 2,
					    .is_failure = true });
	assert_said(&story, "refuse, close, TERM worker, TERM ops");
	die_all(&story, ROLE_WORKER);
	die_all(&story, ROLE_OPS);
	assert_said(&story, "exit 78");
}

static void row_45_nginx_is_replaced_at_once(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	pass(&story, 1000);
	feed(&story, (struct policy_event){ .type = POLICY_DIED,
					    .place = 3,
					    .is_failure = true });
	assert_said(&story, "wait 0, start nginx");
}

static void an_nginx_that_dies_at_once_each_time_is_a_storm(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	for (int i = 0; i < 10; i++) {
		die_all(&story, ROLE_NGINX);
		pass(&story, 5000);
		for (size_t place = 0; place < POLICY_PLACES; place++) {
			if (story.policy.places[place].role == ROLE_NGINX)
				story.policy.places[place].started_ms =
					story.now_ms;
		}
	}
	assert_non_null(strstr(story.said, "give up"));
}

static void row_58_a_fork_that_fails_is_tried_again_later(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	die(&story, 0);
	story.said[0] = '\0';
	for (int i = 0; i < 20; i++) {
		feed(&story, (struct policy_event){ .type = POLICY_NOT_STARTED,
						    .place = 0 });
		assert_null(strstr(story.said, "wait 0"));
		pass(&story, 5000);
	}
	assert_null(strstr(story.said, "give up"));
}

static void a_hup_starts_new_ones_then_retires_the_old(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	happen(&story, POLICY_RENEW);
	assert_said(&story, "start worker, start worker, start ops");
	turn(&story, newest_worker(&story), false);
	assert_said(&story, "");
	turn_all(&story);
	assert_said(&story, "USR1 worker, USR1 worker, USR1 ops, renewed");
	die(&story, 0);
	assert_said(&story, "");
	assert_int_equal(count(&story, PLACE_UP), 4);
}

static void who_does_not_retire_is_ended(void **state)
{
	struct story story;

	(void)state;
	begin(&story, 1, false);
	turn_all(&story);
	happen(&story, POLICY_RENEW);
	turn_all(&story);
	story.said[0] = '\0';
	pass(&story, DEADLINE_MS + POLICY_RETIRE_MS - 1);
	assert_said(&story, "");
	pass(&story, 1);
	assert_said(&story, "TERM worker");
	pass(&story, POLICY_GRACE_MS);
	assert_said(&story, "KILL worker");
}

static void row_48_many_hups_are_few_generations(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	for (int i = 0; i < 200; i++) {
		happen(&story, POLICY_RENEW);
		turn_all(&story);
	}
	assert_int_equal(story.policy.generation, POLICY_GENERATIONS);
	assert_true(story.policy.renewal_is_wanted);
	for (size_t i = 0; i < POLICY_PLACES; i++) {
		if (story.policy.places[i].state == PLACE_LEAVING)
			die(&story, i);
	}
	assert_int_equal(story.policy.generation, POLICY_GENERATIONS + 1);
	assert_false(story.policy.renewal_is_wanted);
}

static void a_hup_during_a_hup_comes_after_it(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	happen(&story, POLICY_RENEW);
	happen(&story, POLICY_RENEW);
	happen(&story, POLICY_RENEW);
	assert_said(&story, "start worker, start worker, start ops");
	turn_all(&story);
	assert_int_equal(story.policy.generation, 3);
}

static void the_old_serve_while_the_new_cannot_start(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	turn(&story, 0, true);
	happen(&story, POLICY_RENEW);
	for (int i = 0; i < 20; i++) {
		die(&story, newest_worker(&story));
		pass(&story, 5000);
	}
	assert_null(strstr(story.said, "USR1"));
	assert_null(strstr(story.said, "give up"));
	assert_int_equal(story.policy.places[0].state, PLACE_UP);
}

static void sixty_four_workers_have_room_for_a_second_generation(void **state)
{
	struct story story;

	(void)state;
	begin(&story, 64, true);
	turn_all(&story);
	for (int i = 0; i < 5; i++) {
		happen(&story, POLICY_RENEW);
		turn_all(&story);
	}
	assert_int_equal(story.policy.generation, 2);
}

static void row_43_who_does_not_turn_is_killed(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	for (int i = 0; i < 6; i++) {
		story.now_ms += 1000;
		for (size_t place = 1; place < 3; place++)
			turn(&story, place, false);
		happen(&story, POLICY_TICK);
		assert_int_equal(strlen(story.said) > 0, i == 5);
	}
	assert_said(&story, "hung worker");
	story.now_ms += 1000;
	happen(&story, POLICY_TICK);
	assert_said(&story, "");
}

/* We were stopped ourselves: the others could not show a sign of life. */
static void nobody_is_killed_after_we_have_slept(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	story.now_ms += 600000;
	happen(&story, POLICY_TICK);
	assert_said(&story, "");
	for (int i = 0; i < 5; i++) {
		story.now_ms += 1000;
		happen(&story, POLICY_TICK);
	}
	assert_said(&story, "");
	story.now_ms += 1000;
	happen(&story, POLICY_TICK);
	assert_said(&story, "hung worker, hung worker, hung ops");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backoff_grows_to_five_seconds),
		cmocka_unit_test(start_is_ready_when_all_have_turned),
		cmocka_unit_test(a_dead_worker_is_replaced_with_backoff),
		cmocka_unit_test(a_reply_ends_the_backoff),
		cmocka_unit_test(row_42_ten_early_deaths_end_the_daemon),
		cmocka_unit_test(early_deaths_over_hours_are_no_storm),
		cmocka_unit_test(nobody_gives_up_while_a_worker_serves),
		cmocka_unit_test(a_reply_in_between_ends_a_storm),
		cmocka_unit_test(
			an_nginx_that_never_starts_is_a_configuration_error),
		cmocka_unit_test(row_45_nginx_is_replaced_at_once),
		cmocka_unit_test(
			an_nginx_that_dies_at_once_each_time_is_a_storm),
		cmocka_unit_test(row_58_a_fork_that_fails_is_tried_again_later),
		cmocka_unit_test(a_hup_starts_new_ones_then_retires_the_old),
		cmocka_unit_test(who_does_not_retire_is_ended),
		cmocka_unit_test(row_48_many_hups_are_few_generations),
		cmocka_unit_test(a_hup_during_a_hup_comes_after_it),
		cmocka_unit_test(the_old_serve_while_the_new_cannot_start),
		cmocka_unit_test(
			sixty_four_workers_have_room_for_a_second_generation),
		cmocka_unit_test(row_43_who_does_not_turn_is_killed),
		cmocka_unit_test(nobody_is_killed_after_we_have_slept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
