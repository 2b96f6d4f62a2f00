/*
 * snapshot: the scoreboard at one moment, ready to be shown.
 *
 * A copy that later writes do not change.  Slots are not trusted, as a
 * process that goes wrong may have written there: here texts end and enums
 * are in range.
 */
#ifndef OPS_SNAPSHOT_H
#define OPS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/scoreboard.h"

enum {
	SNAPSHOT_FAILURES = 16,
	SNAPSHOT_STUCK_MS = 3000, /* loops turn at least once a second */
};

/* Times that are ages end in _age_ms; -1: there is none. */
struct snapshot_process {
	pid_t pid;
	enum board_role role;
	enum board_state state;
	uint32_t generation;
	int64_t started_age_ms;
	int64_t turned_age_ms; /* -1 for nginx, whose loop is not ours */
	uint64_t replies;
	uint64_t n_connections;
	uint64_t n_parked;
	uint64_t n_in_hand;     /* parked ones and the one being answered */
	int64_t in_hand_age_ms; /* the oldest one's */
	char call_key[64];      /* being answered this moment; "": none */
	int64_t memory_bytes;   /* resident; of nginx with its children */
};

struct snapshot {
	const struct board *board; /* for what only the supervisor writes */
	int64_t wall_ms;
	int64_t uptime_ms;
	bool is_ready;
	char problem[1024]; /* why not ready */
	struct board_counters sum;
	uint64_t n_connections, n_parked, n_in_hand;
	size_t n_processes;
	struct snapshot_process processes[BOARD_SLOTS];
	size_t n_failures;
	struct board_failure failures[SNAPSHOT_FAILURES]; /* newest first */
};

/* Fill snapshot, which borrows board.  Reads /proc; never waits. */
void snapshot_take(const struct board *board, struct snapshot *snapshot);

/* True when the process' loop does not turn. */
bool snapshot_is_stuck(const struct snapshot_process *process);

#endif
