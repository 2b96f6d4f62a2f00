/*
 * parked: calls whose answer comes later, by ticket.
 *
 * A ticket names one parked call for the life of the process; one that was
 * taken or dropped is never valid again, so a late answer can only miss,
 * never hit another call.
 */
#ifndef WORKER_PARKED_H
#define WORKER_PARKED_H

#include <stddef.h>
#include <stdint.h>

struct connection;

struct parked_place {
	struct connection *connection; /* NULL: free */
	uint32_t generation;
	uint32_t next_free; /* place + 1; 0: none */
};

struct parked {
	struct parked_place *places;
	uint32_t n_places;
	uint32_t first_free; /* place + 1; 0: none */
	size_t n;            /* calls that are parked */
};

void parked_init(struct parked *parked);
void parked_clear(struct parked *parked);

/* Park connection's call; the ticket is never 0. */
uint64_t parked_add(struct parked *parked, struct connection *connection);

/*
 * Take the call of ticket out.  Returns its connection (borrowed from who
 * added it), or NULL: the ticket is not valid any more.
 */
struct connection *parked_take(struct parked *parked, uint64_t ticket);

/*
 * The first parked call at or behind place *place_r, which becomes the
 * place behind it; NULL: no more.  Calls may be taken between two steps.
 */
struct connection *parked_next(const struct parked *parked, uint32_t *place_r);

#endif
