/*
 * policy: the events, and what follows from each.
 */
#include "supervisor/policy.h"

#include <assert.h>
#include <signal.h>
#include <string.h>

#include "supervisor/policy_stop.h"
#include "supervisor/policy_turn.h"

enum {
	EXIT_CODE_STORM = 70,
	EXIT_CODE_CONFIG = 78
};

void policy_init(struct policy *policy, const struct policy_config *config)
{
	memset(policy, 0, sizeof(*policy));
	policy->config = *config;
}

int64_t policy_backoff_ms(unsigned tries)
{
	int64_t pause = 100;

	if (tries == 0)
		return 0;
	while (--tries > 0 && pause < POLICY_BACKOFF_MS)
		pause *= 2;
	return pause < POLICY_BACKOFF_MS ? pause : POLICY_BACKOFF_MS;
}

/* Workers and ops come in generations; nginx stays. */
static bool policy_is_renewed(const struct policy_place *place)
{
	return place->state != PLACE_FREE && place->role != ROLE_NGINX;
}

static void policy_start(struct policy_turn *turn, size_t i)
{
	struct policy_place *place = &turn->policy->places[i];

	place->state = PLACE_STARTING;
	place->started_ms = place->turned_ms = turn->now_ms;
	place->has_replied = false;
	place->signal = 0;
	policy_turn_do(turn, POLICY_DO_START, i, 0);
}

/* Start the process at place i when its backoff is over. */
static void policy_start_later(struct policy_turn *turn, size_t i)
{
	struct policy_place *place = &turn->policy->places[i];
	int64_t pause = policy_backoff_ms(place->tries++);

	place->state = PLACE_WAITING;
	place->due_ms = turn->now_ms + pause;
	policy_turn_do(turn, POLICY_DO_WAIT, i, pause);
	if (pause == 0)
		policy_start(turn, i);
}

static void policy_add(struct policy_turn *turn, enum board_role role)
{
	struct policy *policy = turn->policy;

	for (size_t i = 0; i < POLICY_PLACES; i++) {
		if (policy->places[i].state != PLACE_FREE)
			continue;
		memset(&policy->places[i], 0, sizeof(policy->places[i]));
		policy->places[i].role = role;
		policy->places[i].generation = policy->generation;
		policy_start(turn, i);
		return;
	}
	assert(!"policy_renew() has counted the places");
}

static void policy_add_generation(struct policy_turn *turn)
{
	struct policy *policy = turn->policy;

	policy->generation++;
	policy->is_renewing = true;
	for (uint32_t i = 0; i < policy->config.n_workers; i++)
		policy_add(turn, ROLE_WORKER);
	if (policy->config.has_front)
		policy_add(turn, ROLE_OPS);
}

static void policy_begin(struct policy_turn *turn)
{
	turn->policy->ticked_ms = turn->policy->awake_ms = turn->now_ms;
	policy_add_generation(turn);
	if (turn->policy->config.has_front)
		policy_add(turn, ROLE_NGINX);
}

static bool policy_has_room(const struct policy *policy)
{
	size_t each = policy->config.n_workers + policy->config.has_front;
	size_t used = 0;

	for (size_t i = 0; i < POLICY_PLACES; i++)
		used += policy_is_renewed(&policy->places[i]);
	/* One place is nginx's. */
	return used + each < POLICY_PLACES &&
	       used + each <= POLICY_GENERATIONS * each;
}

static void policy_renew(struct policy_turn *turn)
{
	struct policy *policy = turn->policy;

	if (policy->phase != PHASE_RUN || !policy->renewal_is_wanted ||
	    policy->is_renewing || !policy_has_room(policy))
		return;
	policy->renewal_is_wanted = false;
	policy_add_generation(turn);
}

static void policy_retire_old(struct policy_turn *turn)
{
	struct policy *policy = turn->policy;
	int64_t due_ms =
		turn->now_ms + policy->config.deadline_ms + POLICY_RETIRE_MS;
	struct policy_place *place;

	for (size_t i = 0; i < POLICY_PLACES; i++) {
		place = &policy->places[i];
		if (!policy_is_renewed(place) ||
		    place->generation == policy->generation)
			continue;
		if (place->state == PLACE_WAITING)
			place->state = PLACE_FREE;
		else if (place->state != PLACE_LEAVING)
			policy_turn_ask(turn, i, SIGUSR1, due_ms);
	}
}

/* True when all of the newest generation have turned their loops. */
static bool policy_is_renewal_complete(const struct policy *policy)
{
	const struct policy_place *place;

	for (size_t i = 0; i < POLICY_PLACES; i++) {
		place = &policy->places[i];
		if (policy_is_renewed(place) &&
		    place->generation == policy->generation &&
		    place->state != PLACE_UP)
			return false;
	}
	return true;
}

static void policy_notice_progress(struct policy_turn *turn)
{
	struct policy *policy = turn->policy;

	if (policy->phase != PHASE_RUN)
		return;
	if (policy->is_renewing && policy_is_renewal_complete(policy)) {
		policy->is_renewing = false;
		policy_retire_old(turn);
		policy_turn_do(turn, POLICY_DO_RENEWED, 0, 0);
	}
	if (!policy->was_ready && !policy->is_renewing &&
	    (policy->front_was_up || !policy->config.has_front)) {
		policy->was_ready = true;
		policy_turn_do(turn, POLICY_DO_READY, 0, 0);
	}
	policy_renew(turn);
}

static void policy_seen(struct policy_turn *turn,
			const struct policy_event *event)
{
	struct policy_place *place = &turn->policy->places[event->place];

	/* Workers that come to their first reply are no storm. */
	if (event->has_replied && !place->has_replied)
		turn->policy->storms[place->role].n = 0;
	place->has_replied = event->has_replied;
	if (place->turned_ms < event->turned_ms)
		place->turned_ms = event->turned_ms;
	if (!event->has_turned || place->state != PLACE_STARTING)
		return;
	place->state = PLACE_UP;
	if (place->role == ROLE_NGINX)
		turn->policy->front_was_up = true;
	policy_notice_progress(turn);
}

/* Deaths. */

static bool policy_is_early(const struct policy_turn *turn,
			    const struct policy_place *place)
{
	if (place->role == ROLE_NGINX)
		return turn->now_ms - place->started_ms < POLICY_FRONT_EARLY_MS;
	return !place->has_replied;
}

static bool policy_somebody_serves(const struct policy *policy)
{
	const struct policy_place *place;

	for (size_t i = 0; i < POLICY_PLACES; i++) {
		place = &policy->places[i];
		if (place->role == ROLE_WORKER && place->state == PLACE_UP &&
		    place->has_replied)
			return true;
	}
	return false;
}

/* Note an early death; true when it makes a storm. */
static bool policy_is_storm(struct policy_turn *turn, enum board_role role)
{
	struct policy_storm *storm = &turn->policy->storms[role];
	int64_t oldest_ms;

	storm->at_ms[storm->n++ % POLICY_STORM] = turn->now_ms;
	if (storm->n < POLICY_STORM)
		return false;
	oldest_ms = storm->at_ms[storm->n % POLICY_STORM];
	if (turn->now_ms - oldest_ms > POLICY_STORM_MS)
		return false;
	return role != ROLE_WORKER || !policy_somebody_serves(turn->policy);
}

static void policy_replace(struct policy_turn *turn, size_t i,
			   const struct policy_event *event)
{
	struct policy *policy = turn->policy;
	struct policy_place *place = &policy->places[i];

	if (place->role == ROLE_NGINX && !policy->front_was_up &&
	    event->is_failure) {
		place->state = PLACE_FREE;
		policy_turn_do(turn, POLICY_DO_REFUSE, i, 0);
		policy_stop_fail(turn, EXIT_CODE_CONFIG);
		return;
	}
	if (policy_is_early(turn, place)) {
		if (policy_is_storm(turn, place->role)) {
			place->state = PLACE_FREE;
			policy_turn_do(turn, POLICY_DO_GIVE_UP, i, 0);
			policy_stop_fail(turn, EXIT_CODE_STORM);
			return;
		}
		if (turn->now_ms - place->started_ms >= POLICY_CALM_MS)
			place->tries = 0;
	} else {
		place->tries = 0;
	}
	policy_start_later(turn, i);
}

static void policy_died(struct policy_turn *turn,
			const struct policy_event *event)
{
	struct policy *policy = turn->policy;
	struct policy_place *place = &policy->places[event->place];

	if (policy->phase == PHASE_RUN && place->state != PLACE_LEAVING) {
		policy_replace(turn, event->place, event);
		return;
	}
	place->state = PLACE_FREE;
	if (policy->phase == PHASE_RUN)
		policy_renew(turn);
	else
		policy_stop_died(turn, place->role);
}

static void policy_not_started(struct policy_turn *turn,
			       const struct policy_event *event)
{
	struct policy_place *place = &turn->policy->places[event->place];

	if (place->tries == 0)
		place->tries = 1;
	if (turn->policy->phase == PHASE_RUN)
		policy_start_later(turn, event->place);
	else
		place->state = PLACE_FREE;
}

/* Time. */

static void policy_watch(struct policy_turn *turn, size_t i)
{
	struct policy_place *place = &turn->policy->places[i];
	int64_t seen_ms = place->turned_ms;

	if (place->role == ROLE_NGINX || !policy_turn_is_live(place))
		return;
	if (seen_ms < turn->policy->awake_ms)
		seen_ms = turn->policy->awake_ms;
	if (turn->now_ms - seen_ms <= POLICY_WATCHDOG_MS)
		return;
	place->turned_ms = turn->now_ms;
	policy_turn_do(turn, POLICY_DO_WATCHDOG, i, turn->now_ms - seen_ms);
}

static void policy_tick(struct policy_turn *turn,
			const struct policy_event *event)
{
	struct policy *policy = turn->policy;
	struct policy_place *place;

	if (turn->now_ms - policy->ticked_ms > POLICY_ASLEEP_MS)
		policy->awake_ms = turn->now_ms;
	policy->ticked_ms = turn->now_ms;
	for (size_t i = 0; i < POLICY_PLACES; i++) {
		place = &policy->places[i];
		if (place->state == PLACE_WAITING &&
		    place->due_ms <= turn->now_ms)
			policy_start(turn, i);
		else if (place->state == PLACE_LEAVING &&
			 place->due_ms <= turn->now_ms)
			policy_turn_escalate(turn, i);
		policy_watch(turn, i);
	}
	if (policy->phase == PHASE_DRAIN)
		policy_stop_tick(turn, event->calls_in_hand);
}

void policy_step(struct policy *policy, const struct policy_event *event,
		 struct policy_actions *actions)
{
	struct policy_turn turn = { policy, actions, event->now_ms };

	actions->n = 0;
	switch (event->type) {
	case POLICY_BEGIN:
		policy_begin(&turn);
		break;
	case POLICY_TICK:
		policy_tick(&turn, event);
		break;
	case POLICY_SEEN:
		policy_seen(&turn, event);
		break;
	case POLICY_DIED:
		policy_died(&turn, event);
		break;
	case POLICY_NOT_STARTED:
		policy_not_started(&turn, event);
		break;
	case POLICY_RENEW:
		policy->renewal_is_wanted = true;
		policy_renew(&turn);
		break;
	case POLICY_STOP:
		policy_stop_asked(&turn, event->calls_in_hand);
		break;
	}
}

int64_t policy_next_ms(const struct policy *policy, int64_t now_ms)
{
	int64_t next_ms = now_ms + POLICY_TICK_MS;
	const struct policy_place *place;

	if (policy->phase == PHASE_DRAIN)
		next_ms = now_ms + POLICY_DRAIN_TICK_MS;
	for (size_t i = 0; i < POLICY_PLACES; i++) {
		place = &policy->places[i];
		if (place->state == PLACE_STARTING &&
		    now_ms + POLICY_WATCH_MS < next_ms)
			next_ms = now_ms + POLICY_WATCH_MS;
		if ((place->state == PLACE_WAITING ||
		     place->state == PLACE_LEAVING) &&
		    place->due_ms < next_ms)
			next_ms = place->due_ms;
	}
	return next_ms > now_ms ? next_ms : now_ms;
}
