/*
 * test_children: what a child writes on the board is not believed.
 */
#include "test.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "supervisor/children.h"

enum {
	PLACE = 3,
	PATIENCE_MS = 5000
};

static int spoil_slot(void *context)
{
	struct board_slot *slot = *(struct board_slot **)context;

	slot->role = (enum board_role)0xffffff;
	slot->state = (enum board_state)0xffffff;
	_exit(1);
}

static void a_role_that_a_child_wrote_is_not_used(void **state)
{
	struct account account = { .is_other = false };
	struct process_way way = { .account = &account, .main = spoil_slot };
	struct board *board = board_new(NULL);
	int64_t end_ms = clock_ms() + PATIENCE_MS;
	static struct children children;
	static struct policy policy;
	struct child_end end = { .pid = 0 };

	(void)state;
	assert_non_null(board);
	children_init(&children, board, &account);
	way.context = &children.list[PLACE].slot;
	assert_int_equal(
		children_start(&children, PLACE, ROLE_WORKER, &way, NULL), 0);
	policy.places[PLACE].state = PLACE_UP;
	while (!children_bury(&children, &policy, &end))
		assert_true(clock_ms() < end_ms);
	assert_int_equal(end.role, ROLE_WORKER);
	assert_int_equal(board->deaths[ROLE_WORKER][DEATH_EXIT], 1);
	children_log_end(&end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_role_that_a_child_wrote_is_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
