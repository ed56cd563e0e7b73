/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "model/compute_help.h"
#include "model/huggingface_help.h"
#include "model/model.h"
#include "model/safetensors.h"
#include "model/training_help.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void export(const char *dir, const char *folder)
{
	struct cbtm_error e = { 0 };
	struct dataset *d = NULL;
	struct store *s = NULL;
	if (dataset_open(dir, NULL, &d, &e) || dataset_part(d, 0, &s, &e) ||
	    huggingface_export(s, "", folder, &e))
		fail_msg("%s: %s", e.where, e.what);
	store_close(s);
	dataset_close(d);
}

static void compare(const struct safetensors *a, const struct safetensors *b)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(safetensors_count(a), safetensors_count(b));
	for (size_t i = 0; i < safetensors_count(a); i++) {
		const struct safetensor *x = safetensors_at(a, i), *y = safetensors_find(b, x->name);
		uint64_t skip = strstr(x->name, "embed_positions") ? 2 * x->shape[1] : 0;
		assert_non_null(y);
		assert_int_equal(x->rank, y->rank);
		assert_memory_equal(x->shape, y->shape, x->rank * sizeof *x->shape);
		float *v = malloc(x->elements * sizeof *v), *w = malloc(x->elements * sizeof *w);
		assert_int_equal(safetensors_read(a, x, 0, x->elements, v, &e), 0);
		assert_int_equal(safetensors_read(b, y, 0, y->elements, w, &e), 0);
		for (uint64_t k = 0; k < skip; k++) /* rows that no token has */
			v[k] = 0;
		assert_memory_equal(v, w, x->elements * sizeof *v);
		free(v);
		free(w);
	}
}

/* transformers' file -> our store -> a file: the same tensors; twice: the same bytes. */
static void test_a_checkpoint_goes_there_and_back(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	static const char *const models[] = { "opt", "gpt2" };
	for (int m = 0; m < 2; m++) {
		char *folder = test_recorded_model(models[m]), *dir = test_folder(), *out = test_folder();
		char *again = path_join(out, "again", &e), *one, *two;
		struct buffer x = { 0 }, y = { 0 };
		struct safetensors *a, *b;
		struct model_config c;
		assert_int_equal(huggingface_config(folder, &c, &e), 0);
		assert_int_equal(test_import(folder, &c, 7, dir, &e), 0);
		export(dir, out);
		export(dir, again);
		assert_int_equal(safetensors_open(folder, &a, &e), 0);
		assert_int_equal(safetensors_open(out, &b, &e), 0);
		compare(a, b);
		safetensors_close(a);
		safetensors_close(b);
		one = path_join(out, "model.safetensors", &e);
		two = path_join(again, "model.safetensors", &e);
		assert_int_equal(file_read(one, 1 << 20, &x, &e), 0);
		assert_int_equal(file_read(two, 1 << 20, &y, &e), 0);
		assert_int_equal(x.n, y.n);
		assert_memory_equal(x.data, y.data, x.n);
		struct model_config back;
		assert_int_equal(huggingface_config(out, &back, &e), 0);
		assert_int_equal(c.pads, c.architecture == ARCHITECTURE_OPT);
		assert_int_equal(back.pads, c.pads);
		assert_int_equal(back.padding, c.padding);
		buffer_free(&x);
		buffer_free(&y);
		folder_remove(folder, &e);
		folder_remove(dir, &e);
		folder_remove(out, &e);
		free(one);
		free(two);
		free(again);
		free(folder);
		free(dir);
		free(out);
	}
}

static void test_a_store_without_a_model_is_named(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 }, ignored = { 0 };
	char *dir = test_folder();
	struct dataset *d = NULL;
	struct store *s = NULL;
	test_sequences(dir, 2, 5, 1);
	assert_int_equal(dataset_open(dir, NULL, &d, &e), 0);
	assert_int_equal(dataset_part(d, 0, &s, &e), 0);
	assert_int_equal(huggingface_export(s, "", dir, &e), CBTM_ERR_BAD_STORE);
	store_close(s);
	dataset_close(d);
	folder_remove(dir, &ignored);
	free(dir);
}

/* A checkpoint whose model says that it has experts is refused before a file is written. */
static void test_a_mixture_of_experts_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char *folder = test_recorded_model("opt"), *dir = test_folder(), *out = test_folder();
	char *written = path_join(out, "model.safetensors", &e);
	struct dataset *d = NULL;
	struct store *s = NULL;
	struct model_config c;
	assert_int_equal(huggingface_config(folder, &c, &e), 0);
	struct model_config mixture = c;
	mixture.moe = (struct moe_config){ 4, 1, 2 };
	assert_int_equal(test_import_as(folder, &c, &mixture, 7, dir, &e), 0);
	assert_int_equal(dataset_open(dir, NULL, &d, &e), 0);
	assert_int_equal(dataset_part(d, 0, &s, &e), 0);
	assert_int_equal(huggingface_export(s, "", out, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, "mixture of 4 experts"));
	assert_false(file_exists(written));
	struct cbtm_error missing = { 0 };
	struct model *m = NULL;
	assert_int_equal(model_open(d, test_compute("reference"), NULL, 1, &m, &missing),
	                 CBTM_ERR_BAD_STORE);
	assert_non_null(strstr(missing.what, "layer.0.ffn.router.weight"));
	store_close(s);
	dataset_close(d);
	struct cbtm_error ignored = { 0 };
	folder_remove(folder, &ignored);
	folder_remove(dir, &ignored);
	folder_remove(out, &ignored);
	free(written);
	free(folder);
	free(dir);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_checkpoint_goes_there_and_back),
		cmocka_unit_test(test_a_store_without_a_model_is_named),
		cmocka_unit_test(test_a_mixture_of_experts_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
