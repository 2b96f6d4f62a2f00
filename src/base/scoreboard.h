/*
 * scoreboard: what every process is doing, in memory that all share.
 *
 * One slot per process of ours, made by the supervisor before it forks and
 * freed after it has reaped; in between only the process itself writes its
 * slot.  The rest of the board is the supervisor's.  Readers may be a
 * moment late, never wrong for long: every number is one aligned word.
 * Counters stay in a slot when its process is gone, and the next one in it
 * counts on, so sums never go back.
 */
#ifndef BASE_SCOREBOARD_H
#define BASE_SCOREBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum {
	BOARD_SLOTS = 160,
	BOARD_HANDLERS = 128, /* counters by place in the registry */
	BOARD_FAILURES = 8,   /* newest failures kept per slot */
	BOARD_POISONS = 16,
	BOARD_TOKEN_BYTES = 32, /* as Argo's agent writes it */
};

enum board_role {
	ROLE_SUPERVISOR,
	ROLE_WORKER,
	ROLE_OPS,
	ROLE_NGINX,
	N_ROLES
};

enum board_state {
	STATE_STARTING, /* forked; its loop has not turned yet */
	STATE_IDLE,
	STATE_BUSY,     /* has calls in hand, parked ones included */
	STATE_RETIRING, /* takes no new connections */
	N_STATES,
};

enum board_route {
	ROUTE_EXECUTE, /* POST /api/v1/template.execute */
	ROUTE_METHOD,  /* another path below /api/v1/ */
	ROUTE_HEALTHZ,
	ROUTE_READYZ,
	ROUTE_METRICS,
	ROUTE_STATUS,
	ROUTE_OTHER,
	N_ROUTES,
};

/* Why a request was refused before a handler saw it. */
enum board_rejection {
	REJECT_TOKEN,    /* 403 */
	REJECT_JSON,     /* 400: not JSON */
	REJECT_ENVELOPE, /* 400: JSON, but not Argo's call */
	REJECT_LIMIT,    /* 400 or 413: too large, too deep, too many */
	REJECT_HTTP,     /* 400, 404, 405, 415: not a request of ours */
	REJECT_FULL,     /* 503: no more calls can be parked */
	REJECT_POISON,   /* 200 Error: this call has killed two workers */
	N_REJECTIONS,
};

/* Why a FastCGI connection was closed by us. */
enum board_fault {
	FAULT_RECORD,  /* bytes that are not FastCGI as we allow it */
	FAULT_TIMEOUT, /* a request not whole, or a reply not taken, in time */
	FAULT_PEER,    /* a uid that may not connect */
	FAULT_GONE,    /* the peer left before its answer */
	N_FAULTS,
};

enum board_death {
	DEATH_EXIT,
	DEATH_SIGNAL,
	DEATH_WATCHDOG,
	N_DEATHS
};

enum {
	N_STATUSES = 9,
	N_DURATIONS = 14,
	N_SIZES = 8
};

/* Status codes that we answer; upper bounds of the histograms' buckets. */
extern const int board_statuses[N_STATUSES];
extern const int64_t board_durations_us[N_DURATIONS];
extern const int64_t board_sizes_bytes[N_SIZES];

/* Names for people and metrics, indexed by the enums above. */
extern const char *const board_role_names[N_ROLES];
extern const char *const board_state_names[N_STATES];
extern const char *const board_route_names[N_ROUTES];
extern const char *const board_rejection_names[N_REJECTIONS];
extern const char *const board_fault_names[N_FAULTS];
extern const char *const board_death_names[N_DEATHS];

/* Only ever grow, all uint64_t, so that a sum is a loop over words. */
struct board_counters {
	uint64_t requests[N_ROUTES][N_STATUSES];
	/* of ROUTE_EXECUTE, from whole request to reply handed over */
	uint64_t durations[N_DURATIONS + 1]; /* the last one: +Inf */
	uint64_t duration_sum_us;
	uint64_t sizes[N_SIZES + 1];
	uint64_t size_sum_bytes;
	uint64_t rejections[N_REJECTIONS];
	uint64_t faults[N_FAULTS];
	uint64_t connections;  /* accepted */
	uint64_t foreign;      /* calls answered {}: not our key */
	uint64_t parked_total; /* calls that were parked */
	uint64_t log_dropped;  /* log lines */
	uint64_t handler_calls[BOARD_HANDLERS];
	/* its parts; kept apart, as a difference could go back */
	uint64_t handler_ok[BOARD_HANDLERS];     /* neither of these */
	uint64_t handler_failed[BOARD_HANDLERS]; /* answered Failed */
	uint64_t handler_errors[BOARD_HANDLERS]; /* answered Error */
};

/* A call that went wrong, for /status. */
struct board_failure {
	int64_t wall_ms; /* 0: none */
	int32_t status;
	char key[64];
	char request_id[64];
	char workflow[64];
	char text[192];
};

struct board_slot {
	pid_t pid; /* 0: the slot is free */
	enum board_role role;
	uint32_t generation; /* of workers: one more at each HUP */
	int64_t started_ms;  /* clock_ms() */
	enum board_state state;
	int64_t turned_ms;    /* when its loop turned last */
	uint64_t replies;     /* complete ones; 0: may be part of a storm */
	uint64_t call_digest; /* in hand this moment; 0: none */
	int64_t call_begun_ms;
	char call_key[64];
	uint64_t n_connections;   /* open now */
	uint64_t n_parked;        /* now */
	int64_t oldest_parked_ms; /* clock_ms(); 0: none */
	bool watchdog;            /* the supervisor's: killed because it hung */
	struct board_counters counters; /* of all that ever had this slot */
	uint32_t n_failures; /* ever; the newest is at n_failures - 1 */
	struct board_failure failures[BOARD_FAILURES];
};

enum board_token {
	TOKEN_MISSING, /* no file yet: 503, looked for each second */
	TOKEN_READY,
	TOKEN_OFF, /* --no-auth */
};

/* A call whose worker died by a fault of ours (SEGV, ABRT, ...). */
struct board_poison {
	uint64_t digest; /* 0: free */
	uint32_t deaths; /* within POISON_WINDOW_MS of each other */
	int64_t last_ms;
	char key[64]; /* its handler's; "": it died before it had one */
};

struct board {
	int64_t started_ms, started_wall_ms;
	bool draining; /* a stop was asked for */
	uint32_t generation;
	uint32_t n_workers; /* wanted */
	bool has_front;     /* an nginx of ours */
	int64_t front_port; /* 0 without nginx */
	char listen[128];   /* the FastCGI address, for people */
	bool listen_lost;   /* its socket file is missing: being remade */
	uint64_t deaths[N_ROLES][N_DEATHS]; /* of processes not asked to end */
	uint64_t front_log_dropped;         /* lines of nginx */
	enum board_token token_state;
	uint32_t token_version; /* odd while token is being written */
	char token[BOARD_TOKEN_BYTES];
	char token_problem[320]; /* why not TOKEN_READY; "" else */
	struct board_poison poisons[BOARD_POISONS];
	uint32_t n_used; /* slots at and above it were never used */
	struct board_slot slots[BOARD_SLOTS];
};

/*
 * A board in memory that children share, zeroed.  Returns NULL with err set.
 */
struct board *board_new(struct error *err);

/*
 * The supervisor's: take a free slot for a process that is to be forked /
 * free the slot of one that is dead.  A taken slot is empty but for its
 * counters.  Returns NULL when all are taken.
 */
struct board_slot *board_take(struct board *board, enum board_role role);
void board_release(struct board *board, struct board_slot *slot);

/* Add n to a counter of one's own slot. */
void board_add(uint64_t *counter, uint64_t n);

/* The index of status in board_statuses (unknown ones count as 500). */
size_t board_status_index(int status);

/* Count value in a histogram of n bounds and n + 1 buckets. */
void board_observe(uint64_t *buckets, const int64_t *bounds, size_t n,
		   int64_t value);

/* Note a failure in one's own slot; texts are cut, NULL is "". */
void board_note_failure(struct board_slot *slot,
			const struct board_failure *failure);

/* The sum of all slots, those of dead processes included. */
void board_sum(const struct board *board, struct board_counters *sum);

/*
 * When digest has killed two workers and must not be tried again: the key of
 * its handler (borrowed; "" where it died before it had one).  Else NULL.
 */
const char *board_poison_key(const struct board *board, uint64_t digest,
			     int64_t now_ms);

/*
 * The supervisor's: digest has killed one more worker.  key is that worker's
 * word: it is cut to fit, and nothing else is made of it.
 */
void board_note_poison(struct board *board, uint64_t digest, const char *key,
		       int64_t now_ms);

/* The supervisor's: publish a token (BOARD_TOKEN_BYTES), or why there is
 * none. */
void board_set_token(struct board *board, const char *token);
void board_set_no_token(struct board *board, enum board_token state,
			const char *problem);

/*
 * Copy the token.  Returns the state; token is filled for TOKEN_READY only.
 */
enum board_token board_get_token(const struct board *board,
				 char token[BOARD_TOKEN_BYTES]);

#endif
