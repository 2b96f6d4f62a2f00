/*
 * status_page: one snapshot, written as HTML or as JSON.
 */
#include "ops/status_page.h"

#include "ops/snapshot.h"
#include "ops/status_html.h"
#include "ops/status_json.h"

void status_page_answer_html(const struct board *board, const char *const *keys,
			     size_t n_keys, struct response *response)
{
	struct snapshot now;

	snapshot_take(board, &now);
	response->status = 200;
	response->content_type = "text/html; charset=utf-8";
	status_html_write(&now, keys, n_keys, &response->body);
}

void status_page_answer_json(const struct board *board, const char *const *keys,
			     size_t n_keys, struct response *response)
{
	struct snapshot now;

	snapshot_take(board, &now);
	response->status = 200;
	response->content_type = "application/json";
	status_json_write(&now, keys, n_keys, &response->body);
}
