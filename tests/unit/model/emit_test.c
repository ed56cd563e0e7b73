/* SPDX-License-Identifier: MIT */
/* The whole decoder by `reference`, whose gradients are checked by finite differences. */
#include "base/error.h"
#include "base/random.h"
#include "model/compute_help.h"
#include "model/emit.h"
#include "model/parameter.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	const struct cbtm_compute *compute;
	struct list *l;
	const struct cbtm_list *list;
	void *program;
	struct cbtm_scalars scalars;
};

/* The options of the cpu plugin that fixtures are made with, as its rows say. */
static struct {
	int kernels, precision, timings;
} cpu_options;
enum { FP32 = 1, BF16 = 2 };

static void write_ids(struct fixture *f, const char *name, uint64_t limit)
{
	struct cbtm_error e = { 0 };
	uint32_t t = list_find(f->l, name), v[64];
	struct random_key key = random_key(5, RANDOM_TEST);
	for (uint32_t i = 0; i < f->list->batch * f->list->length; i++) {
		uint32_t position = i % f->list->length;
		v[i] = (uint32_t)random_below(key, i, t, limit ? limit : position / 2 + 1);
	}
	assert_int_equal(f->compute->write(f->program, t, v, &e), 0);
}

/* A model with parameters far from their start, so that nothing is zero by accident. */
static void fixture_make(struct fixture *f, const char *plugin, enum architecture architecture,
                         bool dropout, bool masked)
{
	struct model_config config = test_config;
	struct cbtm_error e = { 0 };
	struct emit_how how = {
		.batch = 3, .length = 11, .train = true, .dropout = dropout, .masked = masked
	};
	f->compute = test_compute(plugin);
	config.architecture = architecture;
	f->l = emit_model(&config, &how, &e);
	if (!f->l)
		fail_msg("%s: %s", e.where, e.what);
	f->program = test_compile(f->compute, strcmp(plugin, "cpu") ? NULL : &cpu_options, f->l);
	f->list = list_finish(f->l, &e);
	f->scalars = (struct cbtm_scalars){ .sequences = 3,
		                                .dropout_key = { 7, 8 },
		                                .dropout = dropout ? 0.2 : 0,
		                                .loss_scale = 1.0 / 33,
		                                .step = 1,
		                                .lr = 1e-3,
		                                .beta1 = 0.9,
		                                .beta2 = 0.95,
		                                .epsilon = 1e-8 };
	struct example_size any = { .vocabulary = 1, .length = 1 };
	for (uint32_t i = 0; i < f->list->tensors; i++)
		if (f->list->tensor[i].role == CBTM_ROLE_PARAMETER) {
			float v[1024];
			size_t n = tensor_elements(&f->list->tensor[i]);
			assert_true(n <= 1024);
			example_fill(&f->list->tensor[i], &any, 3, v);
			for (size_t k = 0; k < n; k++)
				v[k] = 0.3f * v[k] + (strstr(f->list->tensor[i].name, "gain") ? 1 : 0);
			assert_int_equal(f->compute->write(f->program, i, v, &e), 0);
		}
	write_ids(f, "ids", test_config.vocabulary);
	write_ids(f, "targets", test_config.vocabulary);
	if (masked)
		write_ids(f, "first", 0);
}

static void fixture_free(struct fixture *f)
{
	f->compute->free(f->program);
	list_free(f->l);
}

static void run(struct fixture *f, enum cbtm_section section)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(f->compute->run(f->program, section, &f->scalars, &e), 0);
}

static double loss(struct fixture *f)
{
	size_t n;
	run(f, CBTM_FORWARD);
	run(f, CBTM_BACKWARD);
	double *v = test_read(f->compute, f->program, f->list, list_find(f->l, "loss"), &n);
	double x = v[0] / v[1];
	free(v);
	return x;
}

/* (loss(x + step) - loss(x - step)) / 2 step for element i of a parameter. */
static double slope(struct fixture *f, uint32_t parameter, float *value, size_t i)
{
	struct cbtm_error e = { 0 };
	float old = value[i], up = old + 2e-6f, down = old - 2e-6f;
	value[i] = up;
	f->compute->write(f->program, parameter, value, &e);
	double above = loss(f);
	value[i] = down;
	f->compute->write(f->program, parameter, value, &e);
	double below = loss(f);
	value[i] = old;
	f->compute->write(f->program, parameter, value, &e);
	return (above - below) / ((double)up - down);
}

static void check_gradients(enum architecture architecture, bool dropout, bool masked)
{
	struct cbtm_error e = { 0 };
	struct fixture f;
	size_t n_parameters, n;
	fixture_make(&f, "reference", architecture, dropout, masked);
	struct parameter *p = parameters_make(&test_config, &n_parameters, &e);
	loss(&f);
	double **gradient = calloc(n_parameters, sizeof *gradient);
	char name[96];
	for (size_t k = 0; k < n_parameters; k++) {
		snprintf(name, sizeof name, "%s.gradient", p[k].name);
		gradient[k] = test_read(f.compute, f.program, f.list, list_find(f.l, name), &n);
	}
	for (size_t k = 0; k < n_parameters; k++) {
		uint32_t t = list_find(f.l, p[k].name);
		float value[1024];
		double largest = 0;
		size_t elements = parameter_elements(&p[k]);
		f.compute->read(f.program, t, value, &e);
		for (size_t i = 0; i < elements; i++)
			largest = fmax(largest, fabs(gradient[k][i]));
		for (size_t i = 0; i < elements; i += 1 + elements / 7) {
			double numeric = slope(&f, t, value, i);
			if (fabs(numeric - gradient[k][i]) > 2e-4 * largest + 1e-7)
				fail_msg("%s[%zu]: %g, by differences %g", p[k].name, i, gradient[k][i], numeric);
		}
		free(gradient[k]);
	}
	free(gradient);
	free(p);
	fixture_free(&f);
}

static void test_gradients_are_those_of_finite_differences(void **state)
{
	(void)state;
	check_gradients(ARCHITECTURE_OPT, false, false);
	check_gradients(ARCHITECTURE_GPT2, false, false);
}

static void test_gradients_hold_with_dropout_and_document_borders(void **state)
{
	(void)state;
	check_gradients(ARCHITECTURE_OPT, true, true);
	check_gradients(ARCHITECTURE_GPT2, true, true);
}

/* Gradients of a whole step by cpu and reference. */
static void compare_plugins(enum architecture architecture)
{
	struct fixture a, b;
	fixture_make(&a, "reference", architecture, true, true);
	fixture_make(&b, "cpu", architecture, true, true);
	assert_true(fabs(loss(&a) - loss(&b)) < 1e-5);
	for (uint32_t t = 0; t < a.list->tensors; t++) {
		size_t n;
		double largest = 1e-6;
		if (a.list->tensor[t].role != CBTM_ROLE_GRADIENT)
			continue;
		double *x = test_read(a.compute, a.program, a.list, t, &n);
		double *y = test_read(b.compute, b.program, b.list, t, &n);
		for (size_t i = 0; i < n; i++)
			largest = fmax(largest, fabs(x[i]));
		for (size_t i = 0; i < n; i++)
			if (!(fabs(x[i] - y[i]) <= 1e-4 * largest))
				fail_msg("%s[%zu]: %g and %g", a.list->tensor[t].name, i, x[i], y[i]);
		free(x);
		free(y);
	}
	fixture_free(&a);
	fixture_free(&b);
}

static void test_the_fast_plugin_agrees_on_the_whole_model(void **state)
{
	(void)state;
	compare_plugins(ARCHITECTURE_OPT);
	compare_plugins(ARCHITECTURE_GPT2);
}

static bool has_bf16(void)
{
	const struct cbtm_compute *cpu = test_compute("cpu");
	cpu_options.precision = BF16;
	bool has = strcmp(cpu->variant(&cpu_options), "none") != 0;
	cpu_options.precision = has ? BF16 : 0;
	return has;
}

/* bf16 has 8 bits: a gradient is off by a few percent of its length, more where it is the sum of terms
 * that cancel (the bias of queries and keys); the loss by less. */
static void test_bf16_stays_near_the_equations(void **state)
{
	(void)state;
	for (int gpt2 = 0; gpt2 < 2 && has_bf16(); gpt2++) {
		enum architecture architecture = gpt2 ? ARCHITECTURE_GPT2 : ARCHITECTURE_OPT;
		struct fixture a, b;
		fixture_make(&a, "reference", architecture, true, true);
		fixture_make(&b, "cpu", architecture, true, true);
		assert_true(fabs(loss(&a) - loss(&b)) < 2e-2);
		for (uint32_t t = 0; t < a.list->tensors; t++) {
			size_t n;
			double error = 0, length = 0;
			if (a.list->tensor[t].role != CBTM_ROLE_GRADIENT)
				continue;
			double *x = test_read(a.compute, a.program, a.list, t, &n);
			double *y = test_read(b.compute, b.program, b.list, t, &n);
			for (size_t i = 0; i < n; i++) {
				error += (x[i] - y[i]) * (x[i] - y[i]);
				length += x[i] * x[i];
			}
			if (!(sqrt(error) <= 0.12 * sqrt(length) + 1e-6))
				fail_msg("%s: off by %g of %g", a.list->tensor[t].name, sqrt(error), sqrt(length));
			free(x);
			free(y);
		}
		fixture_free(&a);
		fixture_free(&b);
	}
	cpu_options.precision = 0;
}

/* What a tensor of `f` holds, to compare with memcmp. */
static double *values(struct fixture *f, const char *name, size_t *n)
{
	return test_read(f->compute, f->program, f->list, list_find(f->l, name), n);
}

static void assert_same(struct fixture *a, struct fixture *b, const char *name, size_t share)
{
	size_t n;
	double *x = values(a, name, &n), *y = values(b, name, &n);
	if (memcmp(x, y, n / share * sizeof *x))
		fail_msg("%s differs", name);
	free(x);
	free(y);
}

/* The memory of activations is shared by lives: scores taken between forward and backward, other
 * threads, and accumulated batches must not show. */
static void check_bits(int precision)
{
	struct fixture a, b;
	cpu_options.precision = precision;
	fixture_make(&a, "cpu", ARCHITECTURE_OPT, true, true);
	fixture_make(&b, "cpu", ARCHITECTURE_OPT, true, true);
	for (unsigned threads = 2; threads <= 3; threads++) {
		test_threads(1);
		loss(&a);
		loss(&a);
		run(&a, CBTM_UPDATE);
		test_threads(threads);
		for (int micro = 0; micro < 2; micro++) {
			run(&b, CBTM_FORWARD);
			run(&b, CBTM_SCORE);
			run(&b, CBTM_BACKWARD);
		}
		run(&b, CBTM_UPDATE);
		for (uint32_t t = 0; t < a.list->tensors; t++)
			if (a.list->tensor[t].role == CBTM_ROLE_PARAMETER ||
			    a.list->tensor[t].role == CBTM_ROLE_MOMENT)
				assert_same(&a, &b, a.list->tensor[t].name, 1);
	}
	run(&a, CBTM_FORWARD);
	run(&a, CBTM_SCORE);
	b.scalars.sequences = 2;
	run(&b, CBTM_FORWARD);
	run(&b, CBTM_SCORE);
	assert_same(&a, &b, "logprob", 2); /* a half is less than two thirds */
	test_threads(1);
	fixture_free(&a);
	fixture_free(&b);
	cpu_options.precision = 0;
}

static void test_threads_scores_and_neighbours_change_no_bit(void **state)
{
	(void)state;
	check_bits(FP32);
	if (has_bf16())
		check_bits(BF16);
}

static void test_a_score_is_the_loss_of_its_token(void **state)
{
	(void)state;
	struct fixture f;
	size_t n;
	fixture_make(&f, "reference", ARCHITECTURE_GPT2, false, false);
	double l = loss(&f), sum = 0;
	run(&f, CBTM_SCORE);
	double *v = test_read(f.compute, f.program, f.list, list_find(f.l, "logprob"), &n);
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
		struct cbtm_error e = { 0 };
		struct fixture f;
		size_t n;
		fixture_make(&f, plugins[i], ARCHITECTURE_OPT, false, false);
		loss(&f);
		uint32_t g = list_find(f.l, "norm.gain.gradient"), p = list_find(f.l, "norm.gain");
		float bad[8] = { NAN };
		f.compute->write(f.program, g, bad, &e);
		double *before = test_read(f.compute, f.program, f.list, p, &n);
		run(&f, CBTM_UPDATE);
		double *after = test_read(f.compute, f.program, f.list, p, &n);
		double *norm = test_read(f.compute, f.program, f.list, list_find(f.l, "norm"), &n);
		double *gradient = test_read(f.compute, f.program, f.list, g, &n);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gradients_are_those_of_finite_differences),
		cmocka_unit_test(test_gradients_hold_with_dropout_and_document_borders),
		cmocka_unit_test(test_a_score_is_the_loss_of_its_token),
		cmocka_unit_test(test_the_fast_plugin_agrees_on_the_whole_model),
		cmocka_unit_test(test_bf16_stays_near_the_equations),
		cmocka_unit_test(test_threads_scores_and_neighbours_change_no_bit),
		cmocka_unit_test(test_a_step_that_is_not_finite_is_not_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
