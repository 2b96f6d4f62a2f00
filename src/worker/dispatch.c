/*
 * dispatch: method and path first, then the token, then the body.
 */
#include "worker/dispatch.h"

#include <string.h>
#include <strings.h>

#include "http/router.h"
#include "ops/health.h"
#include "ops/metrics.h"
#include "ops/status_page.h"
#include "rpc/auth.h"
#include "rpc/reply.h"

static enum method_end dispatch_reject(struct method_call *method_call,
				       enum board_rejection rejection,
				       enum reply_outcome outcome,
				       const char *text)
{
	method_call->note.rejection = rejection;
	method_call->note.text = text;
	reply_set(method_call->response, outcome, text);
	return METHOD_ANSWERED;
}

static enum method_end dispatch_not_allowed(struct method_call *method_call,
					    enum router_endpoint endpoint)
{
	const char *allowed = router_allowed(endpoint);

	dispatch_reject(method_call, REJECT_HTTP, REPLY_NOT_POST,
			arena_printf(method_call->arena,
				     "%.16s is not allowed here: use %s",
				     method_call->request->method, allowed));
	method_call->response->allow = allowed;
	return METHOD_ANSWERED;
}

/* True: the request was answered with a refusal. */
static bool dispatch_is_denied(struct method_call *method_call)
{
	switch (auth_check(method_call->board,
			   method_call->request->authorization)) {
	case AUTH_OK:
		return false;
	case AUTH_NOT_READY:
		dispatch_reject(
			method_call, REJECT_TOKEN, REPLY_NOT_READY,
			arena_printf(method_call->arena, "%s",
				     method_call->board->token_problem));
		return true;
	case AUTH_DENIED:
		break;
	}
	dispatch_reject(method_call, REJECT_TOKEN, REPLY_DENIED,
			method_call->request->authorization[0] == '\0'
				? "no token: send the header Authorization: "
				  "Bearer <the token file's content>"
				: "wrong token: the header must be "
				  "Authorization: Bearer <the token file's "
				  "content>");
	return true;
}

static enum method_end dispatch_api(struct method_call *method_call,
				    const char *name, enum board_route *route_r)
{
	const struct request *request = method_call->request;
	const struct method *method = methods_find(name);

	*route_r = method != NULL ? ROUTE_EXECUTE : ROUTE_METHOD;
	if (method == NULL)
		return dispatch_reject(
			method_call, REJECT_HTTP, REPLY_NO_METHOD,
			arena_printf(method_call->arena,
				     "there is no method '%.64s': only "
				     "template.execute is implemented",
				     name));
	if (!router_allows(ENDPOINT_API, request->method))
		return dispatch_not_allowed(method_call, ENDPOINT_API);
	if (request->content_encoding[0] != '\0' &&
	    strcasecmp(request->content_encoding, "identity") != 0)
		return dispatch_reject(method_call, REJECT_HTTP, REPLY_ENCODED,
				       "a Content-Encoding is not taken: send "
				       "plain JSON");
	if (dispatch_is_denied(method_call))
		return METHOD_ANSWERED;
	return method->run(method_call);
}

static enum method_end dispatch_ops(struct method_call *method_call,
				    enum router_endpoint endpoint,
				    enum board_route *route_r)
{
	const struct registry *registry = method_call->registry;
	const struct board *board = method_call->board;
	struct response *response = method_call->response;
	char format[8];

	switch (endpoint) {
	case ENDPOINT_HEALTHZ:
		*route_r = ROUTE_HEALTHZ;
		health_answer_live(board, response);
		break;
	case ENDPOINT_READYZ:
		*route_r = ROUTE_READYZ;
		health_answer_ready(board, response);
		break;
	case ENDPOINT_METRICS:
		*route_r = ROUTE_METRICS;
		metrics_answer(board, registry->keys, registry->n, response);
		break;
	case ENDPOINT_STATUS:
		*route_r = ROUTE_STATUS;
		request_query_value(method_call->request, "format", format,
				    sizeof(format));
		if (strcmp(format, "json") == 0)
			status_page_answer_json(board, registry->keys,
						registry->n, response);
		else
			status_page_answer_html(board, registry->keys,
						registry->n, response);
		break;
	case ENDPOINT_API:
	case ENDPOINT_NONE:
		break;
	}
	return METHOD_ANSWERED;
}

static enum method_end dispatch_path(struct method_call *method_call,
				     enum board_route *route_r)
{
	const struct request *request = method_call->request;
	const char *api_method;
	enum router_endpoint endpoint;

	endpoint = router_find(request->path, &api_method);
	if (endpoint == ENDPOINT_API)
		return dispatch_api(method_call, api_method, route_r);
	if (endpoint == ENDPOINT_NONE)
		return dispatch_reject(method_call, REJECT_HTTP,
				       REPLY_NO_METHOD,
				       "nothing is here: calls go to POST "
				       "/api/v1/template.execute");
	if (!router_allows(endpoint, request->method))
		return dispatch_not_allowed(method_call, endpoint);
	return dispatch_ops(method_call, endpoint, route_r);
}

enum method_end dispatch_request(struct method_call *method_call,
				 enum board_route *route_r)
{
	const struct request *request = method_call->request;
	struct method_note *note = &method_call->note;

	memset(note, 0, sizeof(*note));
	note->handler = -1;
	note->rejection = N_REJECTIONS;
	note->key = note->workflow = note->text = "";

	*route_r = ROUTE_OTHER;
	method_call->response->no_body = strcmp(request->method, "HEAD") == 0;
	if (request->refused_status == 413)
		return dispatch_reject(method_call, REJECT_LIMIT,
				       REPLY_TOO_LARGE,
				       request->refused_reason);
	if (request->refused_status != 0)
		return dispatch_reject(method_call, REJECT_HTTP, REPLY_BAD_CALL,
				       request->refused_reason);
	return dispatch_path(method_call, route_r);
}
