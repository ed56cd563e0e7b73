/* SPDX-License-Identifier: MIT */
#include "model/emit_help.h"
#include "base/error.h"
#include "base/random.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct cpu_options {
	int kernels, precision, timings, packs;
};

static void write_ids(struct fixture *f, const char *name, uint64_t limit)
{
	struct cbtm_error e = { 0 };
	uint32_t t = list_find(f->l, name), v[64];
	struct random_key key = random_key(5, RANDOM_TEST);
	for (uint32_t i = 0; i < f->list->batch * f->list->length; i++) {
		uint32_t position = i % f->list->length;
		v[i] = (uint32_t)random_below(key, i, 17, limit ? limit : position / 2 + 1);
	}
	assert_int_equal(f->compute->write(f->program, t, v, &e), 0);
}

void fixture_make(struct fixture *f, const struct fixture_choice *c)
{
	struct cbtm_error e = { 0 };
	struct cpu_options options = { .precision = c->precision };
	struct emit_how how = { .batch = 3,
		                    .length = 11,
		                    .train = true,
		                    .dropout = c->dropout,
		                    .embedding_dropout = c->dropout,
		                    .masked = c->masked,
		                    .checkpointing = c->checkpointing };
	f->compute = test_compute(c->plugin);
	f->config = c->config;
	f->l = emit_model(&c->config, &how, &e);
	if (!f->l)
		fail_msg("%s: %s", e.where, e.what);
	f->program = test_compile(f->compute, strcmp(c->plugin, "cpu") ? NULL : &options, f->l);
	f->list = list_finish(f->l, &e);
	f->scalars = (struct cbtm_scalars){ .sequences = 3,
		                                .dropout_key = { 7, 8 },
		                                .dropout = c->dropout ? 0.2 : 0,
		                                .dropout_attention = c->dropout ? 0.1 : 0,
		                                .dropout_embedding = c->dropout ? 0.15 : 0,
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
	write_ids(f, "ids", c->config.vocabulary);
	write_ids(f, "targets", c->config.vocabulary);
	if (c->masked)
		write_ids(f, "first", 0);
}

void fixture_free(struct fixture *f)
{
	f->compute->free(f->program);
	list_free(f->l);
}

void fixture_run(struct fixture *f, enum cbtm_section section)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(f->compute->run(f->program, section, &f->scalars, &e), 0);
}

double *fixture_values(struct fixture *f, const char *name, size_t *n)
{
	return test_read(f->compute, f->program, f->list, list_find(f->l, name), n);
}

void fixture_write(struct fixture *f, const char *name, const double *v, size_t n)
{
	struct cbtm_error e = { 0 };
	float *to = malloc(n * sizeof *to);
	assert_non_null(to);
	for (size_t i = 0; i < n; i++)
		to[i] = (float)v[i];
	assert_int_equal(f->compute->write(f->program, list_find(f->l, name), to, &e), 0);
	free(to);
}

/* E sum_e (first choices / n) (gates / n): equation 4 of Fedus et al. 2022. */
static double balance_loss(struct fixture *f, uint64_t layer)
{
	char name[32];
	size_t n;
	double sum = 0;
	snprintf(name, sizeof name, "layer.%u.ffn.load", (unsigned)layer);
	double *load = fixture_values(f, name, &n);
	for (size_t e = 0; e < n / 5; e++)
		sum += load[5 * e + 3] / 33 * (load[5 * e + 4] / 33);
	free(load);
	return sum * (double)(n / 5);
}

double fixture_loss(struct fixture *f)
{
	size_t n;
	fixture_run(f, CBTM_FORWARD);
	fixture_run(f, CBTM_BACKWARD);
	double *v = fixture_values(f, "loss", &n), x = v[0] / v[1];
	for (uint64_t l = 0; l < f->config.layers; l++)
		if (model_config_mixes(&f->config, l))
			x += f->scalars.balance * balance_loss(f, l);
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
	double above = fixture_loss(f);
	value[i] = down;
	f->compute->write(f->program, parameter, value, &e);
	double below = fixture_loss(f);
	value[i] = old;
	f->compute->write(f->program, parameter, value, &e);
	return (above - below) / ((double)up - down);
}

void fixture_check_gradients(const struct fixture_choice *c, double capacity, double balance)
{
	struct cbtm_error e = { 0 };
	struct fixture f;
	size_t n_parameters, n;
	fixture_make(&f, c);
	f.scalars.capacity_factor = capacity;
	f.scalars.balance = balance;
	struct parameter *p = parameters_make(&c->config, &n_parameters, &e);
	fixture_loss(&f);
	double **gradient = calloc(n_parameters, sizeof *gradient);
	char name[96];
	for (size_t k = 0; k < n_parameters; k++) {
		snprintf(name, sizeof name, "%s.gradient", p[k].name);
		gradient[k] = fixture_values(&f, name, &n);
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

static void compare_tensor(const char *name, const double *x, const double *y, size_t n,
                           double share, bool of_length)
{
	double largest = 1e-6, error = 0, length = 0;
	for (size_t i = 0; i < n; i++) {
		largest = fmax(largest, fabs(x[i]));
		error += (x[i] - y[i]) * (x[i] - y[i]);
		length += x[i] * x[i];
	}
	for (size_t i = 0; i < n && !of_length; i++)
		if (!(fabs(x[i] - y[i]) <= share * largest))
			fail_msg("%s[%zu]: %g and %g", name, i, x[i], y[i]);
	if (of_length && !(sqrt(error) <= share * sqrt(length) + 1e-6))
		fail_msg("%s: off by %g of %g", name, sqrt(error), sqrt(length));
}

void fixture_compare(struct fixture *a, struct fixture *b, double loss, double share,
                     bool of_length)
{
	double difference = fabs(fixture_loss(a) - fixture_loss(b));
	if (!(difference < loss))
		fail_msg("the losses differ by %g", difference);
	for (uint32_t t = 0; t < a->list->tensors; t++) {
		size_t n;
		const char *name = a->list->tensor[t].name;
		if (a->list->tensor[t].role != CBTM_ROLE_GRADIENT)
			continue;
		double *x = fixture_values(a, name, &n), *y = fixture_values(b, name, &n);
		compare_tensor(name, x, y, n, share, of_length);
		free(x);
		free(y);
	}
}

bool fixture_has_bf16(void)
{
	struct cpu_options o = { .precision = PRECISION_BF16 };
	return strcmp(test_compute("cpu")->variant(&o), "none") != 0;
}

void fixture_same(struct fixture *a, struct fixture *b, const char *name, size_t share)
{
	size_t n;
	double *x = fixture_values(a, name, &n), *y = fixture_values(b, name, &n);
	if (memcmp(x, y, n / share * sizeof *x))
		fail_msg("%s differs", name);
	free(x);
	free(y);
}

void fixture_same_model(struct fixture *a, struct fixture *b)
{
	for (uint32_t t = 0; t < a->list->tensors; t++)
		if (a->list->tensor[t].role == CBTM_ROLE_PARAMETER ||
		    a->list->tensor[t].role == CBTM_ROLE_MOMENT)
			fixture_same(a, b, a->list->tensor[t].name, 1);
}
