/*
 * metrics: /metrics in the Prometheus text format, version 0.0.4.
 */
#ifndef OPS_METRICS_H
#define OPS_METRICS_H

#include "base/scoreboard.h"
#include "http/response.h"

/*
 * Write every series; those that count nothing yet are written as 0, so
 * rates are right from the first scrape.  keys names the n_keys handlers in
 * registry order.
 */
void metrics_answer(const struct board *board, const char *const *keys,
		    size_t n_keys, struct response *response);

#endif
