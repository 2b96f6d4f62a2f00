/*
 * process: the only file that forks, runs programs, signals and reaps.
 *
 * Children never outlive us: each gets a signal when we die
 * (PR_SET_PDEATHSIG).  They start with all signals blocked (a role waits
 * for them by descriptor, a program gets an empty mask), with no new
 * privileges, without core files, and with everything that we open closed
 * at exec.
 */
#ifndef SUPERVISOR_PROCESS_H
#define SUPERVISOR_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "supervisor/account.h"

struct process {
	pid_t pid;      /* 0: not running */
	bool has_group; /* it leads a process group of its own */
};

/* How a child is to live. */
struct process_way {
	const struct account *account;
	int death_signal; /* that it gets when we die */
	bool has_group;
	int (*main)(void *context); /* runs in the child; its exit code */
	void *context;
};

/*
 * Standard descriptors that are closed become /dev/null, so that nothing
 * we open takes their place.  Call it before anything is opened.
 * Returns 0; -1 with err set.
 */
int process_fill_standard(struct error *err);

/*
 * Make this process fit to have children: orphans become ours, all signals but
 * faults and those of a terminal's job control are blocked.
 * Returns 0; -1 with err set.
 */
int process_prepare(struct error *err);

/* Close what our parent left open above stderr. */
void process_close_inherited(void);

/*
 * Fork a child that lives in that way.  process must not be running.
 * Returns 0; -1 with err ERROR_SYSTEM.
 */
int process_start(struct process *process, const struct process_way *way,
		  struct error *err);

/*
 * In a child: become the program at argv[0] (a path) with that environment
 * and an empty signal mask.  Returns only when it cannot, with errno.
 */
void process_become(char *const argv[], char *const envp[]);

/* Signal a running process; nothing when it is not running. */
void process_signal(const struct process *process, int number);

/* SIGKILL a running process, and its group when it leads one. */
void process_kill(const struct process *process);

/*
 * The pid of a child that has ended and waits to be reaped, 0: none.  Ours
 * and orphans that were given to us.  Never waits.
 */
pid_t process_next_dead(void);

/*
 * Reap the dead child pid.  process is ours of that pid (then marked as not
 * running; what is left of its group is killed before its number is free
 * for others) or NULL.  Returns its wait status.
 */
int process_reap(pid_t pid, struct process *process);

/* "exited with 1", "was killed by SIGSEGV" */
void process_end_text(int status, char *text, size_t size);

/* True for the signals of a fault in the program itself. */
bool process_is_fault(int status);

/*
 * Run a child to its end and gather what it writes to stdout and stderr in
 * out.  It is killed after max_ms.  Blocks: only for --check.
 * Returns the wait status; -1 with err set.
 */
int process_run(const struct process_way *way, int64_t max_ms, struct buf *out,
		struct error *err);

#endif
