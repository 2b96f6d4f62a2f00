/*
 * policy: the phases of a stop.
 */
#include "test.h"

#include "story.h"

static void row_47_a_stop_when_idle(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	happen(&story, POLICY_STOP);
	assert_said(&story, "drain, USR2 worker, USR2 worker, close, "
			    "QUIT nginx");
	die_all(&story, ROLE_NGINX);
	assert_said(&story, "TERM worker, TERM worker, TERM ops");
	die_all(&story, ROLE_WORKER);
	assert_said(&story, "");
	die_all(&story, ROLE_OPS);
	assert_said(&story, "exit 0");
}

static void row_47_a_stop_waits_for_calls_in_hand(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	story.calls_in_hand = true;
	happen(&story, POLICY_STOP);
	assert_said(&story, "drain, USR2 worker, USR2 worker");
	pass(&story, 2000);
	assert_said(&story, "");
	story.calls_in_hand = false;
	pass(&story, 100);
	assert_said(&story, "close, QUIT nginx");
}

static void row_47_a_stop_is_over_within_eight_seconds(void **state)
{
	struct story story;
	int64_t begun_ms;

	(void)state;
	begin_up(&story);
	begun_ms = story.now_ms;
	story.calls_in_hand = true;
	happen(&story, POLICY_STOP);
	story.said[0] = '\0';
	pass(&story, DRAIN_MS);
	assert_said(&story, "close, QUIT nginx");
	pass(&story, POLICY_GRACE_MS);
	assert_said(&story, "TERM nginx");
	pass(&story, POLICY_FAST_GRACE_MS);
	assert_said(&story, "KILL nginx");
	die_all(&story, ROLE_NGINX);
	assert_said(&story, "TERM worker, TERM worker, TERM ops");
	pass(&story, POLICY_GRACE_MS);
	assert_said(&story, "KILL worker, KILL worker, KILL ops");
	assert_true(story.now_ms - begun_ms < 8000);
}

/* What nginx still receives ends by itself, until the drain is over. */
static void row_47_nginx_may_finish_uploads(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	happen(&story, POLICY_STOP);
	story.said[0] = '\0';
	pass(&story, DRAIN_MS + POLICY_GRACE_MS - 1);
	assert_said(&story, "");
	pass(&story, 1);
	assert_said(&story, "TERM nginx");
}

static void without_nginx_workers_end_with_their_calls(void **state)
{
	struct story story;

	(void)state;
	begin(&story, 2, false);
	turn_all(&story);
	story.said[0] = '\0';
	story.calls_in_hand = true;
	happen(&story, POLICY_STOP);
	assert_said(&story, "drain, TERM worker, TERM worker");
	pass(&story, DRAIN_MS + POLICY_GRACE_MS - 1);
	assert_said(&story, "");
	pass(&story, 1);
	assert_said(&story, "KILL worker, KILL worker");
	die_all(&story, ROLE_WORKER);
	assert_said(&story, "exit 0");
}

static void row_48_a_second_stop_is_at_once(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	story.calls_in_hand = true;
	happen(&story, POLICY_STOP);
	story.said[0] = '\0';
	happen(&story, POLICY_STOP);
	assert_said(&story, "close, TERM nginx, TERM worker, TERM worker, "
			    "TERM ops");
	happen(&story, POLICY_STOP);
	assert_said(&story, "");
	pass(&story, POLICY_FAST_GRACE_MS);
	assert_said(&story, "KILL worker, KILL worker, KILL ops, KILL nginx");
}

static void row_48_a_stop_during_start_and_renewal(void **state)
{
	struct story story;

	(void)state;
	begin(&story, 1, true);
	story.said[0] = '\0';
	happen(&story, POLICY_STOP);
	assert_said(&story, "drain, USR2 worker, close, QUIT nginx");
	die_all(&story, ROLE_NGINX);
	die_all(&story, ROLE_WORKER);
	die_all(&story, ROLE_OPS);
	assert_non_null(strstr(story.said, "exit 0"));

	begin_up(&story);
	happen(&story, POLICY_RENEW);
	happen(&story, POLICY_STOP);
	happen(&story, POLICY_RENEW);
	die_all(&story, ROLE_NGINX);
	die_all(&story, ROLE_WORKER);
	story.said[0] = '\0';
	die_all(&story, ROLE_OPS);
	assert_said(&story, "exit 0");
}

static void nothing_is_started_during_a_stop(void **state)
{
	struct story story;

	(void)state;
	begin_up(&story);
	die(&story, 0);
	die(&story, 0);
	story.calls_in_hand = true;
	happen(&story, POLICY_STOP);
	die(&story, 1);
	happen(&story, POLICY_RENEW);
	story.said[0] = '\0';
	pass(&story, 4000);
	assert_said(&story, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_47_a_stop_when_idle),
		cmocka_unit_test(row_47_a_stop_waits_for_calls_in_hand),
		cmocka_unit_test(row_47_a_stop_is_over_within_eight_seconds),
		cmocka_unit_test(row_47_nginx_may_finish_uploads),
		cmocka_unit_test(without_nginx_workers_end_with_their_calls),
		cmocka_unit_test(row_48_a_second_stop_is_at_once),
		cmocka_unit_test(row_48_a_stop_during_start_and_renewal),
		cmocka_unit_test(nothing_is_started_during_a_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
