#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"

static struct loop loop;
static char order[64]; /* a letter for each callback */

static void note(char letter)
{
	size_t len = strlen(order);

	assert_true(len + 1 < sizeof(order));
	order[len] = letter;
	order[len + 1] = '\0';
}

static int begin(void **state)
{
	(void)state;
	order[0] = '\0';
	return loop_init(&loop, NULL);
}

static int end(void **state)
{
	(void)state;
	loop_clear(&loop);
	return 0;
}

struct lettered_timer {
	struct timer timer;
	char letter;
};

static void fire_letter(struct timer *timer)
{
	note(CONTAINER_OF(timer, struct lettered_timer, timer)->letter);
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
	static const char letters[] = "dacebgf";
	struct lettered_timer timers[7];
	int64_t past = clock_ms() - 100;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(timers); i++) {
		timers[i] = (struct lettered_timer){ { .fire = fire_letter },
						     letters[i] };
		loop_timer_set(&loop, &timers[i].timer,
			       past + letters[i] - 'a');
		assert_true(loop_timer_is_running(&timers[i].timer));
	}
	loop_turn(&loop, 0);
	assert_string_equal(order, "abcdefg");
	for (size_t i = 0; i < ARRAY_LEN(timers); i++)
		assert_false(loop_timer_is_running(&timers[i].timer));
	loop_turn(&loop, 0);
	assert_string_equal(order, "abcdefg");
}

/* Against a list that is searched from end to end. */
static void any_mix_of_setting_moving_and_stopping_keeps_the_order(void **state)
{
	struct lettered_timer timers[50];
	unsigned random = 1;
	int64_t last;

	(void)state;
	memset(timers, 0, sizeof(timers));
	for (int i = 0; i < 5000; i++) {
		struct timer *timer;

		random = random * 1103515245 + 12345;
		timer = &timers[random / 65536 % ARRAY_LEN(timers)].timer;
		random = random * 1103515245 + 12345;
		if (random / 65536 % 4 == 0)
			loop_timer_stop(&loop, timer);
		else
			loop_timer_set(&loop, timer, random / 65536 % 1000);
	}
	last = 0;
	for (size_t i = 0; i < ARRAY_LEN(timers); i++) {
		if (loop_timer_is_running(&timers[i].timer))
			last++;
	}
	assert_int_equal(last, loop.n_timers);
	for (last = 0; loop.n_timers > 0;
	     loop_timer_stop(&loop, loop.heap[1])) {
		for (size_t i = 1; i <= loop.n_timers; i++)
			assert_true(loop.heap[i]->at_ms >= loop.heap[1]->at_ms);
		assert_true(loop.heap[1]->at_ms >= last);
		last = loop.heap[1]->at_ms;
	}
}

static void a_timer_can_be_moved_and_stopped_twice(void **state)
{
	struct lettered_timer a = { { .fire = fire_letter }, 'a' };
	struct lettered_timer b = { { .fire = fire_letter }, 'b' };
	int64_t now = clock_ms();

	(void)state;
	loop_timer_set(&loop, &a.timer, now - 2);
	loop_timer_set(&loop, &b.timer, now - 1);
	loop_timer_set(&loop, &a.timer, now + 100000);
	loop_turn(&loop, 0);
	assert_string_equal(order, "b");
	loop_timer_stop(&loop, &a.timer);
	loop_timer_stop(&loop, &a.timer);
	assert_int_equal(loop.n_timers, 0);
}

static void a_timer_ends_the_wait_and_is_never_early(void **state)
{
	struct lettered_timer a = { { .fire = fire_letter }, 'a' };
	int64_t due = clock_ms() + 20;

	(void)state;
	loop_timer_set(&loop, &a.timer, due);
	while (loop_timer_is_running(&a.timer))
		loop_turn(&loop, -1);
	assert_true(clock_ms() >= due);
	assert_string_equal(order, "a");
}

static void fire_again(struct timer *timer)
{
	fire_letter(timer);
	loop_timer_set(&loop, timer, clock_ms() - 1000);
}

static void a_timer_that_sets_itself_back_does_not_hold_the_loop(void **state)
{
	struct lettered_timer a = { { .fire = fire_again }, 'a' };
	struct lettered_timer b = { { .fire = fire_letter }, 'b' };

	(void)state;
	loop_timer_set(&loop, &a.timer, clock_ms() - 50);
	loop_timer_set(&loop, &b.timer, clock_ms() - 10);
	loop_turn(&loop, 0);
	assert_string_equal(order, "ab");
	assert_true(loop_timer_is_running(&a.timer));
	loop_timer_stop(&loop, &a.timer);
}

struct owner {
	struct watch watch;
	struct timer timer;
	char letter;
	struct owner *victim; /* removed and freed by the first to be called */
};

static struct owner *owner_new(char letter)
{
	struct owner *owner = calloc(1, sizeof(*owner));

	assert_non_null(owner);
	owner->letter = letter;
	owner->watch.fd = eventfd(1, EFD_CLOEXEC);
	return owner;
}

static void owner_free(struct owner *owner)
{
	loop_remove(&loop, &owner->watch);
	loop_timer_stop(&loop, &owner->timer);
	close(owner->watch.fd);
	free(owner);
}

static void ready_free_victim(struct watch *watch, uint32_t events)
{
	struct owner *owner = CONTAINER_OF(watch, struct owner, watch);

	assert_int_equal(events, EPOLLIN);
	note(owner->letter);
	owner->victim->victim = NULL;
	owner_free(owner->victim);
	if (owner->victim != owner)
		owner_free(owner);
}

/* Both are ready in one batch; whichever is first frees the other. */
static void an_event_of_a_freed_owner_is_dropped(void **state)
{
	struct owner *a = owner_new('a'), *b = owner_new('b');

	(void)state;
	a->victim = b;
	b->victim = a;
	a->watch.ready = b->watch.ready = ready_free_victim;
	assert_int_equal(loop_add(&loop, &a->watch, EPOLLIN), 0);
	assert_int_equal(loop_add(&loop, &b->watch, EPOLLIN), 0);
	loop_turn(&loop, 0);
	assert_int_equal(strlen(order), 1);
	loop_turn(&loop, 0);
	assert_int_equal(strlen(order), 1);
}

static void ready_free_self(struct watch *watch, uint32_t events)
{
	struct owner *owner = CONTAINER_OF(watch, struct owner, watch);

	(void)events;
	note(owner->letter);
	owner_free(owner);
}

static void a_callback_may_free_its_own_owner(void **state)
{
	struct owner *a = owner_new('a');

	(void)state;
	a->watch.ready = ready_free_self;
	loop_timer_set(&loop, &a->timer, clock_ms() - 1);
	assert_int_equal(loop_add(&loop, &a->watch, EPOLLIN), 0);
	loop_turn(&loop, 0);
	assert_string_equal(order, "a");
}

static void fire_free_owner(struct timer *timer)
{
	struct owner *owner = CONTAINER_OF(timer, struct owner, timer);

	note(owner->letter);
	if (owner->victim != NULL)
		owner_free(owner->victim);
	owner_free(owner);
}

static void a_timer_of_a_freed_owner_does_not_fire(void **state)
{
	struct owner *a = owner_new('a'), *b = owner_new('b');

	(void)state;
	a->victim = b;
	a->timer.fire = b->timer.fire = fire_free_owner;
	loop_timer_set(&loop, &a->timer, clock_ms() - 2);
	loop_timer_set(&loop, &b->timer, clock_ms() - 1);
	loop_turn(&loop, 0);
	assert_string_equal(order, "a");
}

static void ready_note(struct watch *watch, uint32_t events)
{
	note(CONTAINER_OF(watch, struct owner, watch)->letter);
	assert_true(events != 0);
}

static void what_is_watched_for_can_be_changed(void **state)
{
	struct owner *a = owner_new('a');

	(void)state;
	a->watch.ready = ready_note;
	assert_int_equal(loop_add(&loop, &a->watch, EPOLLIN), 0);
	assert_int_equal(loop_add(&loop, &a->watch, EPOLLIN), -1);
	loop_turn(&loop, 0);
	loop_change(&loop, &a->watch, 0);
	loop_turn(&loop, 0);
	assert_string_equal(order, "a");
	loop_change(&loop, &a->watch, EPOLLIN);
	loop_turn(&loop, 0);
	assert_string_equal(order, "aa");
	owner_free(a);
	loop_turn(&loop, 0);
	assert_string_equal(order, "aa");
}

static void before_wait(struct loop *own)
{
	assert_ptr_equal(own->owner, order);
	note('.');
}

static void fire_stop(struct timer *timer)
{
	fire_letter(timer);
	loop_stop(&loop);
}

static void it_runs_until_it_is_stopped(void **state)
{
	struct lettered_timer a = { { .fire = fire_letter }, 'a' };
	struct lettered_timer b = { { .fire = fire_stop }, 'b' };

	(void)state;
	loop.before_wait = before_wait;
	loop.owner = order;
	loop_timer_set(&loop, &a.timer, clock_ms() - 1);
	loop_timer_set(&loop, &b.timer, clock_ms() + 60000);
	loop_turn(&loop, 0);
	assert_string_equal(order, ".a");
	loop_timer_set(&loop, &b.timer, clock_ms());
	loop_run(&loop);
	assert_non_null(strchr(order, 'b'));
	assert_int_equal(order[2], '.');
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(timers_fire_in_the_order_of_their_times),
		LOOP_TEST(
			any_mix_of_setting_moving_and_stopping_keeps_the_order),
		LOOP_TEST(a_timer_can_be_moved_and_stopped_twice),
		LOOP_TEST(a_timer_ends_the_wait_and_is_never_early),
		LOOP_TEST(a_timer_that_sets_itself_back_does_not_hold_the_loop),
		LOOP_TEST(an_event_of_a_freed_owner_is_dropped),
		LOOP_TEST(a_callback_may_free_its_own_owner),
		LOOP_TEST(a_timer_of_a_freed_owner_does_not_fire),
		LOOP_TEST(what_is_watched_for_can_be_changed),
		LOOP_TEST(it_runs_until_it_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
