/*
 * story: a policy, its clock, and what it asks for, in words.
 */
#ifndef UNIT_STORY_H
#define UNIT_STORY_H

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/policy.h"

enum {
	DRAIN_MS = 5000,
	DEADLINE_MS = 20000
};

/* A policy, its clock, and all that it has asked for since the last look. */
struct story {
	struct policy policy;
	struct policy_actions actions;
	int64_t now_ms;
	bool calls_in_hand;
	char said[4096];
};

static inline const char *name_of(const struct story *story,
				  const struct policy_action *action)
{
	static char text[64];
	const struct policy_place *place = &story->policy.places[action->place];
	const char *role = board_role_names[place->role];

	switch (action->type) {
	case POLICY_DO_START:
		snprintf(text, sizeof(text), "start %s", role);
		break;
	case POLICY_DO_WAIT:
		snprintf(text, sizeof(text), "wait %lld",
			 (long long)action->number);
		break;
	case POLICY_DO_SIGNAL:
		snprintf(text, sizeof(text), "%s %s",
			 sigabbrev_np((int)action->number), role);
		break;
	case POLICY_DO_KILL:
		snprintf(text, sizeof(text), "KILL %s", role);
		break;
	case POLICY_DO_WATCHDOG:
		snprintf(text, sizeof(text), "hung %s", role);
		break;
	case POLICY_DO_DRAIN:
		return "drain";
	case POLICY_DO_CLOSE_PORT:
		return "close";
	case POLICY_DO_READY:
		return "ready";
	case POLICY_DO_RENEWED:
		return "renewed";
	case POLICY_DO_REFUSE:
		return "refuse";
	case POLICY_DO_GIVE_UP:
		return "give up";
	case POLICY_DO_EXIT:
		snprintf(text, sizeof(text), "exit %lld",
			 (long long)action->number);
		break;
	}
	return text;
}

static inline void feed(struct story *story, struct policy_event event)
{
	size_t len;

	event.now_ms = story->now_ms;
	event.calls_in_hand = story->calls_in_hand;
	policy_step(&story->policy, &event, &story->actions);
	for (size_t i = 0; i < story->actions.n; i++) {
		len = strlen(story->said);
		snprintf(story->said + len, sizeof(story->said) - len, "%s%s",
			 len > 0 ? ", " : "",
			 name_of(story, &story->actions.list[i]));
	}
}

static inline void happen(struct story *story, enum policy_event_type type)
{
	feed(story, (struct policy_event){ .type = type });
}

/* Let ms pass, with every tick that policy asks for; nobody hangs. */
static inline void pass(struct story *story, int64_t ms)
{
	int64_t end_ms = story->now_ms + ms, next_ms;

	for (;;) {
		next_ms = policy_next_ms(&story->policy, story->now_ms);
		if (next_ms > end_ms)
			break;
		story->now_ms =
			next_ms > story->now_ms ? next_ms : story->now_ms + 1;
		for (size_t i = 0; i < POLICY_PLACES; i++)
			story->policy.places[i].turned_ms = story->now_ms;
		happen(story, POLICY_TICK);
	}
	story->now_ms = end_ms;
}

static inline void turn(struct story *story, size_t place, bool has_replied)
{
	feed(story, (struct policy_event){ .type = POLICY_SEEN,
					   .place = place,
					   .turned_ms = story->now_ms,
					   .has_turned = true,
					   .has_replied = has_replied });
}

static inline void turn_all(struct story *story)
{
	for (size_t i = 0; i < POLICY_PLACES; i++) {
		if (story->policy.places[i].state == PLACE_STARTING)
			turn(story, i, false);
	}
}

static inline void die(struct story *story, size_t place)
{
	feed(story,
	     (struct policy_event){ .type = POLICY_DIED, .place = place });
}

/* Every live process of role ends. */
static inline void die_all(struct story *story, enum board_role role)
{
	for (size_t i = 0; i < POLICY_PLACES; i++) {
		if (story->policy.places[i].state >= PLACE_STARTING &&
		    story->policy.places[i].role == role)
			die(story, i);
	}
}

static inline void begin(struct story *story, uint32_t n_workers,
			 bool has_front)
{
	const struct policy_config config = {
		.n_workers = n_workers,
		.has_front = has_front,
		.drain_ms = DRAIN_MS,
		.deadline_ms = DEADLINE_MS,
	};

	memset(story, 0, sizeof(*story));
	story->now_ms = 1000000;
	policy_init(&story->policy, &config);
	happen(story, POLICY_BEGIN);
}

/* Two workers, ops and nginx, all up, nothing said. */
static inline void begin_up(struct story *story)
{
	begin(story, 2, true);
	turn_all(story);
	story->said[0] = '\0';
}

static inline void assert_said(struct story *story, const char *said)
{
	assert_string_equal(story->said, said);
	story->said[0] = '\0';
}

static inline size_t count(const struct story *story, enum policy_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < POLICY_PLACES; i++)
		n += story->policy.places[i].state == state;
	return n;
}

#endif
