/*
 * snapshot: one walk over the slots that were ever used.
 */
#include "ops/snapshot.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "ops/health.h"
#include "ops/procfs.h"

static int64_t snapshot_age(int64_t now_ms, int64_t then_ms)
{
	if (then_ms <= 0)
		return -1;
	return now_ms > then_ms ? now_ms - then_ms : 0;
}

static void snapshot_take_process(const struct board_slot *slot, int64_t now,
				  struct snapshot_process *process)
{
	int64_t parked_age = snapshot_age(now, slot->oldest_parked_ms);
	int64_t call_age = -1;

	process->state = slot->state < N_STATES ? slot->state : STATE_STARTING;
	process->generation = slot->generation;
	process->started_age_ms = snapshot_age(now, slot->started_ms);
	process->turned_age_ms = -1;
	if (process->role != ROLE_NGINX)
		process->turned_age_ms = snapshot_age(now, slot->turned_ms);
	process->replies = slot->replies;
	process->n_connections = slot->n_connections;
	process->n_parked = process->n_in_hand = slot->n_parked;
	process->call_key[0] = '\0';
	/* What ops answers this moment is the page that is being made. */
	if (slot->call_digest != 0 && process->role != ROLE_OPS) {
		process->n_in_hand++;
		call_age = snapshot_age(now, slot->call_begun_ms);
		memcpy(process->call_key, slot->call_key,
		       sizeof(process->call_key) - 1);
		process->call_key[sizeof(process->call_key) - 1] = '\0';
	}
	process->in_hand_age_ms = parked_age > call_age ? parked_age : call_age;
	process->memory_bytes = procfs_resident_bytes(
		process->pid, process->role == ROLE_NGINX);
}

static void snapshot_add_process(struct snapshot *snapshot,
				 const struct board_slot *slot, int64_t now)
{
	struct snapshot_process *process =
		&snapshot->processes[snapshot->n_processes];

	process->pid = slot->pid;
	process->role = slot->role;
	if (process->pid <= 0 || process->role >= N_ROLES)
		return;
	snapshot_take_process(slot, now, process);
	snapshot->n_processes++;
	snapshot->n_connections += process->n_connections;
	snapshot->n_parked += process->n_parked;
	snapshot->n_in_hand += process->n_in_hand;
}

static void snapshot_add_failure(struct snapshot *snapshot,
				 const struct board_failure *failure)
{
	size_t place = snapshot->n_failures;
	struct board_failure *own;

	while (place > 0 &&
	       snapshot->failures[place - 1].wall_ms < failure->wall_ms)
		place--;
	if (place == SNAPSHOT_FAILURES)
		return;
	if (snapshot->n_failures < SNAPSHOT_FAILURES)
		snapshot->n_failures++;
	own = &snapshot->failures[place];
	memmove(own + 1, own,
		(snapshot->n_failures - 1 - place) * sizeof(*own));
	*own = *failure;
	own->key[sizeof(own->key) - 1] = '\0';
	own->request_id[sizeof(own->request_id) - 1] = '\0';
	own->workflow[sizeof(own->workflow) - 1] = '\0';
	own->text[sizeof(own->text) - 1] = '\0';
}

/* A slot keeps its failures until another process takes it. */
static void snapshot_add_failures(struct snapshot *snapshot,
				  const struct board_slot *slot)
{
	for (size_t i = 0; i < BOARD_FAILURES; i++) {
		if (slot->failures[i].wall_ms > 0)
			snapshot_add_failure(snapshot, &slot->failures[i]);
	}
}

void snapshot_take(const struct board *board, struct snapshot *snapshot)
{
	int64_t now = clock_ms();
	struct buf problem;

	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->board = board;
	snapshot->wall_ms = clock_wall_ms();
	snapshot->uptime_ms = now - board->started_ms;
	board_sum(board, &snapshot->sum);
	for (uint32_t i = 0; i < board->n_used && i < BOARD_SLOTS; i++) {
		snapshot_add_process(snapshot, &board->slots[i], now);
		snapshot_add_failures(snapshot, &board->slots[i]);
	}
	buf_init(&problem, sizeof(snapshot->problem) - 1);
	snapshot->is_ready = health_is_ready(board, &problem);
	snprintf(snapshot->problem, sizeof(snapshot->problem), "%s",
		 buf_text(&problem));
	buf_clear(&problem);
}

bool snapshot_is_stuck(const struct snapshot_process *process)
{
	return process->turned_age_ms > SNAPSHOT_STUCK_MS;
}
