/*
 * loop: one thread's waiting: descriptors (epoll) and timers.
 *
 * Watches and timers are embedded in their owner, which finds itself again
 * with CONTAINER_OF.  Callbacks may add, change and remove any watch or
 * timer, their own included, and may free the owner after removing it.
 * Only loop_turn() and loop_run() wait.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/error.h"

struct watch {
	int fd; /* borrowed; closed by the owner after loop_remove() */
	/* events: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR */
	void (*ready)(struct watch *watch, uint32_t events);
};

struct timer {
	void (*fire)(struct timer *timer);
	int64_t at_ms; /* clock_ms() time */
	size_t place;  /* in the heap, from 1; 0: not running */
};

enum {
	LOOP_BATCH = 64
};

struct loop {
	int fd;
	bool stopped;
	struct epoll_event batch[LOOP_BATCH]; /* of this turn */
	int n_batch;
	struct timer **heap; /* heap[1] fires first */
	size_t n_timers;
	size_t heap_cap;
	int64_t firing_ms; /* while timers fire: the time; else 0 */
	void (*before_wait)(struct loop *loop); /* may be NULL */
	void *owner;                            /* for before_wait */
};

/* Returns 0; -1 with err set.  loop_clear() closes it; watches stay open. */
int loop_init(struct loop *loop, struct error *err);
void loop_clear(struct loop *loop);

/*
 * Watch fd (level-triggered unless events says EPOLLET).
 * Returns 0; -1 with errno (the kernel's limit on watches).
 */
int loop_add(struct loop *loop, struct watch *watch, uint32_t events);
void loop_change(struct loop *loop, struct watch *watch, uint32_t events);

/* Forget a watch; an event of this turn that it still had is dropped. */
void loop_remove(struct loop *loop, struct watch *watch);

/*
 * Fire once, at_ms (clock_ms() time) or later.  A running timer is moved.
 * A stopped one may be stopped again.
 */
void loop_timer_set(struct loop *loop, struct timer *timer, int64_t at_ms);
void loop_timer_stop(struct loop *loop, struct timer *timer);
bool loop_timer_is_running(const struct timer *timer);

/*
 * Wait for events, at most max_ms (-1: as long as it takes), and call back.
 */
void loop_turn(struct loop *loop, int max_ms);

/* Turn until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
