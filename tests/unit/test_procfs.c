/*
 * /proc about this process, its child, and one that is not there.
 */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops/procfs.h"

static void our_own_facts_are_known(void **state)
{
	struct procfs_facts before, after;
	int fd;

	(void)state;
	procfs_read(getpid(), &before);
	assert_true(before.resident_bytes > 100000);
	assert_true(before.virtual_bytes > before.resident_bytes);
	assert_true(before.cpu_ms >= 0 && before.cpu_ms < 60000);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	procfs_read(getpid(), &after);
	assert_int_equal(after.n_fds, before.n_fds + 1);
	close(fd);
}

static void a_process_that_is_gone_is_not_known(void **state)
{
	struct procfs_facts facts;

	(void)state;
	procfs_read(INT_MAX, &facts);
	assert_int_equal(facts.resident_bytes, -1);
	assert_int_equal(facts.virtual_bytes, -1);
	assert_int_equal(facts.cpu_ms, -1);
	assert_int_equal(facts.n_fds, -1);
	assert_int_equal(procfs_resident_bytes(INT_MAX, true), -1);
}

static void children_count_when_they_are_asked_for(void **state)
{
	int64_t alone, with_children;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	alone = procfs_resident_bytes(getpid(), false);
	with_children = procfs_resident_bytes(getpid(), true);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(alone > 0);
	assert_true(with_children > alone + 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own_facts_are_known),
		cmocka_unit_test(a_process_that_is_gone_is_not_known),
		cmocka_unit_test(children_count_when_they_are_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
