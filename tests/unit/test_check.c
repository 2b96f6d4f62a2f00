/*
 * check: each finding is a line; a problem comes with its cure.
 */
#include "test.h"

#include "folder.h"
#include "supervisor/check.h"
#include "supervisor/listen_tcp.h"

#define GOOD "wEvtPCkfSMHPLgtj8LkmSLVWYB3jHJUL"

/* What check_run() says of options; its exit code in *code_r. */
static const char *check(const struct options *options, int *code_r)
{
	static char text[8192];
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_non_null(out);
	*code_r = check_run(options, out);
	fclose(out);
	return text;
}

static struct options options_for(void **state)
{
	return (struct options){
		.token_file = folder_path(*state, "token"),
		.user = "www-data",
		.front = FRONT_NONE,
		.listen = folder_path(*state, "fcgi.sock"),
		.workers = 1,
		.allow_uid = -1,
		.max_body = 65536,
		.deadline_ms = 1000,
	};
}

/* Every line is a finding, and every problem says what to do. */
static int count_problems(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text = strchr(text, '\n') + 1) {
		assert_non_null(strchr(text, '\n'));
		if (strncmp(text, "ok: ", 4) == 0)
			continue;
		assert_memory_equal(text, "problem: ", 9);
		assert_non_null(strstr(text, " - "));
		n++;
	}
	return n;
}

static void all_is_well(void **state)
{
	struct options options = options_for(state);
	const char *text;
	int code;

	folder_write(*state, "token", GOOD);
	text = check(&options, &code);
	assert_int_equal(count_problems(text), 0);
	assert_int_equal(code, 0);
	assert_null(strstr(text, GOOD));
	assert_int_equal(folder_count(*state), 1);
}

static void a_bad_token_and_a_bad_socket_are_both_told(void **state)
{
	struct options options = options_for(state);
	const char *text;
	int code;

	folder_write(*state, "token", "short");
	folder_write(*state, "fcgi.sock", "precious");
	text = check(&options, &code);
	assert_int_equal(count_problems(text), 2);
	assert_int_equal(code, 78);
	assert_non_null(strstr(text, options.token_file));
	assert_non_null(strstr(text, options.listen));
	assert_int_equal(folder_count(*state), 2);
}

static void a_taken_port_and_a_missing_nginx_are_both_told(void **state)
{
	struct options options = options_for(state);
	struct error err = ERROR_INIT;
	struct listen listen;
	const char *text;
	char port[24];
	int code;

	listen_init(&listen);
	assert_int_equal(listen_tcp_open(&listen, "127.0.0.1", 0, &err), 0);
	snprintf(port, sizeof(port), "port %s", strrchr(listen.text, ':') + 1);
	options.no_auth = true;
	options.front = FRONT_NGINX;
	options.listen = NULL;
	options.address = "127.0.0.1";
	options.port = strtoll(port + 5, NULL, 10);
	options.nginx = "/nowhere/nginx";
	text = check(&options, &code);
	assert_int_equal(count_problems(text), 2);
	assert_int_equal(code, 78);
	assert_non_null(strstr(text, port));
	assert_non_null(strstr(text, "/nowhere/nginx"));
	listen_close(&listen);
}

static void a_user_that_is_not_there_is_told(void **state)
{
	struct options options = options_for(state);
	int code;

	if (geteuid() != 0)
		skip();
	options.no_auth = true;
	options.user = "no-such-user";
	assert_non_null(strstr(check(&options, &code), "no-such-user"));
	assert_int_equal(code, 78);
	options.user = "root";
	assert_non_null(strstr(check(&options, &code), "root"));
	assert_int_equal(code, 78);
	options.user = "8737:0";
	assert_non_null(strstr(check(&options, &code), "uid 8737 gid 0"));
	assert_int_equal(code, 0);
}

#define ROW(test)                                                              \
	cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(all_is_well),
		ROW(a_bad_token_and_a_bad_socket_are_both_told),
		ROW(a_taken_port_and_a_missing_nginx_are_both_told),
		ROW(a_user_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
