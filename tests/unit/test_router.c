/*
 * test_router: which path is what, and who may ask.
 */
#include "test.h"

#include "http/router.h"

static void finds_the_endpoint_of_a_path(void **state)
{
	static const struct {
		const char *path;
		enum router_endpoint endpoint;
		const char *method;
	} rows[] = {
		{ "/api/v1/template.execute", ENDPOINT_API,
		  "template.execute" },
		{ "/api/v1/", ENDPOINT_API, "" },
		{ "/api/v1/a/b", ENDPOINT_API, "a/b" },
		{ "/api/v1/template.execute/", ENDPOINT_API,
		  "template.execute/" },
		{ "/api/v1", ENDPOINT_NONE, "" },
		{ "/api/v2/template.execute", ENDPOINT_NONE, "" },
		{ "/API/v1/template.execute", ENDPOINT_NONE, "" },
		{ "//api/v1/template.execute", ENDPOINT_NONE, "" },
		{ "api/v1/template.execute", ENDPOINT_NONE, "" },
		{ "/healthz", ENDPOINT_HEALTHZ, "" },
		{ "/healthz/", ENDPOINT_NONE, "" },
		{ "/healthzz", ENDPOINT_NONE, "" },
		{ "/readyz", ENDPOINT_READYZ, "" },
		{ "/metrics", ENDPOINT_METRICS, "" },
		{ "/status", ENDPOINT_STATUS, "" },
		{ "/Status", ENDPOINT_NONE, "" },
		{ "/", ENDPOINT_NONE, "" },
		{ "", ENDPOINT_NONE, "" },
	};
	const char *method;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		method = NULL;
		assert_int_equal(router_find(rows[i].path, &method),
				 rows[i].endpoint);
		assert_string_equal(method, rows[i].method);
	}
}

static void calls_are_posted_and_pages_are_read(void **state)
{
	static const struct {
		const char *method;
		bool api, page;
	} rows[] = {
		{ "POST", true, false },    { "GET", false, true },
		{ "HEAD", false, true },    { "PUT", false, false },
		{ "DELETE", false, false }, { "OPTIONS", false, false },
		{ "TRACE", false, false },  { "post", false, false },
		{ "get", false, false },    { "POSTS", false, false },
		{ "", false, false },
	};
	static const enum router_endpoint pages[] = {
		ENDPOINT_HEALTHZ,
		ENDPOINT_READYZ,
		ENDPOINT_METRICS,
		ENDPOINT_STATUS,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(router_allows(ENDPOINT_API, rows[i].method),
				 rows[i].api);
		for (size_t j = 0; j < ARRAY_LEN(pages); j++)
			assert_int_equal(
				router_allows(pages[j], rows[i].method),
				rows[i].page);
	}
}

static void says_what_is_allowed_as_an_allow_header(void **state)
{
	(void)state;
	assert_string_equal(router_allowed(ENDPOINT_API), "POST");
	assert_string_equal(router_allowed(ENDPOINT_HEALTHZ), "GET, HEAD");
	assert_string_equal(router_allowed(ENDPOINT_STATUS), "GET, HEAD");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_endpoint_of_a_path),
		cmocka_unit_test(calls_are_posted_and_pages_are_read),
		cmocka_unit_test(says_what_is_allowed_as_an_allow_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
