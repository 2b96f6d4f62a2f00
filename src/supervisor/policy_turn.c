/*
 * policy_turn: actions are appended, never done.
 */
#include "supervisor/policy_turn.h"

#include <assert.h>
#include <signal.h>

void policy_turn_do(struct policy_turn *turn, enum policy_action_type type,
		    size_t place, int64_t number)
{
	struct policy_actions *actions = turn->actions;

	assert(actions->n < POLICY_ACTIONS);
	actions->list[actions->n].type = type;
	actions->list[actions->n].place = place;
	actions->list[actions->n].number = number;
	actions->n++;
}

bool policy_turn_is_live(const struct policy_place *place)
{
	return place->state == PLACE_STARTING || place->state == PLACE_UP ||
	       place->state == PLACE_LEAVING;
}

void policy_turn_ask(struct policy_turn *turn, size_t i, int number,
		     int64_t due_ms)
{
	struct policy_place *place = &turn->policy->places[i];

	place->state = PLACE_LEAVING;
	place->signal = number;
	place->due_ms = due_ms;
	if (number == SIGKILL)
		policy_turn_do(turn, POLICY_DO_KILL, i, 0);
	else
		policy_turn_do(turn, POLICY_DO_SIGNAL, i, number);
}

void policy_turn_escalate(struct policy_turn *turn, size_t i)
{
	struct policy_place *place = &turn->policy->places[i];
	int64_t grace_ms = turn->policy->is_fast || place->role == ROLE_NGINX
				   ? POLICY_FAST_GRACE_MS
				   : POLICY_GRACE_MS;

	if (place->signal == SIGTERM || place->signal == SIGKILL)
		policy_turn_ask(turn, i, SIGKILL,
				turn->now_ms + POLICY_GRACE_MS);
	else
		policy_turn_ask(turn, i, SIGTERM, turn->now_ms + grace_ms);
}
