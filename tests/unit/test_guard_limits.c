/*
 * test_guard_limits: what the guard refuses, drops or marks.
 */
#include "test.h"

#include "http/guard.h"
#include "records.h"

enum {
	MAX_BODY = 4096
};

#define BEGIN_1    "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0"
#define PARAMS_END "\1\4\0\1\0\0\0\0"

static enum guard_result feed(struct guard *guard, const struct buf *bytes)
{
	size_t used;

	return guard_feed(guard, bytes->data, bytes->len, &used);
}

struct refusal {
	const char *bytes;
	size_t len;
	const char *reason;
};

#define ROW(bytes, reason)                                                     \
	{                                                                      \
		bytes, sizeof(bytes) - 1, reason                               \
	}

static void assert_refusals(const struct refusal *rows, size_t n)
{
	struct guard guard;
	size_t used;

	for (size_t i = 0; i < n; i++) {
		guard_init(&guard, MAX_BODY);
		assert_int_equal(
			guard_feed(&guard, rows[i].bytes, rows[i].len, &used),
			GUARD_REFUSED);
		assert_string_equal(guard.reason, rows[i].reason);
		assert_int_equal(used, rows[i].len);
		guard_clear(&guard);
	}
}

static void row_9_refuses_records_that_may_never_come(void **state)
{
	static const struct refusal rows[] = {
		ROW("\2\1\0\1\0\10\0\0", "not FastCGI version 1"),
		ROW("\0\1\0\1\0\10\0\0", "not FastCGI version 1"),
		ROW("GET / HT", "not FastCGI version 1"),
		ROW("\1\1\0\1\0\4\0\0", "a BEGIN_REQUEST of a wrong length"),
		ROW("\1\1\0\1\0\11\0\0", "a BEGIN_REQUEST of a wrong length"),
		ROW("\1\1\0\0\0\10\0\0",
		    "a management record that is not GET_VALUES"),
		ROW("\1\14\0\0\0\0\0\0",
		    "a management record that is not GET_VALUES"),
		ROW("\1\11\0\1\0\0\0\0",
		    "a management record that is not GET_VALUES"),
		ROW("\1\11\0\0\20\1\0\0", "a long GET_VALUES record"),
		ROW("\1\3\0\1\0\10\0\0",
		    "a record of a type that we do not take"),
		ROW("\1\6\0\1\0\0\0\0",
		    "a record of a type that we do not take"),
		ROW("\1\10\0\1\0\0\0\0",
		    "a record of a type that we do not take"),
		ROW("\1\144\0\1\0\0\0\0",
		    "a record of a type that we do not take"),
	};

	(void)state;
	assert_refusals(rows, ARRAY_LEN(rows));
}

static void refuses_records_that_may_not_come_now(void **state)
{
	static const struct refusal rows[] = {
		ROW("\1\4\0\1\0\0\0\0", "a stream before BEGIN_REQUEST"),
		ROW("\1\5\0\1\0\0\0\0", "a stream before BEGIN_REQUEST"),
		ROW("\1\2\0\1\0\0\0\0", "the peer aborted the request"),
		ROW(BEGIN_1 BEGIN_1, "a request began twice"),
		ROW(BEGIN_1 "\1\5\0\1\0\0\0\0",
		    "a body before the end of the parameters"),
		ROW(BEGIN_1 PARAMS_END PARAMS_END,
		    "parameters after their end"),
		ROW(BEGIN_1 "\1\2\0\1\0\0\0\0", "the peer aborted the request"),
		ROW(BEGIN_1 PARAMS_END "\1\5\0\1\0\1\0\0x\1\2\0\1\0\0\0\0",
		    "the peer aborted the request"),
		ROW(BEGIN_1 PARAMS_END "\1\10\0\1\0\0\0\0",
		    "a record of a type that we do not take"),
	};

	(void)state;
	assert_refusals(rows, ARRAY_LEN(rows));
}

static void row_6_refuses_parameters_that_are_cut_or_too_long(void **state)
{
	static const struct refusal rows[] = {
		ROW(BEGIN_1 "\1\4\0\1\0\1\0\0\3" PARAMS_END,
		    "a parameter is cut"),
		ROW(BEGIN_1 "\1\4\0\1\0\2\0\0\0\200" PARAMS_END,
		    "a parameter is cut"),
		ROW(BEGIN_1 "\1\4\0\1\0\4\0\0\2\1ab" PARAMS_END,
		    "a parameter is cut"),
		ROW(BEGIN_1 "\1\4\0\1\0\10\0\0\377\377\377\376\377\377\377\376",
		    "parameters above the limits"),
		ROW(BEGIN_1 "\1\4\0\1\0\5\0\0\1\300\0\0\0",
		    "parameters above the limits"),
		ROW(BEGIN_1 "\1\4\0\1\0\5\0\0\200\1\0\1\0",
		    "parameters above the limits"),
	};

	(void)state;
	assert_refusals(rows, ARRAY_LEN(rows));
}

#undef ROW

/* BEGIN and n parameters "n"="<value>", in one stream that is ended. */
static void add_params(struct buf *bytes, size_t n, const char *value)
{
	struct buf pairs;

	buf_init(&pairs, RECORDS_LIMIT);
	for (size_t i = 0; i < n; i++)
		records_pair(&pairs, "n", value);
	records_begin(bytes, 1, FCGI_RESPONDER, 0);
	records_stream(bytes, FCGI_PARAMS, 1, &pairs, 65535);
	buf_clear(&pairs);
}

static void assert_params(size_t n, size_t value_len, bool are_taken)
{
	struct buf bytes, value;
	struct guard guard;

	buf_init(&bytes, RECORDS_LIMIT);
	buf_init(&value, RECORDS_LIMIT);
	for (size_t i = 0; i < value_len; i++)
		buf_add_char(&value, 'v');
	add_params(&bytes, n, buf_text(&value));
	guard_init(&guard, MAX_BODY);
	if (are_taken) {
		assert_int_equal(feed(&guard, &bytes), GUARD_MORE);
	} else {
		assert_int_equal(feed(&guard, &bytes), GUARD_REFUSED);
		assert_string_equal(guard.reason,
				    "parameters above the limits");
	}
	guard_clear(&guard);
	buf_clear(&value);
	buf_clear(&bytes);
}

static void parameters_are_limited_by_count_and_bytes(void **state)
{
	(void)state;
	assert_params(0, 0, true);
	assert_params(1, 0, true);
	assert_params(GUARD_PARAMS, 1, true);
	assert_params(GUARD_PARAMS + 1, 1, false);
	assert_params(10000, 1, false);
	/* lengths and name take 1 + 4 + 1 bytes */
	assert_params(1, GUARD_PARAMS_BYTES - 6, true);
	assert_params(1, GUARD_PARAMS_BYTES - 5, false);
	assert_params(2, GUARD_PARAMS_BYTES / 2 - 6, true);
	assert_params(2, GUARD_PARAMS_BYTES / 2 - 5, false);
	assert_params(20, 65536, false);
}

static void marks_parameters_that_c_cannot_hold(void **state)
{
	static const struct {
		const char *name;
		size_t name_len;
		const char *value;
		size_t value_len;
		bool are_odd;
	} rows[] = {
		{ "NAME", 4, "value", 5, false },
		{ "NAME", 4, "a=b=c", 5, false },
		{ "NAME", 4, "", 0, false },
		{ "NAME", 4, "a\0b", 3, true },
		{ "NAME", 4, "\0", 1, true },
		{ "NA\0E", 4, "value", 5, true },
		{ "NA=E", 4, "value", 5, true },
		{ "=", 1, "", 0, true },
	};
	struct buf bytes, pairs;
	struct guard guard;
	size_t used;

	(void)state;
	buf_init(&bytes, 4096);
	buf_init(&pairs, 4096);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&bytes);
		buf_reset(&pairs);
		records_length(&pairs, rows[i].name_len);
		records_length(&pairs, rows[i].value_len);
		buf_add(&pairs, rows[i].name, rows[i].name_len);
		buf_add(&pairs, rows[i].value, rows[i].value_len);
		records_pair(&pairs, "AFTER", "it");
		records_begin(&bytes, 1, FCGI_RESPONDER, 0);
		records_stream(&bytes, FCGI_PARAMS, 1, &pairs, 65535);
		records_add(&bytes, FCGI_STDIN, 1, "", 0);
		guard_init(&guard, MAX_BODY);
		for (size_t at = 0; at + 1 < bytes.len; at++)
			assert_int_equal(
				guard_feed(&guard, bytes.data + at, 1, &used),
				GUARD_MORE);
		assert_int_equal(guard_feed(&guard, bytes.data + bytes.len - 1,
					    1, &used),
				 GUARD_WHOLE);
		assert_int_equal(guard.params_are_odd, rows[i].are_odd);
		guard_clear(&guard);
	}
	buf_clear(&bytes);
	buf_clear(&pairs);
}

static void a_body_above_the_limit_is_dropped_but_counted(void **state)
{
	static const struct {
		size_t len;
		bool is_cut;
	} rows[] = {
		{ 0, false },
		{ MAX_BODY - 1, false },
		{ MAX_BODY, false },
		{ MAX_BODY + 1, true },
		{ MAX_BODY * 1000, true },
	};
	struct buf bytes, body;
	struct guard guard;
	size_t kept;

	(void)state;
	buf_init(&bytes, RECORDS_LIMIT);
	buf_init(&body, RECORDS_LIMIT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&bytes);
		while (body.len < rows[i].len)
			buf_add_char(&body, 'b');
		add_params(&bytes, 1, "v");
		records_stream(&bytes, FCGI_STDIN, 1, &body, 1000);
		guard_init(&guard, MAX_BODY);
		assert_int_equal(feed(&guard, &bytes), GUARD_WHOLE);
		assert_int_equal(guard.body_is_cut, rows[i].is_cut);
		assert_int_equal(guard.body_bytes, rows[i].len);
		kept = rows[i].len < MAX_BODY ? rows[i].len : MAX_BODY;
		/* BEGIN; 4 bytes of PARAMS and their end; STDIN; its end */
		assert_int_equal(guard.request.len,
				 16 + 12 + 8 + (kept > 0 ? 8 + kept : 0) + 8);
		guard_clear(&guard);
	}
	buf_clear(&bytes);
	buf_clear(&body);
}

static void stops_behind_the_first_of_two_requests(void **state)
{
	struct buf one, two;
	struct guard guard;
	size_t used, len;

	(void)state;
	buf_init(&one, 65536);
	buf_init(&two, 65536);
	records_call(&one, 1, "{\"a\":1}");
	len = one.len;
	records_call(&two, 7, "[2]");
	buf_add(&one, two.data, two.len);

	guard_init(&guard, MAX_BODY);
	assert_int_equal(guard_feed(&guard, one.data, one.len, &used),
			 GUARD_WHOLE);
	assert_int_equal(used, len);
	assert_int_equal(guard.id, 1);
	guard_reset(&guard);
	assert_true(guard_is_idle(&guard));
	assert_int_equal(guard.request.len, 0);
	assert_int_equal(
		guard_feed(&guard, one.data + used, one.len - used, &used),
		GUARD_WHOLE);
	assert_int_equal(used, two.len);
	assert_int_equal(guard.id, 7);
	assert_int_equal(guard.request.len, two.len);
	assert_memory_equal(guard.request.data, two.data, two.len);
	guard_clear(&guard);
	buf_clear(&one);
	buf_clear(&two);
}

/* A connection that waits for its next request costs little. */
static void the_memory_of_a_large_request_is_given_back(void **state)
{
	static const size_t rows[] = { 10, 3000, MAX_BODY };
	struct guard guard;
	struct buf bytes, body;

	(void)state;
	buf_init(&bytes, RECORDS_LIMIT);
	buf_init(&body, RECORDS_LIMIT);
	guard_init(&guard, MAX_BODY);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&bytes);
		while (body.len < rows[i])
			buf_add_char(&body, 'b');
		add_params(&bytes, 1, "v");
		records_stream(&bytes, FCGI_STDIN, 1, &body, 1000);
		assert_int_equal(feed(&guard, &bytes), GUARD_WHOLE);
		guard_reset(&guard);
		assert_true(guard.request.cap <= 4096);
		assert_int_equal(guard.content.cap + guard.answer.cap, 0);
	}
	guard_clear(&guard);
	assert_int_equal(guard.request.cap, 0);
	buf_clear(&bytes);
	buf_clear(&body);
}

static void second_requests_without_end_are_refused(void **state)
{
	struct guard guard;
	struct buf bytes;

	(void)state;
	buf_init(&bytes, 1048576);
	for (unsigned id = 1; id < 1000; id++)
		records_begin(&bytes, id, FCGI_RESPONDER, 0);
	guard_init(&guard, MAX_BODY);
	assert_int_equal(feed(&guard, &bytes), GUARD_REFUSED);
	assert_string_equal(guard.reason, "too many requests at once");
	guard_clear(&guard);
	buf_clear(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_9_refuses_records_that_may_never_come),
		cmocka_unit_test(refuses_records_that_may_not_come_now),
		cmocka_unit_test(
			row_6_refuses_parameters_that_are_cut_or_too_long),
		cmocka_unit_test(parameters_are_limited_by_count_and_bytes),
		cmocka_unit_test(marks_parameters_that_c_cannot_hold),
		cmocka_unit_test(a_body_above_the_limit_is_dropped_but_counted),
		cmocka_unit_test(stops_behind_the_first_of_two_requests),
		cmocka_unit_test(the_memory_of_a_large_request_is_given_back),
		cmocka_unit_test(second_requests_without_end_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
