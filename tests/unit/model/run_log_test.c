/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "model/run_log.h"
#include "model/training_help.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINE "\"task\":\"seed\",\"run\":\"0000000000000001\","

static const struct digest run = { 1, 2 };
static char path[4200];

static int set_up(void **state)
{
	test_folder_make(state);
	snprintf(path, sizeof path, "%s/log.jsonl", folder);
	return 0;
}

static struct run_log read_text(const char *text)
{
	struct cbtm_error e = { 0 };
	struct run_log log = { 0 };
	assert_int_equal(file_replace(path, text, strlen(text), &e), 0);
	if (run_log_read(path, run, &log, &e))
		fail_msg("%s: %s", e.where, e.what);
	return log;
}

static const char two_points[] =
	"{\"event\":\"step\"," MINE "\"step\":10,\"tokens\":1000,\"tokens_per_second\":500,"
	"\"flops_per_second\":5e6,\"peak_memory\":300}\n"
	"{\"event\":\"step\"," MINE "\"step\":20,\"tokens\":2000,\"tokens_per_second\":250,"
	"\"flops_per_second\":2e6,\"peak_memory\":200}\n";

static void test_rates_are_those_of_all_tokens_together(void **state)
{
	(void)state;
	struct run_log log = read_text(two_points);
	assert_true(log.points == 2 && log.step == 20 && log.tokens == 2000);
	assert_true(fabs(log.seconds - 6) < 1e-9); /* 2 and 4 seconds, not the mean of two rates */
	assert_true(fabs(run_log_rate(&log) - 2000 / 6.) < 1e-9 && fabs(log.flops - 18e6) < 1);
	assert_int_equal(log.peak_memory, 300);
}

static void test_saves_and_validations_are_added_up(void **state)
{
	(void)state;
	struct run_log log = read_text(
		"{\"event\":\"save\"," MINE "\"bytes\":70,\"seconds\":2,\"waited\":0.5,\"share\":0.1}\n"
		"{\"event\":\"valid\"," MINE "\"step\":3,\"loss\":4,\"seconds\":0.25}\n"
		"{\"event\":\"save\"," MINE "\"bytes\":80,\"seconds\":3,\"waited\":0.25}\n");
	assert_true(log.saves == 2 && log.save_bytes == 80 && log.saving == 5 && log.waited == 0.75);
	assert_true(log.validating == 0.25);
}

static void test_torn_foreign_and_missing_lines_say_nothing(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct run_log log = read_text(
		"{\"event\":\"step\"," MINE "\"step\":5,\"tok{\"event\":\"step\",\"task\":1}\n"
		"no JSON 0000000000000001\n[\"0000000000000001\"]\n\n"
		"{\"event\":\"step\",\"run\":\"0000000000000002\",\"text\":\"0000000000000001\",\"step\":9,"
		"\"tokens\":9,\"tokens_per_second\":9}\n"
		"{\"event\":\"step\"," MINE "\"step\":\"x\",\"tokens\":null}\n"
		"{\"event\":\"save\"," MINE "\"seconds\":1e400}\n"
		"{\"event\":\"step\"," MINE "\"step\":7,\"tokens\":70,\"tokens_per_second\":35}\n"
		"{\"event\":\"step\"," MINE "\"step\":8,\"tokens\":80,\"tokens_per_second\":35}");
	assert_true(log.step == 7 && log.tokens == 70 && log.seconds == 2);
	snprintf(path, sizeof path, "%s/not-there.jsonl", folder);
	assert_int_equal(run_log_read(path, run, &log, &e), 0);
	assert_true(log.step == 7);
}

static void test_the_same_steps_in_two_logs_count_once(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct run_log log = read_text(two_points);
	assert_int_equal(run_log_read(path, run, &log, &e), 0);
	assert_true(log.tokens == 2000 && fabs(log.seconds - 6) < 1e-9);
}

static void test_nothing_said_is_null(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	assert_int_equal(run_log_print(&(struct run_log){ 0 }, &b, &e), 0);
	assert_string_equal(b.data, "null");
	buffer_free(&b);
	struct run_log log = read_text(two_points);
	assert_int_equal(run_log_print(&log, &b, &e), 0);
	assert_non_null(strstr(b.data, "\"training_seconds\":6,"));
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rates_are_those_of_all_tokens_together, set_up,
		                                test_folder_remove),
		cmocka_unit_test_setup_teardown(test_saves_and_validations_are_added_up, set_up,
		                                test_folder_remove),
		cmocka_unit_test_setup_teardown(test_torn_foreign_and_missing_lines_say_nothing, set_up,
		                                test_folder_remove),
		cmocka_unit_test_setup_teardown(test_the_same_steps_in_two_logs_count_once, set_up,
		                                test_folder_remove),
		cmocka_unit_test_setup_teardown(test_nothing_said_is_null, set_up, test_folder_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
