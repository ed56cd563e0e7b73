/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "model/compute_help.h"
#include "model/hidden.h"
#include "model/huggingface.h"
#include "model/huggingface_help.h"
#include "model/recorded_hidden.h"
#include "model/training_help.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDED = sizeof recorded_hidden / sizeof recorded_hidden[0] };

/* A recorded checkpoint, for `batch` windows of RECORDED_LENGTH. */
static struct hidden *open_recorded(const char *model, const char *compute, uint32_t batch)
{
	struct cbtm_error e = { 0 };
	struct model_config c;
	struct dataset *d = NULL;
	struct store *s = NULL;
	struct hidden *h = NULL;
	char *folder = test_recorded_model(model), dir[4200];
	snprintf(dir, sizeof dir, "%s/checkpoint", folder);
	if (huggingface_config(folder, &c, &e) || test_import(folder, &c, RECORDED_LENGTH, dir, &e) ||
	    dataset_open(dir, NULL, &d, &e) || dataset_part(d, 0, &s, &e) ||
	    hidden_new(&c, batch, RECORDED_LENGTH, test_compute(compute), NULL, &h, &e) ||
	    checkpoint_read(hidden_program(h), CBTM_ROLE_PARAMETER, s, &e))
		fail_msg("%s: %s", e.where, e.what);
	store_close(s);
	dataset_close(d);
	folder_remove(folder, &(struct cbtm_error){ 0 });
	free(folder);
	return h;
}

static void check_recorded(const char *model, const char *compute)
{
	struct cbtm_error e = { 0 };
	struct hidden *h = open_recorded(model, compute, 2);
	struct hidden_text text[RECORDED];
	double sum[RECORDED][RECORDED_WIDTH] = { { 0 } };
	size_t n = 0, row[RECORDED];
	for (size_t i = 0; i < RECORDED; i++) {
		if (strcmp(recorded_hidden[i].model, model) != 0)
			continue;
		text[n] = (struct hidden_text){ recorded_hidden[i].ids, recorded_hidden[i].n, sum[n] };
		row[n++] = i;
	}
	assert_true(n >= 5);
	assert_int_equal(hidden_sums(h, text, n, &e), 0);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < RECORDED_WIDTH; j++)
			assert_true(fabs(sum[i][j] / (double)text[i].n - recorded_hidden[row[i]].mean[j]) <
			            1e-5);
	hidden_free(h);
}

static void test_means_are_those_of_transformers(void **state)
{
	(void)state;
	static const char *const models[] = { "opt", "gpt2" };
	for (size_t m = 0; m < 2; m++) {
		check_recorded(models[m], "reference");
		check_recorded(models[m], "cpu");
	}
}

static void test_a_sum_depends_on_the_text_alone(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	const uint32_t *ids = recorded_hidden[RECORDED - 1].ids;
	double alone[RECORDED_WIDTH] = { 0 }, among[6][RECORDED_WIDTH] = { { 0 } };
	struct hidden *one = open_recorded("gpt2", "cpu", 1);
	struct hidden_text text = { ids, 20, alone };
	assert_int_equal(hidden_sums(one, &text, 1, &e), 0);
	test_threads(2);
	struct hidden *three = open_recorded("gpt2", "cpu", 3);
	struct hidden_text many[6] = { { ids + 3, 4, among[0] },  { ids + 5, 15, among[1] },
		                           { ids, 0, among[2] },      { ids, 20, among[3] },
		                           { ids + 1, 18, among[4] }, { ids + 2, 1, among[5] } };
	assert_int_equal(hidden_sums(three, many, 6, &e), 0);
	test_threads(1);
	assert_memory_equal(among[3], alone, sizeof alone);
	for (size_t j = 0; j < RECORDED_WIDTH; j++)
		assert_true(among[2][j] == 0 && among[5][j] != 0);
	hidden_free(three);
	hidden_free(one);
}

static void test_ids_out_of_range_are_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct hidden *h = open_recorded("opt", "cpu", 1);
	uint32_t ids[3] = { 4, 17, 5 };
	double sum[RECORDED_WIDTH] = { 0 };
	struct hidden_text text = { ids, 3, sum };
	assert_int_equal(hidden_sums(h, &text, 1, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, "17"));
	hidden_free(h);
	hidden_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_means_are_those_of_transformers),
		cmocka_unit_test(test_a_sum_depends_on_the_text_alone),
		cmocka_unit_test(test_ids_out_of_range_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
