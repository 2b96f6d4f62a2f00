/*
 * boards: scoreboards made by hand, as the pages for operators see them.
 */
#ifndef UNIT_BOARDS_H
#define UNIT_BOARDS_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scoreboard.h"

static const char *const boards_keys[] = { "hello", "howdy" };

/* A board where nothing runs yet, started an hour ago. */
static inline struct board *boards_new(void)
{
	struct board *board = board_new(NULL);

	assert_non_null(board);
	board->started_ms = clock_ms() - 3600000;
	board->started_wall_ms = clock_wall_ms() - 3600000;
	board->n_workers = 2;
	board->token_state = TOKEN_READY;
	board->has_front = true;
	snprintf(board->listen, sizeof(board->listen), "/run/x/fcgi.sock");
	return board;
}

/* A process that is this test, so that /proc knows it. */
static inline struct board_slot *
boards_add(struct board *board, enum board_role role, enum board_state state)
{
	struct board_slot *slot = board_take(board, role);

	assert_non_null(slot);
	slot->pid = getpid();
	slot->state = state;
	slot->started_ms = clock_ms() - 60000;
	return slot;
}

/* A board that serves: supervisor, nginx, two idle workers, ops. */
static inline struct board *boards_new_serving(void)
{
	struct board *board = boards_new();

	boards_add(board, ROLE_SUPERVISOR, STATE_IDLE);
	boards_add(board, ROLE_NGINX, STATE_IDLE);
	boards_add(board, ROLE_WORKER, STATE_IDLE);
	boards_add(board, ROLE_WORKER, STATE_IDLE);
	boards_add(board, ROLE_OPS, STATE_IDLE);
	return board;
}

/* The first slot of a role. */
static inline struct board_slot *boards_slot(struct board *board,
					     enum board_role role)
{
	for (uint32_t i = 0; i < board->n_used; i++) {
		if (board->slots[i].role == role)
			return &board->slots[i];
	}
	fail_msg("no such slot");
	return NULL;
}

static inline void boards_fail(struct board_slot *slot, int status,
			       int64_t age_ms, const char *text)
{
	struct board_failure failure = {
		.wall_ms = clock_wall_ms() - age_ms,
		.status = status,
		.key = "hello",
		.request_id = "0123456789abcdef",
		.workflow = "build-7xk2p",
	};

	snprintf(failure.text, sizeof(failure.text), "%s", text);
	board_note_failure(slot, &failure);
}

static inline void boards_free(struct board *board)
{
	munmap(board, sizeof(*board));
}

#endif
