/* SPDX-License-Identifier: MIT */
/* Whole models with mixtures of experts: gradients by finite differences, and beside a dense model. */
#include "base/error.h"
#include "model/emit_help.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fixture_choice choice(const char *plugin, int architecture, uint64_t experts)
{
	struct fixture_choice c = {
		.plugin = plugin, .config = test_config, .dropout = true, .masked = true
	};
	c.config.architecture = (enum architecture)architecture;
	if (experts)
		c.config.moe = (struct moe_config){ experts, 2, 2 };
	return c;
}

/* The router's gradient too: that of the sum's weights, and that of the balance loss. */
static void test_gradients_are_those_of_finite_differences(void **state)
{
	(void)state;
	for (int a = 0; a < ARCHITECTURES; a++) {
		struct fixture_choice c = choice("reference", a, 4);
		fixture_check_gradients(&c, 0, 0.5);
		c.dropout = c.masked = false;
		c.config.moe = (struct moe_config){ 5, 1, 3 };
		fixture_check_gradients(&c, 0, 0);
	}
}

static void test_gradients_hold_where_experts_are_full(void **state)
{
	(void)state;
	size_t n, dropped = 0;
	struct fixture f;
	struct fixture_choice c = choice("reference", ARCHITECTURE_OPT, 4);
	fixture_check_gradients(&c, 1, 0.5);
	fixture_make(&f, &c);
	f.scalars.capacity_factor = 1;
	fixture_loss(&f);
	double *load = fixture_values(&f, "layer.1.ffn.load", &n);
	for (size_t e = 0; e < 4; e++) {
		assert_true(load[5 * e + 1] <= 9); /* ceil(33 / 4) */
		dropped += (size_t)(load[5 * e + 2] - load[5 * e + 1]);
	}
	assert_true(dropped >= 2 * 33 - 4 * 9);
	free(load);
	fixture_free(&f);
}

/* The experts of `f` become copies of the dense model's feed-forward network. */
static void upcycle(struct fixture *f, struct fixture *dense)
{
	static const char *const names[] = { "ffn.in.weight", "ffn.in.bias", "ffn.out.weight",
		                                 "ffn.out.bias" };
	for (uint32_t t = 0; t < dense->list->tensors; t++) {
		size_t n, copies = 1;
		const char *name = dense->list->tensor[t].name;
		if (dense->list->tensor[t].role != CBTM_ROLE_PARAMETER)
			continue;
		for (size_t i = 0; i < 4; i++)
			if (!strncmp(name, "layer.1.", 8) && !strcmp(name + 8, names[i]))
				copies = f->config.moe.experts;
		double *v = fixture_values(dense, name, &n);
		double *all = malloc(copies * n * sizeof *all);
		assert_non_null(all);
		for (size_t i = 0; i < copies; i++)
			memcpy(all + i * n, v, n * sizeof *v);
		fixture_write(f, name, all, copies * n);
		free(all);
		free(v);
	}
}

/* Of each tensor of the dense model, or (gradients of experts) their sum over the experts. */
static void compare_with_dense(struct fixture *f, struct fixture *dense, enum cbtm_role role,
                               double share)
{
	for (uint32_t t = 0; t < dense->list->tensors; t++) {
		size_t n, all;
		const char *name = dense->list->tensor[t].name;
		double largest = 1e-6;
		if (dense->list->tensor[t].role != role || !strcmp(name, "norm"))
			continue;
		double *x = fixture_values(dense, name, &n), *y = fixture_values(f, name, &all);
		for (size_t i = n; i < all; i++)
			y[i % n] += y[i];
		for (size_t i = 0; i < n; i++)
			largest = fmax(largest, fabs(x[i]));
		for (size_t i = 0; i < n; i++)
			if (!(fabs(x[i] - y[i]) <= share * largest))
				fail_msg("%s[%zu]: %g, dense %g", name, i, y[i], x[i]);
		free(x);
		free(y);
	}
}

/* Right after upcycling, with dropout: a mixture of equal experts is the dense model. The gradients
 * of the embeddings are those of the input. */
static void test_equal_experts_are_the_dense_model(void **state)
{
	(void)state;
	static const char *const plugins[] = { "reference", "cpu" };
	for (int i = 0; i < 2 * ARCHITECTURES; i++) {
		struct fixture f, dense;
		struct fixture_choice c = choice(plugins[i % 2], i / 2, 4);
		fixture_make(&f, &c);
		c.config.moe.experts = 0;
		fixture_make(&dense, &c);
		upcycle(&f, &dense);
		double share = i % 2 ? 2e-5 : 1e-6;
		assert_true(fabs(fixture_loss(&f) - fixture_loss(&dense)) < 1e-6);
		compare_with_dense(&f, &dense, CBTM_ROLE_GRADIENT, share);
		fixture_run(&f, CBTM_SCORE);
		fixture_run(&dense, CBTM_SCORE);
		compare_with_dense(&f, &dense, CBTM_ROLE_RESULT, share);
		fixture_free(&f);
		fixture_free(&dense);
	}
}

static void compare_plugins(int precision, double loss, double share, bool of_length)
{
	for (int i = 0; i < ARCHITECTURES; i++) {
		struct fixture a, b;
		struct fixture_choice c = choice("reference", i, 4);
		fixture_make(&a, &c);
		c.plugin = "cpu";
		c.precision = precision;
		fixture_make(&b, &c);
		a.scalars.balance = b.scalars.balance = 0.1;
		a.scalars.capacity_factor = b.scalars.capacity_factor = 1.25;
		fixture_compare(&a, &b, loss, share, of_length);
		fixture_free(&a);
		fixture_free(&b);
	}
}

static void test_the_fast_plugin_agrees_on_the_whole_model(void **state)
{
	(void)state;
	compare_plugins(PRECISION_FP32, 1e-5, 1e-4, false);
	if (fixture_has_bf16())
		compare_plugins(PRECISION_BF16, 2e-2, 0.15, true);
}

static void check_bits(int precision)
{
	struct fixture a, b;
	struct fixture_choice c = choice("cpu", ARCHITECTURE_OPT, 4);
	c.precision = precision;
	fixture_make(&a, &c);
	fixture_make(&b, &c);
	a.scalars.balance = b.scalars.balance = 0.1;
	a.scalars.capacity_factor = b.scalars.capacity_factor = 1.25;
	for (unsigned threads = 2; threads <= 3; threads++) {
		test_threads(1);
		fixture_loss(&a);
		fixture_run(&a, CBTM_UPDATE);
		test_threads(threads);
		fixture_run(&b, CBTM_FORWARD);
		fixture_run(&b, CBTM_SCORE);
		fixture_run(&b, CBTM_BACKWARD);
		fixture_run(&b, CBTM_UPDATE);
		fixture_same_model(&a, &b);
	}
	test_threads(1);
	fixture_free(&a);
	fixture_free(&b);
}

static void test_threads_and_scores_change_no_bit(void **state)
{
	(void)state;
	check_bits(PRECISION_FP32);
	if (fixture_has_bf16())
		check_bits(PRECISION_BF16);
}

/* Without a capacity a sequence's scores are its own. */
static void test_a_score_does_not_depend_on_neighbours(void **state)
{
	(void)state;
	struct fixture a, b;
	struct fixture_choice c = choice("cpu", ARCHITECTURE_OPT, 4);
	fixture_make(&a, &c);
	fixture_make(&b, &c);
	b.scalars.sequences = 1;
	a.scalars.dropout = b.scalars.dropout = 0;
	a.scalars.dropout_attention = b.scalars.dropout_attention = 0;
	a.scalars.dropout_embedding = b.scalars.dropout_embedding = 0;
	fixture_run(&a, CBTM_FORWARD);
	fixture_run(&a, CBTM_SCORE);
	fixture_run(&b, CBTM_FORWARD);
	fixture_run(&b, CBTM_SCORE);
	fixture_same(&a, &b, "logprob", 3);
	fixture_free(&a);
	fixture_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gradients_are_those_of_finite_differences),
		cmocka_unit_test(test_gradients_hold_where_experts_are_full),
		cmocka_unit_test(test_equal_experts_are_the_dense_model),
		cmocka_unit_test(test_the_fast_plugin_agrees_on_the_whole_model),
		cmocka_unit_test(test_threads_and_scores_change_no_bit),
		cmocka_unit_test(test_a_score_does_not_depend_on_neighbours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
