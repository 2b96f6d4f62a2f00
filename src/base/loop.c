/*
 * loop: epoll, and a binary heap of timers.
 */
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

int loop_init(struct loop *loop, struct error *err)
{
	memset(loop, 0, sizeof(*loop));
	loop->fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->fd < 0)
		return error_sys(err, "cannot create an epoll descriptor");
	return 0;
}

void loop_clear(struct loop *loop)
{
	if (loop->fd >= 0)
		close(loop->fd);
	free(loop->heap);
	memset(loop, 0, sizeof(*loop));
	loop->fd = -1;
}

int loop_add(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return epoll_ctl(loop->fd, EPOLL_CTL_ADD, watch->fd, &event);
}

void loop_change(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	epoll_ctl(loop->fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void loop_remove(struct loop *loop, struct watch *watch)
{
	epoll_ctl(loop->fd, EPOLL_CTL_DEL, watch->fd, NULL);
	for (int i = 0; i < loop->n_batch; i++) {
		if (loop->batch[i].data.ptr == watch)
			loop->batch[i].data.ptr = NULL;
	}
}

static void loop_heap_put(struct loop *loop, size_t place, struct timer *timer)
{
	loop->heap[place] = timer;
	timer->place = place;
}

static void loop_heap_up(struct loop *loop, struct timer *timer)
{
	size_t place = timer->place;

	for (; place > 1; place /= 2) {
		if (loop->heap[place / 2]->at_ms <= timer->at_ms)
			break;
		loop_heap_put(loop, place, loop->heap[place / 2]);
	}
	loop_heap_put(loop, place, timer);
}

static void loop_heap_down(struct loop *loop, struct timer *timer)
{
	size_t place = timer->place, child;

	for (;; place = child) {
		child = place * 2;
		if (child > loop->n_timers)
			break;
		if (child < loop->n_timers &&
		    loop->heap[child + 1]->at_ms < loop->heap[child]->at_ms)
			child++;
		if (loop->heap[child]->at_ms >= timer->at_ms)
			break;
		loop_heap_put(loop, place, loop->heap[child]);
	}
	loop_heap_put(loop, place, timer);
}

void loop_timer_set(struct loop *loop, struct timer *timer, int64_t at_ms)
{
	if (timer->place == 0) {
		if (loop->n_timers + 2 > loop->heap_cap) {
			loop->heap_cap = loop->heap_cap * 2 + 16;
			loop->heap = mem_realloc(
				loop->heap,
				loop->heap_cap * sizeof(struct timer *));
		}
		timer->place = ++loop->n_timers;
		loop->heap[timer->place] = timer;
	}
	if (loop->firing_ms != 0 && at_ms <= loop->firing_ms)
		at_ms = loop->firing_ms + 1;
	timer->at_ms = at_ms;
	loop_heap_up(loop, timer);
	loop_heap_down(loop, timer);
}

void loop_timer_stop(struct loop *loop, struct timer *timer)
{
	size_t place = timer->place;
	struct timer *last;

	if (place == 0)
		return;
	assert(loop->heap[place] == timer);
	last = loop->heap[loop->n_timers--];
	timer->place = 0;
	if (last == timer)
		return;
	loop_heap_put(loop, place, last);
	loop_heap_up(loop, last);
	loop_heap_down(loop, last);
}

bool loop_timer_is_running(const struct timer *timer)
{
	return timer->place != 0;
}

/* The time to wait, at most max_ms (-1: no bound), until a timer is due. */
static int loop_wait_ms(const struct loop *loop, int max_ms)
{
	int64_t left;

	if (loop->n_timers == 0)
		return max_ms;
	left = loop->heap[1]->at_ms - clock_ms();
	if (left < 0)
		left = 0;
	if (max_ms >= 0 && left > max_ms)
		return max_ms;
	return left > 3600000 ? 3600000 : (int)left;
}

/*
 * Fire what is due now.  A timer that a callback sets to a time that is
 * over waits for the next turn, so a callback cannot hold the loop.
 */
static void loop_fire(struct loop *loop)
{
	struct timer *timer;

	loop->firing_ms = clock_ms();
	while (loop->n_timers > 0 && loop->heap[1]->at_ms <= loop->firing_ms) {
		timer = loop->heap[1];
		loop_timer_stop(loop, timer);
		timer->fire(timer);
	}
	loop->firing_ms = 0;
}

void loop_turn(struct loop *loop, int max_ms)
{
	struct watch *watch;
	int n;

	if (loop->before_wait != NULL)
		loop->before_wait(loop);
	n = epoll_wait(loop->fd, loop->batch, LOOP_BATCH,
		       loop_wait_ms(loop, max_ms));
	loop->n_batch = n > 0 ? n : 0;
	for (int i = 0; i < loop->n_batch; i++) {
		watch = loop->batch[i].data.ptr;
		if (watch != NULL)
			watch->ready(watch, loop->batch[i].events);
	}
	loop->n_batch = 0;
	if (loop->n_timers > 0)
		loop_fire(loop);
}

void loop_run(struct loop *loop)
{
	while (!loop->stopped)
		loop_turn(loop, -1);
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
