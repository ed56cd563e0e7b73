/* SPDX-License-Identifier: MIT */
#include "stage/import_help.h"
#include "model/huggingface_help.h"
#include "model/parameter.h"
#include "model/safetensors.h"
#include "text/bpe.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct model_config test_import_config = {
	.vocabulary = 300, .length = 12, .layers = 1, .width = 2, .heads = 1, .ffn = 3
};

static int give(void *arg, const struct safetensor_source *t, float *out, struct cbtm_error *e)
{
	(void)arg, (void)e;
	for (uint64_t i = 0; i < t->shape[0] * (t->rank > 1 ? t->shape[1] : 1); i++)
		out[i] = 0.5f;
	return 0;
}

/* A checkpoint of test_import_config as transformers writes it, every number 0.5. */
void test_write_checkpoint(const char *folder)
{
	struct cbtm_error e = { 0 };
	struct safetensor_source source[64] = { 0 };
	struct buffer text = { 0 };
	size_t n, k = 0;
	struct parameter *p = parameters_make(&test_import_config, &n, &e);
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
	assert_int_equal(huggingface_config_print(&test_import_config,
	                                          &(struct huggingface_ids){ 0, 0, 0 }, &text, &e),
	                 0);
	test_write_file(folder, "config.json", text.data, text.n);
	buffer_free(&text);
}

/* Bytes and an end of documents; `second` is the symbol of id 1. */
void test_write_vocabulary(const char *dir, char second)
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
void test_write_tokenizer(const char *folder)
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
