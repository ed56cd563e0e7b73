/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "model/compute_help.h"
#include "model/model.h"
#include "model/training_help.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char sequences[4200], checkpoint[4200];

static int set_up(void **state)
{
	test_folder_make(state);
	snprintf(sequences, sizeof sequences, "%s/sequences", folder);
	snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint", folder);
	test_sequences(sequences, 20, 12, 1);
	return test_train(test_training(), sequences, NULL, checkpoint);
}

static struct model *open_model(const char *compute, uint32_t batch)
{
	struct cbtm_error e = { 0 };
	struct dataset *d = NULL;
	struct model *m = NULL;
	if (dataset_open(checkpoint, NULL, &d, &e) ||
	    model_open(d, test_compute(compute), NULL, batch, &m, &e))
		fail_msg("%s: %s", e.where, e.what);
	dataset_close(d);
	return m;
}

static const uint32_t text[13] = { 0, 3, 18, 19, 24, 12, 26, 22, 2, 13, 31, 10, 16 };

static void test_scores_depend_on_the_sequence_alone(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float alone[12], among[5][12];
	struct model *one = open_model("cpu", 1);
	test_threads(2);
	struct model *three = open_model("cpu", 3);
	struct model_sequence s = { text, 9, 0, alone };
	assert_int_equal(model_score(one, &s, 1, &e), 0);
	struct model_sequence many[5] = { { text + 2, 5, 0, among[0] },
		                              { text + 1, 12, 0, among[1] },
		                              { text + 4, 2, 0, among[2] },
		                              { text + 3, 7, 0, among[3] },
		                              { text, 9, 0, among[4] } };
	assert_int_equal(model_score(three, many, 5, &e), 0);
	test_threads(1);
	assert_memory_equal(alone, among[4], 8 * sizeof *alone);
	model_close(one);
	model_close(three);
}

static void test_probabilities_of_all_next_tokens_sum_to_one(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct model *m = open_model("cpu", 0);
	double sum = 0;
	for (uint32_t v = 0; v < model_config(m)->vocabulary; v++) {
		uint32_t ids[3] = { text[0], text[1], v };
		float logprob[2];
		struct model_sequence s = { ids, 3, 0, logprob };
		assert_int_equal(model_score(m, &s, 1, &e), 0);
		sum += exp(logprob[1]);
	}
	assert_true(fabs(sum - 1) < 1e-5);
	model_close(m);
}

static void test_reference_gives_the_same_scores(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float a[12], b[12];
	struct model *fast = open_model("cpu", 0), *slow = open_model("reference", 2);
	struct model_sequence s = { text, 13, 0, a };
	assert_int_equal(model_score(fast, &s, 1, &e), 0);
	s.logprob = b;
	assert_int_equal(model_score(slow, &s, 1, &e), 0);
	for (int i = 0; i < 12; i++)
		assert_true(fabsf(a[i] - b[i]) < 1e-4f);
	model_close(fast);
	model_close(slow);
}

static void test_unwanted_scores_are_left_alone(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float v[12] = { 7, 7, 7, 7, 7 };
	struct model *m = open_model("cpu", 0);
	struct model_sequence s = { text, 6, 3, v };
	assert_int_equal(model_score(m, &s, 1, &e), 0);
	assert_true(v[0] == 7 && v[2] == 7 && v[3] < 0 && v[4] < 0);
	model_close(m);
}

static void test_what_does_not_fit_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 }, f = { 0 }, g = { 0 };
	float v[20];
	uint32_t foreign[2] = { 1, 37 }, longer[14] = { 0 };
	struct model *m = open_model("cpu", 0);
	struct model_sequence a = { foreign, 2, 0, v }, b = { longer, 14, 0, v },
						  c = { longer, 1, 0, v };
	assert_int_equal(model_score(m, &a, 1, &e), CBTM_ERR_BAD_DATA);
	assert_int_equal(model_score(m, &b, 1, &f), CBTM_ERR_BAD_DATA);
	assert_int_equal(model_score(m, &c, 1, &g), CBTM_ERR_BAD_DATA);
	model_close(m);
}

static void test_facts_come_from_the_checkpoint(void **state)
{
	(void)state;
	struct model *m = open_model("cpu", 0);
	assert_int_equal(model_config(m)->length, 12);
	assert_int_equal(model_config(m)->vocabulary, 37);
	assert_int_equal(model_eod(m), 0);
	assert_int_equal(model_bos(m), 0); /* it knows the end of documents alone */
	assert_string_equal(model_vocabulary(m), "0123");
	model_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts_come_from_the_checkpoint),
		cmocka_unit_test(test_scores_depend_on_the_sequence_alone),
		cmocka_unit_test(test_probabilities_of_all_next_tokens_sum_to_one),
		cmocka_unit_test(test_reference_gives_the_same_scores),
		cmocka_unit_test(test_unwanted_scores_are_left_alone),
		cmocka_unit_test(test_what_does_not_fit_is_refused),
	};
	return cmocka_run_group_tests(tests, set_up, test_folder_remove);
}
