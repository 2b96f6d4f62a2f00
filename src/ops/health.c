/*
 * health: the few facts that a probe decides on.
 */
#include "ops/health.h"

#include "base/clock.h"

enum {
	HEALTH_LIVE_MS = 5000,
	HEALTH_READY_MS = 2000
};

static const struct board_slot *health_supervisor(const struct board *board)
{
	for (uint32_t i = 0; i < board->n_used && i < BOARD_SLOTS; i++) {
		if (board->slots[i].pid != 0 &&
		    board->slots[i].role == ROLE_SUPERVISOR)
			return &board->slots[i];
	}
	return NULL;
}

/* One that is retiring takes no new calls, one that is starting none yet. */
static bool health_has_worker(const struct board *board)
{
	const struct board_slot *slot;
	int64_t now = clock_ms();

	for (uint32_t i = 0; i < board->n_used && i < BOARD_SLOTS; i++) {
		slot = &board->slots[i];
		if (slot->pid > 0 && slot->role == ROLE_WORKER &&
		    (slot->state == STATE_IDLE || slot->state == STATE_BUSY) &&
		    now - slot->turned_ms <= HEALTH_READY_MS)
			return true;
	}
	return false;
}

static void health_add_reason(struct buf *reasons, size_t begin,
			      const char *reason)
{
	if (reasons->len > begin)
		buf_add_text(reasons, "; ");
	buf_add_text(reasons, reason);
}

bool health_is_ready(const struct board *board, struct buf *reasons)
{
	size_t begin = reasons->len;

	if (board->draining)
		health_add_reason(reasons, begin, "a stop was asked for");
	if (board->token_state == TOKEN_MISSING)
		health_add_reason(reasons, begin,
				  board->token_problem[0] != '\0'
					  ? board->token_problem
					  : "the token was not read yet");
	if (board->listen_lost) {
		health_add_reason(reasons, begin, "the socket '");
		buf_add_text(reasons, board->listen);
		buf_add_text(reasons, "' is missing and is being made again");
	}
	if (!health_has_worker(board))
		health_add_reason(reasons, begin, "no worker is taking calls");
	return reasons->len == begin;
}

void health_answer_live(const struct board *board, struct response *response)
{
	const struct board_slot *supervisor = health_supervisor(board);
	char since[32];
	struct buf text;
	int64_t age;

	if (supervisor == NULL) {
		response_set_error(response, 503, "no supervisor is running");
		return;
	}
	age = clock_ms() - supervisor->turned_ms;
	if (age <= HEALTH_LIVE_MS) {
		response->status = 200;
		buf_add_text(&response->body, "{\"status\":\"ok\"}\n");
		return;
	}
	buf_init(&text, 128);
	clock_duration_text(age, since, sizeof(since));
	buf_printf(&text, "the supervisor has not responded for %s", since);
	response_set_error(response, 503, buf_text(&text));
	buf_clear(&text);
}

void health_answer_ready(const struct board *board, struct response *response)
{
	struct buf reasons;

	buf_init(&reasons, 1024);
	if (health_is_ready(board, &reasons)) {
		response->status = 200;
		buf_add_text(&response->body, "{\"status\":\"ready\"}\n");
	} else {
		response_set_error(response, 503, buf_text(&reasons));
	}
	buf_clear(&reasons);
}
