/*
 * hello: the seed's plugin, and the model for other handlers.
 */
#ifndef HANDLERS_HELLO_H
#define HANDLERS_HELLO_H

#include "handlers/handler.h"

extern const struct handler handler_hello; /* plugin: {"hello": {}} */
extern const struct handler handler_howdy; /* the same for "howdy" */

#endif
