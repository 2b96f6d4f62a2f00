/*
 * worker: accept, decode, answer or park, send.
 */
#include "worker/worker.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "http/fcgi.h"
#include "rpc/reply.h"
#include "worker/connection.h"
#include "worker/dispatch.h"
#include "worker/gate.h"
#include "worker/journal.h"
#include "worker/parked.h"

enum {
	WORKER_PARKED = 1024, /* calls, in all workers together */
	WORKER_SLOW_MS = 5000,
	WORKER_TICK_MS = 1000,      /* a sign of life for the watchdog */
	WORKER_MMAP_BYTES = 262144, /* larger pieces go back at once */
};

struct worker {
	struct loop loop;
	const struct worker_start *start;
	struct connection_site site;
	struct gate gate;
	struct watch signal_watch;
	struct timer tick;
	struct handler_later later;
	struct parked parked;
	struct fcgi *fcgi;
	struct arena arena;       /* of the request in hand */
	struct response response; /* likewise */
	struct buf reply;         /* its bytes */
	bool is_draining;         /* parks no more */
	bool is_leaving;          /* ends with its last connection */
};

static void worker_report(struct worker *worker)
{
	struct board_slot *slot = worker->start->slot;

	slot->n_connections = worker->site.n;
	slot->n_parked = worker->parked.n;
	if (worker->parked.n == 0)
		slot->oldest_parked_ms = 0;
	board_add(&slot->counters.log_dropped, log_take_dropped());
	if (worker->is_leaving)
		slot->state = STATE_RETIRING;
	else
		slot->state = worker->parked.n > 0 ? STATE_BUSY : STATE_IDLE;
	__atomic_store_n(&slot->turned_ms, clock_ms(), __ATOMIC_RELEASE);
}

/* Since when the call waits that has waited longest. */
static void worker_report_oldest(struct worker *worker)
{
	const struct connection *connection;
	int64_t oldest_us = INT64_MAX;
	uint32_t place = 0;

	while ((connection = parked_next(&worker->parked, &place)) != NULL) {
		if (connection->entry->begun_us < oldest_us)
			oldest_us = connection->entry->begun_us;
	}
	worker->start->slot->oldest_parked_ms =
		worker->parked.n > 0 ? oldest_us / 1000 : 0;
}

static void worker_before_wait(struct loop *loop)
{
	struct worker *worker = loop->owner;

	worker_report(worker);
	log_flush();
}

/* Give the memory of a large request back. */
static void worker_tidy(struct worker *worker)
{
	if (worker->response.body.cap > WORKER_MMAP_BYTES)
		buf_clear(&worker->response.body);
	if (worker->reply.cap > WORKER_MMAP_BYTES)
		buf_clear(&worker->reply);
	arena_reset(&worker->arena);
}

/* Send worker->response as the answer to connection's request. */
static void worker_reply(struct worker *worker, struct connection *connection,
			 const struct journal_entry *entry)
{
	struct error err = ERROR_INIT;

	/* Half a JSON text would fail the node with a riddle. */
	if (worker->response.body.cut) {
		response_reset(&worker->response);
		reply_set(&worker->response, REPLY_ERROR,
			  "the answer is larger than 4 MiB");
	}
	buf_reset(&worker->reply);
	if (fcgi_encode(worker->fcgi, connection->id, &worker->response,
			&worker->reply, &err) < 0) {
		log_write(LOG_LEVEL_ERROR, "worker", "%s", err.text);
		connection_close(connection);
		return;
	}
	journal_end(entry, worker->start->slot, &worker->response);
	connection_send(connection, &worker->reply);
}

static size_t worker_count_parked(const struct board *board)
{
	size_t n = 0;

	for (uint32_t i = 0; i < board->n_used; i++) {
		if (board->slots[i].pid != 0)
			n += board->slots[i].n_parked;
	}
	return n;
}

/* When a call has waited too long, in clock_ms() time. */
static int64_t worker_deadline_ms(const struct worker *worker,
				  const struct journal_entry *entry)
{
	return entry->begun_us / 1000 + worker->start->options->deadline_ms;
}

/* When a parked call is looked at first: it is slow, or overdue. */
static int64_t worker_due_ms(const struct worker *worker,
			     const struct journal_entry *entry)
{
	int64_t deadline_ms = worker_deadline_ms(worker, entry);
	int64_t slow_ms = entry->begun_us / 1000 + WORKER_SLOW_MS;

	return deadline_ms < slow_ms ? deadline_ms : slow_ms;
}

/* The peer's call goes to a handler that answers later. */
static void worker_submit(struct worker *worker, struct connection *connection,
			  struct method_call *method_call,
			  struct journal_entry *entry)
{
	struct board_slot *slot = worker->start->slot;
	struct error err = ERROR_INIT;
	uint64_t ticket;

	ticket = parked_add(&worker->parked, connection);
	if (method_call->later->submit(&method_call->call, ticket,
				       &worker->later, &err) < 0) {
		parked_take(&worker->parked, ticket);
		reply_set(&worker->response, reply_outcome_of(&err), err.text);
		method_call->note.phase =
			reply_phase_of(reply_outcome_of(&err));
		method_call->note.text = arena_strndup(&worker->arena, err.text,
						       strlen(err.text));
		journal_note(entry, ROUTE_EXECUTE, &method_call->note);
		worker_reply(worker, connection, entry);
		return;
	}
	connection->ticket = ticket;
	connection->slow_was_said = false;
	connection->entry = mem_alloc(sizeof(*entry));
	*connection->entry = *entry;
	if (slot->oldest_parked_ms == 0)
		slot->oldest_parked_ms = clock_ms();
	slot->n_parked = worker->parked.n;
	board_add(&slot->counters.parked_total, 1);
	connection_park(connection, worker_due_ms(worker, entry));
}

/* Park the call, or say why that cannot be. */
static void worker_park(struct worker *worker, struct connection *connection,
			struct method_call *method_call,
			struct journal_entry *entry)
{
	struct method_note *note = &method_call->note;

	if (worker->is_draining) {
		reply_set(&worker->response, REPLY_AGAIN, "");
	} else if (worker_count_parked(worker->start->board) >= WORKER_PARKED) {
		note->rejection = REJECT_FULL;
		note->text = "1024 calls wait for their answers: ask again";
		reply_set(&worker->response, REPLY_FULL, note->text);
	} else {
		worker_submit(worker, connection, method_call, entry);
		return;
	}
	journal_note(entry, ROUTE_EXECUTE, note);
	worker_reply(worker, connection, entry);
}

/* Answer a decoded request. */
static void worker_answer_request(struct worker *worker,
				  struct connection *connection,
				  const struct request *request)
{
	struct board_slot *slot = worker->start->slot;
	struct method_call method_call = {
		.request = request,
		.board = worker->start->board,
		.registry = worker->start->registry,
		.arena = &worker->arena,
		.response = &worker->response,
		.digest = digest_of(request->body, request->body_len),
		.key_in_hand = slot->call_key,
	};
	struct journal_entry entry;
	enum board_route route;
	enum method_end end;

	journal_begin(&entry, request);
	slot->call_key[0] = '\0';
	slot->call_begun_ms = clock_ms();
	if (!worker->is_leaving)
		slot->state = STATE_BUSY;
	__atomic_store_n(&slot->call_digest, method_call.digest,
			 __ATOMIC_RELEASE);

	response_reset(&worker->response);
	end = dispatch_request(&method_call, &route);
	journal_note(&entry, route, &method_call.note);
	if (end == METHOD_ANSWERED) {
		worker_reply(worker, connection, &entry);
	} else {
		worker_park(worker, connection, &method_call, &entry);
		call_clear(&method_call.call);
	}
	slot->call_digest = 0;
	worker_tidy(worker);
}

static void worker_whole(struct connection_site *site,
			 struct connection *connection)
{
	struct worker *worker = CONTAINER_OF(site, struct worker, site);
	struct error err = ERROR_INIT;
	struct request request;

	if (fcgi_decode(worker->fcgi, &connection->guard, &worker->arena,
			&request, &err) < 0) {
		log_write(LOG_LEVEL_ERROR, "worker", "%s", err.text);
		board_add(&site->slot->counters.faults[FAULT_RECORD], 1);
		connection_close(connection);
		worker_tidy(worker);
		return;
	}
	connection_release_request(connection);
	worker_answer_request(worker, connection, &request);
}

/*
 * Answer a parked call, which was taken from the table, with
 * worker->response.
 */
static void worker_unpark(struct worker *worker, struct connection *connection,
			  enum node_phase phase, const char *text)
{
	struct journal_entry *entry = connection->entry;

	connection->entry = NULL;
	entry->phase = phase;
	snprintf(entry->text, sizeof(entry->text), "%s", text);
	worker_reply(worker, connection, entry);
	free(entry);
}

static void worker_answer_later(struct handler_later *later, uint64_t ticket,
				const struct node *node, int64_t requeue_ms)
{
	struct worker *worker = CONTAINER_OF(later, struct worker, later);
	struct connection *connection = parked_take(&worker->parked, ticket);
	const char *text = "";

	if (connection == NULL)
		return;
	if (node->phase >= NODE_FAILED && node->message != NULL)
		text = node->message;
	response_reset(&worker->response);
	reply_set_node(&worker->response, node, requeue_ms);
	worker_unpark(worker, connection, node->phase, text);
	worker_tidy(worker);
}

/* Answer a parked call with an outcome of our own. */
static void worker_give_up(struct worker *worker, struct connection *connection,
			   enum reply_outcome outcome, const char *text)
{
	parked_take(&worker->parked, connection->ticket);
	response_reset(&worker->response);
	reply_set(&worker->response, outcome, text);
	worker_unpark(worker, connection, reply_phase_of(outcome), "");
}

static void worker_due(struct connection_site *site,
		       struct connection *connection)
{
	struct worker *worker = CONTAINER_OF(site, struct worker, site);
	int64_t deadline_ms = worker_deadline_ms(worker, connection->entry);

	if (clock_ms() >= deadline_ms) {
		worker_give_up(worker, connection, REPLY_OVERDUE,
			       "no answer within the deadline: still running");
		return;
	}
	if (!connection->slow_was_said) {
		connection->slow_was_said = true;
		journal_slow(connection->entry);
	}
	loop_timer_set(&worker->loop, &connection->timer, deadline_ms);
}

static void worker_gone(struct connection_site *site,
			struct connection *connection)
{
	struct worker *worker = CONTAINER_OF(site, struct worker, site);

	parked_take(&worker->parked, connection->ticket);
	journal_gone(connection->entry, site->slot);
}

/* Answer all parked calls with "ask again". */
static void worker_release_parked(struct worker *worker)
{
	struct connection *connection;
	uint32_t place = 0;

	worker->is_draining = true;
	while ((connection = parked_next(&worker->parked, &place)) != NULL)
		worker_give_up(worker, connection, REPLY_AGAIN, "");
}

static void worker_leave(struct worker *worker)
{
	worker->is_leaving = true;
	gate_close(&worker->gate);
}

static void worker_stop(struct worker *worker)
{
	worker_leave(worker);
	worker->site.leaving = true;
	worker_release_parked(worker);
	connection_close_idle(&worker->site);
}

static void worker_signal(struct watch *watch, uint32_t events)
{
	struct worker *worker =
		CONTAINER_OF(watch, struct worker, signal_watch);
	struct signalfd_siginfo info;

	(void)events;
	while (read(watch->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGTERM)
			worker_stop(worker);
		else if (info.ssi_signo == SIGUSR1)
			worker_leave(worker);
		else if (info.ssi_signo == SIGUSR2)
			worker_release_parked(worker);
	}
}

static void worker_tick(struct timer *timer)
{
	struct worker *worker = CONTAINER_OF(timer, struct worker, tick);

	worker_report_oldest(worker);
	loop_timer_set(&worker->loop, timer, clock_ms() + WORKER_TICK_MS);
}

/* Signals come by descriptor only; SIGPIPE never. */
static int worker_watch_signals(struct worker *worker, struct error *err)
{
	sigset_t taken, all;

	sigemptyset(&taken);
	sigaddset(&taken, SIGTERM);
	sigaddset(&taken, SIGUSR1);
	sigaddset(&taken, SIGUSR2);
	sigfillset(&all);
	/* A fault must still end the process with its own signal. */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGABRT);
	pthread_sigmask(SIG_SETMASK, &all, NULL);

	worker->signal_watch.fd =
		signalfd(-1, &taken, SFD_NONBLOCK | SFD_CLOEXEC);
	worker->signal_watch.ready = worker_signal;
	if (worker->signal_watch.fd < 0 ||
	    loop_add(&worker->loop, &worker->signal_watch, EPOLLIN) < 0)
		return error_sys(err, "cannot watch signals");
	return 0;
}

static void worker_init_site(struct worker *worker)
{
	struct connection_site *site = &worker->site;

	site->loop = &worker->loop;
	site->slot = worker->start->slot;
	site->max_body = (size_t)worker->start->options->max_body;
	site->keep = worker->start->keep_connections;
	site->scratch = mem_alloc(CONNECTION_SCRATCH_BYTES);
	site->whole = worker_whole;
	site->due = worker_due;
	site->gone = worker_gone;
}

static int worker_init(struct worker *worker, const struct worker_start *start,
		       struct error *err)
{
	memset(worker, 0, sizeof(*worker));
	worker->start = start;
	/* NOLINTBEGIN(concurrency-mt-unsafe): there is one thread */
	mallopt(M_MMAP_THRESHOLD, WORKER_MMAP_BYTES);
	mallopt(M_TRIM_THRESHOLD, WORKER_MMAP_BYTES);
	/* NOLINTEND(concurrency-mt-unsafe) */
	if (loop_init(&worker->loop, err) < 0 ||
	    worker_watch_signals(worker, err) < 0)
		return -1;
	worker->loop.owner = worker;
	worker->loop.before_wait = worker_before_wait;
	worker->fcgi = fcgi_new(err);
	if (worker->fcgi == NULL)
		return -1;

	arena_init(&worker->arena);
	parked_init(&worker->parked);
	response_init(&worker->response);
	buf_init(&worker->reply, RESPONSE_BODY_LIMIT + 65536);
	worker_init_site(worker);
	worker->later.loop = &worker->loop;
	worker->later.answer = worker_answer_later;
	worker->tick.fire = worker_tick;
	worker_tick(&worker->tick);
	return gate_open(&worker->gate, &worker->site, start->listen_fd,
			 start->peer_uid, err);
}

static void worker_clear(struct worker *worker)
{
	while (worker->site.first != NULL)
		connection_close(worker->site.first);
	fcgi_free(worker->fcgi);
	arena_clear(&worker->arena);
	response_clear(&worker->response);
	buf_clear(&worker->reply);
	parked_clear(&worker->parked);
	free(worker->site.scratch);
	if (worker->signal_watch.fd > 0)
		close(worker->signal_watch.fd);
	loop_clear(&worker->loop);
}

int worker_run(const struct worker_start *start)
{
	struct error err = ERROR_INIT;
	struct worker worker;
	int code = 0;

	if (worker_init(&worker, start, &err) < 0) {
		log_write(LOG_LEVEL_ERROR, "worker", "%s", err.text);
		code = 70;
	} else {
		while (!worker.is_leaving || worker.site.n > 0)
			loop_turn(&worker.loop, -1);
	}
	worker_report(&worker);
	worker_clear(&worker);
	log_flush();
	return code;
}
