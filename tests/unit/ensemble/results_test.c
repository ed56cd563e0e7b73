/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "ensemble/results.h"
#include "ensemble/small.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { K = 2, DOCUMENTS = 6 };

static const double share[K] = { 0.5, 0.5 };
static const struct results_model seed = { 6000, 100, 42, -1 };
static const struct results_model experts[K] = { { 1000, 10, 42, 0.5 }, { 1100, 11, 42, 0.75 } };
static const struct results_facts facts = { K, seed, experts, share, "truncate", 3, 1 };

/* Losses in nats; documents 0 and 1 are of valid; expert 1 is best on both clusters. */
static const float loss[K + 1][DOCUMENTS] = { { -2, -2, -2, -2, -2, -2 },
	                                          { -1, -1, -1, -1, -1, -1 },
	                                          { -4, -4, -4, -4, -4, -4 } };
static struct mixture_plan plan;
static struct evaluation *v;

static int make(void **state)
{
	(void)state;
	static const double temperature[] = { 0.1 };
	static const uint64_t top_k[] = { 1 };
	static const uint32_t ids[] = { 0 };
	static const char *const symbol[] = { "abc" };
	static const size_t symbol_size[] = { 3 };
	static const float *pointer[DOCUMENTS][K + 1];
	struct cbtm_error e = { 0 };
	plan_make(K, temperature, 1, top_k, 1, &plan, &e);
	struct evaluation_setup setup = { .router = { NULL, share, K, 0 },
		                              .symbol = symbol,
		                              .symbol_size = symbol_size,
		                              .route_every = 1,
		                              .mixtures = plan.mixtures,
		                              .n_mixtures = plan.n };
	v = evaluation_new(&setup, &e);
	for (uint64_t i = 0; i < DOCUMENTS; i++) {
		for (int m = 0; m <= K; m++)
			pointer[i][m] = &loss[m][i];
		struct evaluation_document d = { .key = 0xabc0 + i,
			                             .split = i < 2 ? SPLIT_VALID : SPLIT_TEST,
			                             .cluster = i == 5,
			                             .bytes = 3,
			                             .ids = ids,
			                             .positions = 1,
			                             .logprob = pointer[i] };
		evaluation_add(v, &d, 1, &e);
	}
	small_ok(0, &e);
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	evaluation_free(v);
	plan_free(&plan);
	return 0;
}

static struct buffer text;
static struct json_parser *parser;
static struct json root;

static int write_results(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	parser = json_parser_new(&e);
	small_ok(results_write(&plan, v, &facts, &text, &e), &e);
	small_ok(json_parse(parser, text.data, text.n, "results", &root, &e), &e);
	return 0;
}

static int forget_results(void **state)
{
	(void)state;
	json_parser_free(parser);
	buffer_free(&text);
	return 0;
}

static struct json member(struct json object, const char *name)
{
	struct json m;
	if (!json_member(object, name, &m))
		fail_msg("no %s", name);
	return m;
}

static struct json item(struct json list, size_t index)
{
	struct json one = { 0 };
	size_t cursor = 0;
	for (size_t i = 0; i <= index; i++)
		assert_true(json_next(list, &cursor, NULL, NULL, &one));
	return one;
}

static double number(struct json object, const char *name)
{
	double x;
	assert_true(json_f64(member(object, name), &x));
	return x;
}

static void assert_text(struct json object, const char *name, const char *want)
{
	const char *s;
	size_t n;
	assert_true(json_string(member(object, name), &s, &n));
	assert_int_equal(n, strlen(want));
	assert_memory_equal(s, want, n);
}

static void test_what_was_seen_is_told(void **state)
{
	(void)state;
	assert_true(number(root, "clusters") == K);
	assert_text(root, "window", "truncate");
	assert_true(number(root, "length") == 3 && number(root, "route_every") == 1);
	assert_true(number(member(root, "seed"), "tokens") == 6000);
	assert_int_equal(json_type(member(member(root, "seed"), "passes")), JSON_NULL);
	struct json expert = item(member(root, "experts"), 1);
	assert_true(number(expert, "tokens") == 1100 && number(expert, "steps") == 11);
	assert_true(number(expert, "parameters") == 42 && number(expert, "passes") == 0.75);
	struct json test = member(member(root, "held_out"), "test");
	assert_true(number(test, "documents") == 4 && number(test, "tokens") == 4 &&
	            number(test, "bytes") == 12);
}

static void test_every_mixture_has_its_losses(void **state)
{
	(void)state;
	static const char *const modes[] = { "seed",  "expert", "expert",  "uniform",
		                                 "bayes", "oracle", "context", "context" };
	struct json mixtures = member(root, "mixtures");
	assert_int_equal(json_count(mixtures), 8);
	for (size_t i = 0; i < 8; i++)
		assert_text(item(mixtures, i), "mode", modes[i]);
	struct json uniform = member(item(mixtures, 3), "test");
	small_near(number(uniform, "perplexity"), 2 / (exp(-2) + exp(-1)), 1e-12);
	small_near(number(uniform, "nll"), -4 * log((exp(-2) + exp(-1)) / 2), 1e-12);
	small_near(number(uniform, "bits_per_byte"), -log2((exp(-2) + exp(-1)) / 2) / 3, 1e-12);
	struct json oracle = item(mixtures, 5);
	small_near(number(member(oracle, "test"), "perplexity"), exp(7.0 / 4), 1e-12);
	struct json first = item(member(oracle, "test_by_position"), 0);
	assert_true(number(first, "from") == 0 && number(first, "tokens") == 4);
	assert_int_equal(json_count(member(oracle, "test_by_position")), 1);
	assert_true(number(item(mixtures, 6), "top_k") == 1 &&
	            number(item(mixtures, 6), "temperature") == 0.1);
	assert_true(number(item(mixtures, 7), "top_k") == K);
}

/* No words here: the shares tie, so top-1 takes expert 0, and the mean of both is better. */
static void test_valid_chose_the_answer(void **state)
{
	(void)state;
	assert_text(root, "chosen_on", "valid");
	assert_true(number(root, "answer") == 7);
	struct json chosen = member(root, "chosen");
	assert_int_equal(json_count(chosen), 2);
	assert_true(number(item(chosen, 0), "top_k") == 1 && number(item(chosen, 0), "mixture") == 6);
	assert_true(number(item(chosen, 1), "top_k") == K && number(item(chosen, 1), "mixture") == 7);
}

static void test_the_matrix_is_experts_by_clusters(void **state)
{
	(void)state;
	struct json matrix = member(root, "matrix");
	assert_int_equal(json_count(matrix), K);
	for (size_t i = 0; i < K; i++)
		for (size_t j = 0; j < K; j++) {
			double x;
			assert_true(json_f64(item(item(matrix, i), j), &x));
			small_near(x, exp(-loss[i][0]), 1e-12);
		}
	assert_true(number(root, "own_best") == 1);
	struct json sizes = member(root, "test_by_cluster");
	assert_true(number(item(sizes, 0), "documents") == 3 && number(item(sizes, 1), "tokens") == 1);
}

static void test_test_documents_are_those_of_the_answer(void **state)
{
	(void)state;
	struct json list = member(root, "test_documents");
	double sum = 0;
	assert_int_equal(json_count(list), 4);
	for (size_t i = 0; i < 4; i++)
		sum += number(item(list, i), "nll");
	small_near(sum, number(member(item(member(root, "mixtures"), 7), "test"), "nll"), 1e-12);
	assert_text(item(list, 0), "key", "000000000000abc2");
	assert_true(number(item(list, 3), "cluster") == 1 && number(item(list, 3), "tokens") == 1);
	assert_true(number(item(list, 3), "bytes") == 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, write_results, forget_results)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_was_seen_is_told),
		TEST(test_every_mixture_has_its_losses),
		TEST(test_valid_chose_the_answer),
		TEST(test_the_matrix_is_experts_by_clusters),
		TEST(test_test_documents_are_those_of_the_answer),
	};
	return cmocka_run_group_tests(tests, make, unmake);
}
