/*
 * histogram: how often each latency was seen, 0.8 % exact, in constant
 * space.  Nothing here allocates or fails.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

/* 128 buckets for each power of two of nanoseconds, up to 2^46 (19 h). */
#define HISTOGRAM_BITS 7
#define HISTOGRAM_SUB  (1U << HISTOGRAM_BITS)
#define HISTOGRAM_LEN  (40 * HISTOGRAM_SUB)

/* All zeros is an empty one. */
struct histogram {
	long n;
	long buckets[HISTOGRAM_LEN];
};

void histogram_add(struct histogram *hist, int64_t ns);

/*
 * The latency in milliseconds that this share of the values (0 .. 1) did
 * not exceed, rounded up to the bucket's end; 0 for an empty histogram.
 */
double histogram_quantile_ms(const struct histogram *hist, double share);

#endif
