/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "model/footprint.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct model_config small = {
	.vocabulary = 1000, .length = 64, .layers = 4, .width = 32, .heads = 2, .ffn = 128
};

static struct footprint of(const struct model_config *c, struct emit_how how)
{
	struct cbtm_error e = { 0 };
	struct footprint f;

	if (footprint_make(c, &how, &f, &e))
		fail_msg("%s: %s", e.where, e.what);
	return f;
}

static void test_parameters_gradients_and_moments_are_counted(void **state)
{
	struct footprint train =
		of(&small, (struct emit_how){ .batch = 2, .length = 64, .train = true });
	struct footprint score = of(&small, (struct emit_how){ .batch = 2, .length = 64 });

	(void)state;
	assert_int_equal(train.parameters, model_config_parameters(&small));
	assert_int_equal(train.fixed, 16 * train.parameters);
	assert_int_equal(score.parameters, train.parameters);
	assert_int_equal(score.fixed, 4 * train.parameters);
}

static void
test_activations_grow_with_the_batch_and_are_not_all_kept_where_nothing_is_trained(void **state)
{
	struct emit_how how = { .batch = 1, .length = 64, .train = true };
	uint64_t one = of(&small, how).moving, eight, score;
	struct model_config deep = small;

	(void)state;
	how.batch = 8;
	eight = of(&small, how).moving;
	assert_true(eight > 7 * one && eight < 9 * one);
	how.train = false;
	score = of(&small, how).moving;
	assert_true(score < eight / 2);
	deep.layers = 8;
	assert_true(of(&deep, how).moving == score);
}

static void test_a_layer_computed_again_is_not_kept(void **state)
{
	struct emit_how how = { .batch = 8, .length = 64, .train = true };
	uint64_t all = of(&small, how).moving;

	(void)state;
	how.checkpointing = true;
	assert_true(of(&small, how).moving < all * 2 / 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameters_gradients_and_moments_are_counted),
		cmocka_unit_test(
			test_activations_grow_with_the_batch_and_are_not_all_kept_where_nothing_is_trained),
		cmocka_unit_test(test_a_layer_computed_again_is_not_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
