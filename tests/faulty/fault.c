/*
 * fault: {"do": X} makes the worker do X.
 */
#include "fault.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

static int fault_segv(const struct call *call, struct node *node,
		      struct error *err)
{
	(void)call, (void)node, (void)err;
	raise(SIGSEGV);
	return 0;
}

static int fault_abort(const struct call *call, struct node *node,
		       struct error *err)
{
	(void)call, (void)node, (void)err;
	abort();
}

static int fault_exit0(const struct call *call, struct node *node,
		       struct error *err)
{
	(void)call, (void)node, (void)err;
	_exit(0);
}

static int fault_exit1(const struct call *call, struct node *node,
		       struct error *err)
{
	(void)call, (void)node, (void)err;
	_exit(1);
}

/* Each level needs more stack; the sum keeps the compiler from a loop. */
static int fault_recurse(volatile char *above, int depth)
{
	volatile char here[4096];

	here[0] = (char)depth;
	if (depth == 0 || above == here)
		return here[0];
	return fault_recurse(here, depth - 1) + here[0];
}

static int fault_overflow(const struct call *call, struct node *node,
			  struct error *err)
{
	(void)call, (void)err;
	node_succeed(node, "%d", fault_recurse(NULL, 1000000));
	return 0;
}

static int fault_spin(const struct call *call, struct node *node,
		      struct error *err)
{
	volatile int on = 1;

	(void)call, (void)node, (void)err;
	while (on)
		;
	return 0;
}

static int fault_stop(const struct call *call, struct node *node,
		      struct error *err)
{
	(void)call, (void)err;
	raise(SIGSTOP);
	node_succeed(node, "went on");
	return 0;
}

/* Children whose parent ends at once: the supervisor has to reap them. */
static int fault_orphans(const struct call *call, struct node *node,
			 struct error *err)
{
	static const int64_t range[2] = { 1, 5000 };
	int64_t count = 1;

	if (json_optional_integer(&call->body, "count", range, &count, err) < 0)
		return -1;
	for (int64_t i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return error_sys(err, "fork");
		if (pid == 0) {
			pid = fork();
			_exit(pid < 0 ? 1 : 0);
		}
		waitpid(pid, NULL, 0);
	}
	node_succeed(node, "%lld orphans", (long long)count);
	return 0;
}

static int fault_error(const struct call *call, struct node *node,
		       struct error *err)
{
	(void)call, (void)node;
	return error_set(err, ERROR_INTERNAL, "a fault that was asked for");
}

static int fault_later(const struct call *call, struct node *node,
		       struct error *err)
{
	(void)call, (void)node;
	return error_set(err, ERROR_LATER, "not now");
}

static int fault_big(const struct call *call, struct node *node,
		     struct error *err)
{
	static const int64_t range[2] = { 0, 64 * 1024 * 1024 };
	int64_t bytes = 1000;
	char *text;

	if (json_optional_integer(&call->body, "bytes", range, &bytes, err) < 0)
		return -1;
	text = arena_alloc(call->arena, (size_t)bytes + 1);
	memset(text, 'x', (size_t)bytes);
	text[bytes] = '\0';
	node_succeed(node, "big");
	return node_add_parameter(node, "big", text, err);
}

static int fault_bad_utf8(const struct call *call, struct node *node,
			  struct error *err)
{
	(void)call;
	node_succeed(node, "bad \xff\xc0\xaf utf8");
	return node_add_parameter(node, "bad", "\xed\xa0\x80", err);
}

static int fault_memory(const struct call *call, struct node *node,
			struct error *err)
{
	(void)call, (void)node;
	for (int i = 0; i < 65536; i++)
		memset(mem_alloc(1 << 20), 1, 1 << 20);
	return error_set(err, ERROR_INTERNAL, "memory has no end");
}

static int fault_progress(const struct call *call, struct node *node,
			  struct error *err)
{
	(void)call, (void)err;
	node_run(node, "step");
	node_set_progress(node, 3, 10);
	return 0;
}

static int fault_execute(const struct call *call, struct node *node,
			 struct error *err)
{
	static const struct {
		const char *name;
		int (*run)(const struct call *call, struct node *node,
			   struct error *err);
	} rows[] = {
		{ "segv", fault_segv },         { "abort", fault_abort },
		{ "exit0", fault_exit0 },       { "exit1", fault_exit1 },
		{ "overflow", fault_overflow }, { "spin", fault_spin },
		{ "stop", fault_stop },         { "orphans", fault_orphans },
		{ "error", fault_error },       { "later", fault_later },
		{ "big", fault_big },           { "bad_utf8", fault_bad_utf8 },
		{ "memory", fault_memory },     { "progress", fault_progress },
	};
	const char *name = "";

	if (json_optional_string(&call->body, "do", &name, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].run(call, node, err);
	}
	return error_set(err, ERROR_INPUT, "plugin.fault.do: unknown");
}

const struct handler handler_fault = {
	.key = "fault",
	.execute = fault_execute,
};

struct sleeper {
	struct timer timer;
	struct handler_later *later;
	uint64_t ticket;
	char *text;
};

static void sleep_end(struct timer *timer)
{
	struct sleeper *sleeper = CONTAINER_OF(timer, struct sleeper, timer);
	struct arena arena;
	struct node node;

	arena_init(&arena);
	node_init(&node, &arena);
	node_succeed(&node, "%s", sleeper->text);
	sleeper->later->answer(sleeper->later, sleeper->ticket, &node, 0);
	arena_clear(&arena);
	free(sleeper->text);
	free(sleeper);
}

static int sleep_submit(const struct call *call, uint64_t ticket,
			struct handler_later *later, struct error *err)
{
	static const int64_t range[2] = { 0, 600000 };
	const char *text = "slept";
	struct sleeper *sleeper;
	int64_t ms = 0;

	if (json_optional_integer(&call->body, "ms", range, &ms, err) < 0 ||
	    json_optional_string(&call->body, "text", &text, err) < 0)
		return -1;
	sleeper = mem_zalloc(sizeof(*sleeper));
	sleeper->timer.fire = sleep_end;
	sleeper->later = later;
	sleeper->ticket = ticket;
	sleeper->text = mem_strdup(text);
	loop_timer_set(later->loop, &sleeper->timer, clock_ms() + ms);
	return 0;
}

const struct handler handler_sleep = {
	.key = "sleep",
	.submit = sleep_submit,
};
