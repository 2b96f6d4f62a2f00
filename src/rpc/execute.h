/*
 * execute: the method template.execute, step by step.
 */
#ifndef RPC_EXECUTE_H
#define RPC_EXECUTE_H

#include "rpc/methods.h"

/*
 * Check the body of a call (the caller has checked method and token), find
 * its handler, and run it.  A call for a key that is not ours is answered
 * {} before any limit but the body's.  Never waits.
 */
enum method_end execute_template(struct method_call *method_call);

#endif
