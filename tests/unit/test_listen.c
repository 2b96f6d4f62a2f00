/*
 * listen: sockets are made where nothing is lost by it.
 */
#include "test.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "folder.h"
#include "supervisor/adopt.h"
#include "supervisor/listen.h"
#include "supervisor/listen_tcp.h"

static struct account ourselves(void)
{
	return (struct account){ .uid = geteuid(), .gid = getegid() };
}

static int open_at(struct listen *listen, const char *path, struct error *err)
{
	static struct account account;

	account = ourselves();
	memset(err, 0, sizeof(*err));
	listen_init(listen);
	return listen_open(listen, path, 0600, &account, err);
}

static void assert_refused(const char *path, const char *part)
{
	struct listen listen;
	struct error err;
	struct stat before, after;
	int had = lstat(path, &before);

	assert_int_equal(open_at(&listen, path, &err), -1);
	assert_int_equal(err.code, ERROR_CONFIG);
	assert_non_null(strstr(err.text, part));
	assert_int_equal(lstat(path, &after), had);
	if (had == 0)
		assert_int_equal(before.st_ino, after.st_ino);
	listen_remove(&listen);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path, path, strlen(path));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void a_socket_has_its_mode_and_listens(void **state)
{
	const char *path = folder_path(*state, "a.sock");
	struct listen listen;
	struct error err;
	struct stat st;
	int fd;

	assert_int_equal(open_at(&listen, path, &err), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(fcntl(listen.fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(listen.fd, F_GETFD) & FD_CLOEXEC);
	assert_string_equal(listen.text, path);
	fd = connect_to(path);
	assert_true(fd >= 0);
	close(fd);
	listen_remove(&listen);
	assert_int_equal(folder_count(*state), 0);
}

static void row_54_a_stale_socket_is_replaced(void **state)
{
	const char *path = folder_path(*state, "a.sock");
	struct listen first, second;
	struct error err;

	assert_int_equal(open_at(&first, path, &err), 0);
	listen_close(&first);
	assert_int_equal(open_at(&second, path, &err), 0);
	listen_remove(&second);
}

static void row_54_what_is_no_stale_socket_of_ours_is_refused(void **state)
{
	const char *file = folder_path(*state, "file");
	const char *link = folder_path(*state, "link");
	struct listen served;
	struct error err;

	folder_write(*state, "file", "precious");
	assert_refused(file, "not a socket");
	assert_int_equal(symlink("nowhere", link), 0);
	assert_refused(link, "not a socket");

	assert_int_equal(open_at(&served, folder_path(*state, "s"), &err), 0);
	assert_refused(folder_path(*state, "s"), "another process");
	if (geteuid() == 0) {
		assert_int_equal(lchown(served.text, 12345, 12345), 0);
		assert_refused(served.text, "uid 12345");
	}
	listen_remove(&served);
}

static void row_55_paths_have_at_most_107_bytes(void **state)
{
	char name[LISTEN_PATH_BYTES + 2];
	size_t prefix = strlen(folder_path(*state, ""));
	struct listen listen;
	struct error err;

	memset(name, 's', sizeof(name));
	name[LISTEN_PATH_BYTES - prefix] = '\0';
	assert_int_equal(open_at(&listen, folder_path(*state, name), &err), 0);
	listen_remove(&listen);
	name[LISTEN_PATH_BYTES - prefix] = 's';
	name[LISTEN_PATH_BYTES - prefix + 1] = '\0';
	assert_refused(folder_path(*state, name), "107");
	assert_refused("/nowhere/at/all", "/nowhere/at/all");
}

static void row_53_a_file_that_has_gone_is_made_again(void **state)
{
	const char *path = folder_path(*state, "a.sock");
	struct listen listen;
	struct error err;
	int fd;

	assert_int_equal(open_at(&listen, path, &err), 0);
	assert_int_equal(listen_look(&listen), LISTEN_FINE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(listen_look(&listen), LISTEN_GONE);
	assert_int_equal(listen_remake(&listen, &err), 0);
	assert_int_equal(listen_look(&listen), LISTEN_FINE);
	fd = connect_to(path);
	assert_true(fd >= 0);
	close(fd);
	listen_remove(&listen);
}

static void row_53_what_others_put_there_is_left_alone(void **state)
{
	const char *path = folder_path(*state, "a.sock");
	struct listen listen;
	struct error err;

	assert_int_equal(open_at(&listen, path, &err), 0);
	assert_int_equal(rename(path, folder_path(*state, "moved")), 0);
	folder_write(*state, "a.sock", "precious");
	assert_int_equal(listen_look(&listen), LISTEN_REPLACED);
	assert_int_equal(listen_remake(&listen, &err), -1);
	listen_remove(&listen);
	assert_int_equal(access(path, F_OK), 0);
}

static void addresses_are_paths_or_ip_and_port(void **state)
{
	static const struct {
		const char *address, *text;
	} rows[] = {
		{ "127.0.0.1:0", "127.0.0.1:" },
		{ "[::1]:0", "[::1]:" },
		{ "*:0", ":" },
	};
	static const char *const bad[] = {
		"nonsense",
		"127.0.0.1",
		"localhost:9000",
		":9000",
		"[]:1",
		"127.0.0.1:",
		"127.0.0.1:x",
		"127.0.0.1:65536",
		"::1",
		"192.0.2.1:9000",
	};
	struct listen listen;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(open_at(&listen, rows[i].address, &err), 0);
		assert_non_null(strstr(listen.text, rows[i].text));
		assert_null(strstr(listen.text, ":0\n"));
		listen_remove(&listen);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(open_at(&listen, bad[i], &err), -1);
		assert_int_equal(err.code, ERROR_CONFIG);
	}
}

static int64_t port_of(const struct listen *listen)
{
	return strtoll(strrchr(listen->text, ':') + 1, NULL, 10);
}

static void row_46_a_taken_port_is_named(void **state)
{
	struct error err = ERROR_INIT;
	struct listen first, second;
	char number[24];

	(void)state;
	listen_init(&first);
	listen_init(&second);
	assert_int_equal(listen_tcp_open(&first, "127.0.0.1", 0, &err), 0);
	assert_int_equal(
		listen_tcp_open(&second, "127.0.0.1", port_of(&first), &err),
		-1);
	snprintf(number, sizeof(number), "%lld", (long long)port_of(&first));
	assert_int_equal(err.code, ERROR_CONFIG);
	assert_non_null(strstr(err.text, number));
	listen_close(&first);
}

static void every_address_takes_ipv4_too(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct error err = ERROR_INIT;
	struct listen listen;
	int fd;

	(void)state;
	listen_init(&listen);
	assert_int_equal(listen_tcp_open(&listen, NULL, 0, &err), 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((uint16_t)port_of(&listen));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	listen_close(&listen);
}

/* Put a listening socket, or a file, at descriptor 3 and above. */
static void hand_over(const struct folder *folder, int n, bool is_socket)
{
	struct listen listen;
	struct error err;
	int fd;

	for (int i = 0; i < n; i++) {
		fd = open("/dev/null", O_RDONLY);
		if (is_socket) {
			close(fd);
			assert_int_equal(
				open_at(&listen,
					folder_path(folder, i == 0 ? "0" : "1"),
					&err),
				0);
			fd = listen.fd;
		}
		assert_int_equal(dup2(fd, 3 + i), 3 + i);
		if (fd != 3 + i)
			close(fd);
	}
}

static void set_variables(const char *pid, const char *fds, const char *names)
{
	char ours[24];

	snprintf(ours, sizeof(ours), "%d", (int)getpid());
	setenv("LISTEN_PID", pid != NULL ? pid : ours, 1);
	setenv("LISTEN_FDS", fds, 1);
	if (names != NULL)
		setenv("LISTEN_FDNAMES", names, 1);
}

static void row_75_sockets_of_systemd(void **state)
{
	static const struct {
		int n;
		bool is_socket;
		const char *pid, *names, *fds;
		int ret;
		const char *end; /* of the path that is taken */
	} rows[] = {
		{ 1, true, NULL, NULL, "1", 1, "/0" },
		{ 1, true, NULL, "anything", "1", 1, "/0" },
		{ 2, true, NULL, "other:execplug", "2", 1, "/1" },
		{ 2, true, NULL, "execplug:other", "2", 1, "/0" },
		{ 2, true, NULL, "x:y", "2", -1, NULL },
		{ 2, true, NULL, NULL, "2", -1, NULL },
		{ 1, false, NULL, NULL, "1", -1, NULL },
		{ 1, true, "1", NULL, "1", 0, NULL },
		{ 1, true, NULL, NULL, "0", 0, NULL },
	};
	struct listen listen;
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memset(&err, 0, sizeof(err));
		hand_over(*state, rows[i].n, rows[i].is_socket);
		set_variables(rows[i].pid, rows[i].fds, rows[i].names);
		listen_init(&listen);
		assert_int_equal(adopt_socket(&listen, &err), rows[i].ret);
		if (rows[i].ret == 1) {
			assert_string_equal(strrchr(listen.text, '/'),
					    rows[i].end);
			assert_true(fcntl(listen.fd, F_GETFL) & O_NONBLOCK);
		}
		listen_remove(&listen);
		unsetenv("LISTEN_FDNAMES");
		close(3);
		close(4);
		unlink(folder_path(*state, "0"));
		unlink(folder_path(*state, "1"));
	}
}

static void looking_changes_nothing(void **state)
{
	struct account account = ourselves();
	struct error err = ERROR_INIT;

	assert_int_equal(
		listen_examine(folder_path(*state, "a"), &account, &err), 0);
	assert_int_equal(folder_count(*state), 0);
	assert_int_equal(listen_examine("/nowhere/a", &account, &err), -1);
}

#define ROW(test)                                                              \
	cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_socket_has_its_mode_and_listens),
		ROW(row_54_a_stale_socket_is_replaced),
		ROW(row_54_what_is_no_stale_socket_of_ours_is_refused),
		ROW(row_55_paths_have_at_most_107_bytes),
		ROW(row_53_a_file_that_has_gone_is_made_again),
		ROW(row_53_what_others_put_there_is_left_alone),
		ROW(addresses_are_paths_or_ip_and_port),
		ROW(row_46_a_taken_port_is_named),
		ROW(every_address_takes_ipv4_too),
		ROW(row_75_sockets_of_systemd),
		ROW(looking_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
