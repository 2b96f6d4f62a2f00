/*
 * front: nginx is found, configured, and its log lines become ours.
 */
#include "test.h"

#include <errno.h>
#include <json-c/json.h>

#include "base/log.h"
#include "folder.h"
#include "supervisor/front.h"
#include "supervisor/front_log.h"

static struct front_log front_log;
static int log_fd;    /* where our own stderr goes */
static int stderr_fd; /* where it went before */

static void row_46_nginx_is_found_or_named(void **state)
{
	static const struct {
		const char *nginx, *path, *found, *complaint;
	} rows[] = {
		{ "/bin/sh", "", "/bin/sh", NULL },
		{ "/nowhere/nginx", "", NULL, "/nowhere/nginx" },
		{ "/tmp", "", NULL, "/tmp" },
		{ "/etc/passwd", "", NULL, "/etc/passwd" },
		{ "sh", "/nowhere:/bin", "/bin/sh", NULL },
		{ "sh", "bin:.", NULL, "sh" },
		{ "no-such-nginx", "/bin:/usr/bin", NULL, "no-such-nginx" },
	};
	char *before = getenv("PATH");
	struct options options = { 0 };
	struct front front;
	struct error err;
	int ret;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memset(&err, 0, sizeof(err));
		options.nginx = rows[i].nginx;
		setenv("PATH", rows[i].path, 1);
		ret = front_find(&front, &options, &err);
		assert_int_equal(ret, rows[i].found != NULL ? 0 : -1);
		if (ret == 0) {
			assert_string_equal(front.program, rows[i].found);
		} else {
			assert_int_equal(err.code, ERROR_CONFIG);
			assert_non_null(strstr(err.text, rows[i].complaint));
		}
	}
	setenv("PATH", before != NULL ? before : "/bin", 1);
}

static void assert_rendered(const char *address, const char *listen_text,
			    const char *part)
{
	struct options options = {
		.max_body = 8192,
		.deadline_ms = 1001,
		.address = address,
	};
	struct buf text;

	buf_init(&text, 65536);
	front_render(&options, "/run/x", listen_text, &text);
	assert_non_null(strstr(buf_text(&text), part));
	assert_null(strchr(buf_text(&text), '@'));
	assert_false(text.cut);
	buf_clear(&text);
}

static void the_configuration_is_filled_in(void **state)
{
	static const struct {
		const char *address, *listen_text, *part;
	} rows[] = {
		{ NULL, "[::]:4355", "listen [::]:4355 ipv6only=off " },
		{ NULL, "0.0.0.0:4355", "listen 0.0.0.0:4355 backlog" },
		{ "::", "[::]:4355", "listen [::]:4355 backlog" },
		{ "::1", "[::1]:1", "listen [::1]:1 backlog" },
		{ NULL, "", "client_max_body_size 8192;" },
		{ NULL, "", "client_body_buffer_size 73728;" },
		{ NULL, "", "fastcgi_read_timeout 7s;" },
		{ NULL, "", "pid \"/run/x/nginx.pid\";" },
		{ NULL, "", "server \"unix:/run/x/fcgi.sock\";" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_rendered(rows[i].address, rows[i].listen_text,
				rows[i].part);
}

static void nginx_is_up_when_its_pid_is_there(void **state)
{
	struct options options = { .max_body = 1, .deadline_ms = 1 };
	struct error err = ERROR_INIT;
	struct folder *folder = *state;
	struct front front;

	assert_int_equal(front_write(&front, &options, folder->path,
				     "127.0.0.1:1", &err),
			 0);
	assert_false(front_is_up(&front));
	folder_write(folder, "nginx.pid", "1\n");
	assert_true(front_is_up(&front));
	front_reset(&front);
	assert_false(front_is_up(&front));
	assert_int_equal(front_write(&front, &options, folder->path,
				     "127.0.0.1:1", &err),
			 -1);
	assert_int_equal(err.code, ERROR_CONFIG);
}

/* Our log lines since the last look, as one text. */
static const char *logged(void)
{
	static char text[65536];
	ssize_t n;

	log_flush();
	n = pread(log_fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	assert_int_equal(ftruncate(log_fd, 0), 0);
	return text;
}

static struct json_object *forward(const char *bytes, size_t len)
{
	struct json_object *line;
	const char *text;

	front_log_take(&front_log, bytes, len);
	front_log_take(&front_log, "\n", 1);
	text = logged();
	if (text[0] == '\0')
		return NULL;
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_true(strlen(text) < LOG_WRITE_BYTES);
	line = json_tokener_parse(text);
	assert_non_null(line);
	return line;
}

static const char *member(struct json_object *line, const char *name)
{
	return json_object_get_string(json_object_object_get(line, name));
}

static void assert_forwarded(const char *text, const char *level,
			     const char *msg)
{
	struct json_object *line = forward(text, strlen(text));

	if (level == NULL) {
		assert_null(line);
		return;
	}
	assert_non_null(line);
	assert_string_equal(member(line, "area"), "nginx");
	assert_string_equal(member(line, "level"), level);
	assert_string_equal(member(line, "msg"), msg);
	json_object_put(line);
}

static void lines_of_the_error_log(void **state)
{
#define AT "2000/01/02 03:04:05 "
	static const struct {
		const char *text, *level, *msg;
	} rows[] = {
		{ AT "[emerg] 1#1: no", "error", "no" },
		{ AT "[alert] 1#2: no", "error", "no" },
		{ AT "[crit] 1#2: *33 no", "error", "no" },
		{ AT "[error] 12#12: *3 no [x] y", "warn", "no [x] y" },
		{ AT "[warn] 1#1: no", "warn", "no" },
		{ AT "[notice] 1#1: yes", "info", "yes" },
		{ AT "[strange] 1#1: yes", "warn", "yes" },
		{ "nginx: [emerg] unknown \"x\"", "error", "unknown \"x\"" },
		{ "what", "warn", "what" },
		{ "what [error] is this, said somebody", "warn",
		  "is this, said somebody" },
		{ AT "[error] 1#1: *3", "warn", "*3" },
		{ AT "[error] 1: no", "warn", "1: no" },
		{ "[", "warn", "[" },
		{ "[]", "warn", "" },
		{ AT "[notice] 1#1: using inherited sockets from \"3;\"", NULL,
		  NULL },
		{ "", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_forwarded(rows[i].text, rows[i].level, rows[i].msg);
	assert_string_equal(front_log.reason, "unknown \"x\"");
}

static void a_line_of_the_access_log(void **state)
{
	static const char text[] = "access\t413\t62\t180\t0.012\tid-1\t"
				   "POST /api/v1/template.execute HTTP/1.1";
	struct json_object *line = forward(text, strlen(text));

	(void)state;
	assert_string_equal(member(line, "level"), "info");
	assert_string_equal(member(line, "msg"), "nginx answered 413 itself");
	assert_string_equal(member(line, "status"), "413");
	assert_string_equal(member(line, "bytes_out"), "62");
	assert_string_equal(member(line, "bytes_in"), "180");
	assert_string_equal(member(line, "duration_ms"), "12");
	assert_string_equal(member(line, "request_id"), "id-1");
	assert_string_equal(member(line, "method"), "POST");
	assert_string_equal(member(line, "path"), "/api/v1/template.execute");
	json_object_put(line);
}

static void access_lines_that_are_not_whole_are_dropped(void **state)
{
	static const char *const rows[] = { "access\t", "access\t400",
					    "access\t400\t1\t2\t3" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_null(forward(rows[i], strlen(rows[i])));
}

static void row_79_a_line_that_an_attacker_wrote_is_one_clean_line(void **state)
{
	static const char raw[] = AT
		"[error] 1#1: *1 \x1b[2J\"} {\"level\":\"x\"\r\t\0\xff\xc0\xaf"
		"\x7f end";
	struct json_object *line = forward(raw, sizeof(raw) - 1);
	const char *msg = member(line, "msg");

	(void)state;
	assert_non_null(strstr(msg, "\x1b[2J\"} {\"level\":\"x\"\r\t?"));
	assert_non_null(strstr(msg, "\xef\xbf\xbd"));
	assert_string_equal(msg + strlen(msg) - 3, "end");
	json_object_put(line);
}

static void row_79_a_long_line_is_cut(void **state)
{
	static char text[1 << 20];
	struct json_object *line;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "access\t414\t0\t0\t0\tid\tGET /",
	       strlen("access\t414\t0\t0\t0\tid\tGET /"));
	line = forward(text, sizeof(text));
	assert_string_equal(member(line, "status"), "414");
	assert_int_equal(strlen(member(line, "path")), LOG_TEXT_BYTES + 3);
	json_object_put(line);
	memset(text, '"', sizeof(text));
	json_object_put(forward(text, sizeof(text)));
	assert_forwarded("next", "warn", "next");
}

static void lines_may_come_in_pieces(void **state)
{
	(void)state;
	front_log_take(&front_log, "one\ntw", 6);
	front_log_take(&front_log, "o\nthree", 7);
	assert_non_null(strstr(logged(), "\"msg\":\"two\""));
	assert_forwarded("!", "warn", "three!");
}

static void what_is_in_the_pipe_is_forwarded(void **state)
{
	const struct account account = { .uid = geteuid() };
	struct error err = ERROR_INIT;
	struct front_log log;

	(void)state;
	assert_int_equal(front_log_open(&log, &account, &err), 0);
	assert_int_equal(write(log.write_fd, "hello\n", 6), 6);
	front_log_drain(&log);
	assert_non_null(strstr(logged(), "\"msg\":\"hello\""));
	front_log_drain(&log);
	assert_string_equal(logged(), "");
	front_log_close(&log);
	front_log_drain(&log);
}

/* Our log goes to a file while the tests run. */
static int open_log(void **state)
{
	char name[] = "/tmp/xp-log.XXXXXX";

	(void)state;
	log_fd = mkstemp(name);
	stderr_fd = dup(STDERR_FILENO);
	if (log_fd < 0 || stderr_fd < 0 || dup2(log_fd, STDERR_FILENO) < 0)
		return -1;
	log_open(LOG_LEVEL_DEBUG);
	return unlink(name);
}

static int close_log(void **state)
{
	(void)state;
	return dup2(stderr_fd, STDERR_FILENO) < 0 ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_46_nginx_is_found_or_named),
		cmocka_unit_test(the_configuration_is_filled_in),
		cmocka_unit_test_setup_teardown(
			nginx_is_up_when_its_pid_is_there, folder_make,
			folder_remove),
		cmocka_unit_test(lines_of_the_error_log),
		cmocka_unit_test(a_line_of_the_access_log),
		cmocka_unit_test(access_lines_that_are_not_whole_are_dropped),
		cmocka_unit_test(
			row_79_a_line_that_an_attacker_wrote_is_one_clean_line),
		cmocka_unit_test(row_79_a_long_line_is_cut),
		cmocka_unit_test(lines_may_come_in_pieces),
		cmocka_unit_test(what_is_in_the_pipe_is_forwarded),
	};

	return cmocka_run_group_tests(tests, open_log, close_log);
}
