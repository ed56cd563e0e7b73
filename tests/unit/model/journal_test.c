/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "model/compute_help.h"
#include "model/journal.h"
#include "model/training_help.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct digest run = { 0x0123456789abcdef, 2 };
static char path[4200];

static int set_up(void **state)
{
	struct cbtm_error e = { 0 };
	test_folder_make(state);
	snprintf(path, sizeof path, "%s/log.jsonl", folder);
	return log_open("test", path, LOG_WARNING, false, &e);
}

static int tear_down(void **state)
{
	log_close();
	return test_folder_remove(state);
}

/* How often a text stands in the log. */
static int said(const char *text)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	int n = 0;
	assert_int_equal(file_read(path, 1 << 20, &b, &e), 0);
	for (const char *at = b.data; at && (at = strstr(at, text)); at++)
		n++;
	buffer_free(&b);
	return n;
}

static const struct expert_load none;

static void steps(struct journal *j, uint64_t from, uint64_t to)
{
	struct cbtm_error e = { 0 };
	for (uint64_t i = from; i <= to; i++) {
		struct curve_point p = { .step = i, .tokens = 256 * i, .loss = 3, .lr = 1e-3 };
		assert_int_equal(journal_step(j, &p, &none, 256, &e), 0);
	}
}

static void test_a_point_has_all_that_a_person_watches(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct journal j;
	journal_start(&j, "expert 3", run, 1e6, 0);
	steps(&j, 1, 1);
	journal_valid(&j, &(struct valid_point){ 1, 2.5 }, 0.1, &e);
	journal_save(&j, &(struct journal_saved){ 1, 12345, 0.25, 0.125, 0.01 }, &e);
	assert_int_equal(said("\"event\":\"step\",\"task\":\"expert 3\",\"run\":\"0123456789abcdef\","
	                      "\"step\":1,\"tokens\":256,\"loss\":3,\"lr\":0.001,"
	                      "\"gradient_norm\":0,\"tokens_per_second\":"),
	                 1);
	assert_int_equal(said(",\"flops_per_second\":"), 1);
	assert_int_equal(said(",\"peak_memory\":"), 1);
	assert_int_equal(said("\"event\":\"valid\""), 1);
	assert_int_equal(
		said("\"step\":1,\"bytes\":12345,\"seconds\":0.25,\"waited\":0.125,\"share\":0.01}"), 1);
}

static void test_steps_that_are_trained_again_are_not_said_again(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct journal j;
	journal_start(&j, "expert 3", run, 1, 0);
	steps(&j, 1, 7);
	journal_valid(&j, &(struct valid_point){ 5, 2.5 }, 0.1, &e);
	journal_start(&j, "expert 3", run, 1, 4); /* a kill behind step 7, a checkpoint at 4 */
	steps(&j, 5, 9);
	journal_valid(&j, &(struct valid_point){ 5, 2.5 }, 0.1, &e);
	assert_int_equal(said("\"event\":\"step\""), 9);
	for (int i = 1; i <= 9; i++) {
		char text[32];
		snprintf(text, sizeof text, "\"step\":%d,", i);
		assert_int_equal(said(text), i == 5 ? 2 : 1); /* 5: and its validation */
	}
	journal_start(&j, "expert 3", (struct digest){ 7, 7 }, 1, 0); /* another run in this file */
	steps(&j, 1, 1);
	assert_int_equal(said("\"step\":1,"), 2);
}

static void test_operations_are_those_of_the_formula(void **state)
{
	(void)state;
	uint64_t T = 12, d = 8, ffn = 20, V = 37, layers = 2;
	uint64_t layer = 3 * d * d + 3 * d + d * d + d + 2 * d * ffn + ffn + d + 4 * d;
	double n = (double)(layers * layer + V * d + 2 * d);
	double want = 6 * n + (double)(12 * layers * T * d);
	assert_true(fabs(journal_flops(&test_config, T) - want) < 0.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_point_has_all_that_a_person_watches, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_steps_that_are_trained_again_are_not_said_again,
		                                set_up, tear_down),
		cmocka_unit_test(test_operations_are_those_of_the_formula),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
