/*
 * process: children that live as they are told, and end.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/process.h"

static const struct account nobody_else;

static struct process_way way_of(int (*function)(void *), void *context)
{
	return (struct process_way){
		.account = &nobody_else,
		.death_signal = SIGKILL,
		.main = function,
		.context = context,
	};
}

static void start(struct process *process, const struct process_way *way)
{
	struct error err = ERROR_INIT;

	memset(process, 0, sizeof(*process));
	assert_int_equal(process_start(process, way, &err), 0);
	assert_true(process->pid > 0);
}

/* Wait until a child has ended, and reap it. */
static int bury(struct process *process)
{
	siginfo_t info;

	assert_int_equal(
		waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOWAIT), 0);
	return process_reap(process->pid, process);
}

static int give_context(void *context)
{
	return *(int *)context;
}

static int wait_for_ever(void *context)
{
	(void)context;
	while (pause() < 0)
		;
	return 0;
}

static int crash(void *context)
{
	(void)context;
	abort();
}

static void a_child_ends_with_the_code_of_its_function(void **state)
{
	int code = 42;
	struct process_way way = way_of(give_context, &code);
	struct process process;
	int status;

	(void)state;
	start(&process, &way);
	status = bury(&process);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	assert_int_equal(process.pid, 0);
	assert_false(process_is_fault(status));
	/* Not running: neither is an error. */
	process_signal(&process, SIGKILL);
	process_kill(&process);
}

static void the_next_dead_is_told_until_it_is_reaped(void **state)
{
	int code = 1;
	struct process_way way = way_of(give_context, &code);
	struct process process;
	siginfo_t info;

	(void)state;
	assert_int_equal(process_next_dead(), 0);
	start(&process, &way);
	waitid(P_PID, (id_t)process.pid, &info, WEXITED | WNOWAIT);
	assert_int_equal(process_next_dead(), process.pid);
	assert_int_equal(process_next_dead(), process.pid);
	process_reap(process.pid, &process);
	assert_int_equal(process_next_dead(), 0);
}

static void ends_are_told_in_words(void **state)
{
	static const struct {
		int status;
		const char *text;
		bool is_fault;
	} rows[] = {
		{ 0, "exited with 0", false },
		{ 70 << 8, "exited with 70", false },
		{ SIGKILL, "was killed by SIGKILL", false },
		{ SIGTERM, "was killed by SIGTERM", false },
		{ SIGSEGV, "was killed by SIGSEGV", true },
		{ SIGSEGV | 0x80, "was killed by SIGSEGV", true },
		{ SIGABRT, "was killed by SIGABRT", true },
		{ SIGBUS, "was killed by SIGBUS", true },
		{ SIGILL, "was killed by SIGILL", true },
		{ SIGFPE, "was killed by SIGFPE", true },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		process_end_text(rows[i].status, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
		assert_int_equal(process_is_fault(rows[i].status),
				 rows[i].is_fault);
	}
}

static int check_bounds(void *context)
{
	struct rlimit limit;
	sigset_t blocked;
	int signal_at_death = 0;

	(void)context;
	if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_cur != 0)
		return 1;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	if (prctl(PR_GET_DUMPABLE) != 0)
		return 3;
	if (prctl(PR_GET_PDEATHSIG, &signal_at_death) < 0 ||
	    signal_at_death != SIGKILL)
		return 4;
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	if (!sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGHUP))
		return 5;
	if (sigismember(&blocked, SIGSEGV))
		return 6;
	return 0;
}

static void a_child_has_bounds(void **state)
{
	struct process_way way = way_of(check_bounds, NULL);
	struct process process;

	(void)state;
	start(&process, &way);
	assert_int_equal(bury(&process), 0);
}

static int check_account(void *context)
{
	const struct account *account = context;

	if (getuid() != account->uid || geteuid() != account->uid)
		return 1;
	if (getgid() != account->gid || getgroups(0, NULL) != 0)
		return 2;
	return setuid(0) == 0 ? 3 : 0;
}

static void root_is_given_up_for_good(void **state)
{
	struct account account = { .is_other = true, 8737, 8737 };
	struct process_way way = way_of(check_account, &account);
	struct process process;

	(void)state;
	if (geteuid() != 0)
		skip();
	way.account = &account;
	start(&process, &way);
	assert_int_equal(bury(&process), 0);
}

static void a_fault_ends_a_child_although_signals_are_blocked(void **state)
{
	struct process_way way = way_of(crash, NULL);
	struct process process;
	int status;

	(void)state;
	start(&process, &way);
	status = bury(&process);
	assert_true(process_is_fault(status) || WIFEXITED(status));
	assert_int_not_equal(status, 0);
}

/* A child that has a child of its own, and tells by a pipe that both live. */
static int have_a_child(void *context)
{
	const int *fds = context;
	pid_t pid = fork();
	ssize_t n;

	if (pid == 0)
		return wait_for_ever(NULL);
	close(fds[0]);
	n = write(fds[1], "x", 1);
	return n == 1 ? wait_for_ever(NULL) : 1;
}

static void a_group_dies_with_its_leader(void **state)
{
	int fds[2];
	struct process_way way = way_of(have_a_child, fds);
	struct process process;
	char text[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	way.has_group = true;
	start(&process, &way);
	close(fds[1]);
	assert_int_equal(read(fds[0], text, 1), 1);
	process_signal(&process, SIGKILL); /* only the leader */
	assert_int_equal(bury(&process), SIGKILL);
	/* The pipe ends when the other one is dead as well. */
	assert_int_equal(read(fds[0], text, 1), 0);
	close(fds[0]);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static int start_and_die(void *context)
{
	struct process_way way = way_of(wait_for_ever, NULL);
	struct process process = { 0 };

	(void)context;
	if (process_start(&process, &way, NULL) < 0)
		return 1;
	process_signal(&(struct process){ .pid = getpid() }, SIGKILL);
	return wait_for_ever(NULL);
}

/* The grandchild keeps the pipe open, were it not killed. */
static void row_44_children_die_with_their_parent(void **state)
{
	struct process_way way = way_of(start_and_die, NULL);
	struct process process;
	struct pollfd poll_fd;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	start(&process, &way);
	close(fds[1]);
	poll_fd = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	assert_int_equal(poll(&poll_fd, 1, 5000), 1);
	assert_true(poll_fd.revents & POLLHUP);
	close(fds[0]);
	assert_int_equal(bury(&process), SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static int become_shell(void *context)
{
	char shell[] = "/bin/sh", option[] = "-c";
	char *argv[] = { shell, option, context, NULL };
	char name[] = "NAME=value";
	char *envp[] = { name, NULL };

	process_become(argv, envp);
	return 99;
}

static void a_program_is_run_with_its_own_environment(void **state)
{
	char script[] = "echo \"$NAME\"; echo err >&2; exit 3";
	struct process_way way = way_of(become_shell, script);
	struct error err = ERROR_INIT;
	struct buf text;
	int status;

	(void)state;
	buf_init(&text, 1000);
	status = process_run(&way, 10000, &text, &err);
	assert_int_equal(status, 3 << 8);
	assert_string_equal(buf_text(&text), "value\nerr\n");
	buf_clear(&text);
}

static void a_program_that_does_not_end_is_killed(void **state)
{
	struct process_way way = way_of(wait_for_ever, NULL);
	struct error err = ERROR_INIT;
	struct buf text;

	(void)state;
	buf_init(&text, 1000);
	assert_int_equal(process_run(&way, 50, &text, &err), SIGKILL);
	buf_clear(&text);
}

static void inherited_descriptors_are_closed_and_ours_stay(void **state)
{
	int ours = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int theirs = open("/dev/null", O_RDONLY);

	(void)state;
	process_close_inherited();
	assert_true(fcntl(ours, F_GETFD) >= 0);
	assert_int_equal(fcntl(theirs, F_GETFD), -1);
	assert_int_equal(errno, EBADF);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
	close(ours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_ends_with_the_code_of_its_function),
		cmocka_unit_test(the_next_dead_is_told_until_it_is_reaped),
		cmocka_unit_test(ends_are_told_in_words),
		cmocka_unit_test(a_child_has_bounds),
		cmocka_unit_test(root_is_given_up_for_good),
		cmocka_unit_test(
			a_fault_ends_a_child_although_signals_are_blocked),
		cmocka_unit_test(a_group_dies_with_its_leader),
		cmocka_unit_test(row_44_children_die_with_their_parent),
		cmocka_unit_test(a_program_is_run_with_its_own_environment),
		cmocka_unit_test(a_program_that_does_not_end_is_killed),
		cmocka_unit_test(
			inherited_descriptors_are_closed_and_ours_stay),
	};

	if (process_prepare(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
