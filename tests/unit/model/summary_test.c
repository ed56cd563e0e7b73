/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "model/checkpoint.h"
#include "model/compute_help.h"
#include "model/summary.h"
#include "model/training_help.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char path[4200];

static const char *in_folder(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static int set_up(void **state)
{
	test_folder_make(state);
	test_sequences(in_folder("sequences"), 64, test_config.length, 1);
	return 0;
}

/* Trains into a folder of a work folder, with a log at `log`; what is found out then. */
static struct summary trained(const char *log)
{
	struct cbtm_error e = { 0 };
	struct store *s = NULL;
	struct summary m;
	struct training t = test_training();
	char sequences[4200], dir[4200];
	snprintf(sequences, sizeof sequences, "%s/sequences", folder);
	snprintf(dir, sizeof dir, "%s/work/seed/0123", folder);
	t.valid_every = 10;
	t.checkpoint_every = 0;
	if (log)
		assert_int_equal(log_open("test", in_folder(log), LOG_ERROR, false, &e), 0);
	assert_int_equal(test_train(t, sequences, NULL, dir), CBTM_OK);
	log_close();
	if (store_open(dir, 0, NULL, &s, &e) || summary_read(s, &m, &e) ||
	    summary_find_log(dir, s, &m, &e))
		fail_msg("%s: %s", e.where, e.what);
	store_close(s);
	return m;
}

static void check_curve(const struct summary *m)
{
	assert_true(m->trained && m->step == 30 && m->steps == 30);
	assert_true(m->tokens == 30 * 6 * test_config.length);
	assert_true(m->last < m->first && m->best <= m->valid && m->best_step % 10 == 0);
	assert_true(m->parameters == model_config_parameters(&test_config) &&
	            m->active == m->parameters);
}

static void test_curves_are_known_without_a_log(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	struct summary m = trained(NULL);
	check_curve(&m);
	assert_int_equal(m.log.points, 0);
	assert_int_equal(summary_print(&m, &b, &e), 0);
	assert_non_null(strstr(b.data, "\"best_valid_step\":"));
	assert_non_null(strstr(b.data, "\"log\":null}"));
	buffer_free(&b);
}

static void test_a_log_is_found_in_the_dataset_or_beside_the_runs(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	const char *const logs[] = { "work/seed/0123/log.jsonl", "work/runs/mine/logs/any.seed.jsonl" };
	for (size_t i = 0; i < 2; i++) {
		folder_remove(in_folder("work"), &e);
		assert_int_equal(folder_make(in_folder("work/seed/0123"), &e), 0);
		assert_int_equal(folder_make(in_folder("work/runs/mine/logs"), &e), 0);
		struct summary m = trained(logs[i]);
		check_curve(&m);
		assert_true(m.log.points == 8 && m.log.step == 30); /* every 4th, and the last */
		assert_true(m.log.tokens == m.tokens && m.log.seconds > 0 && m.log.peak_memory > 1 << 20);
		assert_true(m.log.saves == 30 && m.log.save_bytes > 12 * m.parameters);
		assert_true(m.log.waited > 0 && m.log.saving > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_curves_are_known_without_a_log, set_up,
		                                test_folder_remove),
		cmocka_unit_test_setup_teardown(test_a_log_is_found_in_the_dataset_or_beside_the_runs,
		                                set_up, test_folder_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
