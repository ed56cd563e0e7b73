/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "ensemble/report_view.h"
#include "ensemble/small.h"
#include "ensemble/system.h"
#include "scratch.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct json_parser *parser;

/* Evaluates the small system; the view dies with the next call. */
static struct report_view evaluated(void **state, size_t k, const struct small_options *o)
{
	struct cbtm_error e = { 0 };
	struct buffer json = { 0 };
	struct small_system s;
	struct report_view view = { .name = "small" };
	small_write(*state, k, o);
	small_open(*state, k, &s);
	small_ok(system_evaluate(&s.datasets, &json, &e), &e);
	json_parser_free(parser);
	parser = json_parser_new(&e);
	small_ok(json_parse(parser, json.data, json.n, "results", &view.root, &e), &e);
	buffer_free(&json);
	small_close(&s);
	return view;
}

static double test_loss(const struct report_view *view, const char *mode, size_t top_k, double t)
{
	struct json mixture, test;
	assert_true(view_mixture(view, mode, top_k, t, &mixture));
	assert_true(json_member(mixture, "test", &test));
	return view_number(test, "nll");
}

static double seed_loss(uint64_t model)
{
	double nll = 0;
	for (uint64_t i = SPLIT_TEST; i < SMALL_DOCUMENTS; i += 4)
		for (uint64_t t = 0; t < small_positions(i); t++)
			nll -= small_logprob(model, i, t);
	return nll;
}

/* p = sum_j w_j p_j by the counts of 'a' and 'b' before t; the clusters' shares before the first. */
static double routed_loss(double temperature)
{
	static const float centre[SMALL_K][2] = { { 1, 0 }, { 0, 1 }, { 0.6f, 0.8f } };
	static const char *const symbol[] = { "", "a", "b", " ", "ab" };
	double nll = 0, share[SMALL_K] = { 0 };
	for (uint64_t i = SPLIT_BRANCH; i < SMALL_DOCUMENTS; i += 4)
		share[small_cluster(i)] += (double)small_length(i);
	for (uint64_t i = SPLIT_TEST; i < SMALL_DOCUMENTS; i += 4) {
		double count[2] = { 0, 0 };
		for (uint64_t t = 0; t < small_positions(i); t++) {
			double norm = hypot(count[0], count[1]), p = 0, sum = 0;
			for (int j = 0; j < SMALL_K; j++) {
				double x = count[0] / norm - centre[j][0], y = count[1] / norm - centre[j][1];
				double w = norm > 0 ? exp(-(x * x + y * y) / temperature) : share[j];
				p += w * exp(small_logprob((uint64_t)j, i, t));
				sum += w;
			}
			nll -= log(p / sum);
			for (const char *c = t < small_length(i) ? symbol[small_id(i, t)] : ""; *c; c++)
				if (*c != ' ')
					count[*c == 'b']++;
		}
	}
	return nll;
}

static void test_a_system_is_evaluated_from_its_stores(void **state)
{
	struct report_view view = evaluated(state, SMALL_K, NULL);
	small_near(test_loss(&view, "seed", 0, 0), seed_loss(SMALL_K), 1e-9);
	small_near(test_loss(&view, "context", SMALL_K, 0.5), routed_loss(0.5), 1e-6);
	small_near(test_loss(&view, "context", SMALL_K, 2), routed_loss(2), 1e-6);
	assert_true(view_number(view.root, "own_best") == SMALL_K);
	struct json seed;
	assert_true(json_member(view.root, "seed", &seed));
	assert_true(view_number(seed, "steps") == 10 + SMALL_K);
	assert_true(view_number(seed, "parameters") == 9 * 2 + (18 + 6 + 24 + 18 + 8) + 4);
	double least, most, sum;
	assert_true(view_experts(&view, "tokens", &least, &most, &sum));
	assert_true(least == 1000 && most == 1200 && sum == 3300);
}

static void test_dense_is_one_expert(void **state)
{
	struct report_view view = evaluated(state, 1, NULL);
	small_near(test_loss(&view, "expert", 0, 0), seed_loss(0), 1e-9);
	small_near(test_loss(&view, NULL, 0, 0), seed_loss(0), 1e-9);
	struct json mixtures;
	assert_true(json_member(view.root, "mixtures", &mixtures));
	assert_int_equal(json_count(mixtures), 2);
}

static void test_without_valid_nothing_is_chosen(void **state)
{
	struct report_view view =
		evaluated(state, SMALL_K, &(struct small_options){ .without_valid = true });
	struct json on, mixture;
	assert_true(json_member(view.root, "chosen_on", &on));
	assert_int_equal(json_type(on), JSON_NULL);
	assert_true(view_mixture(&view, NULL, 0, 0, &mixture));
	assert_true(view_number(mixture, "top_k") == SMALL_K);
	assert_true(view_number(mixture, "temperature") == 0.5);
}

static int refused(void **state, struct small_system *s, struct cbtm_error *e)
{
	struct buffer json = { 0 };
	(void)state;
	int status = system_evaluate(&s->datasets, &json, e);
	assert_int_equal(json.n, 0);
	buffer_free(&json);
	return status;
}

static void test_experts_without_centres_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct small_system s;
	small_write(*state, SMALL_K, NULL);
	small_open(*state, SMALL_K, &s);
	struct dataset *centres = s.datasets.centres;
	s.datasets.centres = NULL;
	small_refused(refused(state, &s, &e), CBTM_ERR_USAGE, "need an embedder, centres", &e);
	s.datasets.centres = s.datasets.assignments;
	e = (struct cbtm_error){ 0 };
	small_refused(refused(state, &s, &e), CBTM_ERR_BAD_DATA, "centres of 3 clusters", &e);
	s.datasets.centres = centres;
	small_close(&s);
}

static size_t three_dims(const void *state)
{
	(void)state;
	return 3;
}

static void test_an_embedder_of_other_dimensions_is_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct small_system s;
	struct cbtm_embed other = small_embed;
	other.dims = three_dims;
	small_write(*state, SMALL_K, NULL);
	small_open(*state, SMALL_K, &s);
	s.datasets.embed = &other;
	small_refused(refused(state, &s, &e), CBTM_ERR_BAD_DATA, "2 dimensions, the embedder 3", &e);
	small_close(&s);
}

static int last(void **state)
{
	(void)state;
	json_parser_free(parser);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_system_is_evaluated_from_its_stores),
		TEST(test_dense_is_one_expert),
		TEST(test_without_valid_nothing_is_chosen),
		TEST(test_experts_without_centres_are_refused),
		TEST(test_an_embedder_of_other_dimensions_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, last);
}
