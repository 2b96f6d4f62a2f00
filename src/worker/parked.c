/*
 * parked: an array with a free list; a ticket is generation and place.
 */
#include "worker/parked.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void parked_init(struct parked *parked)
{
	memset(parked, 0, sizeof(*parked));
}

void parked_clear(struct parked *parked)
{
	free(parked->places);
	parked_init(parked);
}

static void parked_grow(struct parked *parked)
{
	uint32_t old = parked->n_places, n = old > 0 ? old * 2 : 16;

	parked->places =
		mem_realloc(parked->places, n * sizeof(*parked->places));
	memset(parked->places + old, 0, (n - old) * sizeof(*parked->places));
	for (uint32_t i = old; i < n; i++)
		parked->places[i].next_free = i + 1 < n ? i + 2 : 0;
	parked->first_free = old + 1;
	parked->n_places = n;
}

uint64_t parked_add(struct parked *parked, struct connection *connection)
{
	struct parked_place *place;
	uint32_t at;

	if (parked->first_free == 0)
		parked_grow(parked);
	at = parked->first_free - 1;
	place = &parked->places[at];
	parked->first_free = place->next_free;
	place->connection = connection;
	parked->n++;
	return (uint64_t)place->generation << 32 | (at + 1);
}

struct connection *parked_take(struct parked *parked, uint64_t ticket)
{
	uint32_t at = (uint32_t)ticket - 1;
	struct connection *connection;
	struct parked_place *place;

	if ((uint32_t)ticket == 0 || at >= parked->n_places)
		return NULL;
	place = &parked->places[at];
	if (place->connection == NULL ||
	    place->generation != (uint32_t)(ticket >> 32))
		return NULL;
	connection = place->connection;
	place->connection = NULL;
	place->generation++;
	place->next_free = parked->first_free;
	parked->first_free = at + 1;
	parked->n--;
	return connection;
}

struct connection *parked_next(const struct parked *parked, uint32_t *place_r)
{
	struct connection *connection;

	while (*place_r < parked->n_places) {
		connection = parked->places[(*place_r)++].connection;
		if (connection != NULL)
			return connection;
	}
	return NULL;
}
