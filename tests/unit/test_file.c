#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static char folder[] = "/tmp/test-file-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "file", "fifo", "large", "exists",
					     "wide" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlink(in_folder(names[i]));
	return rmdir(folder);
}

static void what_is_created_is_read_back(void **state)
{
	struct error err = ERROR_INIT;
	struct stat st;
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	buf_add_text(&out, "before ");
	assert_int_equal(file_create(in_folder("file"), 0600, "a\0b", 3, &err),
			 0);
	assert_int_equal(file_read(in_folder("file"), &out, &err), 0);
	assert_int_equal(out.len, 10);
	assert_memory_equal(out.data, "before a\0b", 10);
	assert_int_equal(stat(in_folder("file"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	buf_clear(&out);
}

static void the_mode_is_as_given_whatever_the_umask(void **state)
{
	struct error err = ERROR_INIT;
	mode_t kept = umask(0777);
	struct stat st;

	(void)state;
	assert_int_equal(file_create(in_folder("wide"), 0644, "", 0, &err), 0);
	umask(kept);
	assert_int_equal(stat(in_folder("wide"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static void a_file_that_exists_is_not_created(void **state)
{
	struct error err = ERROR_INIT;
	char text[256];

	(void)state;
	assert_int_equal(file_create(in_folder("exists"), 0600, "1", 1, &err),
			 0);
	assert_int_equal(file_create(in_folder("exists"), 0600, "2", 1, &err),
			 -1);
	assert_int_equal(err.code, ERROR_SYSTEM);
	snprintf(text, sizeof(text), "cannot create '%s': File exists",
		 in_folder("exists"));
	assert_string_equal(err.text, text);
}

/* Would wait for ever if the file were opened as others are. */
static void a_fifo_is_refused_without_waiting(void **state)
{
	struct error err = ERROR_INIT;
	char text[256];
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	alarm(10);
	assert_int_equal(file_read(in_folder("fifo"), &out, &err), -1);
	alarm(0);
	assert_int_equal(err.code, ERROR_INPUT);
	snprintf(text, sizeof(text), "'%s' is not a regular file",
		 in_folder("fifo"));
	assert_string_equal(err.text, text);
}

static void other_things_are_refused_with_their_sentence(void **state)
{
	static const struct {
		const char *path;
		enum error_code code;
		const char *text;
	} rows[] = {
		{ "/", ERROR_INPUT, "'/' is not a regular file" },
		{ "/dev/zero", ERROR_INPUT,
		  "'/dev/zero' is not a regular file" },
		{ "/nowhere/x", ERROR_SYSTEM,
		  "cannot open '/nowhere/x': No such file or directory" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(file_read(rows[i].path, &out, &err), -1);
		assert_int_equal(err.code, rows[i].code);
		assert_string_equal(err.text, rows[i].text);
	}
	assert_int_equal(out.len, 0);
}

static void a_file_above_the_limit_is_refused(void **state)
{
	struct error err = ERROR_INIT;
	char bytes[101], text[256];
	struct buf out;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(file_create(in_folder("large"), 0600, bytes,
				     sizeof(bytes), &err),
			 0);
	buf_init(&out, 101);
	assert_int_equal(file_read(in_folder("large"), &out, &err), 0);
	buf_clear(&out);
	buf_init(&out, 100);
	assert_int_equal(file_read(in_folder("large"), &out, &err), -1);
	assert_int_equal(err.code, ERROR_INPUT);
	snprintf(text, sizeof(text), "'%s' is larger than 100 bytes",
		 in_folder("large"));
	assert_string_equal(err.text, text);
	buf_clear(&out);
}

static void all_bytes_go_through_a_pipe_that_is_too_small(void **state)
{
	static char bytes[300000];
	size_t total = 0;
	int fds[2];
	ssize_t n;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		_exit(file_write_all(fds[1], bytes, sizeof(bytes)) != 0);
	}
	close(fds[1]);
	while ((n = read(fds[0], bytes, 1000)) > 0)
		total += (size_t)n;
	close(fds[0]);
	waitpid(pid, NULL, 0);
	assert_int_equal(total, sizeof(bytes));
}

static void a_write_that_fails_says_so(void **state)
{
	(void)state;
	assert_int_equal(file_write_all(-1, "x", 1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(file_write_all(-1, "", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_created_is_read_back),
		cmocka_unit_test(the_mode_is_as_given_whatever_the_umask),
		cmocka_unit_test(a_file_that_exists_is_not_created),
		cmocka_unit_test(a_fifo_is_refused_without_waiting),
		cmocka_unit_test(other_things_are_refused_with_their_sentence),
		cmocka_unit_test(a_file_above_the_limit_is_refused),
		cmocka_unit_test(all_bytes_go_through_a_pipe_that_is_too_small),
		cmocka_unit_test(a_write_that_fails_says_so),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
