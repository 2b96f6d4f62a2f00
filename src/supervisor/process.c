/*
 * process: fork, exec, kill and waitpid, each in one place.
 */
#include "supervisor/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	PROCESS_FILES = 65536,   /* descriptors that a child may open */
	PROCESS_EXIT_START = 71, /* the child could not be made as asked */
};

/* Faults of the program itself must end it, whatever is blocked. */
static const int process_faults[] = { SIGSEGV, SIGABRT, SIGBUS, SIGILL,
				      SIGFPE };

static void process_block_signals(void)
{
	static const int open[] = { SIGTRAP, SIGTSTP, SIGTTIN, SIGTTOU,
				    SIGCONT };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < ARRAY_LEN(process_faults); i++)
		sigdelset(&set, process_faults[i]);
	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		sigdelset(&set, open[i]);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
}

int process_fill_standard(struct error *err)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return error_sys(err, "cannot open '/dev/null'");
		if (fd <= STDERR_FILENO)
			fcntl(fd, F_SETFD, 0);
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

int process_prepare(struct error *err)
{
	process_block_signals();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return error_sys(err, "cannot become a subreaper");
	return 0;
}

void process_close_inherited(void)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;
	int fd, flags;

	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL) {
		fd = (int)strtol(entry->d_name, NULL, 10);
		if (fd <= STDERR_FILENO || fd == dirfd(folder))
			continue;
		/* What we open is closed at exec; what came by exec is not. */
		flags = fcntl(fd, F_GETFD);
		if (flags >= 0 && (flags & FD_CLOEXEC) == 0)
			close(fd);
	}
	closedir(folder);
}

static void process_limit(int resource, rlim_t wanted)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)resource, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	setrlimit((__rlimit_resource_t)resource, &limit);
}

/* In the child: from here on it is nobody's but account's. */
static int process_change_account(const struct account *account)
{
	if (!account->is_other)
		return 0;
	if (setgroups(0, NULL) < 0 || setgid(account->gid) < 0 ||
	    setuid(account->uid) < 0)
		return -1;
	return 0;
}

/* In the child.  parent is who forked it. */
static int process_settle(const struct process_way *way, pid_t parent)
{
	if (way->has_group)
		setpgid(0, 0);
	process_limit(RLIMIT_CORE, 0);
	process_limit(RLIMIT_NOFILE, PROCESS_FILES);
	if (process_change_account(way->account) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		return -1;
	/* After the change of uid, which forgets it. */
	if (prctl(PR_SET_PDEATHSIG, way->death_signal) < 0)
		return -1;
	/* It may have died before the line above. */
	if (getppid() != parent)
		_exit(PROCESS_EXIT_START);
	return 0;
}

static void process_be_child(const struct process_way *way, pid_t parent)
{
	char reason[64];

	if (process_settle(way, parent) < 0) {
		log_write(LOG_LEVEL_ERROR, "supervisor",
			  "cannot set up a child: %s",
			  strerror_r(errno, reason, sizeof(reason)));
		_exit(PROCESS_EXIT_START);
	}
	/* Not exit(): what the parent registered or buffered is its own. */
	_exit(way->main(way->context));
}

int process_start(struct process *process, const struct process_way *way,
		  struct error *err)
{
	pid_t parent = getpid(), pid;

	log_flush();
	pid = fork();
	if (pid < 0)
		return error_sys(err, "cannot fork");
	if (pid == 0)
		process_be_child(way, parent);
	/* Both sides do it, so that neither can be too late. */
	if (way->has_group)
		setpgid(pid, pid);
	process->pid = pid;
	process->has_group = way->has_group;
	return 0;
}

void process_become(char *const argv[], char *const envp[])
{
	sigset_t none;

	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	execve(argv[0], argv, envp);
}

void process_signal(const struct process *process, int number)
{
	if (process->pid > 0)
		kill(process->pid, number);
}

void process_kill(const struct process *process)
{
	if (process->pid <= 0)
		return;
	if (process->has_group)
		kill(-process->pid, SIGKILL);
	kill(process->pid, SIGKILL);
}

pid_t process_next_dead(void)
{
	siginfo_t info;

	info.si_pid = 0;
	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return 0;
	return info.si_pid;
}

int process_reap(pid_t pid, struct process *process)
{
	int status = 0;

	if (process != NULL && process->has_group)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (process != NULL)
		process->pid = 0;
	return status;
}

void process_end_text(int status, char *text, size_t size)
{
	const char *name;

	if (!WIFSIGNALED(status)) {
		snprintf(text, size, "exited with %d", WEXITSTATUS(status));
		return;
	}
	name = sigabbrev_np(WTERMSIG(status));
	if (name != NULL)
		snprintf(text, size, "was killed by SIG%s", name);
	else
		snprintf(text, size, "was killed by signal %d",
			 WTERMSIG(status));
}

bool process_is_fault(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(process_faults); i++) {
		if (WIFSIGNALED(status) &&
		    WTERMSIG(status) == process_faults[i])
			return true;
	}
	return false;
}

struct process_run {
	const struct process_way *way;
	int out_fd;
};

static int process_run_main(void *context)
{
	const struct process_run *run = context;

	dup2(run->out_fd, STDOUT_FILENO);
	dup2(run->out_fd, STDERR_FILENO);
	return run->way->main(run->way->context);
}

/* Read fd until its end, at most until at_ms. */
static void process_gather(int fd, int64_t at_ms, struct buf *out)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char chunk[1024];
	int64_t left;
	ssize_t n;

	while ((left = at_ms - clock_ms()) > 0) {
		if (poll(&poll_fd, 1, (int)left) <= 0)
			continue;
		n = read(fd, chunk, sizeof(chunk));
		if (n <= 0)
			return;
		buf_add(out, chunk, (size_t)n);
	}
}

/* Wait until it has ended, at most until at_ms. */
static void process_await(const struct process *process, int64_t at_ms)
{
	struct pollfd poll_fd = { .events = POLLIN };
	int64_t left;

	poll_fd.fd = pidfd_open(process->pid, 0);
	if (poll_fd.fd < 0)
		return;
	while ((left = at_ms - clock_ms()) > 0) {
		if (poll(&poll_fd, 1, (int)left) > 0)
			break;
	}
	close(poll_fd.fd);
}

int process_run(const struct process_way *way, int64_t max_ms, struct buf *out,
		struct error *err)
{
	struct process process = { .pid = 0 };
	struct process_run run = { .way = way };
	struct process_way wrapped = *way;
	int64_t at_ms = clock_ms() + max_ms;
	int fds[2], ret = -1;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_sys(err, "cannot make a pipe");
	run.out_fd = fds[1];
	wrapped.main = process_run_main;
	wrapped.context = &run;
	wrapped.has_group = true;
	/* The program may open its stderr by name. */
	if (way->account->is_other &&
	    fchown(fds[1], way->account->uid, way->account->gid) < 0)
		error_sys(err, "cannot give away a pipe");
	else
		ret = process_start(&process, &wrapped, err);
	close(fds[1]);
	if (ret == 0) {
		process_gather(fds[0], at_ms, out);
		process_await(&process, at_ms);
		process_kill(&process);
		ret = process_reap(process.pid, &process);
	}
	close(fds[0]);
	return ret;
}
