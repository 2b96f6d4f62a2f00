/*
 * The queue of real listening sockets, at a path and at a port.
 */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ops/listen_queue.h"

static int listen_tcp(int family, struct sockaddr_storage *address,
		      socklen_t len)
{
	int fd = socket(family, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)address, len), 0);
	assert_int_equal(listen(fd, 7), 0);
	getsockname(fd, (struct sockaddr *)address, &len);
	return fd;
}

static int connect_to(const void *address, socklen_t len)
{
	const struct sockaddr *to = address;
	int fd = socket(to->sa_family, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, to, len), 0);
	return fd;
}

static void a_path_is_found_with_its_queue(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char folder[] = "/tmp/test-queue-XXXXXX", longer[128];
	struct listen_queue queue = { 99, 99 };
	int fd, one, two;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	assert_false(listen_queue_read(address.sun_path, &queue));
	assert_int_equal(listen(fd, 5), 0);

	assert_true(listen_queue_read(address.sun_path, &queue));
	assert_int_equal(queue.length, 0);
	assert_int_equal(queue.limit, 5);
	one = connect_to(&address, sizeof(address));
	two = connect_to(&address, sizeof(address));
	assert_true(listen_queue_read(address.sun_path, &queue));
	assert_int_equal(queue.length, 2);

	snprintf(longer, sizeof(longer), "%sx", address.sun_path);
	assert_false(listen_queue_read(longer, &queue));
	assert_false(listen_queue_read(folder, &queue));
	close(one);
	close(two);
	close(fd);
	assert_false(listen_queue_read(address.sun_path, &queue));
	unlink(address.sun_path);
	rmdir(folder);
}

static void a_port_is_found_with_its_queue(void **state)
{
	struct sockaddr_storage storage = { 0 };
	struct sockaddr_in *address = (struct sockaddr_in *)&storage;
	struct listen_queue queue = { 99, 99 };
	char text[64];
	int fd, one;

	(void)state;
	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = listen_tcp(AF_INET, &storage, sizeof(*address));
	snprintf(text, sizeof(text), "127.0.0.1:%d", ntohs(address->sin_port));
	if (!listen_queue_read(text, &queue))
		skip(); /* the kernel has no tcp_diag */
	assert_int_equal(queue.length, 0);
	assert_int_equal(queue.limit, 7);
	one = connect_to(address, sizeof(*address));
	snprintf(text, sizeof(text), "*:%d", ntohs(address->sin_port));
	assert_true(listen_queue_read(text, &queue));
	assert_int_equal(queue.length, 1);
	snprintf(text, sizeof(text), "127.0.0.2:%d", ntohs(address->sin_port));
	assert_false(listen_queue_read(text, &queue));
	close(one);
	close(fd);
}

static void an_ipv6_port_is_found(void **state)
{
	struct sockaddr_storage storage = { 0 };
	struct sockaddr_in6 *address = (struct sockaddr_in6 *)&storage;
	struct listen_queue queue = { 99, 99 };
	char text[64];
	int fd;

	(void)state;
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (fd < 0)
		skip();
	close(fd);
	address->sin6_family = AF_INET6;
	address->sin6_addr = in6addr_loopback;
	fd = listen_tcp(AF_INET6, &storage, sizeof(*address));
	snprintf(text, sizeof(text), "[::1]:%d", ntohs(address->sin6_port));
	if (!listen_queue_read(text, &queue))
		skip();
	assert_int_equal(queue.limit, 7);
	close(fd);
}

static void what_is_no_address_is_not_found(void **state)
{
	static const char *const rows[] = {
		"", "x", ":", "host:", "*:0", "*:65536", "*:80x", "*:-1", "/",
	};
	struct listen_queue queue;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_false(listen_queue_read(rows[i], &queue));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_found_with_its_queue),
		cmocka_unit_test(a_port_is_found_with_its_queue),
		cmocka_unit_test(an_ipv6_port_is_found),
		cmocka_unit_test(what_is_no_address_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
