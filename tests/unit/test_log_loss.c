/*
 * Lines that stderr does not take: whole ones are lost, and counted.
 */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/unit/log_reader.h"

enum {
	MANY = 2000
};

/* What a child found out. */
static struct {
	uint64_t n_dropped;
	int shared_flags;
	uint64_t taken[4];
} * found;

static int map_found(void **state)
{
	(void)state;
	found = mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return found == MAP_FAILED ? -1 : 0;
}

static void write_many(void)
{
	for (int i = 0; i < MANY; i++)
		log_write(LOG_LEVEL_INFO, "a", "line %d", i);
	log_flush();
	found->n_dropped = log_dropped();
}

/* The reader is slower than the writer, so some are lost: whole ones. */
static void lines_are_written_whole_or_dropped_and_counted(void **state)
{
	struct json_object *line;
	struct buf out;
	uint64_t n = 0;
	char *at;

	(void)state;
	run_piped(write_many, LOG_LEVEL_INFO, &out);
	at = out.data;
	while ((line = next_line(&at)) != NULL) {
		json_object_put(line);
		n++;
	}
	assert_int_equal(n + found->n_dropped, MANY);
	assert_true(n > 0);
	buf_clear(&out);
}

/* Nobody reads before the writer is done. */
static void a_full_pipe_is_not_waited_for(void **state)
{
	struct json_object *line;
	char text[65536 + 1], *at = text;
	int fds[2], status;
	uint64_t n = 0;
	ssize_t len;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		log_open(LOG_LEVEL_INFO);
		found->shared_flags = fcntl(STDERR_FILENO, F_GETFL);
		alarm(10);
		write_many();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(found->n_dropped > 0);
	/* What we share with our parent still blocks. */
	assert_int_equal(found->shared_flags & O_NONBLOCK, 0);

	len = read(fds[0], text, sizeof(text) - 1);
	assert_true(len > 0);
	text[len] = '\0';
	while ((line = next_line(&at)) != NULL) {
		json_object_put(line);
		n++;
	}
	assert_int_equal(n + found->n_dropped, MANY);
	close(fds[0]);
	close(fds[1]);
}

static void close_and_write(void)
{
	close(STDERR_FILENO);
	log_open(LOG_LEVEL_INFO);
	log_write(LOG_LEVEL_INFO, "a", "one");
	log_write(LOG_LEVEL_WARN, "a", "two");
	log_write(LOG_LEVEL_ERROR, "a", "three");
	found->n_dropped = log_dropped();
}

static void a_closed_stderr_drops_every_line(void **state)
{
	int fds[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close_and_write();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(found->n_dropped, 3);
	close(fds[0]);
	close(fds[1]);
}

static void fork_with_a_pending_line(void)
{
	pid_t pid;

	log_write(LOG_LEVEL_INFO, "a", "the parent's");
	pid = fork();
	if (pid == 0) {
		log_write(LOG_LEVEL_INFO, "a", "the child's");
		log_flush();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	log_flush();
}

static void a_child_does_not_write_its_parents_lines(void **state)
{
	struct json_object *line;
	long pids[2];
	struct buf out;
	char *at;

	(void)state;
	run_piped(fork_with_a_pending_line, LOG_LEVEL_INFO, &out);
	at = out.data;
	line = next_line(&at);
	assert_string_equal(member(line, "msg"), "the child's");
	pids[0] = strtol(member(line, "pid"), NULL, 10);
	json_object_put(line);
	line = next_line(&at);
	assert_string_equal(member(line, "msg"), "the parent's");
	pids[1] = strtol(member(line, "pid"), NULL, 10);
	json_object_put(line);
	assert_null(next_line(&at));
	assert_int_not_equal(pids[0], pids[1]);
	buf_clear(&out);
}

static void take_dropped_lines(void)
{
	int full[2];
	char fill[4096] = { 0 };

	if (pipe2(full, O_NONBLOCK) < 0)
		_exit(1);
	while (write(full[1], fill, sizeof(fill)) > 0)
		continue;
	dup2(full[1], STDERR_FILENO);
	log_open(LOG_LEVEL_INFO);
	log_write(LOG_LEVEL_WARN, "a", "lost");
	found->taken[0] = log_take_dropped();
	found->taken[1] = log_take_dropped();
	log_write(LOG_LEVEL_WARN, "a", "lost");
	log_write(LOG_LEVEL_WARN, "a", "lost");
	found->taken[2] = log_take_dropped();
	found->n_dropped = log_dropped();
	if (fork() == 0) {
		found->taken[3] = log_dropped() + log_take_dropped();
		_exit(0);
	}
	wait(NULL);
}

static void dropped_lines_are_taken_once_and_by_their_process(void **state)
{
	struct buf out;

	(void)state;
	run_piped(take_dropped_lines, LOG_LEVEL_INFO, &out);
	assert_int_equal(found->taken[0], 1);
	assert_int_equal(found->taken[1], 0);
	assert_int_equal(found->taken[2], 2);
	assert_int_equal(found->n_dropped, 3);
	assert_int_equal(found->taken[3], 0);
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			lines_are_written_whole_or_dropped_and_counted),
		cmocka_unit_test(a_full_pipe_is_not_waited_for),
		cmocka_unit_test(a_closed_stderr_drops_every_line),
		cmocka_unit_test(a_child_does_not_write_its_parents_lines),
		cmocka_unit_test(
			dropped_lines_are_taken_once_and_by_their_process),
	};

	return cmocka_run_group_tests(tests, map_found, NULL);
}
