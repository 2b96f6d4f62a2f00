/*
 * policy_stop: the phases of a stop, as policy.h tells them.
 */
#ifndef SUPERVISOR_POLICY_STOP_H
#define SUPERVISOR_POLICY_STOP_H

#include "supervisor/policy_turn.h"

/* A stop was asked for, once or again. */
void policy_stop_asked(struct policy_turn *turn, bool calls_in_hand);

/* End everything at once, then exit with code. */
void policy_stop_fail(struct policy_turn *turn, int code);

/* A process of that role has ended during a stop. */
void policy_stop_died(struct policy_turn *turn, enum board_role role);

/* Time has passed in the phase DRAIN. */
void policy_stop_tick(struct policy_turn *turn, bool calls_in_hand);

#endif
