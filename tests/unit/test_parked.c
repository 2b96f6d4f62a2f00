/*
 * test_parked: a ticket finds its call once, and never another one.
 */
#include "test.h"

#include "worker/parked.h"

/* The table only keeps the pointers: any addresses do. */
static struct connection *connection_of(size_t i)
{
	static char places[5000];

	return (struct connection *)(void *)&places[i];
}

static void a_ticket_is_taken_once(void **state)
{
	struct parked parked;
	uint64_t ticket;

	(void)state;
	parked_init(&parked);
	ticket = parked_add(&parked, connection_of(1));
	assert_true(ticket != 0);
	assert_int_equal(parked.n, 1);
	assert_ptr_equal(parked_take(&parked, ticket), connection_of(1));
	assert_int_equal(parked.n, 0);
	assert_null(parked_take(&parked, ticket));
	assert_int_equal(parked.n, 0);
	parked_clear(&parked);
}

static void a_place_that_is_used_again_has_another_ticket(void **state)
{
	uint64_t old[100], ticket;
	struct parked parked;

	(void)state;
	parked_init(&parked);
	for (size_t i = 0; i < ARRAY_LEN(old); i++) {
		old[i] = parked_add(&parked, connection_of(i));
		assert_non_null(parked_take(&parked, old[i]));
	}
	ticket = parked_add(&parked, connection_of(200));
	for (size_t i = 0; i < ARRAY_LEN(old); i++)
		assert_null(parked_take(&parked, old[i]));
	assert_ptr_equal(parked_take(&parked, ticket), connection_of(200));
	parked_clear(&parked);
}

static void tickets_that_were_never_given_miss(void **state)
{
	static const uint64_t rows[] = { 0,
					 2,
					 17,
					 UINT32_MAX,
					 UINT64_C(1) << 32,
					 (UINT64_C(1) << 32) + 1,
					 UINT64_MAX };
	struct parked parked;

	(void)state;
	parked_init(&parked);
	assert_null(parked_take(&parked, 1));
	parked_add(&parked, connection_of(0));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_null(parked_take(&parked, rows[i]));
	assert_int_equal(parked.n, 1);
	parked_clear(&parked);
}

static void thousands_are_kept_apart(void **state)
{
	enum {
		N = 5000
	};
	static uint64_t tickets[N];
	struct parked parked;

	(void)state;
	parked_init(&parked);
	for (size_t i = 0; i < N; i++)
		tickets[i] = parked_add(&parked, connection_of(i));
	for (size_t i = 0; i < N; i += 2)
		assert_ptr_equal(parked_take(&parked, tickets[i]),
				 connection_of(i));
	for (size_t i = 0; i < N; i += 2)
		tickets[i] = parked_add(&parked, connection_of(i));
	assert_int_equal(parked.n, N);
	for (size_t i = 0; i < N; i++)
		assert_ptr_equal(parked_take(&parked, tickets[i]),
				 connection_of(i));
	assert_int_equal(parked.n, 0);
	parked_clear(&parked);
}

static void a_walk_meets_all_while_they_are_taken(void **state)
{
	enum {
		N = 40
	};
	uint64_t tickets[N];
	struct parked parked;
	uint32_t place = 0;
	size_t seen = 0;

	(void)state;
	parked_init(&parked);
	assert_null(parked_next(&parked, &place));
	for (size_t i = 0; i < N; i++)
		tickets[i] = parked_add(&parked, connection_of(i));
	parked_take(&parked, tickets[3]);
	for (struct connection *at = parked_next(&parked, &place); at != NULL;
	     at = parked_next(&parked, &place)) {
		if (seen == 3)
			seen++;
		assert_ptr_equal(at, connection_of(seen));
		parked_take(&parked, tickets[seen++]);
	}
	assert_int_equal(seen, N);
	assert_int_equal(parked.n, 0);
	parked_clear(&parked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ticket_is_taken_once),
		cmocka_unit_test(a_place_that_is_used_again_has_another_ticket),
		cmocka_unit_test(tickets_that_were_never_given_miss),
		cmocka_unit_test(thousands_are_kept_apart),
		cmocka_unit_test(a_walk_meets_all_while_they_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
