/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "model/compute_help.h"
#include "model/huggingface_help.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPT                                                                                        \
	"\"model_type\":\"opt\",\"vocab_size\":50272,\"max_position_embeddings\":2048,"                \
	"\"num_hidden_layers\":12,\"hidden_size\":768,\"num_attention_heads\":12,\"ffn_dim\":3072"
#define GPT2                                                                                       \
	"\"model_type\":\"gpt2\",\"vocab_size\":50257,\"n_positions\":1024,\"n_layer\":12,"            \
	"\"n_embd\":768,\"n_head\":12"

static enum cbtm_error_name read_config(void **state, const char *json, struct model_config *c,
                                        struct cbtm_error *e)
{
	test_write_file(*state, "config.json", json, strlen(json));
	return (enum cbtm_error_name)huggingface_config(*state, c, e);
}

static void test_the_published_configurations_are_read(void **state)
{
	struct cbtm_error e = { 0 };
	struct model_config c;
	assert_int_equal(read_config(state, "{" OPT ",\"word_embed_proj_dim\":768}", &c, &e), 0);
	assert_int_equal(c.architecture, ARCHITECTURE_OPT);
	assert_int_equal(c.length, 2048);
	assert_int_equal(c.ffn, 3072);
	assert_int_equal(model_config_parameters(&c) + 2 * 768 /* positions 0 and 1 */, 125239296);
	assert_int_equal(read_config(state, "{" GPT2 ",\"n_inner\":null}", &c, &e), 0);
	assert_int_equal(c.architecture, ARCHITECTURE_GPT2);
	assert_int_equal(c.ffn, 3072);
	assert_int_equal(model_config_parameters(&c), 124439808);
}

/* What is added to a configuration, and what the error says. */
static const struct {
	const char *json, *what;
} refused[] = {
	{ "{\"model_type\":\"llama\"}", "\"model_type\" is \"llama\"" },
	{ "{\"model_type\":7}", "\"model_type\" is 7" },
	{ "{}", "no key \"model_type\"" },
	{ "[]", "not an object" },
	{ "{\"model_type\":\"opt\"}", "no key \"vocab_size\"" },
	{ "{" OPT ",\"do_layer_norm_before\":false}", "\"do_layer_norm_before\" is false" },
	{ "{" OPT ",\"word_embed_proj_dim\":512}", "OPT-350m" },
	{ "{" OPT ",\"activation_function\":\"gelu\"}", "\"activation_function\" is \"gelu\"" },
	{ "{" OPT ",\"tie_word_embeddings\":false}", "\"tie_word_embeddings\" is false" },
	{ "{" OPT ",\"enable_bias\":false}", "\"enable_bias\"" },
	{ "{" OPT ",\"_remove_final_layer_norm\":true}", "\"_remove_final_layer_norm\"" },
	{ "{" OPT ",\"quantization_config\":{\"bits\":4}}", "\"quantization_config\"" },
	{ "{" GPT2 ",\"scale_attn_by_inverse_layer_idx\":true}", "inverse_layer_idx" },
	{ "{" GPT2 ",\"activation_function\":\"relu\"}", "\"activation_function\" is \"relu\"" },
	{ "{" GPT2 ",\"layer_norm_epsilon\":1e-6}", "\"layer_norm_epsilon\"" },
	{ "{" GPT2 ",\"n_inner\":-4}", "\"n_inner\" is -4" },
	{ "{\"model_type\":\"gpt2\",\"vocab_size\":18446744073709551615,\"n_positions\":4,\"n_layer\":"
	  "1,"
	  "\"n_embd\":4,\"n_head\":1}",
	  "\"vocab_size\": 18446744073709551615 is not between" },
	{ "{\"model_type\":\"gpt2\",\"vocab_size\":9,\"n_positions\":4,\"n_layer\":1,\"n_embd\":4,"
	  "\"n_head\":3}",
	  "\"n_head\": 3 heads do not divide the width 4" },
	{ "{\"model_type\":\"gpt2\",\"vocab_size\":9,\"n_positions\":4,\"n_layer\":1,"
	  "\"n_embd\":9223372036854775807,\"n_head\":1}",
	  "\"n_embd\": 9223372036854775807 is not between" },
};

static void test_what_the_model_cannot_be_is_refused_by_key(void **state)
{
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct cbtm_error e = { 0 };
		struct model_config c;
		assert_int_equal(read_config(state, refused[i].json, &c, &e), CBTM_ERR_CONFIG);
		assert_non_null(strstr(e.where, "config.json"));
		if (!strstr(e.what, refused[i].what))
			fail_msg("%s: \"%s\" does not say \"%s\"", refused[i].json, e.what, refused[i].what);
	}
}

static void test_the_same_activation_has_several_names(void **state)
{
	static const char *const names[] = { "gelu_new", "gelu_pytorch_tanh", "gelu_fast",
		                                 "gelu_accurate", "gelu_python_tanh" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct cbtm_error e = { 0 };
		struct model_config c;
		char json[512];
		snprintf(json, sizeof json, "{" GPT2 ",\"activation_function\":\"%s\"}", names[i]);
		assert_int_equal(read_config(state, json, &c, &e), 0);
	}
}

static void test_what_is_printed_reads_back(void **state)
{
	for (int a = 0; a < ARCHITECTURES; a++) {
		struct cbtm_error e = { 0 };
		struct buffer b = { 0 };
		struct model_config c = test_config, again;
		struct huggingface_ids ids = { 3, 2, 4 }, back;
		c.architecture = (enum architecture)a;
		assert_int_equal(huggingface_config_print(&c, &ids, &b, &e), 0);
		if (read_config(state, b.data, &again, &e))
			fail_msg("%s: %s", b.data, e.what);
		assert_int_equal(again.architecture, a);
		assert_int_equal(again.ffn, c.ffn);
		assert_int_equal(again.vocabulary, c.vocabulary);
		assert_int_equal(huggingface_ids(*state, &c, &back, &e), 0);
		assert_memory_equal(&back, &ids, sizeof ids);
		buffer_free(&b);
	}
}

/* As OPTConfig and GPT2Config read them: a key that is missing has a default, null is none. */
static void test_special_ids_are_read_as_transformers_does(void **state)
{
	static const struct {
		const char *json;
		struct huggingface_ids ids;
	} said[] = {
		{ "{" OPT "}", { 2, 2, 1 } },
		{ "{" GPT2 "}", { 50256, 50256, HUGGINGFACE_NO_ID } },
		{ "{" OPT ",\"bos_token_id\":0,\"eos_token_id\":[7,8],\"pad_token_id\":50271}",
		  { 0, 7, 50271 } },
		{ "{" OPT ",\"bos_token_id\":null,\"eos_token_id\":-1,\"pad_token_id\":null}",
		  { HUGGINGFACE_NO_ID, HUGGINGFACE_NO_ID, HUGGINGFACE_NO_ID } },
		{ "{" GPT2 ",\"bos_token_id\":50257,\"pad_token_id\":5}", { HUGGINGFACE_NO_ID, 50256, 5 } },
	};
	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
		struct cbtm_error e = { 0 };
		struct model_config c;
		struct huggingface_ids ids;
		assert_int_equal(read_config(state, said[i].json, &c, &e), 0);
		assert_int_equal(huggingface_ids(*state, &c, &ids, &e), 0);
		assert_memory_equal(&ids, &said[i].ids, sizeof ids);
	}
}

/* As torch.nn.Embedding(vocab_size, ..., padding_idx=pad_token_id) of OPT; GPT-2 has none. */
static void test_the_padding_is_that_of_opt(void **state)
{
	static const struct {
		const char *json;
		bool pads;
		uint64_t padding;
	} said[] = {
		{ "{" OPT "}", true, 1 },
		{ "{" OPT ",\"pad_token_id\":0}", true, 0 },
		{ "{" OPT ",\"pad_token_id\":50271}", true, 50271 },
		{ "{" OPT ",\"pad_token_id\":-1}", true, 50271 },
		{ "{" OPT ",\"pad_token_id\":-50272}", true, 0 },
		{ "{" OPT ",\"pad_token_id\":-50273}", false, 0 },
		{ "{" OPT ",\"pad_token_id\":-9223372036854775808}", false, 0 },
		{ "{" OPT ",\"pad_token_id\":50272}", false, 0 },
		{ "{" OPT ",\"pad_token_id\":null}", false, 0 },
		{ "{" GPT2 "}", false, 0 },
		{ "{" GPT2 ",\"pad_token_id\":5}", false, 0 },
	};
	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
		struct cbtm_error e = { 0 };
		struct model_config c;
		assert_int_equal(read_config(state, said[i].json, &c, &e), 0);
		if (c.pads != said[i].pads || c.padding != said[i].padding)
			fail_msg("%s: %d, %llu", said[i].json, c.pads, (unsigned long long)c.padding);
	}
}

/* Facts of a checkpoint, and what its export says: OPT's pad is the model's padding, here 4 or none. */
static void test_an_export_names_the_ids_that_were_imported(void **state)
{
	enum { NONE = HUGGINGFACE_NO_ID };
	static const struct {
		struct huggingface_ids imported;
		uint64_t eod, bos;
		struct huggingface_ids opt, gpt2;
		bool trained;
	} all[] = {
		{ { 0, 1, 4 }, 1, 0, { 0, 1, 4 }, { 0, 1, 4 }, false },
		{ { NONE, 1, NONE }, 1, NONE, { NONE, 1, NONE }, { NONE, 1, NONE }, false },
		{ { 3, NONE, 4 }, 1, 3, { 3, 1, 4 }, { 3, 1, 4 }, false },
		{ { 0 }, 2, 2, { 2, 2, NONE }, { 2, 2, NONE }, true },
		{ { 0 }, 2, NONE, { 2, 2, NONE }, { 2, 2, NONE }, true },
	};
	for (size_t i = 0; i < 2 * sizeof all / sizeof all[0]; i++) {
		struct cbtm_error e = { 0 };
		struct store_writer *w = NULL;
		struct store *s = NULL;
		struct huggingface_ids ids;
		struct model_config c = test_config;
		char dir[4200];
		snprintf(dir, sizeof dir, "%s/%zu", (char *)*state, i);
		c.architecture = i % 2 ? ARCHITECTURE_GPT2 : ARCHITECTURE_OPT;
		c.pads = c.architecture == ARCHITECTURE_OPT && all[i / 2].imported.pad == 4;
		c.padding = c.pads ? 4 : 0;
		store_create(dir, 0, store_kind_find("checkpoint"), (struct digest){ 1, 2 }, &w, &e);
		if (!all[i / 2].trained)
			huggingface_ids_keep(&all[i / 2].imported, w, &e);
		store_set_u64(w, "eod", all[i / 2].eod, &e);
		if (all[i / 2].bos != NONE)
			store_set_u64(w, "bos", all[i / 2].bos, &e);
		if (e.name || store_seal(w, &e) || store_open(dir, 0, NULL, &s, &e) ||
		    huggingface_ids_of(s, &c, &ids, &e))
			fail_msg("%s: %s", e.where, e.what);
		assert_memory_equal(&ids, i % 2 ? &all[i / 2].gpt2 : &all[i / 2].opt, sizeof ids);
		store_close(s);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_published_configurations_are_read),
		TEST(test_what_the_model_cannot_be_is_refused_by_key),
		TEST(test_the_same_activation_has_several_names),
		TEST(test_what_is_printed_reads_back),
		TEST(test_special_ids_are_read_as_transformers_does),
		TEST(test_the_padding_is_that_of_opt),
		TEST(test_an_export_names_the_ids_that_were_imported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
