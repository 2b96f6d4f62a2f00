/*
 * prometheus: a strict reader of the text format, version 0.0.4.
 *
 * Fails the test for whatever a scraper might forgive: samples without HELP
 * and TYPE right before them, a family in two pieces, a series given twice,
 * names and labels that are not allowed, histograms that do not add up.
 */
#ifndef UNIT_PROMETHEUS_H
#define UNIT_PROMETHEUS_H

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	PROMETHEUS_SERIES = 400,
	PROMETHEUS_FAMILIES = 60
};

struct prometheus {
	char *text;
	char *lines[PROMETHEUS_SERIES]; /* series with labels, as written */
	double values[PROMETHEUS_SERIES];
	size_t n;
	char *families[PROMETHEUS_FAMILIES];
	char *types[PROMETHEUS_FAMILIES];
	size_t n_families;
};

static inline size_t prometheus_name_len(const char *text, const char *more)
{
	size_t len = 0;

	while (isalpha((unsigned char)text[len]) || text[len] == '_' ||
	       (len > 0 && isdigit((unsigned char)text[len])) ||
	       (text[len] != '\0' && strchr(more, text[len]) != NULL))
		len++;
	return len;
}

/* The length of {name="value",...}, checked. */
static inline size_t prometheus_labels_len(const char *text)
{
	const char *at = text + 1;
	size_t len;

	do {
		len = prometheus_name_len(at, "");
		assert_true(len > 0);
		at += len;
		assert_memory_equal(at, "=\"", 2);
		for (at += 2; *at != '"'; at++) {
			assert_int_not_equal(*at, '\0');
			assert_int_not_equal(*at, '\n');
			if (*at == '\\') {
				at++;
				assert_non_null(strchr("\\\"n", *at));
			}
		}
		at++;
	} while (*at++ == ',');
	assert_int_equal(at[-1], '}');
	return (size_t)(at - text);
}

/* Is name one of the family's, which has the type? */
static inline bool prometheus_belongs(const char *name, size_t len,
				      const char *family, const char *type)
{
	static const char *const suffixes[] = { "_bucket", "_sum", "_count" };
	size_t family_len = strlen(family);

	if (strncmp(name, family, family_len) != 0)
		return false;
	if (strcmp(type, "histogram") != 0)
		return len == family_len;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		if (len == family_len + strlen(suffixes[i]) &&
		    memcmp(name + family_len, suffixes[i],
			   strlen(suffixes[i])) == 0)
			return true;
	}
	return false;
}

static inline void prometheus_read_sample(struct prometheus *page, char *line)
{
	size_t name_len = prometheus_name_len(line, ":"), len = name_len;
	size_t last = page->n_families - 1;
	char *end;

	assert_true(name_len > 0 && page->n_families > 0);
	if (!prometheus_belongs(line, name_len, page->families[last],
				page->types[last]))
		fail_msg("outside its family: %s", line);
	if (line[len] == '{')
		len += prometheus_labels_len(line + len);
	assert_int_equal(line[len], ' ');
	line[len] = '\0';
	assert_true(isdigit((unsigned char)line[len + 1]));
	assert_true(page->n < PROMETHEUS_SERIES);
	page->values[page->n] = strtod(line + len + 1, &end);
	assert_int_equal(*end, '\0');
	for (size_t i = 0; i < page->n; i++) {
		if (strcmp(page->lines[i], line) == 0)
			fail_msg("twice: %s", line);
	}
	page->lines[page->n++] = line;
}

/* "# HELP name text", then at once "# TYPE name type". */
static inline char *prometheus_read_family(struct prometheus *page, char *help)
{
	size_t len = prometheus_name_len(help + 7, ":");
	char *type = strchr(help, '\n') + 1, *name = help + 7, *end;

	assert_true(len > 0 && help[7 + len] == ' ' && help[8 + len] != '\n');
	assert_memory_equal(type, "# TYPE ", 7);
	assert_memory_equal(type + 7, name, len + 1);
	end = strchr(type, '\n');
	assert_non_null(end);
	*end = name[len] = '\0';
	type += 8 + len;
	assert_true(strcmp(type, "counter") == 0 ||
		    strcmp(type, "gauge") == 0 ||
		    strcmp(type, "histogram") == 0);
	assert_int_equal(strcmp(type, "counter") == 0,
			 len > 6 && strcmp(name + len - 6, "_total") == 0);
	for (size_t i = 0; i < page->n_families; i++)
		assert_string_not_equal(page->families[i], name);
	assert_true(page->n_families < PROMETHEUS_FAMILIES);
	page->families[page->n_families] = name;
	page->types[page->n_families++] = type;
	return end + 1;
}

/* The value of a series, written as on the page.  Fails when it is absent. */
static inline double prometheus_value(const struct prometheus *page,
				      const char *series)
{
	for (size_t i = 0; i < page->n; i++) {
		if (strcmp(page->lines[i], series) == 0)
			return page->values[i];
	}
	fail_msg("no series %s", series);
	return 0;
}

/* True when some series begins with prefix. */
static inline bool prometheus_has(const struct prometheus *page,
				  const char *prefix)
{
	for (size_t i = 0; i < page->n; i++) {
		if (strncmp(page->lines[i], prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}

/* Bounds rise to +Inf, counts never fall, and +Inf is the count. */
static inline void prometheus_check_histogram(const struct prometheus *page,
					      const char *family)
{
	double bound, last_bound = -INFINITY, last = 0;
	char name[128];
	size_t len;

	len = (size_t)snprintf(name, sizeof(name), "%s_bucket{le=\"", family);
	for (size_t i = 0; i < page->n; i++) {
		if (strncmp(page->lines[i], name, len) != 0)
			continue;
		bound = strtod(page->lines[i] + len, NULL);
		assert_true(bound > last_bound);
		assert_true(page->values[i] >= last);
		last_bound = bound;
		last = page->values[i];
	}
	assert_true(isinf(last_bound));
	snprintf(name, sizeof(name), "%s_count", family);
	assert_true(prometheus_value(page, name) == last);
	snprintf(name, sizeof(name), "%s_sum", family);
	assert_true(prometheus_value(page, name) >= 0);
}

/* Read and check a whole page of len bytes. */
static inline void prometheus_read(struct prometheus *page, const char *text)
{
	char *at, *end;

	memset(page, 0, sizeof(*page));
	page->text = mem_strdup(text);
	for (at = page->text; *at != '\0';) {
		if (strncmp(at, "# HELP ", 7) == 0) {
			at = prometheus_read_family(page, at);
			assert_int_not_equal(*at, '#');
			continue;
		}
		end = strchr(at, '\n');
		assert_non_null(end);
		*end = '\0';
		prometheus_read_sample(page, at);
		at = end + 1;
	}
	for (size_t i = 0; i < page->n_families; i++) {
		assert_true(prometheus_has(page, page->families[i]));
		if (strcmp(page->types[i], "histogram") == 0)
			prometheus_check_histogram(page, page->families[i]);
	}
}

static inline void prometheus_clear(struct prometheus *page)
{
	free(page->text);
}

#endif
