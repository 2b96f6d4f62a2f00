/*
 * cgi: the same dispatch as in a worker, on one request.
 */
#include "worker/cgi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "rpc/reply.h"
#include "worker/dispatch.h"
#include "worker/journal.h"

struct cgi {
	const struct options *options;
	const struct registry *registry;
	struct board *board;
	struct board_slot *slot; /* of this process; nobody else reads it */
	struct arena arena;
	struct response response;
	struct journal_entry entry;
	/* of a handler that answers later */
	struct loop loop;
	struct handler_later later;
	struct timer deadline;
	bool is_answered;
};

static void cgi_init(struct cgi *cgi, const struct options *options,
		     const struct registry *registry, struct board *board)
{
	memset(cgi, 0, sizeof(*cgi));
	cgi->options = options;
	cgi->registry = registry;
	cgi->board = board;
	cgi->slot = board_take(board, ROLE_WORKER);
	arena_init(&cgi->arena);
	response_init(&cgi->response);
}

static void cgi_clear(struct cgi *cgi)
{
	board_release(cgi->board, cgi->slot);
	response_clear(&cgi->response);
	arena_clear(&cgi->arena);
}

static void cgi_answer(struct handler_later *later, uint64_t ticket,
		       const struct node *node, int64_t requeue_ms)
{
	struct cgi *cgi = CONTAINER_OF(later, struct cgi, later);

	(void)ticket;
	reply_set_node(&cgi->response, node, requeue_ms);
	cgi->entry.phase = node->phase;
	cgi->is_answered = true;
}

static void cgi_overdue(struct timer *timer)
{
	struct cgi *cgi = CONTAINER_OF(timer, struct cgi, deadline);

	reply_set(&cgi->response, REPLY_OVERDUE,
		  "no answer within the deadline: still running");
	cgi->entry.phase = reply_phase_of(REPLY_OVERDUE);
	cgi->is_answered = true;
}

/* Give the call to its handler and wait for the answer, or the deadline. */
static int cgi_submit(struct cgi *cgi, struct method_call *method_call,
		      struct error *err)
{
	if (loop_init(&cgi->loop, err) < 0)
		return -1;
	cgi->later.loop = &cgi->loop;
	cgi->later.answer = cgi_answer;
	cgi->deadline.fire = cgi_overdue;
	loop_timer_set(&cgi->loop, &cgi->deadline,
		       clock_ms() + cgi->options->deadline_ms);
	if (method_call->later->submit(&method_call->call, 1, &cgi->later,
				       err) < 0) {
		loop_clear(&cgi->loop);
		return -1;
	}
	while (!cgi->is_answered)
		loop_turn(&cgi->loop, -1);
	loop_clear(&cgi->loop);
	return 0;
}

static void cgi_dispatch(struct cgi *cgi, const struct request *request)
{
	struct method_call method_call = {
		.request = request,
		.board = cgi->board,
		.registry = cgi->registry,
		.arena = &cgi->arena,
		.response = &cgi->response,
	};
	struct error err = ERROR_INIT;
	enum board_route route;
	enum method_end end;

	journal_begin(&cgi->entry, request);
	end = dispatch_request(&method_call, &route);
	journal_note(&cgi->entry, route, &method_call.note);
	if (end == METHOD_SUBMIT) {
		if (cgi_submit(cgi, &method_call, &err) < 0) {
			reply_set(&cgi->response, reply_outcome_of(&err),
				  err.text);
			cgi->entry.phase =
				reply_phase_of(reply_outcome_of(&err));
		}
		call_clear(&method_call.call);
	}
	journal_end(&cgi->entry, cgi->slot, &cgi->response);
	log_flush();
}

static const char *cgi_variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "";
}

/* Read at most want bytes from stdin. */
static size_t cgi_read(char *bytes, size_t want)
{
	size_t len = 0;
	ssize_t n;

	while (len < want) {
		n = read(STDIN_FILENO, bytes + len, want - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	return len;
}

/* Read what nobody wants: a server can take an unread body for a crash. */
static void cgi_drop_body(unsigned long long left)
{
	char chunk[65536];
	size_t n = 1;

	while (left > 0 && n > 0) {
		n = cgi_read(chunk, left < sizeof(chunk) ? (size_t)left
							 : sizeof(chunk));
		left -= n;
	}
}

static void cgi_refuse(struct request *request, int status, const char *reason)
{
	request->refused_status = status;
	request->refused_reason = reason;
}

static void cgi_read_body(struct cgi *cgi, struct request *request)
{
	const char *length = cgi_variable("CONTENT_LENGTH");
	unsigned long long want;
	char *body, *end;

	if (length[0] == '\0')
		return;
	errno = 0;
	want = strtoull(length, &end, 10);
	if (errno != 0 || *end != '\0' || length[0] == '-') {
		cgi_refuse(request, 400, "Content-Length is not a number");
		return;
	}
	if (want > (unsigned long long)cgi->options->max_body) {
		cgi_drop_body(want);
		cgi_refuse(request, 413,
			   "the body is larger than --max-body allows");
		return;
	}
	body = arena_alloc(&cgi->arena, (size_t)want + 1);
	request->body_len = cgi_read(body, (size_t)want);
	body[request->body_len] = '\0';
	request->body = body;
	if (request->body_len < want)
		cgi_refuse(request, 400,
			   "the body is shorter than Content-Length says");
}

int cgi_run(const struct options *options, const struct registry *registry,
	    struct board *board)
{
	struct request request = { .body = "", .refused_reason = "" };
	struct buf out;
	struct cgi cgi;
	int code = 0;

	cgi_init(&cgi, options, registry, board);
	request.method = cgi_variable("REQUEST_METHOD");
	request.path =
		arena_printf(&cgi.arena, "%s%s", cgi_variable("SCRIPT_NAME"),
			     cgi_variable("PATH_INFO"));
	/* Installed as a program, its own name is in front of the path. */
	if (strncmp(request.path, "/api/", 5) != 0 &&
	    cgi_variable("PATH_INFO")[0] != '\0')
		request.path = cgi_variable("PATH_INFO");
	request.query = cgi_variable("QUERY_STRING");
	request.authorization = cgi_variable("HTTP_AUTHORIZATION");
	request.content_encoding = cgi_variable("HTTP_CONTENT_ENCODING");
	request.id = cgi_variable("HTTP_X_REQUEST_ID");
	cgi_read_body(&cgi, &request);

	cgi_dispatch(&cgi, &request);
	buf_init(&out, RESPONSE_BODY_LIMIT + 4096);
	response_write(&cgi.response, &out);
	if (file_write_all(STDOUT_FILENO, out.data, out.len) < 0)
		code = 70;
	buf_clear(&out);
	cgi_clear(&cgi);
	return code;
}

static int cgi_read_file(const char *path, struct buf *text, struct error *err)
{
	char chunk[4096];
	size_t n;

	if (strcmp(path, "-") != 0)
		return file_read(path, text, err);
	while (!text->cut && (n = cgi_read(chunk, sizeof(chunk))) > 0)
		buf_add(text, chunk, n);
	if (text->cut)
		return error_set(err, ERROR_INPUT,
				 "standard input is larger than --max-body");
	return 0;
}

int cgi_try(const char *path, const struct options *options,
	    const struct registry *registry, struct board *board,
	    struct error *err)
{
	struct request request = {
		.method = "POST",
		.path = "/api/v1/template.execute",
		.query = "",
		.authorization = "",
		.content_encoding = "",
		.id = "try",
		.refused_reason = "",
	};
	struct buf text;
	struct cgi cgi;
	int ret = -1;

	buf_init(&text, (size_t)options->max_body);
	if (cgi_read_file(path, &text, err) == 0) {
		request.body = buf_text(&text);
		request.body_len = text.len;
		board_set_no_token(board, TOKEN_OFF, "");
		cgi_init(&cgi, options, registry, board);
		cgi_dispatch(&cgi, &request);
		file_write_all(STDOUT_FILENO, cgi.response.body.data,
			       cgi.response.body.len);
		ret = cgi.response.status == 200 ? 0 : 1;
		cgi_clear(&cgi);
	}
	buf_clear(&text);
	return ret;
}
