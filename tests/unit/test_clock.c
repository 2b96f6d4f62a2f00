#include "tests/unit/test.h"

#include <string.h>

#include "base/clock.h"

static void wall_time_is_written_as_rfc_3339(void **state)
{
	static const struct {
		int64_t wall_ms;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 999, "1970-01-01T00:00:00.999Z" },
		{ 946782245678, "2000-01-02T03:04:05.678Z" },
		{ 946782245679, "2000-01-02T03:04:05.679Z" },
		{ 946782246001, "2000-01-02T03:04:06.001Z" },
		{ 1709210096789, "2024-02-29T12:34:56.789Z" },
		{ 4102444799999, "2099-12-31T23:59:59.999Z" },
		{ 946782245000, "2000-01-02T03:04:05.000Z" }, /* back */
	};
	char text[CLOCK_TEXT_LEN + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		clock_text(rows[i].wall_ms, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(strlen(text), CLOCK_TEXT_LEN);
	}
}

static void durations_read_as_a_person_says_them(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{ 0, "0 ms" },
		{ 850, "850 ms" },
		{ 999, "999 ms" },
		{ 1000, "1.0 s" },
		{ 12345, "12.3 s" },
		{ 59999, "59.9 s" },
		{ 60000, "1 min 0 s" },
		{ 245000, "4 min 5 s" },
		{ 3600000, "1 h 0 min" },
		{ 11520000, "3 h 12 min" },
		{ 86400000, "1 d 0 h" },
		{ 442800000, "5 d 3 h" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		clock_duration_text(rows[i].ms, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
	clock_duration_text(442800000, text, 4);
	assert_string_equal(text, "5 d");
}

static void monotonic_time_never_goes_back(void **state)
{
	int64_t last = clock_us(), now;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		now = clock_us();
		assert_true(now >= last);
		last = now;
	}
	assert_in_range(clock_ms(), last / 1000, last / 1000 + 60000);
	assert_true(clock_wall_ms() > 1600000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wall_time_is_written_as_rfc_3339),
		cmocka_unit_test(durations_read_as_a_person_says_them),
		cmocka_unit_test(monotonic_time_never_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
