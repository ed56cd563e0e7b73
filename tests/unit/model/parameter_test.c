/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "model/compute_help.h"
#include "model/parameter.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_parameters_have_their_names_and_shapes(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	size_t n;
	struct parameter *p = parameters_make(&test_config, &n, &e);
	assert_int_equal(n, 4 + 2 * 12);
	assert_string_equal(p[0].name, "token");
	assert_int_equal(p[0].shape[0], 37);
	assert_string_equal(p[4].name, "layer.0.attention.qkv.weight");
	assert_int_equal(p[4].shape[0], 24);
	assert_int_equal(p[4].shape[1], 8);
	assert_string_equal(p[n - 1].name, "norm.bias");
	free(p);
}

static void test_a_mixture_has_a_router_and_a_matrix_an_expert(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct model_config c = test_config;
	c.moe = (struct moe_config){ 5, 2, 2 };
	size_t n, found = 0;
	struct parameter *p = parameters_make(&c, &n, &e);
	assert_int_equal(n, 4 + 2 * 12 + 1);
	for (size_t i = 0; i < n; i++) {
		const uint64_t *shape = p[i].shape;
		if (!strcmp(p[i].name, "layer.0.ffn.in.weight"))
			assert_true(p[i].rank == 2 && shape[0] == 20 && shape[1] == 8);
		else if (!strcmp(p[i].name, "layer.1.ffn.in.weight"))
			assert_true(p[i].rank == 3 && shape[0] == 5 && shape[1] == 20 && shape[2] == 8);
		else if (!strcmp(p[i].name, "layer.1.ffn.out.bias"))
			assert_true(p[i].rank == 2 && shape[0] == 5 && shape[1] == 8 && !p[i].decay);
		else if (!strcmp(p[i].name, "layer.1.ffn.router.weight"))
			assert_true(p[i].rank == 2 && shape[0] == 5 && shape[1] == 8 && p[i].decay);
		else
			continue;
		found++;
	}
	assert_int_equal(found, 4);
	free(p);
}

static void test_only_matrices_decay(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	size_t n;
	struct parameter *p = parameters_make(&test_config, &n, &e);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i].decay, p[i].rank == 2);
	free(p);
}

static void test_start_values_have_the_spread_that_is_asked_for(void **state)
{
	(void)state;
	struct parameter p = { .rank = 2, .shape = { 100, 100 }, .start = START_NORMAL, .spread = 0.5 };
	static float v[10000], w[10000];
	double sum = 0, squares = 0;
	parameter_start(&p, 3, 1, v);
	for (int i = 0; i < 10000; i++) {
		sum += v[i];
		squares += (double)v[i] * v[i];
	}
	assert_true(fabs(sum / 10000) < 0.02);
	assert_true(fabs(sqrt(squares / 10000) - 0.5) < 0.02);
	parameter_start(&p, 3, 1, w);
	assert_memory_equal(v, w, sizeof v);
	parameter_start(&p, 4, 1, w);
	assert_true(memcmp(v, w, sizeof v) != 0);
}

static void test_gains_start_at_one(void **state)
{
	(void)state;
	float v[4];
	struct parameter p = { .rank = 1, .shape = { 4, 1 }, .start = START_ONE };
	parameter_start(&p, 0, 1, v);
	assert_true(v[0] == 1 && v[3] == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameters_have_their_names_and_shapes),
		cmocka_unit_test(test_a_mixture_has_a_router_and_a_matrix_an_expert),
		cmocka_unit_test(test_only_matrices_decay),
		cmocka_unit_test(test_start_values_have_the_spread_that_is_asked_for),
		cmocka_unit_test(test_gains_start_at_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
