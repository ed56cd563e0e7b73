/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "scratch.h"
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What a child that runs `act` writes to stderr. */
static struct buffer stderr_of(void **state, void (*act)(const char *log))
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	char *out = path_join(*state, "stderr", &e), *log = path_join(*state, "log.jsonl", &e);
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, STDERR_FILENO);
		act(log);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(file_read(out, 1 << 20, &b, &e), 0);
	free(out), free(log);
	return b;
}

static struct buffer log_of(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	assert_int_equal(file_read(scratch_path(state, "log.jsonl"), 1 << 24, &b, &e), 0);
	return b;
}

/* Lines of b, each checked to be a JSON object with the fields that all events have. */
static size_t check_lines(struct buffer *b)
{
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	struct json root, v;
	size_t lines = 0;
	const char *s, *end;
	for (const char *line = b->data; line < b->data + b->n; line = end + 1, lines++) {
		size_t n;
		end = strchr(line, '\n');
		assert_non_null(end);
		assert_int_equal(json_parse(p, line, (size_t)(end - line), "log", &root, &e), 0);
		assert_true(json_member(root, "time", &v) && json_string(v, &s, &n) && n == 24);
		assert_true(s[10] == 'T' && s[23] == 'Z');
		assert_true(json_member(root, "program", &v) && json_member(root, "pid", &v));
		assert_true(json_member(root, "event", &v));
	}
	json_parser_free(p);
	return lines;
}

static void some_messages(const char *log)
{
	struct cbtm_error e = { 0 };
	log_message(LOG_INFO, "before");
	log_open("prog", log, LOG_INFO, false, &e);
	log_message(LOG_DEBUG, "hidden");
	log_message(LOG_INFO, "seen %d", 1);
	log_message(LOG_WARNING, "careful \"%s\"", "q");
	log_event("step", "\"step\":10,\"loss\":3.5");
	log_event("end", NULL);
	log_bar("no terminal, no bar");
	log_close();
	log_event("lost", NULL);
}

static void test_people_read_messages_and_the_file_gets_events(void **state)
{
	struct buffer b = stderr_of(state, some_messages), l;
	assert_string_equal(b.data, "cbtm: before\nprog: seen 1\nprog: warning: careful \"q\"\n");
	l = log_of(state);
	assert_int_equal(check_lines(&l), 4);
	assert_non_null(strstr(l.data, "\"level\":\"warning\",\"text\":\"careful \\\"q\\\"\"}\n"));
	assert_non_null(strstr(l.data, "\"event\":\"step\",\"step\":10,\"loss\":3.5}\n"));
	assert_null(strstr(l.data, "hidden"));
	assert_null(strstr(l.data, "lost"));
	buffer_free(&b), buffer_free(&l);
}

static void test_a_log_is_appended_never_overwritten(void **state)
{
	struct buffer a = stderr_of(state, some_messages), b = stderr_of(state, some_messages);
	struct buffer l = log_of(state);
	assert_int_equal(check_lines(&l), 8);
	buffer_free(&a), buffer_free(&b), buffer_free(&l);
}

static void json_only(const char *log)
{
	struct cbtm_error e = { 0 };
	log_open("prog", log, LOG_WARNING, true, &e);
	log_message(LOG_INFO, "hidden");
	log_message(LOG_ERROR, "seen");
	log_event("step", NULL);
}

static void test_with_json_stderr_is_json_alone(void **state)
{
	struct buffer b = stderr_of(state, json_only);
	assert_int_equal(check_lines(&b), 2);
	buffer_free(&b);
}

static void *many_events(void *arg)
{
	for (int i = 0; i < 500; i++)
		log_event("e", arg);
	return NULL;
}

static void test_lines_of_threads_do_not_mix(void **state)
{
	struct cbtm_error e = { 0 };
	pthread_t threads[4];
	static char members[] = "\"text\":\"a longer text that would show where two lines meet\"";
	assert_int_equal(log_open("prog", scratch_path(state, "log.jsonl"), LOG_INFO, false, &e), 0);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, many_events, members);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	log_close();
	struct buffer l = log_of(state);
	assert_int_equal(check_lines(&l), 2000);
	buffer_free(&l);
}

static void test_a_log_that_cannot_be_opened_is_an_error(void **state)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(log_open("p", *state, LOG_INFO, false, &e), CBTM_ERR_CREATE);
	assert_true(log_shows(LOG_INFO));
	assert_false(log_shows(LOG_DEBUG));
}

static void full_disk(const char *log)
{
	struct cbtm_error e = { 0 };
	(void)log;
	log_open("prog", "/dev/full", LOG_INFO, false, &e);
	log_event("a", NULL);
	log_event("b", NULL);
}

static void test_a_full_disk_is_said_once_and_stops_nothing(void **state)
{
	struct buffer b = stderr_of(state, full_disk);
	assert_non_null(strstr(b.data, "prog: warning: cannot write the log: "));
	assert_ptr_equal(strchr(b.data, '\n'), b.data + b.n - 1);
	buffer_free(&b);
}

static void test_what_was_said_is_found_by_its_members(void **state)
{
	struct cbtm_error e = { 0 };
	const char *path = scratch_path(state, "log.jsonl");
	assert_int_equal(log_largest("step", "\"task\":\"a\"", "step"), 0);
	assert_int_equal(log_open("p", path, LOG_INFO, false, &e), 0);
	assert_int_equal(log_largest("step", "\"task\":\"a\"", "step"), 0);
	log_event("step", "\"task\":\"a\",\"step\":120,\"loss\":3");
	log_event("step", "\"task\":\"a\",\"step\":90,\"loss\":2000");
	log_event("step", "\"task\":\"b\",\"step\":300");
	log_event("valid", "\"task\":\"a\",\"step\":400");
	FILE *f = fopen(path, "a");
	fputs("{\"event\":\"step\",\"task\":\"a\",\"step\":130", f); /* torn */
	fclose(f);
	assert_int_equal(log_largest("step", "\"task\":\"a\"", "step"), 120);
	assert_int_equal(log_largest("step", "\"task\":\"c\"", "step"), 0);
	log_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_people_read_messages_and_the_file_gets_events,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_log_is_appended_never_overwritten, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_with_json_stderr_is_json_alone, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_lines_of_threads_do_not_mix, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_log_that_cannot_be_opened_is_an_error, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_was_said_is_found_by_its_members, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_full_disk_is_said_once_and_stops_nothing,
		                                scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
