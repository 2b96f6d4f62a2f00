/*
 * fcgi: bytes <-> request and response, by libfcgi.
 */
#include "http/fcgi.h"

#include <errno.h>
#include <fastcgi.h>
#include <fcgiapp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/mem.h"

enum {
	/* The file starts anew when it has grown to this. */
	FCGI_FILE_BYTES = 64 * 1024,
	FCGI_HEAD_BYTES = 256 * 1024, /* of `head` that are kept */
};

struct fcgi {
	FCGX_Request request;
	int fd; /* the memfd; request.ipcFd while libfcgi keeps it */
	/*
	 * Requests and replies follow each other in the file, so what is
	 * read of one always ends at the end of the file.
	 */
	off_t end;
	bool is_open;      /* a request is decoded and not answered */
	struct buf head;   /* scratch: status line, headers and body */
	char chunk[16384]; /* scratch: on the stack it would be zeroed */
};

static int fcgi_open_file(struct fcgi *fcgi, struct error *err)
{
	fcgi->fd = memfd_create("execplug-request", MFD_CLOEXEC);
	fcgi->end = 0;
	if (fcgi->fd < 0)
		return error_sys(err, "cannot create a file in memory");
	return 0;
}

/*
 * OS_LibInit() takes SIGPIPE, SIGUSR1 and SIGTERM; what stood before comes
 * back.
 */
static int fcgi_init_library(struct error *err)
{
	static const int signals[] = { SIGPIPE, SIGUSR1, SIGTERM };
	struct sigaction saved[ARRAY_LEN(signals)];
	int failed;

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], NULL, &saved[i]);
	failed = FCGX_Init();
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &saved[i], NULL);
	if (failed)
		return error_set(err, ERROR_INTERNAL, "libfcgi: error %d",
				 failed);
	return 0;
}

struct fcgi *fcgi_new(struct error *err)
{
	struct fcgi *fcgi;

	if (fcgi_init_library(err) < 0)
		return NULL;
	fcgi = mem_zalloc(sizeof(*fcgi));
	buf_init(&fcgi->head, RESPONSE_BODY_LIMIT + 4096);
	FCGX_InitRequest(&fcgi->request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	if (fcgi_open_file(fcgi, err) < 0) {
		free(fcgi);
		return NULL;
	}
	return fcgi;
}

/*
 * End the request in libfcgi; an unanswered one is forgotten.  libfcgi
 * closes the file when it saw an error; then a new one is made for the
 * next request.
 */
static void fcgi_finish(struct fcgi *fcgi)
{
	if (!fcgi->is_open)
		return;
	fcgi->request.keepConnection = 1;
	FCGX_Finish_r(&fcgi->request);
	if (fcgi->request.ipcFd != fcgi->fd)
		fcgi->fd = -1;
	fcgi->is_open = false;
}

void fcgi_free(struct fcgi *fcgi)
{
	if (fcgi == NULL)
		return;
	fcgi_finish(fcgi);
	if (fcgi->fd >= 0)
		close(fcgi->fd);
	buf_clear(&fcgi->head);
	free(fcgi);
}

/* Drop what the file holds, so that it stays small. */
static int fcgi_start_anew(struct fcgi *fcgi, struct error *err)
{
	if (ftruncate(fcgi->fd, 0) < 0)
		return error_sys(err, "cannot empty a file in memory");
	fcgi->end = 0;
	return 0;
}

/* Add these bytes to the file, and let its offset stand at their start. */
static int fcgi_load(struct fcgi *fcgi, const void *bytes, size_t len,
		     struct error *err)
{
	fcgi_finish(fcgi);
	if (fcgi->fd < 0 && fcgi_open_file(fcgi, err) < 0)
		return -1;
	if (fcgi->end >= FCGI_FILE_BYTES && fcgi_start_anew(fcgi, err) < 0)
		return -1;
	if (pwrite(fcgi->fd, bytes, len, fcgi->end) != (ssize_t)len ||
	    lseek(fcgi->fd, fcgi->end, SEEK_SET) < 0)
		return error_sys(err, "cannot write a request to memory");
	fcgi->end += (off_t)len;
	return 0;
}

/* Let libfcgi read the request that fcgi_load() has put there. */
static int fcgi_accept(struct fcgi *fcgi, struct error *err)
{
	FCGX_Request *request = &fcgi->request;

	/* Without keepConnection, FCGX_Accept_r() closes ipcFd first. */
	request->ipcFd = fcgi->fd;
	request->keepConnection = 1;
	if (FCGX_Accept_r(request) < 0) {
		if (request->ipcFd != fcgi->fd)
			fcgi->fd = -1;
		return error_set(err, ERROR_INTERNAL,
				 "libfcgi refused a request");
	}
	fcgi->is_open = true;
	return 0;
}

static const char *fcgi_param(const struct fcgi *fcgi, const char *name)
{
	const char *value = FCGX_GetParam(name, fcgi->request.envp);

	return value != NULL ? value : "";
}

static const char *fcgi_copy(const struct fcgi *fcgi, struct arena *arena,
			     const char *name)
{
	const char *value = fcgi_param(fcgi, name);

	return arena_strndup(arena, value, strlen(value));
}

/* How often a parameter was sent; libfcgi returns the first only. */
static size_t fcgi_count(const struct fcgi *fcgi, const char *name)
{
	size_t len = strlen(name), n = 0;

	for (char **at = fcgi->request.envp; *at != NULL; at++) {
		if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
			n++;
	}
	return n;
}

/*
 * SCRIPT_NAME + PATH_INFO; a front end that sends neither gives
 * REQUEST_URI.
 */
static const char *fcgi_path(const struct fcgi *fcgi, struct arena *arena)
{
	const char *script = fcgi_param(fcgi, "SCRIPT_NAME");
	const char *info = fcgi_param(fcgi, "PATH_INFO");
	const char *uri = fcgi_param(fcgi, "REQUEST_URI");

	if (script[0] == '\0' && info[0] == '\0')
		return arena_strndup(arena, uri, strcspn(uri, "?"));
	/* Apache and lighttpd repeat the path in both when nothing maps. */
	if (strcmp(script, info) == 0)
		info = "";
	return arena_join(arena, script, info);
}

static const char *fcgi_id(const struct fcgi *fcgi, struct arena *arena)
{
	const char *id = fcgi_param(fcgi, "REQUEST_ID");

	if (id[0] == '\0')
		id = fcgi_param(fcgi, "HTTP_X_REQUEST_ID");
	return arena_strndup(arena, id, strnlen(id, 64));
}

static void fcgi_refuse(struct request *request, int status, const char *reason)
{
	if (request->refused_status != 0)
		return;
	request->refused_status = status;
	request->refused_reason = reason;
}

static void fcgi_check(const struct fcgi *fcgi, const struct guard *guard,
		       struct request *request)
{
	const char *length = fcgi_param(fcgi, "CONTENT_LENGTH");
	unsigned long long said;
	char *end;

	if (guard->params_are_odd)
		fcgi_refuse(request, 400,
			    "a request header holds a NUL character");
	if (guard->body_is_cut)
		fcgi_refuse(request, 413,
			    "the body is larger than --max-body allows");
	if (fcgi_count(fcgi, "HTTP_AUTHORIZATION") > 1)
		fcgi_refuse(request, 400, "more than one Authorization header");
	if (length[0] == '\0')
		return;
	errno = 0;
	said = strtoull(length, &end, 10);
	if (errno != 0 || *end != '\0' || length[0] == '-' ||
	    said != guard->body_bytes)
		fcgi_refuse(request, 400,
			    "the body is not as long as Content-Length says");
}

/* Read the body to its end, whatever becomes of the request. */
static int fcgi_read_body(struct fcgi *fcgi, const struct guard *guard,
			  struct arena *arena, struct request *request)
{
	size_t want = guard->body_bytes < guard->max_body ? guard->body_bytes
							  : guard->max_body;
	char *body = arena_alloc(arena, want + 1);
	char rest;
	int n = FCGX_GetStr(body, (int)want, fcgi->request.in);

	if (n < 0 || (size_t)n != want ||
	    FCGX_GetStr(&rest, 1, fcgi->request.in) != 0 ||
	    FCGX_GetError(fcgi->request.in) != 0)
		return -1;
	body[want] = '\0';
	request->body = body;
	request->body_len = want;
	return 0;
}

int fcgi_decode(struct fcgi *fcgi, const struct guard *guard,
		struct arena *arena, struct request *request_r,
		struct error *err)
{
	struct request *request = request_r;

	if (fcgi_load(fcgi, guard->request.data, guard->request.len, err) < 0 ||
	    fcgi_accept(fcgi, err) < 0)
		return -1;

	memset(request, 0, sizeof(*request));
	request->refused_reason = "";
	request->method = fcgi_copy(fcgi, arena, "REQUEST_METHOD");
	request->path = fcgi_path(fcgi, arena);
	request->query = fcgi_copy(fcgi, arena, "QUERY_STRING");
	request->authorization = fcgi_copy(fcgi, arena, "HTTP_AUTHORIZATION");
	request->content_encoding =
		fcgi_copy(fcgi, arena, "HTTP_CONTENT_ENCODING");
	request->id = fcgi_id(fcgi, arena);
	fcgi_check(fcgi, guard, request);
	if (fcgi_read_body(fcgi, guard, arena, request) < 0)
		return error_set(err, ERROR_INTERNAL,
				 "libfcgi read another body than was sent");
	return 0;
}

/* Give libfcgi the beginning of a request that was parked. */
static int fcgi_reopen(struct fcgi *fcgi, uint16_t id, struct error *err)
{
	const uint8_t high = (uint8_t)(id >> 8), low = (uint8_t)id;
	const uint8_t records[] = {
		FCGI_VERSION_1,
		FCGI_BEGIN_REQUEST,
		high,
		low,
		0,
		8,
		0,
		0,
		0,
		FCGI_RESPONDER,
		FCGI_KEEP_CONN,
		0,
		0,
		0,
		0,
		0,
		FCGI_VERSION_1,
		FCGI_PARAMS,
		high,
		low,
		0,
		0,
		0,
		0,
		FCGI_VERSION_1,
		FCGI_STDIN,
		high,
		low,
		0,
		0,
		0,
		0,
	};

	if (fcgi_load(fcgi, records, sizeof(records), err) < 0)
		return -1;
	return fcgi_accept(fcgi, err);
}

/* Move what libfcgi wrote behind the request from the file to out. */
static int fcgi_take_reply(struct fcgi *fcgi, struct buf *out,
			   struct error *err)
{
	size_t before = out->len;
	ssize_t n;

	do {
		n = pread(fcgi->fd, fcgi->chunk, sizeof(fcgi->chunk),
			  fcgi->end);
		if (n < 0) {
			out->len = before;
			return error_sys(err,
					 "cannot read a reply from memory");
		}
		buf_add(out, fcgi->chunk, (size_t)n);
		fcgi->end += n;
	} while (n == (ssize_t)sizeof(fcgi->chunk));
	if (fcgi->end >= FCGI_FILE_BYTES)
		return fcgi_start_anew(fcgi, err);
	return 0;
}

int fcgi_encode(struct fcgi *fcgi, uint16_t id, const struct response *response,
		struct buf *out, struct error *err)
{
	struct buf *head = &fcgi->head;

	if (!fcgi->is_open || fcgi->request.requestId != id) {
		if (fcgi_reopen(fcgi, id, err) < 0)
			return -1;
	}
	buf_reset(head);
	response_write(response, head);
	FCGX_SetExitStatus(0, fcgi->request.out);
	if (FCGX_PutStr(head->data, (int)head->len, fcgi->request.out) < 0)
		return error_set(err, ERROR_INTERNAL,
				 "libfcgi did not take a reply");
	if (head->cap > FCGI_HEAD_BYTES)
		buf_clear(head);
	fcgi_finish(fcgi);
	if (fcgi->fd < 0)
		return error_set(err, ERROR_INTERNAL,
				 "libfcgi did not finish a reply");
	return fcgi_take_reply(fcgi, out, err);
}
