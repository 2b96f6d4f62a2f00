/*
 * dispatch: from a decoded request to its answer, by whatever is behind
 * its path.  Used by the workers, by CGI and by --try.
 */
#ifndef WORKER_DISPATCH_H
#define WORKER_DISPATCH_H

#include "base/scoreboard.h"
#include "rpc/methods.h"

/*
 * Answer method_call->request; the "given" members are set, response is an
 * empty one.  *route_r says what it was, for the metrics.
 * METHOD_ANSWERED or METHOD_SUBMIT, as methods.h says.
 */
enum method_end dispatch_request(struct method_call *method_call,
				 enum board_route *route_r);

#endif
