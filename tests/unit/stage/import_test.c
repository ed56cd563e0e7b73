/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "model/checkpoint.h"
#include "model/huggingface_help.h"
#include "model/parameter.h"
#include "model/safetensors.h"
#include "scratch.h"
#include "stage/import.h"
#include "stage/inputs.h"
#include "text/bpe.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct cbtm_stage stage_train;
static const struct stage_input input = { "vocabulary", READS_ALL, NULL };
static const struct model_config config = {
	.vocabulary = 300, .length = 12, .layers = 1, .width = 2, .heads = 1, .ffn = 3
};

static int give(void *arg, const struct safetensor_source *t, float *out, struct cbtm_error *e)
{
	(void)arg, (void)e;
	for (uint64_t i = 0; i < t->shape[0] * (t->rank > 1 ? t->shape[1] : 1); i++)
		out[i] = 0.5f;
	return 0;
}

/* A checkpoint of `config` as transformers writes it, every number 0.5. */
static void write_checkpoint(const char *folder)
{
	struct cbtm_error e = { 0 };
	struct safetensor_source source[64] = { 0 };
	struct buffer text = { 0 };
	size_t n, k = 0;
	struct parameter *p = parameters_make(&config, &n, &e);
	for (size_t i = 0; i < n; i++) {
		struct huggingface_place place;
		huggingface_place(ARCHITECTURE_OPT, "model.decoder.", p[i].name, &place, &e);
		for (size_t s = 0; s < place.sources; s++) {
			struct safetensor_source *t = &source[k++];
			memcpy(t->name, place.name[s], sizeof t->name - 1);
			t->rank = p[i].rank;
			t->shape[0] = p[i].shape[0] / place.sources + place.skip;
			t->shape[1] = p[i].shape[1];
			t->give = give;
		}
	}
	free(p);
	char path[4200];
	snprintf(path, sizeof path, "%s/model.safetensors", folder);
	assert_int_equal(safetensors_write(path, source, k, &e), 0);
	assert_int_equal(huggingface_config_print(&config, 0, 0, &text, &e), 0);
	test_write_file(folder, "config.json", text.data, text.n);
	buffer_free(&text);
}

/* Bytes and an end of documents; `second` is the symbol of id 1. */
static void write_vocabulary(const char *dir, char second)
{
	struct cbtm_error e = { 0 };
	const struct store_kind *kind = store_kind_find("vocabulary");
	struct bpe_symbol symbol[257] = { { "<|endoftext|>", 13, true, 0 } };
	struct digest fingerprint = { 3, (uint64_t)second };
	struct bpe_choice choice = { .eod = "", .bos = "" };
	struct store_writer *w = NULL;
	struct bpe *bpe = NULL;
	char bytes[256];
	for (int i = 0; i < 256; i++) {
		bytes[i] = (char)(i ^ second);
		symbol[i + 1] = (struct bpe_symbol){ &bytes[i], 1, false, 0 };
	}
	if (bpe_make(symbol, 257, NULL, 0, &choice, "here", &bpe, &e) ||
	    store_create(dir, 0, kind, fingerprint, &w, &e) || bpe_save(bpe, w, &e) ||
	    store_seal(w, &e) || dataset_seal(dir, kind, &fingerprint, 1, &e))
		fail_msg("%s: %s", e.where, e.what);
	bpe_free(bpe);
}

/* vocab.json and merges.txt of that vocabulary, beside the checkpoint. */
static void write_tokenizer(const char *folder)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	buffer_text(&b, "{\"<|endoftext|>\":0", &e);
	for (int i = 0; i < 256; i++)
		buffer_printf(&b, &e, ",\"\\u%04x\":%d", bpe_byte_point((unsigned char)i), i + 1);
	buffer_text(&b, "}", &e);
	test_write_file(folder, "vocab.json", b.data, b.n);
	test_write_file(folder, "merges.txt", "#version: 0.2\n", 14);
	buffer_free(&b);
}

/* Imports FOLDER with the vocabulary DIR into OUT. */
static enum cbtm_error_name import(void **state, const char *dir, uint64_t length, const char *out,
                                   struct cbtm_error *e)
{
	struct stage_place place = { &input, &dir, 1 };
	struct digest fingerprint = { 5, 6 };
	struct stage_run run = { .stage = &stage_train, .task = &stage_train.tasks[0] };
	const struct store_kind *kind = store_kind_find("checkpoint");
	if (stage_inputs_open(&stage_train, &place, 1, NULL, &run.inputs, e) ||
	    store_create(out, 0, kind, fingerprint, &run.out, e))
		return e->name;
	if (stage_import_seed(&run, *state, length, e))
		store_leave(run.out);
	else if (!store_seal(run.out, e))
		dataset_seal(out, kind, &fingerprint, 1, e);
	stage_inputs_close(run.inputs);
	return e->name;
}

static void test_an_imported_seed_has_the_facts_of_a_trained_one(void **state)
{
	struct cbtm_error e = { 0 };
	struct model_config c;
	struct dataset *d = NULL;
	struct store *s = NULL;
	char vocabulary[4200], out[4200];
	uint64_t v;
	snprintf(vocabulary, sizeof vocabulary, "%s/vocabulary", (char *)*state);
	snprintf(out, sizeof out, "%s/seed", (char *)*state);
	write_checkpoint(*state);
	write_tokenizer(*state);
	write_vocabulary(vocabulary, 0);
	if (import(state, vocabulary, 8, out, &e) || dataset_open(out, NULL, &d, &e) ||
	    dataset_part(d, 0, &s, &e) ||
	    model_config_parse(store_get_json(s, "model"), "seed", &c, &e) ||
	    checkpoint_length(s, &c, &v, &e))
		fail_msg("%s: %s", e.where, e.what);
	assert_int_equal(v, 8);
	assert_int_equal(c.length, 12);
	static const char *const facts[] = { "vocabulary_size", "eod", "step", "tokens", "batch" };
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
		assert_int_equal(checkpoint_fact(s, facts[i], &v, &e), 0);
	assert_int_equal(store_row_count(s, "token"), 300);
	store_close(s);
	dataset_close(d);
}

static void test_another_vocabulary_is_refused(void **state)
{
	struct cbtm_error e = { 0 };
	char vocabulary[4200], out[4200];
	snprintf(vocabulary, sizeof vocabulary, "%s/vocabulary", (char *)*state);
	snprintf(out, sizeof out, "%s/seed", (char *)*state);
	write_checkpoint(*state);
	write_tokenizer(*state);
	write_vocabulary(vocabulary, 1);
	assert_int_equal(import(state, vocabulary, 0, out, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, "the id 1 is"));
	assert_non_null(strstr(e.hint, "tokenize.vocabulary"));
}

static void test_more_tokens_than_positions_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	char vocabulary[4200], out[4200];
	snprintf(vocabulary, sizeof vocabulary, "%s/vocabulary", (char *)*state);
	snprintf(out, sizeof out, "%s/seed", (char *)*state);
	write_checkpoint(*state);
	write_vocabulary(vocabulary, 0);
	assert_int_equal(import(state, vocabulary, 13, out, &e), CBTM_ERR_CONFIG);
	assert_string_equal(e.where, "train.seed.length");
}

static void test_more_tokens_than_the_model_has_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	char vocabulary[4200], out[4200], *folder = test_recorded_model("opt");
	void *there = folder;
	snprintf(vocabulary, sizeof vocabulary, "%s/vocabulary", (char *)*state);
	snprintf(out, sizeof out, "%s/seed", (char *)*state);
	write_vocabulary(vocabulary, 0);
	assert_int_equal(import(&there, vocabulary, 0, out, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, "a vocabulary of 257, the model's has 17"));
	scratch_remove(&there);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_imported_seed_has_the_facts_of_a_trained_one),
		TEST(test_another_vocabulary_is_refused),
		TEST(test_more_tokens_than_positions_are_refused),
		TEST(test_more_tokens_than_the_model_has_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
