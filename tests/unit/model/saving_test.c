/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "model/compute_help.h"
#include "model/saving.h"
#include "model/training_help.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct run_owner mine = { { 1, 1 }, "{\"steps\":40,\"lr\":0.1}", 0, 40, false };

static char *path(uint64_t step)
{
	struct cbtm_error e = { 0 };
	return resume_path(folder, step, &e);
}

static int begin(struct saving *s, struct program *p, uint64_t step, double patience, double *whole,
                 struct cbtm_error *e)
{
	struct run_state at = { .step = step };
	test_fill(p, (float)step);
	return saving_begin(s, folder, path(step), NULL, 0, &mine, p, &at, patience, whole, e);
}

/* Of the parameter "token" in the newest state; its step. */
static uint64_t loaded(struct program *p, float *first)
{
	struct cbtm_error e = { 0 };
	struct run_state at = { 0 };
	uint64_t step;
	if (resume_load(folder, &mine, p, &at, &e))
		fail_msg("%s: %s", e.where, e.what);
	*first = test_value(p, "token", 0);
	step = at.step;
	run_state_free(&at);
	return step;
}

static void test_what_is_trained_meanwhile_is_not_saved(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct program p = test_program();
	struct saving s = { 0 };
	double whole;
	float first;
	for (uint64_t step = 1; step <= 4; step++) {
		assert_int_equal(begin(&s, &p, step, 0, &whole, &e), 0);
		assert_true(s.running && whole == 0);
		test_fill(&p, 99); /* the next step, before the thread need have begun */
		assert_int_equal(saving_end(&s, &e), 0);
		assert_true(s.bytes > 3 * 4 * 1000 && s.step == step && s.end >= s.begin);
		assert_int_equal(loaded(&p, &first), step);
		assert_true(first == (float)step);
	}
	char *gone = path(2), *kept = path(3);
	assert_true(file_exists(kept) && !file_exists(gone)); /* the last two */
	free(gone);
	free(kept);
	program_close(&p);
}

static void test_there_is_nothing_to_wait_for_without_one(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct saving s = { 0 };
	assert_false(saving_is_done(&s));
	assert_int_equal(saving_end(&s, &e), 0);
}

static void test_one_that_was_given_up_is_not_under_way(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct program p = test_program();
	struct saving s = { 0 };
	double whole;
	float first;
	assert_int_equal(begin(&s, &p, 5, 1e-9, &whole, &e), 0);
	assert_true(whole > 0 && !s.running);
	assert_int_equal(saving_end(&s, &e), 0);
	assert_int_equal(loaded(&p, &first), 0);
	program_close(&p);
}

static void test_the_threads_error_is_that_of_who_waits(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 }, ignored = { 0 };
	struct program p = test_program();
	struct saving s = { 0 };
	double whole;
	char *to = path(7), *taken = path_printf(&e, "%s/part-00000.json", to);
	/* Where the manifest is to be published there is a folder. */
	assert_int_equal(folder_make(folder, &e), 0);
	struct run_state at = { .step = 7 };
	struct store_writer *w = NULL;
	assert_int_equal(resume_write(to, &mine, &p, &at, 0, &w, &whole, &e), 0);
	assert_int_equal(folder_make(taken, &e), 0);
	s = (struct saving){ .running = true, .dir = folder, .path = to, .writer = w };
	saving_seal(&s);
	assert_true(saving_is_done(&s));
	assert_true(saving_end(&s, &e) && strstr(e.where, "part-00000"));
	folder_remove(taken, &ignored);
	free(taken);
	program_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_trained_meanwhile_is_not_saved,
		                                test_folder_make, test_folder_remove),
		cmocka_unit_test_setup_teardown(test_there_is_nothing_to_wait_for_without_one,
		                                test_folder_make, test_folder_remove),
		cmocka_unit_test_setup_teardown(test_one_that_was_given_up_is_not_under_way,
		                                test_folder_make, test_folder_remove),
		cmocka_unit_test_setup_teardown(test_the_threads_error_is_that_of_who_waits,
		                                test_folder_make, test_folder_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
