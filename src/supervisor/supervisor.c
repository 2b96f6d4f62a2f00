/*
 * supervisor: one loop; policy decides, this file does.
 */
#include "supervisor/supervisor.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "supervisor/announce.h"
#include "supervisor/children.h"
#include "supervisor/notify.h"
#include "supervisor/places.h"
#include "supervisor/policy.h"
#include "supervisor/process.h"
#include "supervisor/token.h"

enum {
	EXIT_SOFTWARE = 70,
	EXIT_CONFIG = 78
};

struct supervisor {
	const struct options *options;
	const struct supervisor_roles *roles;
	struct error *err; /* why the exit code is not 0 */
	struct board *board;
	struct board_slot *slot; /* our own */
	struct loop loop;
	struct watch signals;
	struct timer tick;
	struct policy policy;
	struct children children;
	struct places places;
	struct token token;
	struct notify notify;
	int64_t chores_ms;        /* when the chores of each second are due */
	int64_t notified_ms;      /* the last sign of life to systemd */
	uint32_t lost_generation; /* the newest when a socket was lost */
	int exit_code;
};

/* What a child needs to begin; lives on the stack of the fork. */
struct supervisor_fork {
	struct supervisor *supervisor;
	size_t place;
};

static void supervisor_feed(struct supervisor *supervisor,
			    const struct policy_event *event);

static void supervisor_forget_watches(struct supervisor *supervisor)
{
	if (supervisor->signals.fd >= 0)
		close(supervisor->signals.fd);
	loop_clear(&supervisor->loop);
}

static int supervisor_be_role(void *context)
{
	const struct supervisor_fork *fork = context;
	struct supervisor *supervisor = fork->supervisor;
	struct places *places = &supervisor->places;
	struct board_slot *slot = supervisor->children.list[fork->place].slot;
	bool is_ops = supervisor->children.list[fork->place].role == ROLE_OPS;
	struct supervisor_child child = {
		.options = supervisor->options,
		.board = supervisor->board,
		.slot = slot,
		.keep_connections = places->has_front,
		.peer_uid = supervisor->options->allow_uid,
	};

	if (places->has_front)
		child.peer_uid = places->account.uid;
	child.listen_fd = is_ops ? places->ops.fd : places->calls.fd;
	slot->pid = getpid();
	supervisor_forget_watches(supervisor);
	places_leave(places, child.listen_fd);
	if (is_ops)
		return supervisor->roles->ops(&child);
	return supervisor->roles->worker(&child);
}

static int supervisor_be_front(void *context)
{
	const struct supervisor_fork *fork = context;

	return front_main(&fork->supervisor->places.front);
}

static void supervisor_start(struct supervisor *supervisor, size_t place)
{
	enum board_role role = supervisor->policy.places[place].role;
	bool is_front = role == ROLE_NGINX;
	struct supervisor_fork fork = { supervisor, place };
	struct process_way way = {
		.account = &supervisor->places.account,
		/* Killed, nginx would leave its worker with the port. */
		.death_signal = is_front ? SIGTERM : SIGKILL,
		.has_group = is_front,
		.main = is_front ? supervisor_be_front : supervisor_be_role,
		.context = &fork,
	};
	struct policy_event failed = {
		.type = POLICY_NOT_STARTED,
		.now_ms = clock_ms(),
		.place = place,
	};
	struct error err = ERROR_INIT;

	supervisor->board->generation = supervisor->policy.generation;
	if (is_front)
		front_reset(&supervisor->places.front);
	if (children_start(&supervisor->children, place, role, &way, &err) ==
	    0) {
		log_write(LOG_LEVEL_DEBUG, "supervisor", "started %s %d",
			  board_role_names[role],
			  (int)supervisor->children.list[place].process.pid);
		return;
	}
	log_write(LOG_LEVEL_ERROR, "supervisor", "cannot start a %s: %s",
		  board_role_names[role], err.text);
	supervisor_feed(supervisor, &failed);
}

static void supervisor_be_renewed(struct supervisor *supervisor)
{
	uint32_t generation = supervisor->policy.generation;

	if (generation > supervisor->lost_generation)
		supervisor->board->listen_lost =
			supervisor->places.loss_was_said;
	log_write(LOG_LEVEL_DEBUG, "supervisor", "generation %u serves",
		  generation);
}

static void supervisor_do(struct supervisor *supervisor,
			  const struct policy_action *action)
{
	struct children *children = &supervisor->children;

	switch (action->type) {
	case POLICY_DO_START:
		supervisor_start(supervisor, action->place);
		break;
	case POLICY_DO_WAIT:
		announce_wait(supervisor->policy.places[action->place].role,
			      action->number);
		break;
	case POLICY_DO_SIGNAL:
		children_signal(children, action->place, (int)action->number);
		break;
	case POLICY_DO_KILL:
		children_kill(children, action->place);
		break;
	case POLICY_DO_WATCHDOG:
		children_kill_hung(children, action->place, action->number);
		break;
	case POLICY_DO_DRAIN:
		supervisor->board->draining = true;
		announce_stop(&supervisor->notify);
		break;
	case POLICY_DO_CLOSE_PORT:
		listen_close(&supervisor->places.port);
		break;
	case POLICY_DO_READY:
		announce_ready(&supervisor->places, supervisor->options,
			       &supervisor->notify);
		break;
	case POLICY_DO_RENEWED:
		supervisor_be_renewed(supervisor);
		break;
	case POLICY_DO_REFUSE:
		announce_refusal(&supervisor->places.log, supervisor->err);
		break;
	case POLICY_DO_GIVE_UP:
		announce_storm(supervisor->policy.places[action->place].role,
			       supervisor->err);
		break;
	case POLICY_DO_EXIT:
		supervisor->exit_code = (int)action->number;
		loop_stop(&supervisor->loop);
		break;
	}
}

static void supervisor_set_tick(struct supervisor *supervisor)
{
	int64_t next_ms = policy_next_ms(&supervisor->policy, clock_ms());
	int64_t sign_ms;

	if (supervisor->chores_ms < next_ms)
		next_ms = supervisor->chores_ms;
	if (supervisor->notify.watchdog_ms > 0) {
		sign_ms = supervisor->notified_ms +
			  supervisor->notify.watchdog_ms;
		if (sign_ms < next_ms)
			next_ms = sign_ms;
	}
	loop_timer_set(&supervisor->loop, &supervisor->tick, next_ms);
}

static void supervisor_feed(struct supervisor *supervisor,
			    const struct policy_event *event)
{
	struct policy_actions actions;

	policy_step(&supervisor->policy, event, &actions);
	for (size_t i = 0; i < actions.n; i++)
		supervisor_do(supervisor, &actions.list[i]);
}

/* Feed an event that has no more to say than that it is there. */
static void supervisor_tell(struct supervisor *supervisor,
			    enum policy_event_type type)
{
	const struct policy_event event = {
		.type = type,
		.now_ms = clock_ms(),
		.calls_in_hand = children_have_calls(&supervisor->children),
	};

	supervisor_feed(supervisor, &event);
	supervisor_set_tick(supervisor);
}

/* Tell policy what the board says of the process at place. */
static void supervisor_look(struct supervisor *supervisor, size_t place)
{
	struct board_slot *slot = supervisor->children.list[place].slot;
	struct policy_event event = {
		.type = POLICY_SEEN,
		.now_ms = clock_ms(),
		.place = place,
	};

	if (slot == NULL)
		return;
	if (supervisor->children.list[place].role == ROLE_NGINX) {
		event.has_turned = front_is_up(&supervisor->places.front);
		/* nginx knows no board: its slot is ours to write. */
		if (event.has_turned)
			slot->state = STATE_IDLE;
	} else {
		event.has_turned = slot->state != STATE_STARTING;
		event.turned_ms =
			__atomic_load_n(&slot->turned_ms, __ATOMIC_ACQUIRE);
		event.has_replied = slot->replies > 0;
	}
	supervisor_feed(supervisor, &event);
}

static void supervisor_look_at_all(struct supervisor *supervisor)
{
	for (size_t i = 0; i < POLICY_PLACES; i++)
		supervisor_look(supervisor, i);
}

static void supervisor_do_chores(struct supervisor *supervisor)
{
	token_check(&supervisor->token);
	if (supervisor->policy.phase != PHASE_RUN)
		return;
	if (!places_check(&supervisor->places, supervisor->board))
		return;
	/* The workers of now listen at a socket that nobody can reach. */
	supervisor->lost_generation = supervisor->policy.generation;
	supervisor_tell(supervisor, POLICY_RENEW);
}

static void supervisor_report(struct supervisor *supervisor)
{
	struct board_slot *slot = supervisor->slot;
	uint64_t of_front = supervisor->places.log.n_dropped;

	supervisor->board->front_log_dropped = of_front;
	slot->counters.log_dropped = log_dropped() - of_front;
	__atomic_store_n(&slot->turned_ms, clock_ms(), __ATOMIC_RELEASE);
}

static void supervisor_sign(struct supervisor *supervisor, int64_t now_ms)
{
	int64_t each_ms = supervisor->notify.watchdog_ms;

	if (each_ms == 0 || now_ms - supervisor->notified_ms < each_ms)
		return;
	supervisor->notified_ms = now_ms;
	notify_send(&supervisor->notify, "WATCHDOG=1");
}

static void supervisor_tick(struct timer *timer)
{
	struct supervisor *supervisor =
		CONTAINER_OF(timer, struct supervisor, tick);
	int64_t now_ms = clock_ms();

	supervisor_look_at_all(supervisor);
	supervisor_sign(supervisor, now_ms);
	if (now_ms >= supervisor->chores_ms) {
		supervisor->chores_ms = now_ms + POLICY_TICK_MS;
		supervisor_do_chores(supervisor);
	}
	supervisor_tell(supervisor, POLICY_TICK);
}

static void supervisor_bury(struct supervisor *supervisor)
{
	struct policy_event event = { .type = POLICY_DIED };
	struct child_end end;

	/* What the dead have replied since the last look counts for them. */
	supervisor_look_at_all(supervisor);
	while (children_bury(&supervisor->children, &supervisor->policy,
			     &end)) {
		if (end.role == ROLE_NGINX)
			front_log_drain(&supervisor->places.log);
		children_log_end(&end);
		event.now_ms = clock_ms();
		event.place = end.place;
		event.is_failure =
			WIFEXITED(end.status) && WEXITSTATUS(end.status) != 0;
		supervisor_feed(supervisor, &event);
	}
	supervisor_set_tick(supervisor);
}

static void supervisor_take_signal(struct supervisor *supervisor,
				   uint32_t number)
{
	switch (number) {
	case SIGCHLD:
		supervisor_bury(supervisor);
		break;
	case SIGHUP:
		log_write(LOG_LEVEL_INFO, "supervisor",
			  "SIGHUP: a new generation of workers");
		supervisor_tell(supervisor, POLICY_RENEW);
		break;
	case SIGUSR1:
		/* multiwatch and libfcgi mean a stop; others, new logs. */
		if (supervisor->places.is_stdin)
			supervisor_tell(supervisor, POLICY_STOP);
		break;
	case SIGTERM:
	case SIGINT:
	case SIGQUIT:
		supervisor_tell(supervisor, POLICY_STOP);
		break;
	default:
		break;
	}
}

static void supervisor_signal(struct watch *watch, uint32_t events)
{
	struct supervisor *supervisor =
		CONTAINER_OF(watch, struct supervisor, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(watch->fd, &info, sizeof(info)) == sizeof(info))
		supervisor_take_signal(supervisor, info.ssi_signo);
}

static void supervisor_before_wait(struct loop *loop)
{
	supervisor_report(loop->owner);
	log_flush();
}

static int supervisor_watch_signals(struct supervisor *supervisor,
				    struct error *err)
{
	static const int taken[] = { SIGTERM, SIGINT,  SIGQUIT,  SIGHUP,
				     SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		sigaddset(&set, taken[i]);
	supervisor->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	supervisor->signals.ready = supervisor_signal;
	if (supervisor->signals.fd < 0 ||
	    loop_add(&supervisor->loop, &supervisor->signals, EPOLLIN) < 0)
		return error_sys(err, "cannot watch signals");
	return 0;
}

static int supervisor_init_board(struct supervisor *supervisor,
				 struct error *err)
{
	struct board *board = board_new(err);

	if (board == NULL)
		return -1;
	board->started_ms = clock_ms();
	board->started_wall_ms = clock_wall_ms();
	board->n_workers = (uint32_t)supervisor->options->workers;
	supervisor->board = board;
	supervisor->slot = board_take(board, ROLE_SUPERVISOR);
	supervisor->slot->pid = getpid();
	supervisor->slot->state = STATE_IDLE;
	return 0;
}

static int supervisor_init_loop(struct supervisor *supervisor,
				struct error *err)
{
	struct places *places = &supervisor->places;

	if (loop_init(&supervisor->loop, err) < 0 ||
	    supervisor_watch_signals(supervisor, err) < 0)
		return -1;
	supervisor->loop.owner = supervisor;
	supervisor->loop.before_wait = supervisor_before_wait;
	supervisor->tick.fire = supervisor_tick;
	if (!places->has_front)
		return 0;
	return front_log_start(&places->log, &supervisor->loop, err);
}

static void supervisor_serve(struct supervisor *supervisor)
{
	const struct policy_config config = {
		.n_workers = (uint32_t)supervisor->options->workers,
		.has_front = supervisor->places.has_front,
		.drain_ms = supervisor->options->drain_ms,
		.deadline_ms = supervisor->options->deadline_ms,
	};

	policy_init(&supervisor->policy, &config);
	children_init(&supervisor->children, supervisor->board,
		      &supervisor->places.account);
	supervisor->chores_ms = clock_ms() + POLICY_TICK_MS;
	supervisor_tell(supervisor, POLICY_BEGIN);
	loop_run(&supervisor->loop);
	front_log_drain(&supervisor->places.log);
	if (supervisor->exit_code == 0)
		log_write(LOG_LEVEL_INFO, "supervisor", "stopped");
}

static int supervisor_code(const struct error *err)
{
	return err->code == ERROR_CONFIG ? EXIT_CONFIG : EXIT_SOFTWARE;
}

int supervisor_run(const struct options *options,
		   const struct supervisor_roles *roles, struct error *err)
{
	struct supervisor supervisor = {
		.options = options,
		.roles = roles,
		.err = err,
		.signals.fd = -1,
		.loop.fd = -1,
	};

	if (process_prepare(err) < 0 ||
	    supervisor_init_board(&supervisor, err) < 0)
		return supervisor_code(err);
	notify_init(&supervisor.notify);
	if (token_start(&supervisor.token, options, supervisor.board, err) <
		    0 ||
	    places_open(&supervisor.places, options, supervisor.board, err) < 0)
		return supervisor_code(err);
	if (supervisor_init_loop(&supervisor, err) < 0)
		supervisor.exit_code = supervisor_code(err);
	else
		supervisor_serve(&supervisor);
	places_close(&supervisor.places);
	supervisor_forget_watches(&supervisor);
	return supervisor.exit_code;
}
