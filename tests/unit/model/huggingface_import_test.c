/* SPDX-License-Identifier: MIT */
/*
 * What transformers computes with a checkpoint, we compute too: log-probabilities, loss, gradients,
 * and the losses of 50 steps of AdamW. Recorded by tests/parity/record_models.py: two checkpoints
 * here, more in the folder that CBTM_PARITY_MODELS names.
 */
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "model/compute_help.h"
#include "model/huggingface_help.h"
#include "model/safetensors.h"
#include "model/training_help.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 50 };

/* The options of the cpu plugin: what is promised is promised of fp32. */
static const struct cpu_options {
	int kernels, precision, timings, packs;
} single = { .precision = 1 };

/* expected.json. */
struct expected {
	uint32_t sequences, length;
	uint32_t *ids, *targets; /* sequences x length */
	double *logprob, loss, losses[STEPS];
};

static struct json member(struct json object, const char *name)
{
	struct json v;
	if (!json_member(object, name, &v))
		fail_msg("expected.json has no %s", name);
	return v;
}

static void read_expected(const char *folder, struct expected *x)
{
	struct cbtm_error e = { 0 };
	struct buffer text = { 0 };
	struct json_parser *p = json_parser_new(&e);
	char *path = path_join(folder, "expected.json", &e);
	struct json root, v;
	uint64_t n, id;
	size_t cursor = 0;
	assert_int_equal(file_read(path, 1 << 24, &text, &e), 0);
	assert_int_equal(json_parse(p, text.data, text.n, path, &root, &e), 0);
	assert_true(json_u64(member(root, "sequences"), &n));
	x->sequences = (uint32_t)n;
	assert_true(json_u64(member(root, "length"), &n));
	x->length = (uint32_t)n;
	n = (uint64_t)x->sequences * x->length;
	x->ids = calloc(n, sizeof *x->ids);
	x->targets = calloc(n, sizeof *x->targets);
	x->logprob = calloc(n, sizeof *x->logprob);
	for (uint32_t s = 0; s < x->sequences; s++)
		for (uint32_t t = 0; t <= x->length; t++) {
			assert_true(json_next(member(root, "ids"), &cursor, NULL, NULL, &v) &&
			            json_u64(v, &id));
			if (t < x->length)
				x->ids[s * x->length + t] = (uint32_t)id;
			if (t)
				x->targets[s * x->length + t - 1] = (uint32_t)id;
		}
	cursor = 0;
	for (uint64_t i = 0; json_next(member(root, "logprob"), &cursor, NULL, NULL, &v); i++)
		assert_true(i < n && json_f64(v, &x->logprob[i]));
	cursor = 0;
	for (uint64_t i = 0; json_next(member(root, "losses"), &cursor, NULL, NULL, &v); i++)
		assert_true(i < STEPS && json_f64(v, &x->losses[i]));
	assert_true(json_f64(member(root, "loss"), &x->loss));
	json_parser_free(p);
	buffer_free(&text);
	free(path);
}

/* A training program with the checkpoint's parameters and the expected ids. */
static void open_program(struct program *p, const char *plugin, const char *dir,
                         const struct model_config *c, const struct expected *x)
{
	struct cbtm_error e = { 0 };
	struct emit_how how = { .batch = x->sequences, .length = x->length, .train = true };
	struct dataset *d = NULL;
	struct store *s = NULL;
	*p = (struct program){ .compute = test_compute(plugin), .names = emit_model(c, &how, &e) };
	assert_non_null(p->names);
	p->state = test_compile(p->compute, strcmp(plugin, "cpu") ? NULL : &single, p->names);
	p->list = list_finish(p->names, &e);
	if (dataset_open(dir, NULL, &d, &e) || dataset_part(d, 0, &s, &e) ||
	    checkpoint_read(p, CBTM_ROLE_PARAMETER, s, &e))
		fail_msg("%s: %s", e.where, e.what);
	store_close(s);
	dataset_close(d);
	p->compute->write(p->state, list_find(p->names, "ids"), x->ids, &e);
	p->compute->write(p->state, list_find(p->names, "targets"), x->targets, &e);
}

static struct cbtm_scalars scalars(const struct expected *x)
{
	return (struct cbtm_scalars){ .sequences = x->sequences,
		                          .loss_scale = 1.0 / ((double)x->sequences * x->length),
		                          .step = 1,
		                          .lr = 1e-3,
		                          .beta1 = 0.9,
		                          .beta2 = 0.95,
		                          .epsilon = 1e-8,
		                          .weight_decay = 0.1,
		                          .clip = 1 };
}

static void run(const struct program *p, enum cbtm_section section, const struct cbtm_scalars *s)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(p->compute->run(p->state, section, s, &e), 0);
}

static double *result(const struct program *p, const char *name, size_t *n)
{
	return test_read(p->compute, p->state, p->list, list_find(p->names, name), n);
}

static void check_scores(const struct program *p, const struct expected *x, const char *folder)
{
	struct cbtm_scalars s = scalars(x);
	size_t n;
	run(p, CBTM_FORWARD, &s);
	run(p, CBTM_SCORE, &s);
	double *v = result(p, "logprob", &n);
	for (size_t i = 0; i < n; i++)
		if (!(fabs(v[i] - x->logprob[i]) <= 1e-4 * fabs(x->logprob[i])))
			fail_msg("%s: log-probability %zu: %.7g, not %.7g", folder, i, v[i], x->logprob[i]);
	free(v);
	run(p, CBTM_BACKWARD, &s);
	v = result(p, "loss", &n);
	assert_true(fabs(v[0] / v[1] - x->loss) <= 1e-5 * x->loss);
	free(v);
}

/* Every gradient, as the folder "gradient" has it under the parameters' names. */
static void check_gradients(const struct program *p, const struct model_config *c,
                            const char *folder)
{
	struct cbtm_error e = { 0 };
	char *theirs = path_join(folder, "gradient", &e), *dir = test_folder(), name[160];
	struct dataset *d = NULL;
	struct store *s = NULL;
	if (test_import(theirs, c, 1, dir, &e) || dataset_open(dir, NULL, &d, &e) ||
	    dataset_part(d, 0, &s, &e))
		fail_msg("%s: %s", e.where, e.what);
	for (uint32_t t = 0; t < p->list->tensors; t++) {
		const struct cbtm_tensor *tensor = &p->list->tensor[t];
		struct store_reader *r = NULL;
		double largest = 0;
		size_t n;
		if (tensor->role != CBTM_ROLE_PARAMETER)
			continue;
		snprintf(name, sizeof name, "%s.gradient", tensor->name);
		double *ours = result(p, name, &n);
		float *v = malloc(n * sizeof *v);
		if (store_reader_open(s, tensor->name, &r, &e) ||
		    store_read_rows(r, 0, tensor->shape[0], v, &e))
			fail_msg("%s: %s", e.where, e.what);
		for (size_t i = 0; i < n; i++)
			largest = fmax(largest, fabs((double)v[i]));
		for (size_t i = 0; i < n; i++)
			if (!(fabs(ours[i] - (double)v[i]) <= 1e-4 * largest))
				fail_msg("%s: %s[%zu]: %g, not %g (largest %g)", folder, name, i, ours[i],
				         (double)v[i], largest);
		store_reader_close(r);
		free(ours);
		free(v);
	}
	store_close(s);
	dataset_close(d);
	folder_remove(dir, &e);
	free(theirs);
	free(dir);
}

static void check_steps(const struct program *p, const struct expected *x, const char *folder)
{
	for (int i = 0; i < STEPS; i++) {
		struct cbtm_scalars s = scalars(x);
		size_t n;
		s.step = (uint64_t)i + 1;
		if (i) {
			run(p, CBTM_FORWARD, &s);
			run(p, CBTM_BACKWARD, &s);
		}
		run(p, CBTM_UPDATE, &s);
		double *v = result(p, "loss", &n), loss = v[0] / v[1];
		free(v);
		if (!(fabs(loss - x->losses[i]) <= 1e-3 * x->losses[i]))
			fail_msg("%s: loss of step %d: %.7g, not %.7g", folder, i + 1, loss, x->losses[i]);
	}
}

static void check_model(const char *folder, const char *plugin)
{
	struct cbtm_error e = { 0 };
	struct model_config c;
	struct expected x;
	struct program p;
	char *dir = test_folder();
	read_expected(folder, &x);
	if (huggingface_config(folder, &c, &e) || test_import(folder, &c, x.length, dir, &e))
		fail_msg("%s: %s", e.where, e.what);
	open_program(&p, plugin, dir, &c, &x);
	check_scores(&p, &x, folder);
	check_gradients(&p, &c, folder);
	check_steps(&p, &x, folder);
	program_close(&p);
	folder_remove(dir, &e);
	free(dir);
	free(x.ids);
	free(x.targets);
	free(x.logprob);
}

static void test_models_compute_what_transformers_does(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	static const char *const models[] = { "opt", "gpt2" }, *const plugins[] = { "reference",
		                                                                        "cpu" };
	for (int m = 0; m < 2; m++)
		for (int k = 0; k < 2; k++) {
			char *folder = test_recorded_model(models[m]);
			check_model(folder, plugins[k]);
			folder_remove(folder, &e);
			free(folder);
		}
}

static void test_more_models_do_where_they_are_made(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	const char *all = getenv("CBTM_PARITY_MODELS");
	char **name;
	size_t n;
	if (!all)
		return;
	assert_int_equal(folder_list(all, &name, &n, &e), 0);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		char *folder = path_join(all, name[i], &e);
		check_model(folder, "cpu");
		print_message("as transformers: %s\n", folder);
		free(folder);
	}
	folder_list_free(name, n);
}

/* Replaces the first `from` in the header of the recorded model by `to`, as long. */
static char *damaged(const char *from, const char *to)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	char *folder = test_recorded_model("opt"), *path = path_join(folder, "model.safetensors", &e);
	assert_int_equal(file_read(path, 1 << 20, &b, &e), 0);
	char *at = memmem(b.data, b.n, from, strlen(from));
	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
	test_write_file(folder, "model.safetensors", b.data, b.n);
	buffer_free(&b);
	free(path);
	return folder;
}

/* The import fails, and its sentence holds `what`. */
static void refuse(char *folder, const char *what)
{
	struct cbtm_error e = { 0 }, ignored = { 0 };
	struct model_config c;
	char *dir = test_folder();
	assert_int_equal(huggingface_config(folder, &c, &e), 0);
	assert_int_equal(test_import(folder, &c, 7, dir, &e), CBTM_ERR_BAD_DATA);
	if (!strstr(e.what, what))
		fail_msg("\"%s\" does not say \"%s\"", e.what, what);
	folder_remove(dir, &ignored);
	folder_remove(folder, &ignored);
	free(dir);
	free(folder);
}

static void test_a_missing_tensor_is_named(void **state)
{
	(void)state;
	refuse(damaged("layers.1.fc2.bias", "layers.9.fc2.bias"),
	       "\"model.decoder.layers.1.fc2.bias\" is missing");
}

static void test_a_tensor_too_many_is_named(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	char *folder = test_recorded_model("opt"), *path = path_join(folder, "config.json", &e);
	assert_int_equal(file_read(path, 1 << 20, &b, &e), 0);
	char *at = strstr(b.data, "\"num_hidden_layers\": 2");
	assert_non_null(at);
	at[strlen("\"num_hidden_layers\": ")] = '1';
	test_write_file(folder, "config.json", b.data, b.n);
	buffer_free(&b);
	free(path);
	refuse(folder, "is none of this model's");
}

static void test_a_wrong_shape_is_shown_beside_the_right_one(void **state)
{
	(void)state;
	refuse(damaged("[17,4]", "[4,17]"), "is 4 x 17; config.json says 17 x 4");
}

static void test_a_number_that_is_not_finite_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	char *folder = test_recorded_model("opt"), *path = path_join(folder, "model.safetensors", &e);
	assert_int_equal(file_read(path, 1 << 20, &b, &e), 0);
	memset(b.data + b.n - 4, 0xff, 4);
	test_write_file(folder, "model.safetensors", b.data, b.n);
	buffer_free(&b);
	free(path);
	refuse(folder, "is not a finite number");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_models_compute_what_transformers_does),
		cmocka_unit_test(test_more_models_do_where_they_are_made),
		cmocka_unit_test(test_a_missing_tensor_is_named),
		cmocka_unit_test(test_a_tensor_too_many_is_named),
		cmocka_unit_test(test_a_wrong_shape_is_shown_beside_the_right_one),
		cmocka_unit_test(test_a_number_that_is_not_finite_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
