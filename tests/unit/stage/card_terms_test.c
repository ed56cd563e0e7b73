/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "stage/card_terms.h"
#include <string.h>

/* A state that is nothing but names; the weight of feature i is the i-th number of the vector. */
static const char *const names[] = { "pear", "apple", "fig", "nut", NULL };

static size_t features(const void *state)
{
	return *(const size_t *)state;
}

static const char *feature(const void *state, size_t index, const float *vector, double *weight)
{
	(void)state;
	*weight = (double)vector[index];
	return names[index];
}

static const struct cbtm_embed embed = { .plugin = { .name = "names" },
	                                     .features = features,
	                                     .feature = feature };

static void test_the_heaviest_features_come_first(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	size_t n = 4, terms[2];
	struct card_term term[2 * 3];
	const float centre[] = { 1, 1, 3, 0.5F, /**/ -1, 0, 0, 2 };
	assert_int_equal(card_terms_rank(&embed, &n, centre, 2, 4, 3, term, terms, &e), 0);
	assert_int_equal(terms[0], 3);
	assert_string_equal(term[0].name, "fig");
	assert_string_equal(term[1].name, "apple"); /* a tie: by name */
	assert_string_equal(term[2].name, "pear");
	assert_true(term[0].weight == 3);
	assert_int_equal(terms[1], 1); /* what weighs nothing or less says nothing */
	assert_string_equal(term[3].name, "nut");
	assert_int_equal(card_terms_rank(&embed, &n, centre, 2, 4, 0, term, terms, &e), 0);
	assert_int_equal(terms[0], 0);
}

static void test_a_feature_without_a_name_is_the_plugins_error(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	size_t n = 5, terms[1];
	struct card_term term[3];
	const float centre[] = { 1, 1, 1, 1, 1 };
	assert_int_equal(card_terms_rank(&embed, &n, centre, 1, 5, 3, term, terms, &e),
	                 CBTM_ERR_PLUGIN);
	assert_string_equal(e.where, "names");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_heaviest_features_come_first),
		cmocka_unit_test(test_a_feature_without_a_name_is_the_plugins_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
