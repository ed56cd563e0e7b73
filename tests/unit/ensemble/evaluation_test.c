/* SPDX-License-Identifier: MIT */
#include "base/pool.h"
#include "ensemble/evaluation.h"
#include "ensemble/small.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { K = SMALL_K, MIXTURES = 5 };

static const float centre[K * 2] = { 1, 0, 0, 1, 0.6f, 0.8f };
static const double share[K] = { 0.5, 0.25, 0.25 };
static const char *const symbol[SMALL_VOCABULARY] = { "", "a", "b", " ", "ab" };
static const size_t symbol_size[SMALL_VOCABULARY] = { 0, 1, 1, 1, 2 };
static const struct mixture mixtures[MIXTURES] = { { MIXTURE_EXPERT, 0, 0, K },
	                                               { MIXTURE_EXPERT, 0, 0, 1 },
	                                               { MIXTURE_CONTEXT, 0.5, 2, 0 },
	                                               { MIXTURE_BAYES, 0, 0, 0 },
	                                               { MIXTURE_ORACLE, 0, 0, 0 } };

/* Documents of valid and test, as the stores would give them; long ones too. */
enum { DOCUMENTS = 40, LONGEST = 200 };
static uint32_t ids[DOCUMENTS][LONGEST];
static float logprob[DOCUMENTS][K + 1][LONGEST];
static const float *pointer[DOCUMENTS][K + 1];
static struct evaluation_document documents[DOCUMENTS];

static int make_documents(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < DOCUMENTS; i++) {
		size_t positions = i % 9 == 8 ? LONGEST : 1 + i;
		for (uint64_t t = 0; t < positions; t++) {
			ids[i][t] = small_id(i, t);
			for (uint64_t m = 0; m <= K; m++)
				logprob[i][m][t] = small_logprob(m, i, t);
		}
		for (int m = 0; m <= K; m++)
			pointer[i][m] = logprob[i][m];
		documents[i] = (struct evaluation_document){ .key = i,
			                                         .split = i % 3 ? SPLIT_TEST : SPLIT_VALID,
			                                         .cluster = (uint32_t)(i / 2 % K),
			                                         .bytes = 10 + i,
			                                         .ids = ids[i],
			                                         .positions = positions,
			                                         .logprob = pointer[i] };
	}
	return 0;
}

static struct evaluation *evaluated(struct pool *pool, size_t batch)
{
	struct cbtm_error e = { 0 };
	struct evaluation_setup setup = { .router = { centre, share, K, 2 },
		                              .embed = &small_embed,
		                              .symbol = symbol,
		                              .symbol_size = symbol_size,
		                              .route_every = 1,
		                              .mixtures = mixtures,
		                              .n_mixtures = MIXTURES,
		                              .pool = pool };
	struct evaluation *v = evaluation_new(&setup, &e);
	assert_non_null(v);
	for (size_t i = 0; i < DOCUMENTS; i += batch)
		small_ok(
			evaluation_add(v, documents + i, DOCUMENTS - i < batch ? DOCUMENTS - i : batch, &e),
			&e);
	return v;
}

/* By hand: distances of the counts of 'a' and 'b', weights of the two nearest centres. */
static double context_loss(const struct evaluation_document *d)
{
	double count[2] = { 0, 0 }, nll = 0;
	for (size_t t = 0; t < d->positions; t++) {
		double w[K], p = 0, sum = 0;
		for (int j = 0; j < K; j++) {
			double norm = sqrt(count[0] * count[0] + count[1] * count[1]);
			double x = count[0] / norm - centre[2 * j], y = count[1] / norm - centre[2 * j + 1];
			w[j] = norm > 0 ? exp(-(x * x + y * y) / 0.5) : share[j];
		}
		int least = 0;
		for (int j = 1; j < K; j++) /* the last of the smallest leaves */
			least = w[j] <= w[least] ? j : least;
		w[least] = 0;
		for (int j = 0; j < K; j++) {
			p += w[j] * exp(d->logprob[j][t]);
			sum += w[j];
		}
		nll -= log(p / sum);
		for (size_t c = 0; c < symbol_size[d->ids[t]]; c++)
			count[symbol[d->ids[t]][c] == 'b'] += symbol[d->ids[t]][c] != ' ';
	}
	return nll;
}

static void test_each_document_is_mixed_as_by_hand(void **state)
{
	(void)state;
	struct evaluation *v = evaluated(NULL, 7);
	assert_int_equal(evaluation_documents(v), DOCUMENTS);
	for (size_t i = 0; i < DOCUMENTS; i++) {
		const struct evaluation_document *d = documents + i;
		double seed = 0, oracle = 0, bayes[K] = { 0 }, largest;
		for (size_t t = 0; t < d->positions; t++) {
			seed -= d->logprob[K][t];
			oracle -= d->logprob[d->cluster][t];
			for (int j = 0; j < K; j++)
				bayes[j] += d->logprob[j][t];
		}
		largest = fmax(bayes[0], fmax(bayes[1], bayes[2]));
		double sum = exp(bayes[0] - largest) + exp(bayes[1] - largest) + exp(bayes[2] - largest);
		small_near(evaluation_nll(v, 0, i), seed, 1e-12);
		small_near(evaluation_nll(v, 2, i), context_loss(d), 1e-6);
		small_near(evaluation_nll(v, 3, i), -(largest + log(sum / K)), 1e-9);
		small_near(evaluation_nll(v, 4, i), oracle, 1e-12);
	}
	evaluation_free(v);
}

static void test_totals_are_sums_of_documents(void **state)
{
	(void)state;
	struct evaluation *v = evaluated(NULL, DOCUMENTS);
	for (size_t m = 0; m < MIXTURES; m++)
		for (uint32_t cluster = 0; cluster <= K; cluster++) {
			double nll = 0;
			uint64_t tokens = 0, n = 0;
			for (size_t i = 0; i < DOCUMENTS; i++)
				if (documents[i].split == SPLIT_TEST &&
				    (cluster == K || documents[i].cluster == cluster)) {
					nll += evaluation_nll(v, m, i);
					tokens += documents[i].positions;
					n++;
				}
			struct evaluation_sum sum = evaluation_total(v, m, SPLIT_TEST, cluster);
			small_near(sum.nll, nll, 1e-12);
			assert_int_equal(sum.tokens, tokens);
			assert_int_equal(evaluation_count(v, SPLIT_TEST, cluster), n);
			small_near(evaluation_perplexity(sum), exp(nll / (double)tokens), 1e-12);
		}
	uint64_t bytes = 0;
	for (size_t i = 0; i < DOCUMENTS; i++)
		bytes += documents[i].split == SPLIT_VALID ? documents[i].bytes : 0;
	assert_int_equal(evaluation_bytes(v, SPLIT_VALID), bytes);
	evaluation_free(v);
}

static void test_positions_add_up_to_the_total(void **state)
{
	(void)state;
	struct evaluation *v = evaluated(NULL, DOCUMENTS);
	for (size_t m = 0; m < MIXTURES; m++) {
		struct evaluation_sum all = evaluation_total(v, m, SPLIT_TEST, UINT32_MAX), sum = { 0, 0 };
		for (size_t bucket = 0; bucket < POSITION_BUCKETS; bucket++) {
			struct evaluation_sum one = evaluation_position(v, m, SPLIT_TEST, bucket);
			sum.nll += one.nll;
			sum.tokens += one.tokens;
		}
		assert_int_equal(sum.tokens, all.tokens);
		small_near(sum.nll, all.nll, 1e-12);
	}
	uint64_t late = 0;
	for (size_t i = 0; i < DOCUMENTS; i++)
		late += documents[i].split == SPLIT_TEST && documents[i].positions > 128
		            ? documents[i].positions - 128
		            : 0;
	assert_int_equal(evaluation_position(v, 0, SPLIT_TEST, 3).tokens, late);
	evaluation_free(v);
}

static void test_buckets_double(void **state)
{
	(void)state;
	assert_int_equal(position_bucket(0), 0);
	assert_int_equal(position_bucket(31), 0);
	assert_int_equal(position_bucket(32), 1);
	assert_int_equal(position_bucket(63), 1);
	assert_int_equal(position_bucket(64), 2);
	assert_int_equal(position_bucket(8191), 8);
	assert_int_equal(position_bucket(8192), 9);
	assert_int_equal(position_bucket(UINT64_MAX), POSITION_BUCKETS - 1);
}

static void test_threads_and_batches_change_no_bit(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(3, &e);
	assert_non_null(pool);
	struct evaluation *x = evaluated(NULL, DOCUMENTS), *y = evaluated(pool, 3);
	for (size_t m = 0; m < MIXTURES; m++) {
		for (size_t i = 0; i < DOCUMENTS; i++)
			assert_true(evaluation_nll(x, m, i) == evaluation_nll(y, m, i));
		for (size_t bucket = 0; bucket < POSITION_BUCKETS; bucket++)
			assert_true(evaluation_position(x, m, SPLIT_TEST, bucket).nll ==
			            evaluation_position(y, m, SPLIT_TEST, bucket).nll);
	}
	evaluation_free(x);
	evaluation_free(y);
	pool_free(pool);
}

static void test_nothing_has_no_perplexity(void **state)
{
	(void)state;
	assert_true(evaluation_perplexity((struct evaluation_sum){ 0, 0 }) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_document_is_mixed_as_by_hand),
		cmocka_unit_test(test_totals_are_sums_of_documents),
		cmocka_unit_test(test_positions_add_up_to_the_total),
		cmocka_unit_test(test_buckets_double),
		cmocka_unit_test(test_threads_and_batches_change_no_bit),
		cmocka_unit_test(test_nothing_has_no_perplexity),
	};
	return cmocka_run_group_tests(tests, make_documents, NULL);
}
