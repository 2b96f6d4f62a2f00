/*
 * clock: two clocks.  All waiting and measuring uses the monotonic one,
 * so a jump of the wall clock is never a timeout.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Monotonic time since boot, in milliseconds or microseconds. */
int64_t clock_ms(void);
int64_t clock_us(void);

/* Wall clock: milliseconds since 1970. */
int64_t clock_wall_ms(void);

enum {
	CLOCK_TEXT_LEN = 24
};

/*
 * Write wall_ms as RFC 3339 UTC with milliseconds
 * ("2000-01-02T03:04:05.678Z") and a NUL.
 */
void clock_text(int64_t wall_ms, char text[CLOCK_TEXT_LEN + 1]);

/*
 * A duration for a person:
 * "850 ms", "12.3 s", "4 min 5 s", "3 h 12 min", "5 d 3 h".
 */
void clock_duration_text(int64_t ms, char *text, size_t size);

#endif
