/*
 * policy: what the supervisor decides, without doing any of it.
 *
 * A pure function of (state, event, time) to actions: no system calls, no
 * clock, no allocation.  A place is where one process lives and is replaced
 * when it dies; the supervisor uses the same numbers for its processes.
 *
 * Running.  A process that dies is replaced, after 0, 100, 200 ... 5000 ms
 * when it dies again and again.  Ten deaths within a minute end the daemon:
 * of workers before their first reply, while no worker that has replied is
 * there and none comes to its first reply, or of nginx in its first second.
 * A process whose loop has not turned for 5 s is
 * killed.
 *
 * Renewing.  A new generation of workers is started beside the old one;
 * when all of it has turned its loops the old one is told to retire.
 * Requests that come meanwhile are one more renewal, as soon as there is
 * room for it.
 *
 * Stopping goes through phases and never back:
 *   DRAIN    nginx still listens; parked calls are answered now; until no
 *            call is in hand, at most drain_ms
 *   FRONT    the port is closed, nginx ends when its requests have ended,
 *            at most until drain_ms and 1 s are over; then TERM, KILL
 *   CHILDREN workers and ops get TERM, after 1 s KILL
 * A second stop, and giving up, go to CHILDREN at once with nginx, and to
 * KILL after half a second.
 */
#ifndef SUPERVISOR_POLICY_H
#define SUPERVISOR_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/scoreboard.h"

enum {
	POLICY_PLACES = BOARD_SLOTS - 1, /* one slot is the supervisor's */
	POLICY_STORM = 10,               /* deaths */
	POLICY_STORM_MS = 60000,         /* within which they are a storm */
	POLICY_BACKOFF_MS = 5000,        /* at most */
	POLICY_FRONT_EARLY_MS = 1000,
	POLICY_CALM_MS = 60000, /* lived as long: no backoff */
	POLICY_WATCHDOG_MS = 5000,
	POLICY_ASLEEP_MS = 3000, /* between ticks: we were stopped */
	POLICY_TICK_MS = 1000,
	POLICY_WATCH_MS = 10, /* while something is starting */
	POLICY_DRAIN_TICK_MS = 20,
	POLICY_GRACE_MS = 1000, /* from one signal to a harder one */
	POLICY_FAST_GRACE_MS = 500,
	/* longer than the deadline: nginx keeps a connection so long */
	POLICY_RETIRE_MS = 20000,
	POLICY_GENERATIONS = 4, /* that live at once, retiring ones too */
};

enum policy_state {
	PLACE_FREE,
	PLACE_WAITING,  /* to be started at due_ms */
	PLACE_STARTING, /* forked; its loop has not turned */
	PLACE_UP,
	PLACE_LEAVING, /* was asked to end; at due_ms with more force */
};

enum policy_phase {
	PHASE_RUN,
	PHASE_DRAIN,
	PHASE_FRONT,
	PHASE_CHILDREN,
	PHASE_OVER,
};

struct policy_place {
	enum policy_state state;
	enum board_role role;
	uint32_t generation;
	unsigned tries; /* starts since it last did well */
	int signal;     /* the last one it was asked to end with */
	int64_t started_ms, turned_ms, due_ms;
	bool has_replied;
};

struct policy_storm {
	int64_t at_ms[POLICY_STORM]; /* a ring */
	unsigned n;
};

struct policy_config {
	uint32_t n_workers;
	bool has_front; /* nginx, and an ops process */
	int64_t drain_ms, deadline_ms;
};

struct policy {
	struct policy_config config;
	enum policy_phase phase;
	uint32_t generation; /* the newest */
	bool is_renewing;    /* not all of it has turned yet */
	bool renewal_is_wanted;
	bool was_ready;
	bool front_was_up;        /* ever */
	bool is_fast;             /* the hard stop */
	int exit_code;            /* when OVER */
	int64_t stop_ms, quit_ms; /* begin of DRAIN, of FRONT */
	int64_t ticked_ms, awake_ms;
	struct policy_storm storms[N_ROLES];
	struct policy_place places[POLICY_PLACES];
};

enum policy_event_type {
	POLICY_BEGIN,
	POLICY_TICK,        /* time has passed; calls_in_hand */
	POLICY_SEEN,        /* place, turned_ms, has_turned, has_replied */
	POLICY_DIED,        /* place, is_failure */
	POLICY_NOT_STARTED, /* place: it could not be forked */
	POLICY_RENEW,
	POLICY_STOP,
};

struct policy_event {
	enum policy_event_type type;
	int64_t now_ms;
	size_t place;
	int64_t turned_ms;
	bool has_turned, has_replied;
	bool is_failure; /* an exit code other than 0 */
	bool calls_in_hand;
};

enum policy_action_type {
	POLICY_DO_START,    /* place; its role and generation stand there */
	POLICY_DO_WAIT,     /* place: started again in number ms (a note) */
	POLICY_DO_SIGNAL,   /* place, number */
	POLICY_DO_KILL,     /* place, with its group */
	POLICY_DO_WATCHDOG, /* place hangs: kill it */
	POLICY_DO_DRAIN,    /* say that a stop has begun */
	POLICY_DO_CLOSE_PORT,
	POLICY_DO_READY,   /* everything is up for the first time */
	POLICY_DO_RENEWED, /* the newest generation serves */
	POLICY_DO_REFUSE,  /* nginx refuses its configuration */
	POLICY_DO_GIVE_UP, /* place: it was the last of a storm */
	POLICY_DO_EXIT,    /* number is the exit code */
};

struct policy_action {
	enum policy_action_type type;
	size_t place;
	int64_t number;
};

enum {
	POLICY_ACTIONS = 2 * POLICY_PLACES + 8
};

struct policy_actions {
	size_t n;
	struct policy_action list[POLICY_ACTIONS];
};

void policy_init(struct policy *policy, const struct policy_config *config);

/* Take an event; *actions is what is to be done now, in this order. */
void policy_step(struct policy *policy, const struct policy_event *event,
		 struct policy_actions *actions);

/* The time at which a POLICY_TICK is due; never more than 1 s off. */
int64_t policy_next_ms(const struct policy *policy, int64_t now_ms);

/* The pause before the start that follows tries starts in vain. */
int64_t policy_backoff_ms(unsigned tries);

#endif
