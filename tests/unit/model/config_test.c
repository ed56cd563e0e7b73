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
	struct model_config c, gpt2 = test_config;
	gpt2.architecture = ARCHITECTURE_GPT2;
	const struct model_config *both[] = { &test_config, &gpt2 };
	for (int i = 0; i < 2; i++) {
		memset(&c, 0, sizeof c);
		assert_int_equal(model_config_print(both[i], &b, &e), 0);
		assert_int_equal(model_config_parse(b.data, "here", &c, &e), 0);
		assert_memory_equal(&c, both[i], sizeof c);
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

static void test_the_number_of_parameters_is_that_of_the_tensors(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	size_t n;
	uint64_t sum = 0;
	struct parameter *p = parameters_make(&test_config, &n, &e);
	for (size_t i = 0; i < n; i++)
		sum += parameter_elements(&p[i]);
	assert_int_equal(sum, model_config_parameters(&test_config));
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_description_reads_back),
		cmocka_unit_test(test_an_unknown_architecture_is_named),
		cmocka_unit_test(test_heads_must_divide_the_width),
		cmocka_unit_test(test_sizes_that_would_overflow_are_refused),
		cmocka_unit_test(test_a_damaged_description_is_named),
		cmocka_unit_test(test_the_number_of_parameters_is_that_of_the_tensors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
