/*
 * test_cgi: one process, one request, as a web server or --try starts it.
 */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "worker/cgi.h"

enum {
	MAX_BODY = 4096,
	OUT_BYTES = 65536
};

#define HELLO "{\"template\":{\"plugin\":{\"hello\":{}}}}"
#define HELLO_REPLY                                                            \
	"{\"node\":{\"phase\":\"Succeeded\",\"message\":\"Hello template!\","  \
	"\"outputs\":{\"parameters\":[{\"name\":\"greeting\",\"value\":"       \
	"\"template\"}]}}}\n"

#define POST_EXECUTE                                                           \
	"REQUEST_METHOD", "POST", "SCRIPT_NAME", "/api/v1/template.execute"

/* Answers after 20 ms, or never. */
struct waiter {
	struct timer timer;
	struct handler_later *later;
	uint64_t ticket;
};

static void waiter_end(struct timer *timer)
{
	struct waiter *waiter = CONTAINER_OF(timer, struct waiter, timer);
	struct arena arena;
	struct node node;

	arena_init(&arena);
	node_init(&node, &arena);
	node_succeed(&node, "waited");
	waiter->later->answer(waiter->later, waiter->ticket, &node, 0);
	arena_clear(&arena);
}

static int wait_submit(const struct call *call, uint64_t ticket,
		       struct handler_later *later, struct error *err)
{
	static struct waiter waiter;
	const char *what = "wait";

	if (json_optional_string(&call->body, "do", &what, err) < 0)
		return -1;
	waiter.timer.fire = waiter_end;
	waiter.later = later;
	waiter.ticket = ticket;
	if (strcmp(what, "wait") == 0)
		loop_timer_set(later->loop, &waiter.timer, clock_ms() + 20);
	return 0;
}

static const struct handler handler_wait = {
	.key = "wait",
	.submit = wait_submit,
};

/* One run in a child: what it is given, and what comes out. */
struct run {
	const char *const *environment; /* name, value, ..., NULL */
	const char *input;
	size_t input_len;
	const char *try_file; /* NULL: CGI */
	int code;
	char out[OUT_BYTES];
};

static int run_child(const struct run *run)
{
	struct options options = { .max_body = MAX_BODY, .deadline_ms = 200 };
	struct board *board = board_new(NULL);
	struct error err = ERROR_INIT;
	struct registry registry;
	int ret;

	registry_init(&registry);
	registry_add(&registry, &handler_wait, NULL);
	board_set_no_token(board, TOKEN_OFF, "");
	for (const char *const *at = run->environment; *at != NULL; at += 2)
		setenv(at[0], at[1], 1);
	if (run->try_file == NULL)
		return cgi_run(&options, &registry, board);
	ret = cgi_try(run->try_file, &options, &registry, board, &err);
	if (ret < 0)
		printf("%d: %s", (int)err.code, err.text);
	fflush(stdout);
	return ret < 0 ? 9 : ret;
}

static void run(struct run *run)
{
	int out = memfd_create("out", 0), in = memfd_create("in", 0);
	int status = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(file_write_all(in, run->input, run->input_len), 0);
	lseek(in, 0, SEEK_SET);
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(in, STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		_exit(run_child(run));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	run->code = WEXITSTATUS(status);
	n = pread(out, run->out, OUT_BYTES - 1, 0);
	assert_true(n >= 0);
	run->out[n] = '\0';
	close(in);
	close(out);
}

struct cgi_row {
	const char *environment[9];
	const char *input;
	const char *status;
	const char *body;
};

static void assert_cgi(const struct cgi_row *rows, size_t n)
{
	static struct run one;
	struct buf want;

	buf_init(&want, 4096);
	for (size_t i = 0; i < n; i++) {
		one.environment = rows[i].environment;
		one.input = rows[i].input;
		one.input_len = strlen(rows[i].input);
		run(&one);
		buf_reset(&want);
		buf_printf(&want,
			   "Status: %s\r\nContent-Type: application/json\r\n"
			   "Content-Length: %zu\r\nCache-Control: no-store\r\n"
			   "\r\n%s",
			   rows[i].status, strlen(rows[i].body), rows[i].body);
		assert_string_equal(one.out, want.data);
		assert_int_equal(one.code, 0);
	}
	buf_clear(&want);
}

static void variables_and_stdin_make_a_request(void **state)
{
	static const struct cgi_row rows[] = {
		{ { POST_EXECUTE, "CONTENT_LENGTH", "36" },
		  HELLO,
		  "200 OK",
		  HELLO_REPLY },
		{ { "REQUEST_METHOD", "POST", "SCRIPT_NAME",
		    "/cgi-bin/execplugd", "PATH_INFO",
		    "/api/v1/template.execute", "CONTENT_LENGTH", "36" },
		  HELLO "and more that is not ours",
		  "200 OK",
		  HELLO_REPLY },
		{ { "HTTP_PROXY", "http://127.0.0.1:1", "PATH_INFO", "/x" },
		  "",
		  "404 Not Found",
		  "{\"message\":\"nothing is here: calls go to POST "
		  "/api/v1/template.execute\"}\n" },
	};

	(void)state;
	assert_cgi(rows, ARRAY_LEN(rows));
}

static void row_76_a_content_length_that_is_not_true_is_refused(void **state)
{
	static const struct cgi_row rows[] = {
		{ { POST_EXECUTE, "CONTENT_LENGTH", "37" },
		  HELLO,
		  "400 Bad Request",
		  "{\"message\":\"the body is shorter than Content-Length "
		  "says\"}\n" },
		{ { POST_EXECUTE, "CONTENT_LENGTH", "-1" },
		  HELLO,
		  "400 Bad Request",
		  "{\"message\":\"Content-Length is not a number\"}\n" },
		{ { POST_EXECUTE, "CONTENT_LENGTH", "99999999999999999999999" },
		  HELLO,
		  "400 Bad Request",
		  "{\"message\":\"Content-Length is not a number\"}\n" },
		{ { POST_EXECUTE, "CONTENT_LENGTH", "4097" },
		  HELLO,
		  "413 Content Too Large",
		  "{\"message\":\"the body is larger than --max-body "
		  "allows\"}\n" },
		{ { POST_EXECUTE },
		  HELLO,
		  "400 Bad Request",
		  "{\"message\":\"the body is empty: a call is a JSON object "
		  "with a template\"}\n" },
	};

	(void)state;
	assert_cgi(rows, ARRAY_LEN(rows));
}

static const char *const no_environment[] = { NULL };

static void try_prints_the_reply_alone(void **state)
{
	static const struct {
		const char *input;
		int code;
		const char *out;
	} rows[] = {
		{ HELLO, 0, HELLO_REPLY },
		{ "{\"template\":{\"plugin\":{\"nobody\":{}}}}", 0, "{}\n" },
		{ "{", 1,
		  "{\"message\":\"the body is not JSON: no member name at byte "
		  "1\"}\n" },
		{ "", 1,
		  "{\"message\":\"the body is empty: a call is a JSON object "
		  "with a template\"}\n" },
		{ "{\"template\":{\"plugin\":{\"wait\":{}}}}", 0,
		  "{\"node\":{\"phase\":\"Succeeded\",\"message\":\"waited\"}}"
		  "\n" },
		{ "{\"template\":{\"plugin\":{\"wait\":{\"do\":1}}}}", 0,
		  "{\"node\":{\"phase\":\"Failed\",\"message\":\"plugin.wait."
		  "do: not a string\"}}\n" },
		{ "{\"template\":{\"plugin\":{\"wait\":{\"do\":\"no\"}}}}", 0,
		  "{\"node\":{\"phase\":\"Running\",\"message\":\"no answer "
		  "within the deadline: still running\"},\"requeue\":\"2s\"}"
		  "\n" },
	};
	static struct run one;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		one.environment = no_environment;
		one.try_file = "-";
		one.input = rows[i].input;
		one.input_len = strlen(rows[i].input);
		run(&one);
		assert_string_equal(one.out, rows[i].out);
		assert_int_equal(one.code, rows[i].code);
	}
}

static void try_reads_a_file(void **state)
{
	static struct run one;
	char path[32];
	int fd = memfd_create("call", 0);

	(void)state;
	assert_int_equal(file_write_all(fd, HELLO, strlen(HELLO)), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	one.environment = no_environment;
	one.try_file = path;
	run(&one);
	assert_string_equal(one.out, HELLO_REPLY);
	assert_int_equal(one.code, 0);
	close(fd);
}

static void try_says_what_it_cannot_read(void **state)
{
	static const struct {
		const char *file;
		size_t input_len;
		const char *out;
	} rows[] = {
		{ "/nonexistent", 0,
		  "4: cannot open '/nonexistent': No such file or directory" },
		{ "/", 0, "1: '/' is not a regular file" },
		{ "-", MAX_BODY + 1,
		  "1: standard input is larger than --max-body" },
	};
	static char input[MAX_BODY + 1];
	static struct run one;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		one.environment = no_environment;
		one.try_file = rows[i].file;
		one.input = input;
		one.input_len = rows[i].input_len;
		run(&one);
		assert_string_equal(one.out, rows[i].out);
		assert_int_equal(one.code, 9);
	}
}

/* /dev/zero never ends: what is above the limit is not read. */
static void try_stops_reading_at_the_limit(void **state)
{
	int status = 0, zero;
	pid_t pid;

	(void)state;
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(10);
		zero = open("/dev/zero", O_RDONLY);
		dup2(zero, STDIN_FILENO);
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		_exit(run_child(&(struct run){ .environment = no_environment,
					       .try_file = "-" }));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_and_stdin_make_a_request),
		cmocka_unit_test(
			row_76_a_content_length_that_is_not_true_is_refused),
		cmocka_unit_test(try_prints_the_reply_alone),
		cmocka_unit_test(try_reads_a_file),
		cmocka_unit_test(try_says_what_it_cannot_read),
		cmocka_unit_test(try_stops_reading_at_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
