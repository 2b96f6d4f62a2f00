/*
 * scoreboard: shared memory made before the first fork.
 */
#include "base/scoreboard.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"

enum {
	POISON_WINDOW_MS = 60000,
	POISON_FORGET_MS = 600000
};

/* The writer may be killed in between, so readers do not try for ever. */
enum {
	BOARD_TRIES = 1000
};

const int board_statuses[N_STATUSES] = { 200, 400, 403, 404, 405,
					 413, 415, 500, 503 };

const int64_t board_durations_us[N_DURATIONS] = {
	100,   250,    500,    1000,    2500,    5000,     10000,
	50000, 100000, 500000, 1000000, 5000000, 10000000, 25000000,
};

const int64_t board_sizes_bytes[N_SIZES] = {
	256, 1024, 4096, 16384, 65536, 262144, 1048576, 2097152,
};

const char *const board_role_names[N_ROLES] = {
	[ROLE_SUPERVISOR] = "supervisor",
	[ROLE_WORKER] = "worker",
	[ROLE_OPS] = "ops",
	[ROLE_NGINX] = "nginx",
};

const char *const board_state_names[N_STATES] = {
	[STATE_STARTING] = "starting",
	[STATE_IDLE] = "idle",
	[STATE_BUSY] = "busy",
	[STATE_RETIRING] = "draining",
};

const char *const board_route_names[N_ROUTES] = {
	[ROUTE_EXECUTE] = "template.execute",
	[ROUTE_METHOD] = "unknown_method",
	[ROUTE_HEALTHZ] = "healthz",
	[ROUTE_READYZ] = "readyz",
	[ROUTE_METRICS] = "metrics",
	[ROUTE_STATUS] = "status",
	[ROUTE_OTHER] = "other",
};

const char *const board_rejection_names[N_REJECTIONS] = {
	[REJECT_TOKEN] = "token",       [REJECT_JSON] = "json",
	[REJECT_ENVELOPE] = "envelope", [REJECT_LIMIT] = "limit",
	[REJECT_HTTP] = "http",         [REJECT_FULL] = "full",
	[REJECT_POISON] = "poison",
};

const char *const board_fault_names[N_FAULTS] = {
	[FAULT_RECORD] = "record",
	[FAULT_TIMEOUT] = "timeout",
	[FAULT_PEER] = "peer",
	[FAULT_GONE] = "gone",
};

const char *const board_death_names[N_DEATHS] = {
	[DEATH_EXIT] = "exit",
	[DEATH_SIGNAL] = "signal",
	[DEATH_WATCHDOG] = "watchdog",
};

struct board *board_new(struct error *err)
{
	void *memory = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		error_sys(err, "cannot map %zu bytes of shared memory",
			  sizeof(struct board));
		return NULL;
	}
	return memory;
}

/* All but the counters, which go on from where the last process left them. */
static void board_clean(struct board_slot *slot)
{
	const size_t end =
		offsetof(struct board_slot, counters) + sizeof(slot->counters);

	memset(slot, 0, offsetof(struct board_slot, counters));
	memset((char *)slot + end, 0, sizeof(*slot) - end);
}

struct board_slot *board_take(struct board *board, enum board_role role)
{
	struct board_slot *slot;

	for (uint32_t i = 0; i < BOARD_SLOTS; i++) {
		slot = &board->slots[i];
		if (slot->pid != 0)
			continue;
		board_clean(slot);
		slot->pid = -1;
		slot->role = role;
		slot->generation = board->generation;
		slot->started_ms = slot->turned_ms = clock_ms();
		if (board->n_used <= i)
			board->n_used = i + 1;
		return slot;
	}
	return NULL;
}

static void board_fold(struct board_counters *sum,
		       const struct board_counters *part)
{
	const uint64_t *from = (const uint64_t *)part;
	uint64_t *to = (uint64_t *)sum;

	_Static_assert(sizeof(*sum) % sizeof(*to) == 0, "words only");
	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/*
 * A version is odd while what it guards is being written: a writer, of
 * which there is one, steps it before and after.
 */
/* NOLINTNEXTLINE(readability-non-const-parameter): written atomically */
static void board_step(uint32_t *version)
{
	__atomic_store_n(version, *version + 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* The version before reading; odd: try again. */
static uint32_t board_version(const uint32_t *version)
{
	uint32_t now = __atomic_load_n(version, __ATOMIC_SEQ_CST);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return now;
}

/* True when what was read since then is of one piece. */
static bool board_is_whole(const uint32_t *version, uint32_t before)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return before % 2 == 0 &&
	       __atomic_load_n(version, __ATOMIC_SEQ_CST) == before;
}

void board_release(struct board *board, struct board_slot *slot)
{
	(void)board;
	slot->pid = 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): written atomically */
void board_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

size_t board_status_index(int status)
{
	for (size_t i = 0; i < N_STATUSES; i++) {
		if (board_statuses[i] == status)
			return i;
	}
	return board_status_index(500);
}

void board_observe(uint64_t *buckets, const int64_t *bounds, size_t n,
		   int64_t value)
{
	size_t i = 0;

	while (i < n && value > bounds[i])
		i++;
	board_add(&buckets[i], 1);
}

void board_note_failure(struct board_slot *slot,
			const struct board_failure *failure)
{
	slot->failures[slot->n_failures % BOARD_FAILURES] = *failure;
	__atomic_store_n(&slot->n_failures, slot->n_failures + 1,
			 __ATOMIC_RELEASE);
}

void board_sum(const struct board *board, struct board_counters *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (uint32_t i = 0; i < board->n_used && i < BOARD_SLOTS; i++)
		board_fold(sum, &board->slots[i].counters);
}

/* True when the next death is a first one again. */
static bool board_is_over(const struct board_poison *poison, int64_t now_ms)
{
	int64_t age_ms = now_ms - poison->last_ms;

	return poison->deaths < 2 ? age_ms > POISON_WINDOW_MS
				  : age_ms >= POISON_FORGET_MS;
}

const char *board_poison_key(const struct board *board, uint64_t digest,
			     int64_t now_ms)
{
	const struct board_poison *poison;

	for (size_t i = 0; i < BOARD_POISONS; i++) {
		poison = &board->poisons[i];
		if (poison->digest == digest)
			return poison->deaths >= 2 &&
					       !board_is_over(poison, now_ms)
				       ? poison->key
				       : NULL;
	}
	return NULL;
}

void board_note_poison(struct board *board, uint64_t digest, const char *key,
		       int64_t now_ms)
{
	struct board_poison *poison = NULL, *oldest = &board->poisons[0];

	for (size_t i = 0; i < BOARD_POISONS && poison == NULL; i++) {
		if (board->poisons[i].digest == digest)
			poison = &board->poisons[i];
		else if (board->poisons[i].last_ms < oldest->last_ms)
			oldest = &board->poisons[i];
	}
	if (poison == NULL) {
		poison = oldest;
		poison->deaths = 0;
		poison->digest = digest;
	} else if (board_is_over(poison, now_ms)) {
		poison->deaths = 0;
	}
	poison->deaths++;
	snprintf(poison->key, sizeof(poison->key), "%.*s",
		 (int)sizeof(poison->key) - 1, key);
	poison->last_ms = now_ms;
}

void board_set_token(struct board *board, const char *token)
{
	board_step(&board->token_version);
	memcpy(board->token, token, BOARD_TOKEN_BYTES);
	board->token_state = TOKEN_READY;
	board->token_problem[0] = '\0';
	board_step(&board->token_version);
}

void board_set_no_token(struct board *board, enum board_token state,
			const char *problem)
{
	board_step(&board->token_version);
	memset(board->token, 0, BOARD_TOKEN_BYTES);
	board->token_state = state;
	strncpy(board->token_problem, problem,
		sizeof(board->token_problem) - 1);
	board_step(&board->token_version);
}

enum board_token board_get_token(const struct board *board,
				 char token[BOARD_TOKEN_BYTES])
{
	enum board_token state;
	uint32_t before;

	for (int tries = 0; tries < BOARD_TRIES; tries++) {
		before = board_version(&board->token_version);
		state = board->token_state;
		memcpy(token, board->token, BOARD_TOKEN_BYTES);
		if (board_is_whole(&board->token_version, before))
			return state;
	}
	return TOKEN_MISSING;
}
