/*
 * options: the table, and the few functions that walk it.
 */
#include "base/options.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"

enum option_type {
	OPTION_FLAG,     /* bool; no value */
	OPTION_TEXT,     /* const char * */
	OPTION_NUMBER,   /* int64_t */
	OPTION_DURATION, /* int64_t, milliseconds */
	OPTION_SIZE,     /* int64_t, bytes */
	OPTION_CHOICE,   /* int64_t, index in choices */
};

struct option_row {
	const char *name;
	enum option_type type;
	size_t offset;        /* in struct options */
	const char *fallback; /* as a user would write it; NULL: none */
	int64_t min, max;     /* of numbers, durations (ms) and sizes */
	const char *value;    /* how --help names the value */
	const char *help;
};

static const char *const front_choices[] = { "nginx", "none", NULL };
static const char *const level_choices[] = { "debug", "info", "warn", "error",
					     NULL };

#define AT(member) offsetof(struct options, member)

static const struct option_row option_rows[] = {
	{ "listen", OPTION_TEXT, AT(listen), NULL, 0, 0, "ADDRESS",
	  "FastCGI socket: a path, or HOST:PORT (default: a private socket)" },
	{ "port", OPTION_NUMBER, AT(port), "4355", 1, 65535, "N",
	  "TCP port where nginx listens" },
	{ "address", OPTION_TEXT, AT(address), NULL, 0, 0, "IP",
	  "address where nginx listens (default: all, IPv4 and IPv6)" },
	{ "workers", OPTION_NUMBER, AT(workers), "2", 1, 64, "N",
	  "worker processes" },
	{ "front", OPTION_CHOICE, AT(front), "nginx", 0, 0, "nginx|none",
	  "start nginx, or only listen for FastCGI" },
	{ "nginx", OPTION_TEXT, AT(nginx), NULL, 0, 0, "PROGRAM",
	  "nginx to start (default: the first in PATH, /usr/sbin)" },
	{ "token-file", OPTION_TEXT, AT(token_file), "/var/run/argo/token", 0,
	  0, "FILE", "bearer token that callers must send" },
	{ "no-auth", OPTION_FLAG, AT(no_auth), NULL, 0, 0, NULL,
	  "take calls without a token (Argo v3.3.0 sends none)" },
	{ "handlers", OPTION_TEXT, AT(handlers), NULL, 0, 0, "KEY,...",
	  "plugin keys to answer (default: all built-in ones)" },
	{ "max-body", OPTION_SIZE, AT(max_body), "2m", 4096, 67108864, "SIZE",
	  "largest request body" },
	{ "deadline", OPTION_DURATION, AT(deadline_ms), "20s", 100, 25000,
	  "TIME", "longest time until a call is answered" },
	{ "drain", OPTION_DURATION, AT(drain_ms), "5s", 0, 600000, "TIME",
	  "longest time that a stop waits for calls in hand" },
	{ "allow-uid", OPTION_NUMBER, AT(allow_uid), "-1", -1, 4294967294,
	  "UID",
	  "only this uid (and root) may connect to --listen (-1: its mode "
	  "decides)" },
	{ "user", OPTION_TEXT, AT(user), "www-data", 0, 0, "NAME",
	  "who nginx and the workers run as, when started as root" },
	{ "log-level", OPTION_CHOICE, AT(log_level), "info", 0, 0,
	  "debug|info|warn|error", "least level that is logged" },
	{ "check", OPTION_FLAG, AT(check), NULL, 0, 0, NULL,
	  "look for problems, print each with its cure, and exit" },
	{ "try", OPTION_TEXT, AT(try_file), NULL, 0, 0, "FILE",
	  "answer one call from FILE (-: standard input) and exit" },
	{ "version", OPTION_FLAG, AT(version), NULL, 0, 0, NULL,
	  "print the version and exit" },
	{ "help", OPTION_FLAG, AT(help), NULL, 0, 0, NULL,
	  "print this help and exit" },
};

static const char *const *option_choices(const struct option_row *row)
{
	return row->offset == AT(front) ? front_choices : level_choices;
}

/* Read digits at text; *end_r is what follows them. */
static int option_digits(const char *text, int64_t *number_r, char **end_r)
{
	const char *digits = text[0] == '-' ? text + 1 : text;

	if (!isdigit((unsigned char)digits[0]))
		return -1;
	errno = 0;
	*number_r = strtoll(text, end_r, 10);
	return errno == 0 ? 0 : -1;
}

static int option_scale(int64_t *number, int64_t factor)
{
	return __builtin_mul_overflow(*number, factor, number) ? -1 : 0;
}

int options_read_duration(const char *text, int64_t *ms_r)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60000 },
		{ "h", 3600000 },
	};
	char *end;

	if (text[0] == '-' || option_digits(text, ms_r, &end) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strcmp(end, units[i].unit) == 0)
			return option_scale(ms_r, units[i].ms);
	}
	return -1;
}

int options_read_size(const char *text, int64_t *bytes_r)
{
	char *end;

	if (text[0] == '-' || option_digits(text, bytes_r, &end) < 0)
		return -1;
	if (strcmp(end, "") == 0)
		return 0;
	if (strcmp(end, "k") == 0 || strcmp(end, "K") == 0)
		return option_scale(bytes_r, 1024);
	if (strcmp(end, "m") == 0 || strcmp(end, "M") == 0)
		return option_scale(bytes_r, 1048576);
	return -1;
}

static int option_choose(const struct option_row *row, const char *text,
			 int64_t *index_r)
{
	const char *const *choices = option_choices(row);

	for (int64_t i = 0; choices[i] != NULL; i++) {
		if (strcmp(choices[i], text) == 0) {
			*index_r = i;
			return 0;
		}
	}
	return -1;
}

static int option_read_number(const struct option_row *row, const char *text,
			      int64_t *number_r)
{
	char *end;

	switch (row->type) {
	case OPTION_DURATION:
		return options_read_duration(text, number_r);
	case OPTION_SIZE:
		return options_read_size(text, number_r);
	case OPTION_CHOICE:
		return option_choose(row, text, number_r);
	case OPTION_NUMBER:
		if (option_digits(text, number_r, &end) < 0)
			return -1;
		return *end == '\0' ? 0 : -1;
	case OPTION_FLAG:
	case OPTION_TEXT:
		break;
	}
	return -1;
}

/* How a limit reads in the option's own unit. */
static void option_limit_text(const struct option_row *row, int64_t limit,
			      char text[32])
{
	if (row->type == OPTION_DURATION && limit % 1000 == 0)
		snprintf(text, 32, "%llds", (long long)limit / 1000);
	else if (row->type == OPTION_DURATION)
		snprintf(text, 32, "%lldms", (long long)limit);
	else if (row->type == OPTION_SIZE && limit % 1048576 == 0)
		snprintf(text, 32, "%lldm", (long long)limit / 1048576);
	else if (row->type == OPTION_SIZE)
		snprintf(text, 32, "%lldk", (long long)limit / 1024);
	else
		snprintf(text, 32, "%lld", (long long)limit);
}

static int option_set_number(const struct option_row *row, void *place,
			     const char *text, const char *said,
			     struct error *err)
{
	static const char *const kinds[] = {
		[OPTION_NUMBER] = "a number",
		[OPTION_DURATION] = "a duration such as 500ms, 20s or 2m",
		[OPTION_SIZE] = "a size such as 256k or 2m",
	};
	char min[32], max[32];
	int64_t number = 0;

	if (option_read_number(row, text, &number) < 0) {
		if (row->type == OPTION_CHOICE)
			return error_set(err, ERROR_USAGE,
					 "%s: '%s' is not one of %s", said,
					 text, row->value);
		return error_set(err, ERROR_USAGE, "%s: '%s' is not %s", said,
				 text, kinds[row->type]);
	}
	if (row->type != OPTION_CHOICE &&
	    (number < row->min || number > row->max)) {
		option_limit_text(row, row->min, min);
		option_limit_text(row, row->max, max);
		return error_set(err, ERROR_USAGE,
				 "%s: '%s' is not between %s and %s", said,
				 text, min, max);
	}
	*(int64_t *)place = number;
	return 0;
}

static int option_set_flag(bool *place, const char *text, const char *said,
			   struct error *err)
{
	if (text == NULL || strcmp(text, "1") == 0 || strcmp(text, "true") == 0)
		*place = true;
	else if (strcmp(text, "0") == 0 || strcmp(text, "false") == 0 ||
		 text[0] == '\0')
		*place = false;
	else
		return error_set(err, ERROR_USAGE,
				 "%s: '%s' is not true or false", said, text);
	return 0;
}

/*
 * Set one option; said is how the user named it.  A flag's text may be
 * NULL.
 */
static int option_set(struct options *options, const struct option_row *row,
		      const char *text, const char *said, struct error *err)
{
	void *place = (char *)options + row->offset;

	switch (row->type) {
	case OPTION_FLAG:
		return option_set_flag(place, text, said, err);
	case OPTION_TEXT:
		if (text[0] == '\0')
			return error_set(err, ERROR_USAGE,
					 "%s: the value is empty", said);
		*(const char **)place = text;
		return 0;
	case OPTION_NUMBER:
	case OPTION_DURATION:
	case OPTION_SIZE:
	case OPTION_CHOICE:
		return option_set_number(row, place, text, said, err);
	}
	return -1;
}

static void option_env_name(const struct option_row *row, char name[64])
{
	size_t len = (size_t)snprintf(name, 64, "EXECPLUG_%s", row->name);

	for (size_t i = 0; i < len; i++) {
		if (name[i] == '-')
			name[i] = '_';
		else
			name[i] = (char)toupper((unsigned char)name[i]);
	}
}

static int options_read_environment(struct options *options, struct error *err)
{
	char name[64];
	const char *text;

	for (size_t i = 0; i < ARRAY_LEN(option_rows); i++) {
		option_env_name(&option_rows[i], name);
		text = getenv(name);
		if (text == NULL || text[0] == '\0')
			continue;
		if (option_set(options, &option_rows[i], text, name, err) < 0)
			return -1;
		if (option_rows[i].offset == AT(front))
			options->front_is_given = true;
	}
	return 0;
}

static const struct option_row *option_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(option_rows); i++) {
		if (strlen(option_rows[i].name) == len &&
		    memcmp(option_rows[i].name, name, len) == 0)
			return &option_rows[i];
	}
	return NULL;
}

/* Read argv[*at] and, when it takes a value, perhaps argv[*at + 1]. */
static int options_read_argument(struct options *options, char *const argv[],
				 int *at, struct error *err)
{
	const char *argument = argv[*at], *name, *value;
	const struct option_row *row;
	char said[64];
	size_t len;

	if (strncmp(argument, "--", 2) != 0)
		return error_set(err, ERROR_USAGE,
				 "'%s': not an option; see --help", argument);
	name = argument + 2;
	len = strcspn(name, "=");
	value = name[len] == '=' ? name + len + 1 : NULL;
	row = option_find(name, len);
	if (row == NULL)
		return error_set(err, ERROR_USAGE,
				 "'%s': no such option; see --help", argument);

	snprintf(said, sizeof(said), "--%s", row->name);
	if (row->type != OPTION_FLAG && value == NULL) {
		value = argv[*at + 1];
		if (value == NULL)
			return error_set(err, ERROR_USAGE,
					 "%s: needs a value (%s)", said,
					 row->value);
		++*at;
	}
	if (row->offset == AT(front))
		options->front_is_given = true;
	return option_set(options, row, value, said, err);
}

int options_parse(struct options *options, int argc, char *const argv[],
		  struct error *err)
{
	memset(options, 0, sizeof(*options));
	for (size_t i = 0; i < ARRAY_LEN(option_rows); i++) {
		if (option_rows[i].fallback == NULL)
			continue;
		if (option_set(options, &option_rows[i],
			       option_rows[i].fallback, option_rows[i].name,
			       err) < 0)
			return -1;
	}
	if (options_read_environment(options, err) < 0)
		return -1;
	for (int i = 1; i < argc; i++) {
		if (options_read_argument(options, argv, &i, err) < 0)
			return -1;
	}
	return 0;
}

void options_print_help(FILE *out)
{
	const struct option_row *row;
	char left[64];

	fputs("Usage: execplugd [OPTION]...\n"
	      "Run Argo Workflows executor plugins as FastCGI workers behind "
	      "nginx.\n\n",
	      out);
	for (size_t i = 0; i < ARRAY_LEN(option_rows); i++) {
		row = &option_rows[i];
		snprintf(left, sizeof(left), "--%s%s%s", row->name,
			 row->value != NULL ? "=" : "",
			 row->value != NULL ? row->value : "");
		fprintf(out, "  %-34s %s", left, row->help);
		if (row->fallback != NULL)
			fprintf(out, " [%s]", row->fallback);
		fputc('\n', out);
	}
	fputs("\nEach option can also be given in the environment, as "
	      "EXECPLUG_<NAME>\n(EXECPLUG_TOKEN_FILE=/run/token); the command "
	      "line wins.\nExit codes: 0 after a stop that was asked for, 64 "
	      "usage, 70 internal, 78 configuration.\n",
	      out);
}
