/*
 * status_html: a snapshot as HTML.
 */
#ifndef OPS_STATUS_HTML_H
#define OPS_STATUS_HTML_H

#include "base/buf.h"
#include "ops/snapshot.h"

/*
 * Append the whole page to out.  keys names the n_keys handlers in registry
 * order.  Every text is made harmless, whatever its bytes are.
 */
void status_html_write(const struct snapshot *now, const char *const *keys,
		       size_t n_keys, struct buf *out);

#endif
