/* SPDX-License-Identifier: MIT */
/* The whole decoder by `reference`, whose gradients are checked by finite differences. */
#include "base/error.h"
#include "model/emit.h"
#include "model/emit_help.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fixture_choice choice(const char *plugin, enum architecture architecture,
                                    bool dropout, bool masked)
{
	struct fixture_choice c = {
		.plugin = plugin, .config = test_config, .dropout = dropout, .masked = masked
	};
	c.config.architecture = architecture;
	return c;
}

static void check_gradients(bool both)
{
	for (int a = 0; a < ARCHITECTURES; a++) {
		struct fixture_choice c = choice("reference", (enum architecture)a, both, both);
		fixture_check_gradients(&c, 0, 0);
	}
}

static void test_gradients_are_those_of_finite_differences(void **state)
{
	(void)state;
	check_gradients(false);
}

static void test_gradients_hold_with_dropout_and_document_borders(void **state)
{
	(void)state;
	check_gradients(true);
}

/* Gradients of a whole step by cpu and reference. */
static void compare_plugins(int precision, double loss, double share, bool of_length)
{
	for (int i = 0; i < ARCHITECTURES; i++) {
		struct fixture a, b;
		struct fixture_choice c = choice("reference", (enum architecture)i, true, true);
		fixture_make(&a, &c);
		c.plugin = "cpu";
		c.precision = precision;
		fixture_make(&b, &c);
		fixture_compare(&a, &b, loss, share, of_length);
		fixture_free(&a);
		fixture_free(&b);
	}
}

static void test_the_fast_plugin_agrees_on_the_whole_model(void **state)
{
	(void)state;
	compare_plugins(PRECISION_AUTO, 1e-5, 1e-4, false);
}

/* bf16 has 8 bits: a gradient is off by a few percent of its length, more where it is the sum of terms
 * that cancel (the bias of queries and keys); the loss by less. */
static void test_bf16_stays_near_the_equations(void **state)
{
	(void)state;
	if (fixture_has_bf16())
		compare_plugins(PRECISION_BF16, 2e-2, 0.12, true);
}

/* ids: a sequence that has `id` at every third place. */
static void write_padded(struct fixture *f, uint32_t id)
{
	struct cbtm_error e = { 0 };
	uint32_t v[33];
	for (uint32_t i = 0; i < 33; i++)
		v[i] = i % 3 ? (i * 7 + 1) % 30 : id;
	assert_int_equal(f->compute->write(f->program, list_find(f->l, "ids"), v, &e), 0);
}

enum { PADDING = 34, TWIN = 35, WIDTH = 8 };

/* The tokens PADDING and TWIN have the same embedding. */
static void make_twins(struct fixture *f)
{
	size_t n;
	double *v = fixture_values(f, "token", &n);
	memcpy(v + (size_t)TWIN * WIDTH, v + (size_t)PADDING * WIDTH, WIDTH * sizeof *v);
	fixture_write(f, "token", v, n);
	free(v);
}

/* What is read is the same, be it the padding or its twin, and in a model without padding a gradient
 * of the row that is not read is of its prediction alone: that of differences. */
static void test_the_padding_learns_where_it_is_predicted_alone(void **state)
{
	(void)state;
	struct fixture a, b;
	struct fixture_choice c = choice("reference", ARCHITECTURE_OPT, true, true);
	size_t n;
	fixture_make(&b, &c);
	c.config.pads = true;
	c.config.padding = PADDING;
	fixture_make(&a, &c);
	make_twins(&a);
	make_twins(&b);
	write_padded(&a, PADDING);
	write_padded(&b, TWIN);
	assert_true(fixture_loss(&a) == fixture_loss(&b));
	for (uint32_t t = 0; t < a.list->tensors; t++) {
		const char *name = a.list->tensor[t].name;
		if (a.list->tensor[t].role != CBTM_ROLE_GRADIENT)
			continue;
		double *x = fixture_values(&a, name, &n), *y = fixture_values(&b, name, &n);
		for (size_t i = 0; i < n; i++)
			if (x[i] != y[i] && (strcmp(name, "token.gradient") || i / WIDTH != TWIN))
				fail_msg("%s[%zu]: %g and %g", name, i, x[i], y[i]);
		free(x);
		free(y);
	}
	double *gradient = fixture_values(&a, "token.gradient", &n);
	double *token = fixture_values(&b, "token", &n);
	for (size_t i = (size_t)PADDING * WIDTH; i < (size_t)(PADDING + 1) * WIDTH; i++) {
		double old = token[i], up = (double)(float)(old + 2e-6), down = (double)(float)(old - 2e-6);
		token[i] = up;
		fixture_write(&b, "token", token, n);
		double above = fixture_loss(&b);
		token[i] = down;
		fixture_write(&b, "token", token, n);
		double slope = (above - fixture_loss(&b)) / (up - down);
		token[i] = old;
		if (!(fabs(slope - gradient[i]) <= 1e-6))
			fail_msg("token[%zu]: %g, by differences %g", i, gradient[i], slope);
	}
	free(gradient);
	free(token);
	fixture_free(&a);
	fixture_free(&b);
}

static void test_the_fast_plugin_agrees_on_padding(void **state)
{
	(void)state;
	for (int bf16 = 0; bf16 < (fixture_has_bf16() ? 2 : 1); bf16++) {
		struct fixture a, b;
		struct fixture_choice c = choice("reference", ARCHITECTURE_OPT, true, true);
		c.config.pads = true;
		c.config.padding = PADDING;
		fixture_make(&a, &c);
		c.plugin = "cpu";
		c.precision = bf16 ? PRECISION_BF16 : PRECISION_FP32;
		fixture_make(&b, &c);
		write_padded(&a, PADDING);
		write_padded(&b, PADDING);
		fixture_compare(&a, &b, bf16 ? 2e-2 : 1e-5, bf16 ? 0.12 : 1e-4, bf16);
		fixture_free(&a);
		fixture_free(&b);
	}
}

/* The memory of activations is shared by lives: scores taken between forward and backward, other
 * threads, and accumulated batches must not show. */
static void check_bits(int precision)
{
	struct fixture a, b;
	struct fixture_choice c = choice("cpu", ARCHITECTURE_OPT, true, true);
	c.precision = precision;
	fixture_make(&a, &c);
	fixture_make(&b, &c);
	for (unsigned threads = 2; threads <= 3; threads++) {
		test_threads(1);
		fixture_loss(&a);
		fixture_loss(&a);
		fixture_run(&a, CBTM_UPDATE);
		test_threads(threads);
		for (int micro = 0; micro < 2; micro++) {
			fixture_run(&b, CBTM_FORWARD);
			fixture_run(&b, CBTM_SCORE);
			fixture_run(&b, CBTM_BACKWARD);
		}
		fixture_run(&b, CBTM_UPDATE);
		fixture_same_model(&a, &b);
	}
	fixture_run(&a, CBTM_FORWARD);
	fixture_run(&a, CBTM_SCORE);
	b.scalars.sequences = 2;
	fixture_run(&b, CBTM_FORWARD);
	fixture_run(&b, CBTM_SCORE);
	fixture_same(&a, &b, "logprob", 2); /* a half is less than two thirds */
	test_threads(1);
	fixture_free(&a);
	fixture_free(&b);
}

static void test_threads_scores_and_neighbours_change_no_bit(void **state)
{
	(void)state;
	check_bits(PRECISION_FP32);
	if (fixture_has_bf16())
		check_bits(PRECISION_BF16);
}

/* Three updates with and without checkpointing, on other numbers of threads: the same bits. */
static void check_checkpointing(const char *plugin, const struct model_config *config,
                                int precision)
{
	struct fixture a, b;
	struct fixture_choice c = { plugin, *config, true, true, false, precision };
	fixture_make(&a, &c);
	c.checkpointing = true;
	fixture_make(&b, &c);
	a.scalars.balance = b.scalars.balance = 0.02;
	a.scalars.capacity_factor = b.scalars.capacity_factor = 1;
	for (int step = 0; step < 3; step++) {
		test_threads(1);
		double loss = fixture_loss(&a);
		fixture_run(&a, CBTM_UPDATE);
		test_threads(step ? 2 : 1);
		assert_true(loss == fixture_loss(&b));
		fixture_run(&b, CBTM_UPDATE);
		fixture_same_model(&a, &b);
	}
	test_threads(1);
	fixture_free(&a);
	fixture_free(&b);
}

/* What memory of a gradient held before an update must not show behind it. */
static void check_zeros(const char *plugin, const struct model_config *config, int precision)
{
	struct fixture a, b;
	struct fixture_choice c = { plugin, *config, true, true, false, precision };
	fixture_make(&a, &c);
	fixture_make(&b, &c);
	a.scalars.lr = b.scalars.lr = 0;
	fixture_loss(&a);
	fixture_loss(&b);
	fixture_run(&b, CBTM_UPDATE);
	for (int again = 0; again < 2; again++) {
		for (uint32_t t = 0; t < b.list->tensors; t++) {
			size_t n;
			if (b.list->tensor[t].role != CBTM_ROLE_GRADIENT)
				continue;
			if (again) {
				fixture_same(&a, &b, b.list->tensor[t].name, 1);
				continue;
			}
			double *v = fixture_values(&b, b.list->tensor[t].name, &n);
			for (size_t i = 0; i < n; i++)
				assert_true(v[i] == 0);
			free(v);
		}
		fixture_loss(&b);
	}
	fixture_free(&a);
	fixture_free(&b);
}

static void test_gradients_are_zero_behind_an_update(void **state)
{
	(void)state;
	for (int mixed = 0; mixed < 2; mixed++) {
		struct model_config config = test_config;
		if (mixed)
			config.moe = (struct moe_config){ 4, 2, 2 };
		check_zeros("reference", &config, 0);
		check_zeros("cpu", &config, PRECISION_FP32);
		if (fixture_has_bf16())
			check_zeros("cpu", &config, PRECISION_BF16);
	}
}

static void test_checkpointing_changes_no_bit(void **state)
{
	(void)state;
	for (int mixed = 0; mixed < 2; mixed++)
		for (int a = 0; a < ARCHITECTURES; a++) {
			struct model_config config = test_config;
			config.architecture = (enum architecture)a;
			config.layers = 3;
			if (mixed)
				config.moe = (struct moe_config){ 4, 2, 2 };
			check_checkpointing("reference", &config, 0);
			check_checkpointing("cpu", &config, PRECISION_FP32);
			if (fixture_has_bf16())
				check_checkpointing("cpu", &config, PRECISION_BF16);
		}
}

static void test_a_score_is_the_loss_of_its_token(void **state)
{
	(void)state;
	struct fixture f;
	size_t n;
	struct fixture_choice c = choice("reference", ARCHITECTURE_GPT2, false, false);
	fixture_make(&f, &c);
	double l = fixture_loss(&f), sum = 0;
	fixture_run(&f, CBTM_SCORE);
	double *v = fixture_values(&f, "logprob", &n);
	for (size_t i = 0; i < n; i++)
		sum -= v[i];
	assert_true(fabs(sum / (double)n - l) < 1e-6);
	free(v);
	fixture_free(&f);
}

/* A step that is not finite changes nothing but clears the gradients. */
static void test_a_step_that_is_not_finite_is_not_taken(void **state)
{
	(void)state;
	const char *const plugins[] = { "reference", "cpu" };
	for (size_t i = 0; i < 2; i++) {
		struct fixture f;
		size_t n;
		double bad[8] = { NAN };
		struct fixture_choice c = choice(plugins[i], ARCHITECTURE_OPT, false, false);
		fixture_make(&f, &c);
		fixture_loss(&f);
		fixture_write(&f, "norm.gain.gradient", bad, 8);
		double *before = fixture_values(&f, "norm.gain", &n);
		fixture_run(&f, CBTM_UPDATE);
		double *after = fixture_values(&f, "norm.gain", &n);
		double *norm = fixture_values(&f, "norm", &n);
		double *gradient = fixture_values(&f, "norm.gain.gradient", &n);
		assert_false(isfinite(norm[0]));
		assert_memory_equal(before, after, 8 * sizeof *before);
		assert_true(gradient[0] == 0);
		free(before);
		free(after);
		free(norm);
		free(gradient);
		fixture_free(&f);
	}
}

/* The norm is that of the gradients as they stand, whether their squares were summed where they were
 * written or are read: of a batch in two pieces, and behind a gradient that cbtm writes. */
static void check_norm(const struct model_config *config, int precision)
{
	struct fixture a, b;
	struct fixture_choice c = { "cpu", *config, true, true, false, precision };
	fixture_make(&a, &c);
	fixture_make(&b, &c);
	a.scalars.balance = b.scalars.balance = 0.02;
	for (int step = 0; step < 2; step++) {
		double sum = 0;
		for (int piece = 0; piece < 2; piece++) {
			fixture_loss(&a);
			fixture_loss(&b);
		}
		for (uint32_t t = 0; t < b.list->tensors; t++) {
			size_t n;
			if (b.list->tensor[t].role != CBTM_ROLE_GRADIENT)
				continue;
			double *v = fixture_values(&b, b.list->tensor[t].name, &n);
			for (size_t i = 0; i < n; i++)
				sum += v[i] * v[i];
			fixture_write(&b, b.list->tensor[t].name, v, n);
			free(v);
		}
		fixture_run(&a, CBTM_UPDATE);
		fixture_run(&b, CBTM_UPDATE);
		size_t n;
		double *norm = fixture_values(&a, "norm", &n);
		assert_true(fabs(norm[0] - sqrt(sum)) <= 1e-12 * norm[0]);
		free(norm);
		fixture_same(&a, &b, "norm", 1);
		fixture_same_model(&a, &b);
	}
	fixture_free(&a);
	fixture_free(&b);
}

static void test_the_norm_is_that_of_the_gradients(void **state)
{
	(void)state;
	for (int mixed = 0; mixed < 2; mixed++)
		for (int a = 0; a < ARCHITECTURES; a++) {
			struct model_config config = test_config;
			config.architecture = (enum architecture)a;
			if (mixed)
				config.moe = (struct moe_config){ 4, 2, 2 };
			check_norm(&config, PRECISION_FP32);
			if (fixture_has_bf16())
				check_norm(&config, PRECISION_BF16);
		}
}

/* An update that goes on beside the next forward pass clips as one that is asked for at once does,
 * though activations take the memory in which the clip left its scale. */
static void check_clipping(int precision, unsigned threads)
{
	struct fixture a, b;
	struct fixture_choice c = choice("cpu", ARCHITECTURE_OPT, true, true);
	c.precision = precision;
	fixture_make(&a, &c);
	fixture_make(&b, &c);
	a.scalars.clip = b.scalars.clip = 1e-3;
	test_threads(threads);
	for (int step = 0; step < 3; step++) {
		size_t n;
		assert_true(fixture_loss(&a) == fixture_loss(&b));
		fixture_run(&a, CBTM_UPDATE);
		free(fixture_values(&a, "norm.gain", &n)); /* of parameters as they are behind the update */
		fixture_run(&b, CBTM_UPDATE);
		double *norm = fixture_values(&b, "norm", &n);
		assert_true(norm[0] > 2 * b.scalars.clip);
		free(norm);
	}
	fixture_same_model(&a, &b);
	test_threads(1);
	fixture_free(&a);
	fixture_free(&b);
}

static void test_a_later_update_clips_as_one_at_once(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads <= 2; threads++) {
		check_clipping(PRECISION_FP32, threads);
		if (fixture_has_bf16())
			check_clipping(PRECISION_BF16, threads);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gradients_are_those_of_finite_differences),
		cmocka_unit_test(test_gradients_hold_with_dropout_and_document_borders),
		cmocka_unit_test(test_a_score_is_the_loss_of_its_token),
		cmocka_unit_test(test_the_fast_plugin_agrees_on_the_whole_model),
		cmocka_unit_test(test_bf16_stays_near_the_equations),
		cmocka_unit_test(test_the_padding_learns_where_it_is_predicted_alone),
		cmocka_unit_test(test_the_fast_plugin_agrees_on_padding),
		cmocka_unit_test(test_threads_scores_and_neighbours_change_no_bit),
		cmocka_unit_test(test_gradients_are_zero_behind_an_update),
		cmocka_unit_test(test_checkpointing_changes_no_bit),
		cmocka_unit_test(test_the_norm_is_that_of_the_gradients),
		cmocka_unit_test(test_a_step_that_is_not_finite_is_not_taken),
		cmocka_unit_test(test_a_later_update_clips_as_one_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
