/*
 * load: calls a plugin over HTTP/1.1 as fast as it answers, or as patiently
 * as Argo's agent, and prints what happened as one line of JSON.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "caller.h"

#define BODY_MAX        (8 * 1024 * 1024)
#define HEAD_MAX        2048
#define CONNECTIONS_MAX 4096

static const char usage_text[] =
	"usage: load --port N --body FILE [option ...]\n"
	"  --address A       where the plugin listens (127.0.0.1)\n"
	"  --path P          what is called (/api/v1/template.execute)\n"
	"  --token T         sent as Authorization: Bearer T\n"
	"  --connections N   calls at a time (16)\n"
	"  --seconds S       begin no call after S seconds\n"
	"  --count N         make N calls\n"
	"  --expect TEXT     what each good reply holds\n"
	"  --retry SCALE     retry as the agent, waits 1, 2, 4, 8 s x SCALE\n"
	"  --timeout MS      give up a try (30000)\n"
	"Without --seconds and --count it calls until SIGTERM.\n";

struct settings {
	struct caller_options caller;
	const char *address;
	const char *path;
	const char *token;
	const char *body_file;
	long port;
};

static void on_signal(int number)
{
	(void)number;
	caller_stop();
}

static void usage(void)
{
	fputs(usage_text, stderr);
	exit(64);
}

static double number(const char *text, double min, double max)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= min && value <= max)) {
		fprintf(stderr, "load: '%s': not a number from %g to %g\n",
			text, min, max);
		exit(64);
	}
	return value;
}

static void set_option(struct settings *s, int letter, const char *text)
{
	switch (letter) {
	case 'a':
		s->address = text;
		break;
	case 'p':
		s->port = (long)number(text, 1, 65535);
		break;
	case 'u':
		s->path = text;
		break;
	case 'k':
		s->token = text;
		break;
	case 'b':
		s->body_file = text;
		break;
	case 'c':
		s->caller.n_connections =
			(long)number(text, 1, CONNECTIONS_MAX);
		break;
	case 's':
		s->caller.seconds = number(text, 0, 1e6);
		break;
	case 'n':
		s->caller.count = (long)number(text, 1, 1e12);
		break;
	case 'e':
		s->caller.expect = text;
		break;
	case 'r':
		s->caller.retry = number(text, 0, 10);
		break;
	case 't':
		s->caller.timeout_ms = (long)number(text, 1, 1e7);
		break;
	default:
		usage();
	}
}

static void parse_arguments(struct settings *s, int argc, char **argv)
{
	static const struct option options[] = {
		{ "address", required_argument, NULL, 'a' },
		{ "port", required_argument, NULL, 'p' },
		{ "path", required_argument, NULL, 'u' },
		{ "token", required_argument, NULL, 'k' },
		{ "body", required_argument, NULL, 'b' },
		{ "connections", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'n' },
		{ "expect", required_argument, NULL, 'e' },
		{ "retry", required_argument, NULL, 'r' },
		{ "timeout", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1)
		set_option(s, letter, optarg);
	if (optind != argc || s->port == 0 || s->body_file == NULL)
		usage();
	s->caller.peer.sin_family = AF_INET;
	s->caller.peer.sin_port = htons((in_port_t)s->port);
	if (inet_pton(AF_INET, s->address, &s->caller.peer.sin_addr) != 1)
		usage();
}

/* The request as Argo's agent sends it; on the heap. */
static char *make_request(const struct settings *s, size_t *len_r)
{
	char *request = malloc(HEAD_MAX + BODY_MAX);
	char *body = malloc(BODY_MAX);
	FILE *file = fopen(s->body_file, "rb");
	size_t body_len;
	int n;

	if (request == NULL || body == NULL || file == NULL) {
		perror(s->body_file);
		exit(70);
	}
	body_len = fread(body, 1, BODY_MAX, file);
	fclose(file);
	n = snprintf(request, HEAD_MAX,
		     "POST %s HTTP/1.1\r\n"
		     "Host: localhost:%ld\r\n"
		     "User-Agent: Go-http-client/1.1\r\n"
		     "Content-Length: %zu\r\n"
		     "%s%s%s"
		     "Content-Type: application/json\r\n"
		     "Accept-Encoding: gzip\r\n\r\n",
		     s->path, s->port, body_len,
		     s->token != NULL ? "Authorization: Bearer " : "",
		     s->token != NULL ? s->token : "",
		     s->token != NULL ? "\r\n" : "");
	if (n < 0 || n >= HEAD_MAX)
		usage();
	memcpy(request + n, body, body_len);
	free(body);
	*len_r = (size_t)n + body_len;
	return request;
}

static double cpu_seconds(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void print_result(const struct caller_result *res)
{
	const struct caller_counters *n = &res->n;
	const char *comma = "";
	double rate = 0;

	if (res->seconds > 0)
		rate = (double)res->ok_in_time / res->seconds;
	printf("{\"calls\":%ld,\"ok\":%ld,\"failed\":%ld,\"seconds\":%.3f,"
	       "\"per_second\":%.1f,",
	       n->ok + n->failed, n->ok, n->failed, res->seconds, rate);
	printf("\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,"
	       "\"max_ms\":%.3f,\"gap_ms\":%.3f,",
	       histogram_quantile_ms(&res->latency, 0.5),
	       histogram_quantile_ms(&res->latency, 0.9),
	       histogram_quantile_ms(&res->latency, 0.99),
	       histogram_quantile_ms(&res->latency, 1), res->gap_ms);
	printf("\"tries\":%ld,\"connects\":%ld,\"refused\":%ld,\"reset\":%ld,"
	       "\"timeout\":%ld,\"truncated\":%ld,\"wrong\":%ld,",
	       n->tries, n->connects, n->refused, n->reset, n->timeout,
	       n->truncated, n->wrong);
	printf("\"load_cpu_s\":%.3f,\"status\":{", cpu_seconds());
	for (int i = 0; i < REPLY_STATUS_MAX; i++) {
		if (n->status[i] == 0)
			continue;
		printf("%s\"%d\":%ld", comma, i, n->status[i]);
		comma = ",";
	}
	printf("}}\n");
}

int main(int argc, char **argv)
{
	static struct caller_result result;
	struct settings s = {
		.address = "127.0.0.1",
		.path = "/api/v1/template.execute",
		.caller = { .n_connections = 16,
			    .retry = -1,
			    .timeout_ms = 30000 },
	};
	struct sigaction action = { .sa_handler = on_signal };
	char *request;

	parse_arguments(&s, argc, argv);
	request = make_request(&s, &s.caller.request_len);
	s.caller.request = request;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);

	caller_run(&s.caller, &result);
	print_result(&result);
	free(request);
	return 0;
}
