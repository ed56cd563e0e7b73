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
	  "vocabulary.size" },
	{ "{\"model_type\":\"gpt2\",\"vocab_size\":9,\"n_positions\":4,\"n_layer\":1,\"n_embd\":4,"
	  "\"n_head\":3}",
	  "heads" },
	{ "{\"model_type\":\"gpt2\",\"vocab_size\":9,\"n_positions\":4,\"n_layer\":1,"
	  "\"n_embd\":9223372036854775807,\"n_head\":1}",
	  "is not between" },
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

static void test_what_is_printed_reads_back(void **state)
{
	for (int a = 0; a < ARCHITECTURES; a++) {
		struct cbtm_error e = { 0 };
		struct buffer b = { 0 };
		struct model_config c = test_config, again;
		c.architecture = (enum architecture)a;
		assert_int_equal(huggingface_config_print(&c, 2, 3, &b, &e), 0);
		if (read_config(state, b.data, &again, &e))
			fail_msg("%s: %s", b.data, e.what);
		assert_int_equal(again.architecture, a);
		assert_int_equal(again.ffn, c.ffn);
		assert_int_equal(again.vocabulary, c.vocabulary);
		assert_non_null(strstr(b.data, "\"eos_token_id\":2"));
		buffer_free(&b);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_published_configurations_are_read),
		TEST(test_what_the_model_cannot_be_is_refused_by_key),
		TEST(test_what_is_printed_reads_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
