/*
 * main: execplugd with handlers that cause faults, for the tests.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "fault.h"
#include "worker/worker.h"

int __real_worker_run(const struct worker_start *start);
int __wrap_worker_run(const struct worker_start *start);

/* Linked with --wrap=worker_run: workers, not the ops process, die. */
int __wrap_worker_run(const struct worker_start *start)
{
	const char *fault = getenv("EXECPLUG_FAULTY_START");

	if (fault != NULL && strcmp(fault, "crash") == 0 &&
	    start->slot->role == ROLE_WORKER)
		abort();
	return __real_worker_run(start);
}

int main(int argc, char *argv[])
{
	static const struct handler *const extra[] = {
		&handler_fault,
		&handler_sleep,
		NULL,
	};

	return daemon_main(argc, argv, extra);
}
