/* SPDX-License-Identifier: MIT */
#include "ensemble/held_out.h"
#include "ensemble/small.h"
#include "scratch.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const size_t symbol_size[SMALL_VOCABULARY] = { 0, 1, 1, 1, 2 };
static const struct mixture mixtures[] = { { MIXTURE_EXPERT, 0, 0, SMALL_K },
	                                       { MIXTURE_ORACLE, 0, 0, 0 } };

/* Writes the stores and evaluates them; *v is freed by the caller. */
static int evaluate(void **state, size_t k, const struct small_options *o, struct evaluation **v,
                    struct cbtm_error *e)
{
	static const double share[SMALL_K] = { 1, 0, 0 };
	struct small_system s;
	small_write(*state, k, o);
	small_open(*state, k, &s);
	struct held_out h = { s.datasets.tokens, s.datasets.assignments, s.score, k + 1,
		                  symbol_size,       SMALL_VOCABULARY };
	struct evaluation_setup setup = { .router = { NULL, share, k, 0 },
		                              .mixtures = mixtures,
		                              .n_mixtures = k > 1 ? 2 : 0 };
	*v = evaluation_new(&setup, e);
	assert_non_null(*v);
	int status = held_out_evaluate(&h, *v, e);
	small_close(&s);
	return status;
}

static void check(const struct evaluation *v, const struct small_options *o)
{
	size_t n = 0;
	uint64_t done[SPLIT_COUNT] = { 0 };
	for (uint64_t i = 0; i < SMALL_DOCUMENTS; i++) {
		uint64_t key, tokens, bytes, want = 0;
		enum split split;
		uint32_t cluster, of = small_split(o, i);
		if (of < SPLIT_VALID || (o->documents && done[of]++ >= o->documents))
			continue;
		double seed = 0, oracle = 0;
		for (uint64_t t = 0; t < small_positions(i); t++) {
			seed -= small_logprob(SMALL_K, i, t);
			oracle -= small_logprob(small_cluster(i), i, t);
			want += t < small_length(i) ? symbol_size[small_id(i, t)] : 0;
		}
		evaluation_document(v, n, &key, &split, &cluster, &tokens, &bytes);
		assert_int_equal(key, small_key(i));
		assert_int_equal(split, of);
		assert_int_equal(cluster, small_cluster(i));
		assert_int_equal(tokens, small_positions(i));
		assert_int_equal(bytes, want);
		small_near(evaluation_nll(v, 0, n), seed, 1e-12);
		small_near(evaluation_nll(v, 1, n), oracle, 1e-12);
		n++;
	}
	assert_int_equal(evaluation_documents(v), n);
}

static void test_every_held_out_document_meets_its_scores(void **state)
{
	struct cbtm_error e = { 0 };
	struct evaluation *v;
	struct small_options o = { 0 };
	small_ok(evaluate(state, SMALL_K, &o, &v, &e), &e);
	check(v, &o);
	evaluation_free(v);
}

/* Document 22 is of valid, 23 of test, and they share a key: with a limit only one is scored. */
static void test_a_limit_leaves_documents_out(void **state)
{
	struct cbtm_error e = { 0 };
	struct evaluation *v;
	struct small_options o = { .documents = 4 };
	small_ok(evaluate(state, SMALL_K, &o, &v, &e), &e);
	check(v, &o);
	evaluation_free(v);
}

static void test_one_cluster_needs_no_assignments(void **state)
{
	struct cbtm_error e = { 0 };
	struct evaluation *v;
	small_ok(evaluate(state, 1, NULL, &v, &e), &e);
	assert_int_equal(evaluation_documents(v), 12);
	evaluation_free(v);
}

static void test_scores_of_another_document_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct evaluation *v;
	struct small_options o = { .other_document = true };
	small_refused(evaluate(state, SMALL_K, &o, &v, &e), CBTM_ERR_BAD_DATA, "row 0", &e);
	assert_non_null(strstr(e.where, "scores-2"));
	evaluation_free(v);
}

static void test_a_cluster_without_expert_is_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct evaluation *v;
	struct small_options o = { .bad_cluster = SMALL_K };
	small_refused(evaluate(state, SMALL_K, &o, &v, &e), CBTM_ERR_BAD_DATA, "cluster 3", &e);
	assert_non_null(strstr(e.where, "assignments"));
	evaluation_free(v);
}

static void test_shares_are_of_branch_tokens(void **state)
{
	struct cbtm_error e = { 0 };
	struct small_system s;
	double share[SMALL_K], want[SMALL_K] = { 0 }, all = 0;
	small_write(*state, SMALL_K, NULL);
	small_open(*state, SMALL_K, &s);
	struct held_out h = { .tokens = s.datasets.tokens, .assignments = s.datasets.assignments };
	small_ok(held_out_shares(&h, SMALL_K, share, &e), &e);
	for (uint64_t i = SPLIT_BRANCH; i < SMALL_DOCUMENTS; i += 4) {
		want[small_cluster(i)] += (double)small_length(i);
		all += (double)small_length(i);
	}
	for (int j = 0; j < SMALL_K; j++)
		small_near(share[j], want[j] / all, 1e-12);
	h.assignments = NULL;
	small_ok(held_out_shares(&h, 1, share, &e), &e);
	assert_true(share[0] == 1);
	small_close(&s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_held_out_document_meets_its_scores),
		TEST(test_a_limit_leaves_documents_out),
		TEST(test_one_cluster_needs_no_assignments),
		TEST(test_scores_of_another_document_are_refused),
		TEST(test_a_cluster_without_expert_is_refused),
		TEST(test_shares_are_of_branch_tokens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
