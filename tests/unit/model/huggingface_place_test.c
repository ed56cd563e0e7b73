/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "model/compute_help.h"
#include "model/huggingface.h"
#include "model/parameter.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_every_parameter_has_its_place(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	size_t n;
	struct parameter *p = parameters_make(&test_config, &n, &e);
	for (int a = 0; a < ARCHITECTURES; a++)
		for (size_t i = 0; i < n; i++) {
			struct huggingface_place place;
			if (huggingface_place((enum architecture)a, huggingface_prefixes[a][0], p[i].name,
			                      &place, &e))
				fail_msg("%s", e.where);
			assert_in_range(place.sources, 1, HUGGINGFACE_SOURCES);
		}
	free(p);
}

static void test_places_are_as_transformers_names_them(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct huggingface_place place;
	huggingface_place(ARCHITECTURE_OPT, "decoder.", "layer.11.attention.qkv.bias", &place, &e);
	assert_int_equal(place.sources, 3);
	assert_string_equal(place.name[2], "decoder.layers.11.self_attn.v_proj.bias");
	assert_false(place.transposed);
	huggingface_place(ARCHITECTURE_OPT, "model.decoder.", "position", &place, &e);
	assert_int_equal(place.skip, 2);
	huggingface_place(ARCHITECTURE_GPT2, "transformer.", "layer.0.ffn.in.weight", &place, &e);
	assert_string_equal(place.name[0], "transformer.h.0.mlp.c_fc.weight");
	assert_true(place.transposed);
	assert_int_equal(e.name, 0);
	assert_int_equal(huggingface_place(ARCHITECTURE_OPT, "", "layer.0.nonsense", &place, &e),
	                 CBTM_ERR_INTERNAL);
}

static void test_masks_are_no_parameters(void **state)
{
	(void)state;
	assert_true(huggingface_is_buffer(ARCHITECTURE_GPT2, "h.12.attn.bias"));
	assert_true(huggingface_is_buffer(ARCHITECTURE_GPT2, "h.0.attn.masked_bias"));
	assert_false(huggingface_is_buffer(ARCHITECTURE_GPT2, "h.0.attn.c_attn.bias"));
	assert_false(huggingface_is_buffer(ARCHITECTURE_GPT2, "h."));
	assert_false(huggingface_is_buffer(ARCHITECTURE_GPT2, ""));
	assert_false(huggingface_is_buffer(ARCHITECTURE_OPT, "h.0.attn.bias"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_parameter_has_its_place),
		cmocka_unit_test(test_places_are_as_transformers_names_them),
		cmocka_unit_test(test_masks_are_no_parameters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
