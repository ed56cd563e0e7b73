/* SPDX-License-Identifier: MIT */
/* One step; whole runs are tested in training_test.c. */
#include "base/error.h"
#include "base/file.h"
#include "model/compute_help.h"
#include "model/trainer.h"
#include "model/training_help.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char sequences[4200];

static int set_up(void **state)
{
	test_folder_make(state);
	snprintf(sequences, sizeof sequences, "%s/sequences", folder);
	test_sequences(sequences, 50, 12, 1);
	return 0;
}

/* The parameters "token" after `steps` steps; 37 x 8 of them. */
static void token_after(struct training t, int steps, float *v, struct curve_point *last)
{
	struct cbtm_error e = { 0 };
	struct trainer r = { 0 };
	t.dir = folder;
	assert_int_equal(dataset_open(sequences, NULL, &t.sequences, &e), 0);
	if (trainer_open(&r, &t, &e) || trainer_start(&r, &e))
		fail_msg("%s: %s", e.where, e.what);
	for (int i = 0; i < steps; i++)
		assert_int_equal(trainer_step(&r, last, &e), 0);
	assert_int_equal(r.state.step, steps);
	r.program.compute->read(r.program.state, list_find(r.program.names, "token"), v, &e);
	trainer_close(&r);
	dataset_close(t.sequences);
}

static void test_an_accumulated_batch_is_the_batch(void **state)
{
	(void)state;
	float whole[37 * 8], parts[37 * 8];
	struct curve_point a, b;
	struct training t = test_training();
	t.dropout = t.attention_dropout = t.embedding_dropout = 0;
	t.micro_batch = 6;
	token_after(t, 3, whole, &a);
	t.micro_batch = 4; /* 4 and 2 */
	token_after(t, 3, parts, &b);
	assert_true(fabs(a.loss - b.loss) < 1e-5 && fabs(a.gradient_norm - b.gradient_norm) < 1e-4);
	for (size_t i = 0; i < 37 * 8; i++)
		assert_true(fabsf(whole[i] - parts[i]) < 1e-3f);
	assert_int_equal(a.step, 3);
	assert_int_equal(a.tokens, 3 * 6 * 12);
}

static void test_dropout_hangs_on_the_seed_alone(void **state)
{
	(void)state;
	float one[37 * 8], two[37 * 8], other[37 * 8];
	struct curve_point p;
	struct training t = test_training();
	t.start = NULL;
	token_after(t, 3, one, &p);
	test_threads(2);
	token_after(t, 3, two, &p);
	test_threads(1);
	assert_memory_equal(one, two, sizeof one);
	double *rate[] = { &t.dropout, &t.attention_dropout, &t.embedding_dropout };
	for (int i = 0; i < 3; i++) { /* each of its own */
		double before = *rate[i];
		*rate[i] = 0.3;
		token_after(t, 3, other, &p);
		assert_memory_not_equal(one, other, sizeof one);
		*rate[i] = before;
	}
}

static void test_a_step_that_is_not_finite_is_not_taken(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 }, ignored = { 0 };
	struct trainer r = { 0 };
	struct training t = test_training();
	struct curve_point p;
	float v[37 * 8], w[37 * 8];
	t.dir = folder;
	t.clip = 0;
	t.plan.lr = 1e30;
	t.plan.warmup = 0;
	assert_int_equal(dataset_open(sequences, NULL, &t.sequences, &e), 0);
	assert_int_equal(trainer_open(&r, &t, &e) || trainer_start(&r, &e), 0);
	uint32_t token = list_find(r.program.names, "token");
	do
		r.program.compute->read(r.program.state, token, v, &ignored);
	while (!trainer_step(&r, &p, &e));
	r.program.compute->read(r.program.state, token, w, &ignored);
	assert_int_equal(e.name, CBTM_ERR_NOT_FINITE);
	assert_memory_equal(v, w, sizeof v);
	assert_int_equal(r.state.step + 1, p.step);
	assert_non_null(strstr(e.what, "at a learning rate of 1e+30"));
	trainer_close(&r);
	dataset_close(t.sequences);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_accumulated_batch_is_the_batch),
		cmocka_unit_test(test_dropout_hangs_on_the_seed_alone),
		cmocka_unit_test(test_a_step_that_is_not_finite_is_not_taken),
	};
	return cmocka_run_group_tests(tests, set_up, test_folder_remove);
}
