/*
 * policy_stop: DRAIN, FRONT, CHILDREN, OVER; never back.
 */
#include "supervisor/policy_stop.h"

#include <signal.h>

static bool policy_stop_has_live(const struct policy *policy, bool front)
{
	for (size_t i = 0; i < POLICY_PLACES; i++) {
		if (policy_turn_is_live(&policy->places[i]) &&
		    (policy->places[i].role == ROLE_NGINX) == front)
			return true;
	}
	return false;
}

static void policy_stop_ask_all(struct policy_turn *turn, bool front,
				int number, int64_t due_ms)
{
	struct policy_place *places = turn->policy->places;

	for (size_t i = 0; i < POLICY_PLACES; i++) {
		if (policy_turn_is_live(&places[i]) &&
		    (places[i].role == ROLE_NGINX) == front)
			policy_turn_ask(turn, i, number, due_ms);
	}
}

static void policy_stop_end_if_empty(struct policy_turn *turn)
{
	struct policy *policy = turn->policy;

	if (policy->phase != PHASE_CHILDREN ||
	    policy_stop_has_live(policy, true) ||
	    policy_stop_has_live(policy, false))
		return;
	policy->phase = PHASE_OVER;
	policy_turn_do(turn, POLICY_DO_EXIT, 0, policy->exit_code);
}

static void policy_stop_enter_children(struct policy_turn *turn)
{
	struct policy *policy = turn->policy;
	int64_t due_ms = turn->now_ms + POLICY_GRACE_MS;

	/* Without an nginx the calls in hand end only now. */
	if (!policy->config.has_front)
		due_ms += policy->config.drain_ms;
	policy->phase = PHASE_CHILDREN;
	policy_stop_ask_all(turn, false, SIGTERM, due_ms);
	policy_stop_end_if_empty(turn);
}

static void policy_stop_enter_front(struct policy_turn *turn)
{
	struct policy *policy = turn->policy;
	int64_t due_ms = policy->stop_ms + policy->config.drain_ms;

	if (due_ms < turn->now_ms)
		due_ms = turn->now_ms;
	policy->phase = PHASE_FRONT;
	policy->quit_ms = turn->now_ms;
	policy_turn_do(turn, POLICY_DO_CLOSE_PORT, 0, 0);
	policy_stop_ask_all(turn, true, SIGQUIT, due_ms + POLICY_GRACE_MS);
	if (!policy_stop_has_live(policy, true))
		policy_stop_enter_children(turn);
}

/* Everything at once: a second stop, or a reason to give up. */
static void policy_stop_fast(struct policy_turn *turn)
{
	struct policy *policy = turn->policy;
	int64_t due_ms = turn->now_ms + POLICY_FAST_GRACE_MS;

	if (policy->is_fast)
		return;
	policy->is_fast = true;
	policy->phase = PHASE_CHILDREN;
	policy_turn_do(turn, POLICY_DO_CLOSE_PORT, 0, 0);
	policy_stop_ask_all(turn, true, SIGTERM, due_ms);
	policy_stop_ask_all(turn, false, SIGTERM, due_ms);
	policy_stop_end_if_empty(turn);
}

static void policy_stop_forget_waiting(struct policy *policy)
{
	for (size_t i = 0; i < POLICY_PLACES; i++) {
		if (policy->places[i].state == PLACE_WAITING)
			policy->places[i].state = PLACE_FREE;
	}
}

void policy_stop_fail(struct policy_turn *turn, int code)
{
	turn->policy->exit_code = code;
	policy_stop_forget_waiting(turn->policy);
	policy_stop_fast(turn);
}

void policy_stop_asked(struct policy_turn *turn, bool calls_in_hand)
{
	struct policy *policy = turn->policy;

	if (policy->phase == PHASE_OVER)
		return;
	if (policy->phase != PHASE_RUN) {
		policy_stop_fast(turn);
		return;
	}
	policy->phase = PHASE_DRAIN;
	policy->stop_ms = turn->now_ms;
	policy_stop_forget_waiting(policy);
	policy_turn_do(turn, POLICY_DO_DRAIN, 0, 0);
	if (!policy->config.has_front) {
		policy_stop_enter_children(turn);
		return;
	}
	for (size_t i = 0; i < POLICY_PLACES; i++) {
		if (policy_turn_is_live(&policy->places[i]) &&
		    policy->places[i].role == ROLE_WORKER)
			policy_turn_do(turn, POLICY_DO_SIGNAL, i, SIGUSR2);
	}
	if (!calls_in_hand)
		policy_stop_enter_front(turn);
}

void policy_stop_died(struct policy_turn *turn, enum board_role role)
{
	enum policy_phase phase = turn->policy->phase;

	if (phase == PHASE_CHILDREN)
		policy_stop_end_if_empty(turn);
	else if (role == ROLE_NGINX && phase == PHASE_DRAIN)
		policy_stop_enter_front(turn);
	else if (role == ROLE_NGINX && phase == PHASE_FRONT)
		policy_stop_enter_children(turn);
}

void policy_stop_tick(struct policy_turn *turn, bool calls_in_hand)
{
	struct policy *policy = turn->policy;

	if (!calls_in_hand ||
	    turn->now_ms - policy->stop_ms >= policy->config.drain_ms)
		policy_stop_enter_front(turn);
}
