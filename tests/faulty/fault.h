/*
 * fault: handlers of the test build, which cause what may go wrong.
 */
#ifndef FAULTY_FAULT_H
#define FAULTY_FAULT_H

#include "handlers/handler.h"

/* plugin: {"fault": {"do": "segv"}}; see fault.c for the others. */
extern const struct handler handler_fault;

/* plugin: {"sleep": {"ms": N, "text": T}}: parked, Succeeded with message T
 * after N ms. */
extern const struct handler handler_sleep;

#endif
