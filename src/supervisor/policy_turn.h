/*
 * policy_turn: what the parts of policy share: one step, its actions.
 */
#ifndef SUPERVISOR_POLICY_TURN_H
#define SUPERVISOR_POLICY_TURN_H

#include "supervisor/policy.h"

/* What one policy_step() works on. */
struct policy_turn {
	struct policy *policy;
	struct policy_actions *actions;
	int64_t now_ms;
};

/* Append an action. */
void policy_turn_do(struct policy_turn *turn, enum policy_action_type type,
		    size_t place, int64_t number);

/* True when a process is at place. */
bool policy_turn_is_live(const struct policy_place *place);

/*
 * Ask the live process at place i to end with signal number; at due_ms it
 * is asked with more force, by policy_turn_escalate().
 */
void policy_turn_ask(struct policy_turn *turn, size_t i, int number,
		     int64_t due_ms);
void policy_turn_escalate(struct policy_turn *turn, size_t i);

#endif
