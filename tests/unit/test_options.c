#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"

enum {
	MAX_ARGS = 12
};

/* Parse the words of line, which are apart by one space. */
static int parse(struct options *options, const char *line, struct error *err)
{
	static char words[512];
	char *argv[MAX_ARGS + 2], *at = words;
	int argc = 0;

	snprintf(words, sizeof(words), "execplugd %s", line);
	while (at != NULL && *at != '\0') {
		assert_true(argc <= MAX_ARGS);
		argv[argc++] = strsep(&at, " ");
	}
	argv[argc] = NULL;
	return options_parse(options, argc, argv, err);
}

static void defaults_are_those_of_the_table(void **state)
{
	struct error err = ERROR_INIT;
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, "", &err), 0);
	assert_null(options.listen);
	assert_int_equal(options.port, 4355);
	assert_null(options.address);
	assert_int_equal(options.workers, 2);
	assert_int_equal(options.front, FRONT_NGINX);
	assert_false(options.front_is_given);
	assert_null(options.nginx);
	assert_string_equal(options.token_file, "/var/run/argo/token");
	assert_false(options.no_auth);
	assert_null(options.handlers);
	assert_int_equal(options.max_body, 2 * 1024 * 1024);
	assert_int_equal(options.deadline_ms, 20000);
	assert_int_equal(options.drain_ms, 5000);
	assert_int_equal(options.allow_uid, -1);
	assert_string_equal(options.user, "www-data");
	assert_int_equal(options.log_level, LOG_LEVEL_INFO);
	assert_false(options.check);
	assert_null(options.try_file);
	assert_false(options.version);
	assert_false(options.help);
}

static void every_option_is_read_in_both_spellings(void **state)
{
	struct error err = ERROR_INIT;
	struct options options;

	(void)state;
	assert_int_equal(parse(&options,
			       "--listen /run/s --port=80 --workers 64 "
			       "--front=none --no-auth",
			       &err),
			 0);
	assert_string_equal(options.listen, "/run/s");
	assert_int_equal(options.port, 80);
	assert_int_equal(options.workers, 64);
	assert_int_equal(options.front, FRONT_NONE);
	assert_true(options.front_is_given);
	assert_true(options.no_auth);

	assert_int_equal(parse(&options,
			       "--max-body=256k --deadline 500ms --drain=2m "
			       "--allow-uid 0 --log-level=error",
			       &err),
			 0);
	assert_int_equal(options.max_body, 256 * 1024);
	assert_int_equal(options.deadline_ms, 500);
	assert_int_equal(options.drain_ms, 120000);
	assert_int_equal(options.allow_uid, 0);
	assert_int_equal(options.log_level, LOG_LEVEL_ERROR);

	assert_int_equal(parse(&options,
			       "--check --try=- --version --help "
			       "--handlers=a,b --token-file=/t",
			       &err),
			 0);
	assert_true(options.check && options.version && options.help);
	assert_string_equal(options.try_file, "-");
	assert_string_equal(options.handlers, "a,b");
	assert_string_equal(options.token_file, "/t");

	assert_int_equal(parse(&options,
			       "--address=::1 --nginx /n --user u --port 1 "
			       "--port 2",
			       &err),
			 0);
	assert_string_equal(options.address, "::1");
	assert_string_equal(options.nginx, "/n");
	assert_string_equal(options.user, "u");
	assert_int_equal(options.port, 2);
}

static void each_mistake_has_its_sentence(void **state)
{
	static const struct {
		const char *line, *text;
	} rows[] = {
		{ "x", "'x': not an option; see --help" },
		{ "-p", "'-p': not an option; see --help" },
		{ "--", "'--': no such option; see --help" },
		{ "--prot=1", "'--prot=1': no such option; see --help" },
		{ "--por 1", "'--por': no such option; see --help" },
		{ "--ports=1", "'--ports=1': no such option; see --help" },
		{ "--port", "--port: needs a value (N)" },
		{ "--port=", "--port: '' is not a number" },
		{ "--port=x", "--port: 'x' is not a number" },
		{ "--port=80x", "--port: '80x' is not a number" },
		{ "--port=+80", "--port: '+80' is not a number" },
		{ "--port=99999999999999999999",
		  "--port: '99999999999999999999' is not a number" },
		{ "--port=0", "--port: '0' is not between 1 and 65535" },
		{ "--port=65536",
		  "--port: '65536' is not between 1 and 65535" },
		{ "--workers 0", "--workers: '0' is not between 1 and 64" },
		{ "--workers 65", "--workers: '65' is not between 1 and 64" },
		{ "--allow-uid=-2",
		  "--allow-uid: '-2' is not between -1 and 4294967294" },
		{ "--front=apache",
		  "--front: 'apache' is not one of nginx|none" },
		{ "--log-level=trace", "--log-level: 'trace' is not one of "
				       "debug|info|warn|error" },
		{ "--deadline=20", "--deadline: '20' is not a duration such "
				   "as 500ms, 20s or 2m" },
		{ "--deadline=99ms",
		  "--deadline: '99ms' is not between 100ms and 25s" },
		{ "--deadline=26s",
		  "--deadline: '26s' is not between 100ms and 25s" },
		{ "--drain=11m", "--drain: '11m' is not between 0s and 600s" },
		{ "--max-body=2g",
		  "--max-body: '2g' is not a size such as 256k or 2m" },
		{ "--max-body=1", "--max-body: '1' is not between 4k and 64m" },
		{ "--max-body=65m",
		  "--max-body: '65m' is not between 4k and 64m" },
		{ "--listen=", "--listen: the value is empty" },
		{ "--check=maybe", "--check: 'maybe' is not true or false" },
		{ "--no-auth --port=0 --workers=0",
		  "--port: '0' is not between 1 and 65535" },
	};
	struct options options;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(parse(&options, rows[i].line, &err), -1);
		assert_string_equal(err.text, rows[i].text);
		assert_int_equal(err.code, ERROR_USAGE);
	}
}

static void a_flag_may_say_true_or_false(void **state)
{
	static const struct {
		const char *line;
		bool want;
	} rows[] = {
		{ "--no-auth", true },
		{ "--no-auth=1", true },
		{ "--no-auth=true", true },
		{ "--no-auth --no-auth=0", false },
		{ "--no-auth --no-auth=false", false },
	};
	struct options options;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(parse(&options, rows[i].line, NULL), 0);
		assert_int_equal(options.no_auth, rows[i].want);
	}
}

static void the_command_line_wins_over_the_environment(void **state)
{
	struct error err = ERROR_INIT;
	struct options options;

	(void)state;
	setenv("EXECPLUG_PORT", "81", 1);
	setenv("EXECPLUG_TOKEN_FILE", "/env", 1);
	setenv("EXECPLUG_NO_AUTH", "true", 1);
	setenv("EXECPLUG_FRONT", "none", 1);
	setenv("EXECPLUG_WORKERS", "", 1);
	setenv("EXECPLUG_SOMETHING", "else", 1);
	assert_int_equal(parse(&options, "--port 82", &err), 0);
	assert_int_equal(options.port, 82);
	assert_string_equal(options.token_file, "/env");
	assert_true(options.no_auth);
	assert_int_equal(options.front, FRONT_NONE);
	assert_true(options.front_is_given);
	assert_int_equal(options.workers, 2); /* empty is as unset */

	setenv("EXECPLUG_TOKEN_FILE", "", 1);
	assert_int_equal(parse(&options, "--no-auth=false", &err), 0);
	assert_string_equal(options.token_file, "/var/run/argo/token");
	assert_false(options.no_auth);
	assert_int_equal(options.port, 81);

	setenv("EXECPLUG_PORT", "none", 1);
	assert_int_equal(parse(&options, "--port 82", &err), -1);
	assert_string_equal(err.text, "EXECPLUG_PORT: 'none' is not a number");
	unsetenv("EXECPLUG_PORT");
	unsetenv("EXECPLUG_TOKEN_FILE");
	unsetenv("EXECPLUG_NO_AUTH");
	unsetenv("EXECPLUG_FRONT");
	unsetenv("EXECPLUG_WORKERS");
	unsetenv("EXECPLUG_SOMETHING");
}

static void durations_and_sizes_have_units(void **state)
{
	static const struct {
		const char *text;
		int64_t duration, size; /* -1: not one */
	} rows[] = {
		{ "0", -1, 0 },
		{ "0s", 0, -1 },
		{ "500ms", 500, -1 },
		{ "20s", 20000, -1 },
		{ "2m", 120000, 2097152 },
		{ "2M", -1, 2097152 },
		{ "1h", 3600000, -1 },
		{ "4096", -1, 4096 },
		{ "256k", -1, 262144 },
		{ "256K", -1, 262144 },
		{ "", -1, -1 },
		{ "s", -1, -1 },
		{ "-1s", -1, -1 },
		{ "-1", -1, -1 },
		{ "1 s", -1, -1 },
		{ " 1s", -1, -1 },
		{ "1.5s", -1, -1 },
		{ "1kb", -1, -1 },
		{ "9223372036854775807ms", INT64_MAX, -1 },
		{ "9223372036854775807s", -1, -1 },
		{ "9223372036854775807k", -1, -1 },
		{ "9223372036854775808", -1, -1 },
	};
	int64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (options_read_duration(rows[i].text, &value) < 0)
			value = -1;
		assert_true(value == rows[i].duration);
		if (options_read_size(rows[i].text, &value) < 0)
			value = -1;
		assert_true(value == rows[i].size);
	}
}

static void help_names_every_option(void **state)
{
	static const char *const names[] = {
		"--listen=ADDRESS",
		"--port=N",
		"--address=IP",
		"--workers=N",
		"--front=nginx|none",
		"--nginx=PROGRAM",
		"--token-file=FILE",
		"--no-auth",
		"--handlers=KEY,...",
		"--max-body=SIZE",
		"--deadline=TIME",
		"--drain=TIME",
		"--allow-uid=UID",
		"--user=NAME",
		"--check",
		"--try=FILE",
		"--version",
		"--help",
		"[4355]",
		"[20s]",
		"EXECPLUG_<NAME>",
	};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	options_print_help(out);
	fclose(out);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strstr(text, names[i]) == NULL)
			fail_msg("no %s in --help", names[i]);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_table),
		cmocka_unit_test(every_option_is_read_in_both_spellings),
		cmocka_unit_test(each_mistake_has_its_sentence),
		cmocka_unit_test(a_flag_may_say_true_or_false),
		cmocka_unit_test(the_command_line_wins_over_the_environment),
		cmocka_unit_test(durations_and_sizes_have_units),
		cmocka_unit_test(help_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
