/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "model/compute_help.h"
#include "model/model.h"
#include "model/parameter.h"
#include "model/training_help.h"
#include "model/upcycle.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char path_buffer[8][4200];

static const char *in_folder(const char *name)
{
	static unsigned next;
	char *p = path_buffer[next++ % 8];
	snprintf(p, sizeof path_buffer[0], "%s/%s", folder, name);
	return p;
}

static int set_up(void **state)
{
	test_folder_make(state);
	test_sequences(in_folder("sequences"), 50, 12, 1);
	assert_int_equal(test_train(test_training(), in_folder("sequences"), NULL, in_folder("seed")),
	                 CBTM_OK);
	return 0;
}

static struct model_config mixture(void)
{
	struct model_config c = test_config;
	c.moe = (struct moe_config){ 4, 2, 2 };
	return c;
}

static void test_experts_are_copies_and_routers_drawn(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct model_config c = mixture();
	struct emit_how how = { .batch = 1, .length = 12 };
	struct program p = { .compute = test_compute("reference"), .names = emit_model(&c, &how, &e) };
	struct store *s = NULL;
	size_t n, all;
	p.state = test_compile(p.compute, NULL, p.names);
	p.list = list_finish(p.names, &e);
	assert_int_equal(store_open(in_folder("seed"), 0, NULL, &s, &e), 0);
	assert_true(upcycle_wanted(&c, s, &e));
	assert_false(upcycle_wanted(&test_config, s, &e));
	assert_int_equal(upcycle_read(&p, &c, s, 7, &e), 0);
	struct parameter *parameter = parameters_make(&c, &n, &e);
	for (size_t i = 0; i < n; i++) {
		uint64_t copies = parameter[i].grouped ? 4 : 1, each = parameter_elements(&parameter[i]);
		float *expected = malloc(each * sizeof *expected);
		each /= copies;
		double *v =
			test_read(p.compute, p.state, p.list, list_find(p.names, parameter[i].name), &all);
		if (strstr(parameter[i].name, "router"))
			parameter_start(&parameter[i], i, 7, expected);
		else
			assert_int_equal(checkpoint_tensor(s, parameter[i].name, each,
			                                   parameter[i].rank - parameter[i].grouped > 1
			                                       ? parameter[i].shape[parameter[i].rank - 1]
			                                       : 1,
			                                   expected, &e),
			                 0);
		for (size_t k = 0; k < all; k++)
			assert_true(v[k] == expected[k % each]);
		free(v);
		free(expected);
	}
	free(parameter);
	store_close(s);
	program_close(&p);
}

static double *scores(const char *dir, const char *plugin)
{
	struct cbtm_error e = { 0 };
	struct dataset *d = NULL;
	struct model *m = NULL;
	static float logprob[12];
	static const uint32_t ids[13] = { 1, 5, 9, 2, 30, 11, 12, 13, 1, 1, 36, 20, 8 };
	struct model_sequence q = { ids, 13, 0, logprob };
	double *v = malloc(12 * sizeof *v);
	assert_int_equal(dataset_open(dir, NULL, &d, &e), 0);
	if (model_open(d, test_compute(plugin), NULL, 0, &m, &e) || model_score(m, &q, 1, &e))
		fail_msg("%s: %s", e.where, e.what);
	for (size_t i = 0; i < 12; i++)
		v[i] = logprob[i];
	model_close(m);
	dataset_close(d);
	return v;
}

/* A mixture that has not learned anything yet says what the seed says. */
static void test_a_mixture_begins_as_its_seed(void **state)
{
	(void)state;
	struct training t = test_training();
	t.config = mixture();
	t.plan = (struct schedule_plan){ .steps = 1, .batch = 6, .lr = 1e-12 };
	t.capacity_factor = 2;
	t.balance_loss = 0.01;
	assert_int_equal(test_train(t, in_folder("sequences"), in_folder("seed"), in_folder("mixture")),
	                 CBTM_OK);
	for (int i = 0; i < 2; i++) {
		const char *plugin = i ? "cpu" : "reference";
		double *a = scores(in_folder("seed"), plugin), *b = scores(in_folder("mixture"), plugin);
		for (size_t k = 0; k < 12; k++)
			assert_true(fabs(a[k] - b[k]) < 1e-5);
		free(a);
		free(b);
	}
}

static void test_a_seed_of_another_shape_is_named(void **state)
{
	(void)state;
	struct training t = test_training();
	t.config = mixture();
	t.config.ffn = 24;
	assert_int_equal(test_train(t, in_folder("sequences"), in_folder("seed"), in_folder("other")),
	                 CBTM_ERR_BAD_STORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_experts_are_copies_and_routers_drawn),
		cmocka_unit_test(test_a_mixture_begins_as_its_seed),
		cmocka_unit_test(test_a_seed_of_another_shape_is_named),
	};
	return cmocka_run_group_tests(tests, set_up, test_folder_remove);
}
