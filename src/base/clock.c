/*
 * clock: monotonic time for decisions, wall time for people.
 */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t clock_read_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC);
}

int64_t clock_ms(void)
{
	return clock_us() / 1000;
}

int64_t clock_wall_ms(void)
{
	return clock_read_us(CLOCK_REALTIME) / 1000;
}

void clock_text(int64_t wall_ms, char text[CLOCK_TEXT_LEN + 1])
{
	/* Most calls are for the second of the call before. */
	static time_t last = -1;
	static char last_text[sizeof("2000-01-02T03:04:05")];
	time_t seconds = (time_t)(wall_ms / 1000);
	unsigned ms = (unsigned)(wall_ms % 1000);
	struct tm tm;

	if (seconds != last) {
		gmtime_r(&seconds, &tm);
		strftime(last_text, sizeof(last_text), "%Y-%m-%dT%H:%M:%S",
			 &tm);
		last = seconds;
	}
	memcpy(text, last_text, sizeof(last_text) - 1);
	text[19] = '.';
	text[20] = (char)('0' + ms / 100);
	text[21] = (char)('0' + ms / 10 % 10);
	text[22] = (char)('0' + ms % 10);
	text[23] = 'Z';
	text[24] = '\0';
}

void clock_duration_text(int64_t ms, char *text, size_t size)
{
	long long s = ms / 1000;

	if (ms < 1000)
		snprintf(text, size, "%lld ms", (long long)ms);
	else if (s < 60)
		snprintf(text, size, "%lld.%lld s", s,
			 (long long)ms % 1000 / 100);
	else if (s < 3600)
		snprintf(text, size, "%lld min %lld s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, size, "%lld h %lld min", s / 3600, s / 60 % 60);
	else
		snprintf(text, size, "%lld d %lld h", s / 86400, s / 3600 % 24);
}
