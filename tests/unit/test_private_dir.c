/*
 * private_dir: made, locked, swept, removed; links are never followed.
 */
#include "test.h"

#include <sys/file.h>

#include "folder.h"
#include "supervisor/private_dir.h"

static const struct account *ourselves(void)
{
	static struct account account;

	account.uid = geteuid();
	account.gid = getegid();
	return &account;
}

static void open_in(struct private_dir *dir, const struct folder *base)
{
	struct error err = ERROR_INIT;

	assert_int_equal(
		private_dir_open_in(dir, base->path, ourselves(), &err), 0);
}

static void it_is_private_and_removed_with_its_contents(void **state)
{
	struct private_dir dir;
	struct stat st;
	int inner;

	open_in(&dir, *state);
	assert_int_equal(stat(dir.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	inner = mkdirat(dir.fd, "body", 0700);
	assert_int_equal(inner, 0);
	close(openat(dir.fd, "body/0000000001", O_CREAT | O_WRONLY, 0600));
	close(openat(dir.fd, "nginx.conf", O_CREAT | O_WRONLY, 0600));
	private_dir_remove(&dir);
	assert_int_equal(folder_count(*state), 0);
	private_dir_remove(&dir);
}

static void two_live_ones_leave_each_other_alone(void **state)
{
	struct private_dir first, second;

	open_in(&first, *state);
	open_in(&second, *state);
	assert_int_equal(folder_count(*state), 2);
	private_dir_remove(&first);
	private_dir_remove(&second);
	assert_int_equal(folder_count(*state), 0);
}

static void the_rest_of_a_dead_one_is_removed(void **state)
{
	struct private_dir dead, next;

	open_in(&dead, *state);
	close(openat(dead.fd, "nginx.conf", O_CREAT | O_WRONLY, 0600));
	private_dir_forget(&dead); /* as the kernel does for a killed one */
	open_in(&next, *state);
	assert_int_equal(folder_count(*state), 1);
	private_dir_remove(&next);
}

static void links_are_removed_and_not_followed(void **state)
{
	struct folder other;
	struct private_dir dir, next;

	memcpy(other.path, "/tmp/xp.XXXXXX", 15);
	assert_non_null(mkdtemp(other.path));
	folder_write(&other, "precious", "x");

	/* A link with a name of ours, and one in a folder of ours. */
	assert_int_equal(
		symlink(other.path, folder_path(*state, "execplug.1.abcdef")),
		0);
	open_in(&dir, *state);
	assert_int_equal(symlinkat(other.path, dir.fd, "body"), 0);
	private_dir_forget(&dir);
	open_in(&next, *state);
	private_dir_remove(&next);

	assert_int_equal(folder_count(&other), 1);
	unlink(folder_path(&other, "precious"));
	assert_int_equal(rmdir(other.path), 0);
	assert_int_equal(folder_count(*state), 1);
}

static void folders_of_others_are_left_alone(void **state)
{
	const char *foreign = folder_path(*state, "execplug.1.foreign");
	struct private_dir dir;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(foreign, 0700), 0);
	assert_int_equal(chown(foreign, 12345, 12345), 0);
	open_in(&dir, *state);
	private_dir_remove(&dir);
	assert_int_equal(access(foreign, F_OK), 0);
}

static void a_base_that_cannot_be_is_refused(void **state)
{
	static const char *const bases[] = {
		"/nowhere",
		"relative",
		"",
		"/a/path/that/is/much/too/long/for/a/socket/to/have/room/in",
	};
	struct private_dir dir;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(
			private_dir_open_in(&dir, bases[i], ourselves(), &err),
			-1);
		assert_string_equal(dir.path, "");
	}
}

static void row_61_the_folder_of_systemd_comes_first(void **state)
{
	const struct folder *folder = *state;
	struct error err = ERROR_INIT;
	struct private_dir dir;

	setenv("RUNTIME_DIRECTORY", folder->path, 1);
	assert_int_equal(private_dir_open(&dir, ourselves(), &err), 0);
	assert_memory_equal(dir.path, folder->path, strlen(folder->path));
	private_dir_remove(&dir);

	setenv("RUNTIME_DIRECTORY", "/nowhere", 1);
	assert_int_equal(private_dir_open(&dir, ourselves(), &err), 0);
	assert_string_not_equal(dir.path, "");
	private_dir_remove(&dir);
}

#define ROW(test)                                                              \
	cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(it_is_private_and_removed_with_its_contents),
		ROW(two_live_ones_leave_each_other_alone),
		ROW(the_rest_of_a_dead_one_is_removed),
		ROW(links_are_removed_and_not_followed),
		ROW(folders_of_others_are_left_alone),
		ROW(a_base_that_cannot_be_is_refused),
		ROW(row_61_the_folder_of_systemd_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
