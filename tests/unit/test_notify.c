/*
 * notify: what a fake systemd gets to see.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/notify.h"

/* A socket at an abstract name; the name as systemd writes it. */
static int open_receiver(char name[64])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	size_t len;

	snprintf(name, 64, "@execplug-test-%d", (int)getpid());
	len = strlen(name);
	memcpy(address.sun_path, name, len);
	address.sun_path[0] = '\0';
	len += offsetof(struct sockaddr_un, sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, (socklen_t)len),
			 0);
	return fd;
}

static void a_message_arrives_whole(void **state)
{
	struct notify notify;
	char name[64], got[64] = "";
	int fd = open_receiver(name);

	(void)state;
	setenv("NOTIFY_SOCKET", name, 1);
	notify_init(&notify);
	notify_send(&notify, "READY=1\nSTATUS=fine");
	assert_true(recv(fd, got, sizeof(got) - 1, 0) > 0);
	assert_string_equal(got, "READY=1\nSTATUS=fine");
	close(fd);
	/* Nobody reads it now: nothing happens, and nothing waits. */
	notify_send(&notify, "STOPPING=1");
}

static void names_that_are_none_are_ignored(void **state)
{
	char name[300];
	const char *rows[] = { "", "x", "relative", "/", name };
	struct notify notify;

	(void)state;
	memset(name, 'a', sizeof(name));
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		setenv("NOTIFY_SOCKET", rows[i], 1);
		notify_init(&notify);
		assert_int_equal(notify.address_len, 0);
		notify_send(&notify, "READY=1");
	}
	unsetenv("NOTIFY_SOCKET");
	notify_init(&notify);
	assert_int_equal(notify.address_len, 0);
}

static void the_watchdog_is_half_of_what_systemd_waits(void **state)
{
	char ours[16];
	const struct {
		const char *usec, *pid;
		int64_t ms;
	} rows[] = {
		{ "10000000", NULL, 5000 }, { "10000000", ours, 5000 },
		{ "10000000", "1", 0 },     { NULL, NULL, 0 },
		{ "0", NULL, 0 },           { "soon", NULL, 0 },
	};
	struct notify notify;

	(void)state;
	snprintf(ours, sizeof(ours), "%d", (int)getpid());
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		setenv("NOTIFY_SOCKET", "@execplug-test", 1);
		if (rows[i].usec != NULL)
			setenv("WATCHDOG_USEC", rows[i].usec, 1);
		if (rows[i].pid != NULL)
			setenv("WATCHDOG_PID", rows[i].pid, 1);
		notify_init(&notify);
		assert_int_equal(notify.watchdog_ms, rows[i].ms);
		unsetenv("WATCHDOG_USEC");
		unsetenv("WATCHDOG_PID");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_arrives_whole),
		cmocka_unit_test(names_that_are_none_are_ignored),
		cmocka_unit_test(the_watchdog_is_half_of_what_systemd_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
