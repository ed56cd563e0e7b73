/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "model/emit_help.h"
#include "model/expert_load.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_choices_are_counted_over_runs(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct fixture f;
	struct fixture_choice c = { .plugin = "reference", .config = test_config };
	struct expert_load l;
	c.config.moe = (struct moe_config){ 4, 2, 2 };
	fixture_make(&f, &c);
	f.scalars.capacity_factor = 1; /* 9 tokens an expert */
	struct program p = { f.compute, NULL, f.l, f.list, f.program };
	assert_int_equal(expert_load_make(&l, &c.config, &e), 0);
	assert_true(expert_load_balance(&l) == 0 && expert_load_dropped(&l) == 0);
	double balance = 0;
	for (int run = 0; run < 2; run++) {
		size_t n;
		fixture_run(&f, CBTM_FORWARD);
		assert_int_equal(expert_load_add(&l, &p, 33, &e), 0);
		double *load = fixture_values(&f, "layer.1.ffn.load", &n);
		for (size_t i = 0; i < 4; i++)
			balance += 4 * load[5 * i + 3] / 33 * load[5 * i + 4] / 33 / 2;
		free(load);
	}
	double rows = 0;
	for (size_t i = 0; i < 4; i++)
		rows += l.rows[i];
	assert_true(rows <= 2 * 36 && l.tokens == 66);
	assert_true(fabs(expert_load_dropped(&l) - (132 - rows) / 132) < 1e-12);
	assert_true(fabs(expert_load_balance(&l) - balance) < 1e-9);
	expert_load_clear(&l);
	assert_true(expert_load_dropped(&l) == 0);
	expert_load_free(&l);
	fixture_free(&f);
}

static void test_it_is_told_layer_by_layer(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	struct expert_load l;
	struct model_config c = test_config;
	c.moe = (struct moe_config){ 2, 1, 2 };
	assert_int_equal(expert_load_make(&l, &c, &e), 0);
	l.tokens = 10;
	l.balance = 30;
	for (size_t i = 0; i < 4; i++) {
		l.rows[i] = 5.0 + (double)i;
		l.choices[i] = 10;
	}
	assert_int_equal(expert_load_print(&l, &b, &e), 0);
	assert_non_null(strstr(b.data, "\"balance_loss\":1.5,\"dropped\":0.35,\"layers\":["
	                               "{\"layer\":0,\"dropped\":0.45,\"tokens\":[5,6]},"
	                               "{\"layer\":1,\"dropped\":0.25,\"tokens\":[7,8]}]"));
	buffer_free(&b);
	expert_load_free(&l);
}

static void test_a_dense_model_has_none(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct expert_load l;
	struct program none = { 0 };
	assert_int_equal(expert_load_make(&l, &test_config, &e), 0);
	assert_int_equal(l.layers, 0);
	assert_int_equal(expert_load_add(&l, &none, 5, &e), 0);
	expert_load_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choices_are_counted_over_runs),
		cmocka_unit_test(test_it_is_told_layer_by_layer),
		cmocka_unit_test(test_a_dense_model_has_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
