/*
 * test_guard: every byte that a peer may send, in pieces of any size.
 */
#include "test.h"

#include "http/guard.h"
#include "records.h"

enum {
	MAX_BODY = 4096
};

/* A request of several records of each stream. */
static void add_request(struct buf *out, unsigned id, size_t piece)
{
	struct buf pairs, body;

	buf_init(&pairs, 4096);
	buf_init(&body, 4096);
	records_post_pairs(&pairs, "/api/v1/template.execute", 300);
	for (int i = 0; i < 300; i++)
		buf_add_char(&body, (char)i);
	records_begin(out, id, FCGI_RESPONDER, FCGI_KEEP_CONN);
	records_stream(out, FCGI_PARAMS, id, &pairs, piece);
	records_stream(out, FCGI_STDIN, id, &body, piece);
	buf_clear(&pairs);
	buf_clear(&body);
}

static enum guard_result feed(struct guard *guard, const struct buf *bytes)
{
	size_t used;

	return guard_feed(guard, bytes->data, bytes->len, &used);
}

static void assert_refused(const void *bytes, size_t len, const char *reason)
{
	struct guard guard;
	size_t used;

	guard_init(&guard, MAX_BODY);
	assert_int_equal(guard_feed(&guard, bytes, len, &used), GUARD_REFUSED);
	assert_string_equal(guard.reason, reason);
	guard_clear(&guard);
}

static void assert_equal_bytes(const struct buf *a, const struct buf *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->data, b->data, a->len);
}

/* What the guard makes of add_request(). */
static void add_clean_request(struct buf *out, unsigned id)
{
	add_request(out, id, 65535);
}

static void a_request_is_whole_at_its_last_byte(void **state)
{
	struct buf bytes, clean;
	struct guard guard;
	size_t used;

	(void)state;
	buf_init(&bytes, 65536);
	buf_init(&clean, 65536);
	add_request(&bytes, 1, 65535);
	add_clean_request(&clean, 1);
	guard_init(&guard, MAX_BODY);
	assert_true(guard_is_idle(&guard));
	assert_int_equal(guard_feed(&guard, bytes.data, bytes.len - 1, &used),
			 GUARD_MORE);
	assert_int_equal(used, bytes.len - 1);
	assert_false(guard_is_idle(&guard));
	assert_int_equal(guard_feed(&guard, bytes.data + used, 1, &used),
			 GUARD_WHOLE);
	assert_int_equal(guard.id, 1);
	assert_true(guard.keep);
	assert_int_equal(guard.body_bytes, 300);
	assert_equal_bytes(&guard.request, &clean);
	guard_clear(&guard);
	buf_clear(&bytes);
	buf_clear(&clean);
}

static void a_cut_at_any_byte_gives_the_same_request(void **state)
{
	struct buf bytes, clean;
	struct guard guard;
	size_t used;

	(void)state;
	buf_init(&bytes, 65536);
	buf_init(&clean, 65536);
	add_request(&bytes, 258, 7);
	add_clean_request(&clean, 258);
	for (size_t cut = 1; cut < bytes.len; cut++) {
		guard_init(&guard, MAX_BODY);
		assert_int_equal(guard_feed(&guard, bytes.data, cut, &used),
				 GUARD_MORE);
		assert_int_equal(used, cut);
		assert_int_equal(guard_feed(&guard, bytes.data + cut,
					    bytes.len - cut, &used),
				 GUARD_WHOLE);
		assert_equal_bytes(&guard.request, &clean);
		guard_clear(&guard);
	}
	buf_clear(&bytes);
	buf_clear(&clean);
}

static void bytes_one_by_one_give_the_same_request(void **state)
{
	enum guard_result result = GUARD_MORE;
	struct buf bytes, clean;
	struct guard guard;
	size_t used;

	(void)state;
	buf_init(&bytes, 65536);
	buf_init(&clean, 65536);
	add_request(&bytes, 1, 5);
	add_clean_request(&clean, 1);
	guard_init(&guard, MAX_BODY);
	for (size_t i = 0; i < bytes.len; i++) {
		assert_int_equal(result, GUARD_MORE);
		result = guard_feed(&guard, bytes.data + i, 1, &used);
	}
	assert_int_equal(result, GUARD_WHOLE);
	assert_equal_bytes(&guard.request, &clean);
	guard_clear(&guard);
	buf_clear(&bytes);
	buf_clear(&clean);
}

static void padding_is_left_out_and_waited_for(void **state)
{
	struct buf bytes, clean, pairs, body, none;
	struct guard guard;
	size_t used;

	(void)state;
	buf_init(&bytes, 65536);
	buf_init(&clean, 65536);
	buf_init(&pairs, 4096);
	buf_init(&body, 4096);
	buf_init(&none, 1);
	records_post_pairs(&pairs, "/x", 2);
	buf_add_text(&body, "{}");
	records_begin(&bytes, 1, FCGI_RESPONDER, 0);
	records_begin(&clean, 1, FCGI_RESPONDER, 0);
	records_add_padded(&bytes, FCGI_PARAMS, 1, &pairs, 255);
	records_add_padded(&bytes, FCGI_PARAMS, 1, &none, 255);
	records_add_padded(&bytes, FCGI_STDIN, 1, &body, 255);
	records_add_padded(&bytes, FCGI_STDIN, 1, &none, 255);
	records_stream(&clean, FCGI_PARAMS, 1, &pairs, 65535);
	records_stream(&clean, FCGI_STDIN, 1, &body, 65535);

	guard_init(&guard, MAX_BODY);
	assert_int_equal(guard_feed(&guard, bytes.data, bytes.len - 1, &used),
			 GUARD_MORE);
	assert_int_equal(guard_feed(&guard, bytes.data + used, 1, &used),
			 GUARD_WHOLE);
	assert_false(guard.keep);
	assert_equal_bytes(&guard.request, &clean);
	guard_clear(&guard);
	buf_clear(&bytes);
	buf_clear(&clean);
	buf_clear(&pairs);
	buf_clear(&body);
}

static void records_of_one_byte_take_the_memory_of_their_bytes(void **state)
{
	enum {
		N = 100000
	};
	struct buf bytes, body;
	struct guard guard;

	(void)state;
	buf_init(&bytes, RECORDS_LIMIT);
	buf_init(&body, N);
	for (int i = 0; i < N; i++)
		buf_add_char(&body, (char)(i * 7));
	records_begin(&bytes, 1, FCGI_RESPONDER, 0);
	records_add(&bytes, FCGI_PARAMS, 1, "", 0);
	records_stream(&bytes, FCGI_STDIN, 1, &body, 1);

	guard_init(&guard, N);
	assert_int_equal(feed(&guard, &bytes), GUARD_WHOLE);
	/* BEGIN, the end of PARAMS, two records of STDIN, and its end */
	assert_int_equal(guard.request.len, 16 + 8 + 8 + 8 + N + 8);
	assert_true(guard.request.cap <= 262144);
	assert_memory_equal(guard.request.data + 32, body.data, 65535);
	assert_memory_equal(guard.request.data + 32 + 65535 + 8,
			    body.data + 65535, N - 65535);
	guard_clear(&guard);
	buf_clear(&bytes);
	buf_clear(&body);
}

static void the_largest_records_are_taken(void **state)
{
	enum {
		N = 200000
	};
	struct buf bytes, clean, body;
	struct guard guard;

	(void)state;
	buf_init(&bytes, RECORDS_LIMIT);
	buf_init(&body, N);
	for (int i = 0; i < N; i++)
		buf_add_char(&body, 'x');
	records_begin(&bytes, 65535, FCGI_RESPONDER, 0);
	records_add(&bytes, FCGI_PARAMS, 65535, "", 0);
	records_stream(&bytes, FCGI_STDIN, 65535, &body, 65535);
	clean = bytes;
	guard_init(&guard, N);
	assert_int_equal(feed(&guard, &bytes), GUARD_WHOLE);
	assert_equal_bytes(&guard.request, &clean);
	guard_clear(&guard);
	buf_clear(&bytes);
	buf_clear(&body);
}

static void get_values_is_answered_once_per_name(void **state)
{
	static const struct {
		const char *names[4];
		const char *answer;
		size_t answer_len;
	} rows[] = {
		{ { "FCGI_MPXS_CONNS" }, "\17\1FCGI_MPXS_CONNS0", 18 },
		{ { "FCGI_MPXS_CONNS", "FCGI_MPXS_CONNS", "FCGI_MPXS_CONNS",
		    "FCGI_MPXS_CONNS" },
		  "\17\1FCGI_MPXS_CONNS0",
		  18 },
		{ { "FCGI_MAX_CONNS", "FCGI_MAX_REQS" },
		  "\16\4FCGI_MAX_CONNS1024\15\4FCGI_MAX_REQS1024",
		  39 },
		{ { "FCGI_SOMETHING" }, "", 0 },
		{ { NULL }, "", 0 },
	};
	struct buf bytes, pairs, want;
	struct guard guard;

	(void)state;
	buf_init(&bytes, 65536);
	buf_init(&pairs, 65536);
	buf_init(&want, 65536);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&bytes);
		buf_reset(&pairs);
		buf_reset(&want);
		for (size_t j = 0; j < 4 && rows[i].names[j] != NULL; j++)
			records_pair(&pairs, rows[i].names[j], "");
		records_add(&bytes, FCGI_GET_VALUES, 0, pairs.data, pairs.len);
		records_add(&want, FCGI_GET_VALUES_RESULT, 0, rows[i].answer,
			    rows[i].answer_len);
		guard_init(&guard, MAX_BODY);
		assert_int_equal(feed(&guard, &bytes), GUARD_MORE);
		assert_true(guard_is_idle(&guard));
		assert_equal_bytes(&guard.answer, &want);
		guard_clear(&guard);
	}
	buf_clear(&bytes);
	buf_clear(&pairs);
	buf_clear(&want);
}

static void get_values_and_a_request_may_come_in_one_piece(void **state)
{
	struct buf bytes, pairs, clean;
	struct guard guard;

	(void)state;
	buf_init(&bytes, 65536);
	buf_init(&pairs, 65536);
	buf_init(&clean, 65536);
	records_pair(&pairs, "FCGI_MAX_REQS", "");
	records_add(&bytes, FCGI_GET_VALUES, 0, pairs.data, pairs.len);
	add_request(&bytes, 1, 100);
	records_add(&clean, FCGI_GET_VALUES_RESULT, 0, "\15\4FCGI_MAX_REQS1024",
		    19);
	guard_init(&guard, MAX_BODY);
	assert_int_equal(feed(&guard, &bytes), GUARD_WHOLE);
	assert_equal_bytes(&guard.answer, &clean);
	buf_reset(&clean);
	add_clean_request(&clean, 1);
	assert_equal_bytes(&guard.request, &clean);
	guard_clear(&guard);
	buf_clear(&bytes);
	buf_clear(&pairs);
	buf_clear(&clean);
}

/* Whoever reads nothing of a thousand answers is cut off. */
static void get_values_without_end_is_refused(void **state)
{
	struct buf bytes, pairs;

	(void)state;
	buf_init(&bytes, 1048576);
	buf_init(&pairs, 65536);
	records_pair(&pairs, "FCGI_MAX_CONNS", "");
	for (int i = 0; i < 1000; i++)
		records_add(&bytes, FCGI_GET_VALUES, 0, pairs.data, pairs.len);
	assert_refused(bytes.data, bytes.len, "too many GET_VALUES records");
	buf_clear(&bytes);
	buf_clear(&pairs);
}

static void a_second_request_is_refused_and_the_first_goes_on(void **state)
{
	struct buf bytes, clean, pairs, body;
	struct guard guard;

	(void)state;
	buf_init(&bytes, 65536);
	buf_init(&clean, 65536);
	buf_init(&pairs, 4096);
	buf_init(&body, 4096);
	records_post_pairs(&pairs, "/x", 5);
	buf_add_text(&body, "first");
	records_begin(&clean, 1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	records_stream(&clean, FCGI_PARAMS, 1, &pairs, 65535);
	records_stream(&clean, FCGI_STDIN, 1, &body, 65535);

	records_begin(&bytes, 1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	records_begin(&bytes, 2, FCGI_RESPONDER, 0);
	records_add(&bytes, FCGI_PARAMS, 2, "\377\377", 2);
	records_add(&bytes, FCGI_PARAMS, 2, "", 0);
	records_stream(&bytes, FCGI_PARAMS, 1, &pairs, 3);
	records_add(&bytes, FCGI_STDIN, 2, "second", 6);
	records_add(&bytes, FCGI_STDIN, 2, "", 0);
	records_stream(&bytes, FCGI_STDIN, 1, &body, 2);

	guard_init(&guard, MAX_BODY);
	assert_int_equal(feed(&guard, &bytes), GUARD_WHOLE);
	assert_equal_bytes(&guard.request, &clean);
	assert_true(guard.keep);
	assert_int_equal(guard.body_bytes, 5);
	assert_int_equal(guard.answer.len, 16);
	assert_memory_equal(guard.answer.data,
			    "\1\3\0\2\0\10\0\0\0\0\0\0\1\0\0\0", 16);
	guard_clear(&guard);
	buf_clear(&bytes);
	buf_clear(&clean);
	buf_clear(&pairs);
	buf_clear(&body);
}

static void roles_other_than_responder_are_answered_and_refused(void **state)
{
	static const unsigned rows[] = { 0, FCGI_AUTHORIZER, FCGI_FILTER, 9,
					 257 };
	struct guard guard;
	struct buf bytes;

	(void)state;
	buf_init(&bytes, 64);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&bytes);
		records_begin(&bytes, 3, rows[i], 0);
		guard_init(&guard, MAX_BODY);
		assert_int_equal(feed(&guard, &bytes), GUARD_REFUSED);
		assert_string_equal(guard.reason,
				    "a role other than responder");
		assert_int_equal(guard.answer.len, 16);
		assert_memory_equal(guard.answer.data,
				    "\1\3\0\3\0\10\0\0\0\0\0\0\3\0\0\0", 16);
		guard_clear(&guard);
	}
	buf_clear(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_whole_at_its_last_byte),
		cmocka_unit_test(a_cut_at_any_byte_gives_the_same_request),
		cmocka_unit_test(bytes_one_by_one_give_the_same_request),
		cmocka_unit_test(padding_is_left_out_and_waited_for),
		cmocka_unit_test(
			records_of_one_byte_take_the_memory_of_their_bytes),
		cmocka_unit_test(the_largest_records_are_taken),
		cmocka_unit_test(get_values_is_answered_once_per_name),
		cmocka_unit_test(
			get_values_and_a_request_may_come_in_one_piece),
		cmocka_unit_test(get_values_without_end_is_refused),
		cmocka_unit_test(
			a_second_request_is_refused_and_the_first_goes_on),
		cmocka_unit_test(
			roles_other_than_responder_are_answered_and_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
