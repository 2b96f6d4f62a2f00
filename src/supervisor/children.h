/*
 * children: the processes at policy's places, each with its slot on the
 * board; how they are started, told to end, and what is said of their end.
 */
#ifndef SUPERVISOR_CHILDREN_H
#define SUPERVISOR_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/scoreboard.h"
#include "supervisor/policy.h"
#include "supervisor/process.h"

struct child {
	struct process process;
	enum board_role role;    /* the slot's can be written by the child */
	struct board_slot *slot; /* NULL: no process here */
};

struct children {
	struct board *board;
	const struct account *account;
	struct child list[POLICY_PLACES];
};

/* What a death was, for policy and the log. */
struct child_end {
	size_t place;
	enum board_role role;
	pid_t pid;
	int status;
	bool was_asked; /* to end: not a death to count */
	int64_t lived_ms;
};

void children_init(struct children *children, struct board *board,
		   const struct account *account);

/*
 * Start a process at a free place.  way->main gets way->context after the
 * child's slot has its pid; the slot is children->list[place].slot.
 * Returns 0; -1 with err set and the place still free.
 */
int children_start(struct children *children, size_t place,
		   enum board_role role, const struct process_way *way,
		   struct error *err);

void children_signal(const struct children *children, size_t place, int number);
void children_kill(const struct children *children, size_t place);

/* SIGKILL the process at place because it hangs; it is counted as that. */
void children_kill_hung(struct children *children, size_t place,
			int64_t hung_ms);

/*
 * Reap one child that has ended.  Orphans that were given to us are reaped
 * as well and not told.  Returns false when there is none (any more), else
 * sets *end, counts the death on the board unless policy has asked for it,
 * and frees the slot.
 */
bool children_bury(struct children *children, const struct policy *policy,
		   struct child_end *end);

/* True while a worker has a call in its hand or parked. */
bool children_have_calls(const struct children *children);

/* Log the end: "worker 123 was killed by SIGSEGV after 12.3 s". */
void children_log_end(const struct child_end *end);

#endif
