/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "model/compute_help.h"
#include "model/config.h"
#include "model/parameter.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_a_description_reads_back(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	struct model_config c, gpt2 = test_config, mixture = test_config, padded = test_config;
	gpt2.architecture = ARCHITECTURE_GPT2;
	mixture.moe = (struct moe_config){ 8, 2, 2 };
	padded.pads = true;
	padded.padding = 36;
	const struct model_config *all[] = { &test_config, &gpt2, &mixture, &padded };
	for (int i = 0; i < 4; i++) {
		memset(&c, 0, sizeof c);
		assert_int_equal(model_config_print(all[i], &b, &e), 0);
		assert_int_equal(model_config_parse(b.data, "here", &c, &e), 0);
		assert_memory_equal(&c, all[i], sizeof c);
		buffer_free(&b);
	}
}

static void test_an_unknown_architecture_is_named(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct model_config c;
	assert_int_equal(model_config_parse("{\"architecture\":\"llama\"}", "seed/part", &c, &e),
	                 CBTM_ERR_BAD_STORE);
	assert_non_null(strstr(e.what, "llama"));
}

static void test_heads_must_divide_the_width(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct model_config c = test_config;
	c.heads = 3;
	assert_int_equal(model_config_check(&c, &e), CBTM_ERR_CONFIG);
	assert_string_equal(e.where, "model.heads");
}

static void test_a_padding_that_is_no_id_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct model_config c = test_config;
	c.pads = true;
	c.padding = c.vocabulary;
	assert_int_equal(model_config_check(&c, &e), CBTM_ERR_CONFIG);
	assert_string_equal(e.where, "model.padding");
}

static void test_sizes_that_would_overflow_are_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct model_config c = test_config;
	c.width = UINT64_C(1) << 40;
	assert_int_equal(model_config_check(&c, &e), CBTM_ERR_CONFIG);
	assert_string_equal(e.where, "model.width");
}

static void test_a_damaged_description_is_named(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 }, f = { 0 };
	struct model_config c;
	assert_int_equal(model_config_parse("{\"layers\":2}", "seed/part", &c, &e), CBTM_ERR_BAD_STORE);
	assert_string_equal(e.where, "seed/part");
	assert_true(model_config_parse("{", "seed/part", &c, &f) != 0);
}

/* What a store says of experts is checked before anything is made of it. */
static void test_a_mixture_that_cannot_be_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *moe, *where;
	} cases[] = { { "{\"experts\":4,\"every\":2}", "seed/part" },
		          { "{\"experts\":0,\"every\":2,\"top_k\":2}", "seed/part" },
		          { "[4,2,2]", "seed/part" },
		          { "{\"experts\":-4,\"every\":2,\"top_k\":2}", "seed/part" },
		          { "{\"experts\":1000000000,\"every\":2,\"top_k\":2}", "moe.experts" },
		          { "{\"experts\":4,\"every\":0,\"top_k\":2}", "moe.every" },
		          { "{\"experts\":4,\"every\":3,\"top_k\":2}", "moe.every" },
		          { "{\"experts\":4,\"every\":2,\"top_k\":1}", "moe.top_k" },
		          { "{\"experts\":4,\"every\":2,\"top_k\":5}", "moe.top_k" } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cbtm_error e = { 0 };
		struct model_config c;
		char json[256];
		snprintf(
			json, sizeof json,
			"{\"architecture\":\"opt\",\"vocabulary\":37,\"length\":12,\"layers\":2,\"width\":8,"
			"\"heads\":2,\"ffn\":20,\"moe\":%s}",
			cases[i].moe);
		assert_int_not_equal(model_config_parse(json, "seed/part", &c, &e), 0);
		assert_string_equal(e.where, cases[i].where);
	}
}

static void test_the_number_of_parameters_is_that_of_the_tensors(void **state)
{
	(void)state;
	for (uint64_t every = 0; every < 3; every++) {
		struct cbtm_error e = { 0 };
		struct model_config c = test_config;
		size_t n;
		uint64_t sum = 0, active = 0;
		c.moe = (struct moe_config){ every ? 5 : 0, every, 2 };
		struct parameter *p = parameters_make(&c, &n, &e);
		for (size_t i = 0; i < n; i++) {
			sum += parameter_elements(&p[i]);
			active += parameter_elements(&p[i]) / (p[i].grouped ? 5 : 1) * (p[i].grouped ? 2 : 1);
		}
		assert_int_equal(sum, model_config_parameters(&c));
		assert_int_equal(active, model_config_active(&c));
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_description_reads_back),
		cmocka_unit_test(test_an_unknown_architecture_is_named),
		cmocka_unit_test(test_heads_must_divide_the_width),
		cmocka_unit_test(test_a_padding_that_is_no_id_is_refused),
		cmocka_unit_test(test_sizes_that_would_overflow_are_refused),
		cmocka_unit_test(test_a_damaged_description_is_named),
		cmocka_unit_test(test_a_mixture_that_cannot_be_is_refused),
		cmocka_unit_test(test_the_number_of_parameters_is_that_of_the_tensors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
