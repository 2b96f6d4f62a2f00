/*
 * What a log line looks like, and when it is written.
 */
#include "tests/unit/test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "tests/unit/log_reader.h"

static void write_one_of_each(void)
{
	log_write(LOG_LEVEL_DEBUG, "a", "debug");
	log_write(LOG_LEVEL_INFO, "a", "number %d", 7);
	log_write(LOG_LEVEL_WARN, "a", "warn");
	log_write(LOG_LEVEL_ERROR, "a", "error");
}

static void lines_below_the_level_are_not_written(void **state)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	struct json_object *line;
	struct buf out;
	char *at;

	(void)state;
	for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++) {
		run_piped(write_one_of_each, (enum log_level)level, &out);
		at = out.data;
		for (int i = level; i <= LOG_LEVEL_ERROR; i++) {
			line = next_line(&at);
			assert_string_equal(member(line, "level"), names[i]);
			json_object_put(line);
		}
		assert_null(next_line(&at));
		buf_clear(&out);
	}
}

static void write_members(void)
{
	if (!log_begin(LOG_LEVEL_INFO, "test", "a message"))
		return;
	log_text("key", "he\"llo", 6);
	log_number("status", -200);
	log_end();
	log_flush();
}

static void a_line_is_one_object_with_its_members_in_order(void **state)
{
	struct json_object *line;
	struct buf out;
	char *at, tail[160];

	(void)state;
	run_piped(write_members, LOG_LEVEL_INFO, &out);
	at = strstr(buf_text(&out), ",\"area\"");
	assert_non_null(at);
	snprintf(tail, sizeof(tail), "%s", at);
	assert_string_equal(tail, ",\"area\":\"test\",\"msg\":\"a message\","
				  "\"key\":\"he\\\"llo\",\"status\":-200}\n");
	at = out.data;
	line = next_line(&at);
	assert_int_equal(strlen(member(line, "time")), 24);
	assert_true(strtol(member(line, "pid"), NULL, 10) > 1);
	json_object_put(line);
	buf_clear(&out);
}

static void write_without_flush(void)
{
	log_write(LOG_LEVEL_INFO, "a", "gathered");
}

static void write_a_warning(void)
{
	log_write(LOG_LEVEL_INFO, "a", "gathered");
	log_write(LOG_LEVEL_WARN, "a", "at once");
}

static void info_waits_for_a_flush_and_a_warning_does_not(void **state)
{
	struct json_object *line;
	struct buf out;
	char *at;

	(void)state;
	run_piped(write_without_flush, LOG_LEVEL_INFO, &out);
	assert_int_equal(out.len, 0);
	buf_clear(&out);

	run_piped(write_a_warning, LOG_LEVEL_INFO, &out);
	at = out.data;
	line = next_line(&at);
	assert_string_equal(member(line, "msg"), "gathered");
	json_object_put(line);
	line = next_line(&at);
	assert_string_equal(member(line, "msg"), "at once");
	json_object_put(line);
	buf_clear(&out);
}

static void write_long_texts(void)
{
	char text[5000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_write(LOG_LEVEL_WARN, "a", "%.*s", LOG_TEXT_BYTES, text);
	log_write(LOG_LEVEL_WARN, "a", "%.*s", LOG_TEXT_BYTES + 1, text);
	memcpy(text + LOG_TEXT_BYTES - 1, "\xc3\xbc", 2);
	log_write(LOG_LEVEL_WARN, "a", "%s", text);
}

static void a_text_is_cut_at_its_limit_and_marked(void **state)
{
	static const struct {
		size_t len;
		bool is_cut;
	} rows[] = {
		{ LOG_TEXT_BYTES, false },
		{ LOG_TEXT_BYTES + 3, true },
		{ LOG_TEXT_BYTES - 1 + 3, true }, /* not within the ü */
	};
	struct json_object *line;
	struct buf out;
	const char *msg;
	char *at;

	(void)state;
	run_piped(write_long_texts, LOG_LEVEL_INFO, &out);
	at = out.data;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		line = next_line(&at);
		msg = member(line, "msg");
		assert_int_equal(strlen(msg), rows[i].len);
		assert_int_equal(strcmp(msg + rows[i].len - 3, "...") == 0,
				 rows[i].is_cut);
		json_object_put(line);
	}
	buf_clear(&out);
}

static void write_hostile_texts(void)
{
	char text[3000];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7 % 256);
	for (int i = 0; i < 20; i++) {
		if (!log_begin(LOG_LEVEL_INFO, "a", "\"}\n{\"forged\":1}"))
			return;
		for (int j = 0; j < 12; j++)
			log_text("text", text + i, sizeof(text) - 20);
		log_number("last", i);
		log_end();
	}
	log_flush();
}

static void hostile_texts_stay_within_their_line(void **state)
{
	struct json_object *line;
	struct buf out;
	char *at;

	(void)state;
	run_piped(write_hostile_texts, LOG_LEVEL_INFO, &out);
	at = out.data;
	for (int i = 0; i < 20; i++) {
		line = next_line(&at);
		assert_string_equal(member(line, "msg"), "\"}\n{\"forged\":1}");
		assert_null(member(line, "forged"));
		assert_non_null(member(line, "text"));
		json_object_put(line);
	}
	assert_null(next_line(&at));
	buf_clear(&out);
}

static void a_socket_takes_lines_too(void **state)
{
	struct json_object *line;
	struct buf out;
	int fds[2];
	char *at;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	run(write_a_warning, LOG_LEVEL_WARN, fds, &out);
	at = out.data;
	line = next_line(&at);
	assert_string_equal(member(line, "msg"), "at once");
	json_object_put(line);
	assert_null(next_line(&at));
	buf_clear(&out);
}

static void pass_lines(void)
{
	static char line[LOG_WRITE_BYTES];

	memset(line, ' ', sizeof(line));
	memcpy(line, "{\"a\":1", 6);
	line[LOG_WRITE_BYTES - 2] = '}';
	log_pass("{\"b\":2}", 7);
	log_pass(line, LOG_WRITE_BYTES - 1);
	log_flush();
}

static void a_line_of_others_is_passed_on_as_it_is(void **state)
{
	struct json_object *line;
	struct buf out;
	char *at;

	(void)state;
	run_piped(pass_lines, LOG_LEVEL_INFO, &out);
	at = out.data;
	line = next_line(&at);
	assert_string_equal(member(line, "b"), "2");
	json_object_put(line);
	line = next_line(&at);
	assert_string_equal(member(line, "a"), "1");
	json_object_put(line);
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_below_the_level_are_not_written),
		cmocka_unit_test(
			a_line_is_one_object_with_its_members_in_order),
		cmocka_unit_test(info_waits_for_a_flush_and_a_warning_does_not),
		cmocka_unit_test(a_text_is_cut_at_its_limit_and_marked),
		cmocka_unit_test(hostile_texts_stay_within_their_line),
		cmocka_unit_test(a_socket_takes_lines_too),
		cmocka_unit_test(a_line_of_others_is_passed_on_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
