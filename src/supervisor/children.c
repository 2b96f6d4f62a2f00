/*
 * children: start, signal, bury, count.
 */
#include "supervisor/children.h"

#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"

void children_init(struct children *children, struct board *board,
		   const struct account *account)
{
	memset(children, 0, sizeof(*children));
	children->board = board;
	children->account = account;
}

int children_start(struct children *children, size_t place,
		   enum board_role role, const struct process_way *way,
		   struct error *err)
{
	struct child *child = &children->list[place];

	child->role = role;
	child->slot = board_take(children->board, role);
	if (child->slot == NULL)
		return error_set(err, ERROR_INTERNAL,
				 "cannot fork: no slot is free");
	if (process_start(&child->process, way, err) < 0) {
		board_release(children->board, child->slot);
		child->slot = NULL;
		return -1;
	}
	child->slot->pid = child->process.pid;
	return 0;
}

void children_signal(const struct children *children, size_t place, int number)
{
	process_signal(&children->list[place].process, number);
}

void children_kill(const struct children *children, size_t place)
{
	process_kill(&children->list[place].process);
}

void children_kill_hung(struct children *children, size_t place,
			int64_t hung_ms)
{
	struct child *child = &children->list[place];

	if (child->slot == NULL)
		return;
	log_write(LOG_LEVEL_ERROR, "supervisor",
		  "%s %d hangs for %lld ms: killing it",
		  board_role_names[child->role], (int)child->process.pid,
		  (long long)hung_ms);
	child->slot->watchdog = true;
	process_kill(&child->process);
}

static struct child *children_find(struct children *children, pid_t pid)
{
	for (size_t i = 0; i < POLICY_PLACES; i++) {
		if (children->list[i].process.pid == pid)
			return &children->list[i];
	}
	return NULL;
}

static void children_count(struct children *children,
			   const struct child_end *end,
			   const struct board_slot *slot)
{
	enum board_death death = DEATH_EXIT;

	if (slot->watchdog)
		death = DEATH_WATCHDOG;
	else if (WIFSIGNALED(end->status))
		death = DEATH_SIGNAL;
	children->board->deaths[end->role][death]++;
	if (process_is_fault(end->status) && slot->call_digest != 0) {
		board_note_poison(children->board, slot->call_digest,
				  slot->call_key, clock_ms());
		log_write(LOG_LEVEL_WARN, "supervisor",
			  "%s %d died with a call for '%.64s' in its hand",
			  board_role_names[end->role], (int)end->pid,
			  slot->call_key);
	}
}

bool children_bury(struct children *children, const struct policy *policy,
		   struct child_end *end)
{
	struct child *child;
	pid_t pid;

	while ((pid = process_next_dead()) != 0) {
		child = children_find(children, pid);
		if (child == NULL) {
			process_reap(pid, NULL);
			continue;
		}
		end->pid = pid;
		end->place = (size_t)(child - children->list);
		end->role = child->role;
		end->lived_ms = clock_ms() - child->slot->started_ms;
		end->status = process_reap(pid, &child->process);
		end->was_asked =
			policy->places[end->place].state == PLACE_LEAVING;
		if (!end->was_asked)
			children_count(children, end, child->slot);
		board_release(children->board, child->slot);
		child->slot = NULL;
		return true;
	}
	return false;
}

bool children_have_calls(const struct children *children)
{
	const struct board_slot *slot;

	for (size_t i = 0; i < POLICY_PLACES; i++) {
		slot = children->list[i].slot;
		if (slot != NULL && children->list[i].role == ROLE_WORKER &&
		    (slot->n_parked > 0 ||
		     __atomic_load_n(&slot->call_digest, __ATOMIC_ACQUIRE) !=
			     0))
			return true;
	}
	return false;
}

void children_log_end(const struct child_end *end)
{
	char how[64], lived[32];

	process_end_text(end->status, how, sizeof(how));
	clock_duration_text(end->lived_ms, lived, sizeof(lived));
	log_write(end->was_asked ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN,
		  "supervisor", "%s %d %s after %s",
		  board_role_names[end->role], (int)end->pid, how, lived);
}
