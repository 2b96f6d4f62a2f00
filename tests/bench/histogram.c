/*
 * histogram: buckets whose width grows with the value, as in HdrHistogram.
 */
#include "histogram.h"

#include <stddef.h>

#define NS_PER_MS 1e6

static size_t bucket_of(int64_t ns)
{
	uint64_t v = ns > 0 ? (uint64_t)ns : 0;
	unsigned int shift;
	size_t i;

	if (v < HISTOGRAM_SUB)
		return (size_t)v;
	shift = 63 - (unsigned int)__builtin_clzll(v) - HISTOGRAM_BITS;
	i = (size_t)(shift + 1) * HISTOGRAM_SUB +
	    (size_t)((v >> shift) - HISTOGRAM_SUB);
	return i < HISTOGRAM_LEN ? i : HISTOGRAM_LEN - 1;
}

/* The first value that is too large for the bucket. */
static uint64_t bucket_end(size_t i)
{
	size_t sub = i % HISTOGRAM_SUB;

	if (i < HISTOGRAM_SUB)
		return i + 1;
	return (uint64_t)(HISTOGRAM_SUB + sub + 1) << (i / HISTOGRAM_SUB - 1);
}

void histogram_add(struct histogram *hist, int64_t ns)
{
	hist->n++;
	hist->buckets[bucket_of(ns)]++;
}

double histogram_quantile_ms(const struct histogram *hist, double share)
{
	double want = share * (double)hist->n;
	long seen = 0;

	for (size_t i = 0; i < HISTOGRAM_LEN; i++) {
		seen += hist->buckets[i];
		if (seen > 0 && (double)seen >= want)
			return (double)bucket_end(i) / NS_PER_MS;
	}
	return 0;
}
