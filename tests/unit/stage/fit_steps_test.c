/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"
#include "stage/fit_steps.h"
#include <string.h>

static void add(struct fit_steps *s, uint64_t restart, double objective, double gap)
{
	struct cbtm_error e = { 0 };
	struct cbtm_fit_step step = { .done = s->n + 1,
		                          .most = 9,
		                          .restart = restart,
		                          .moved = 10 - s->n,
		                          .objective = objective,
		                          .gap = gap };
	assert_int_equal(s->report.step(&s->report, &step, &e), 0);
}

/* The least objective that was met on the way counts for nothing: the last steps do. */
static void test_the_best_last_step_is_kept_ties_to_the_earlier(void **state)
{
	(void)state;
	struct fit_steps s;
	fit_steps_start(&s);
	assert_null(fit_steps_kept(&s));
	add(&s, 0, 1, 0), add(&s, 0, 5, 0);
	assert_true(fit_steps_kept(&s) == &s.step[1]);
	add(&s, 1, 3, 0), add(&s, 1, 4, 0);
	assert_true(fit_steps_kept(&s) == &s.step[3]);
	add(&s, 2, 4, 0);
	assert_true(fit_steps_kept(&s) == &s.step[3]);
	fit_steps_free(&s);
}

static void test_every_step_is_stored_and_the_largest_gap_is_a_fact(void **state)
{
	struct cbtm_error e = { 0 };
	struct fit_steps s;
	struct store_writer *w = NULL;
	struct store *in = NULL;
	struct store_reader *r = NULL;
	double gap[3], fact;
	uint64_t iterations = 0;
	fit_steps_start(&s);
	add(&s, 0, 5, 1e-12), add(&s, 0, 4, 3e-12), add(&s, 1, 4.5, 2e-12);
	assert_int_equal(store_create(scratch_path(state, "steps"), 0, store_kind_find("centres"),
	                              digest_bytes("s", 1), &w, &e),
	                 0);
	assert_int_equal(fit_steps_put(&s, w, &e), 0);
	assert_int_equal(store_commit(w, NULL, 0, &e), 0);
	store_seal(w, &e);
	assert_int_equal(store_open(scratch_path(state, "steps"), 0, NULL, &in, &e), 0);
	assert_int_equal(store_row_count(in, "step.moved"), 3);
	assert_int_equal(store_reader_open(in, "step.gap", &r, &e), 0);
	assert_int_equal(store_read_rows(r, 0, 3, gap, &e), 0);
	assert_true(gap[0] == 1e-12 && gap[1] == 3e-12 && gap[2] == 2e-12);
	assert_true(store_get_f64(in, "gap", &fact) && fact == 3e-12);
	assert_true(store_get_f64(in, "objective", &fact) && fact == 4);
	assert_true(store_get_u64(in, "iterations", &iterations) && iterations == 2);
	store_reader_close(r);
	store_close(in);
	fit_steps_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_best_last_step_is_kept_ties_to_the_earlier),
		cmocka_unit_test_setup_teardown(test_every_step_is_stored_and_the_largest_gap_is_a_fact,
		                                scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
