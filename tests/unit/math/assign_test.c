/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/random.h"
#include "math/assign.h"
#include "math/dense.h"
#include "math/lloyd.h"
#include "math/seeding.h"
#include "oracle.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct problem {
	struct cbtm_balance b;
	float *x, *centre;
	uint64_t *weight, *key;
};

static void make(struct problem *p, enum oracle_points kind, size_t n, size_t k, uint64_t heaviest,
                 uint64_t seed)
{
	size_t d = 1 + seed % 5;
	struct random_key random = random_key(seed + 1, RANDOM_TEST);
	struct cbtm_error e = { 0 };
	p->x = malloc(n * d * sizeof *p->x);
	p->centre = malloc(k * d * sizeof *p->centre);
	p->weight = malloc(n * sizeof *p->weight);
	p->key = malloc(n * sizeof *p->key);
	oracle_points(kind, n, d, seed, p->x);
	assert_int_equal(seeding_make(NULL, CBTM_SEEDS_KMEANSPP, p->x, n, d, k, seed, p->centre, &e),
	                 0);
	for (size_t i = 0; i < n; i++) {
		p->weight[i] = heaviest ? random_below(random, i, 0, heaviest + 1) : 1;
		p->key[i] = random_u64(random, i, 1);
	}
	p->b = (struct cbtm_balance){ .n = n,
		                          .d = d,
		                          .k = k,
		                          .x = p->x,
		                          .centre = p->centre,
		                          .weight = heaviest ? p->weight : NULL,
		                          .key = p->key };
	p->b.price = calloc(k, sizeof *p->b.price);
	p->b.cluster = malloc(n * sizeof *p->b.cluster);
}

static void drop(struct problem *p)
{
	free(p->x), free(p->centre), free(p->weight), free(p->key);
	free(p->b.price), free(p->b.cluster);
}

static double optimum(const struct problem *p)
{
	const struct cbtm_balance *b = &p->b;
	double *cost = malloc(b->n * b->k * sizeof *cost);
	uint64_t *supply = malloc(b->n * sizeof *supply), sum = 0;
	for (size_t i = 0; i < b->n; i++) {
		sum += p->weight[i];
		supply[i] = b->weight ? p->weight[i] * b->k : 1;
		for (size_t j = 0; j < b->k; j++)
			cost[i * b->k + j] = dense_distance(b->x + i * b->d, b->centre + j * b->d, b->d);
	}
	uint64_t capacity = b->weight ? sum : (b->n + b->k - 1) / b->k;
	double least = oracle_transport(b->n, b->k, cost, supply, capacity);
	free(supply), free(cost);
	return b->weight ? least / (double)b->k : least;
}

/* Sizes are legal, and the objective is the one of the assignment. */
static void check_sizes(const struct problem *p)
{
	const struct cbtm_balance *b = &p->b;
	uint64_t *size = calloc(b->k, sizeof *size), sum = 0, heaviest = 0;
	double objective = 0;
	for (size_t i = 0; i < b->n; i++) {
		assert_true(b->cluster[i] < b->k);
		size[b->cluster[i]] += p->weight[i];
		sum += p->weight[i];
		heaviest = p->weight[i] > heaviest ? p->weight[i] : heaviest;
		objective += (double)p->weight[i] *
		             dense_distance(b->x + i * b->d, b->centre + b->cluster[i] * b->d, b->d);
	}
	for (size_t j = 0; j < b->k; j++) {
		if (b->weight)
			assert_true(size[j] * b->k < sum + heaviest * b->k || heaviest == 0);
		else
			assert_true(size[j] <= (b->n + b->k - 1) / b->k);
	}
	assert_true(fabs(objective - b->objective) <= 1e-9 * (objective + 1e-300));
	free(size);
}

/* Some points and, if they are to be centres, those of theirs: `scale` times as far from nothing. */
static void scatter(struct problem *p, size_t points, float scale, bool centres)
{
	struct cbtm_balance *b = &p->b;
	for (size_t i = 0; i < points; i++) {
		float *x = p->x + (b->n - 1 - i * b->n / points) * b->d;
		for (size_t t = 0; t < b->d; t++)
			x[t] *= scale;
		if (centres && i < b->k)
			memcpy(p->centre + i * b->d, x, b->d * sizeof *x);
	}
}

static void check_optimum_of(struct problem *p, const char *what, uint64_t seed, size_t whole)
{
	struct cbtm_error e = { 0 };
	if (balanced_assign_tuned(NULL, &p->b, whole, &e))
		fail_msg("%s (%s, seed %llu)", e.what, what, (unsigned long long)seed);
	check_sizes(p);
	double least = optimum(p), ours = p->b.objective - p->b.split_loss;
	if (fabs(ours - least) > 1e-9 * (least + 1e-9) || !(p->b.gap <= 1e-9))
		fail_msg("%s, n %zu, k %zu, seed %llu: %.12g for %.12g, gap %g", what, p->b.n, p->b.k,
		         (unsigned long long)seed, ours, least, p->b.gap);
}

/* Scales that have nothing in common; seed by seed with more clusters, up to one a document. */
static void test_far_points_change_no_optimality(void **state)
{
	(void)state;
	static const float scale[] = { 1e3f, 1e6f, 1e15f, 1e-6f };
	for (uint64_t seed = 0; seed < 60; seed++) {
		size_t n = 48, k = 5 + 43 * (seed % 20) / 19;
		struct problem p;
		struct cbtm_error e = { 0 };
		make(&p, (enum oracle_points)(seed % 5), n, k, seed % 7 == 0 && k < 9 ? 9 : 0, seed);
		scatter(&p, 1 + seed % 9, scale[seed % 4], seed % 4 > 0);
		/* Twice: far clusters leave the first prices few digits. */
		for (int step = 0; step < 2; step++) {
			if (balanced_assign_tuned(NULL, &p.b, 0, &e) || !(p.b.gap <= 1e-9))
				fail_msg("%s (seed %llu, gap %g)", e.what, (unsigned long long)seed, p.b.gap);
			check_sizes(&p);
		}
		drop(&p);
	}
}

static double seconds_of(size_t n, size_t k, size_t far, float scale)
{
	struct problem p;
	struct cbtm_error e = { 0 };
	make(&p, POINTS_RANDOM, n, k, 0, 4);
	scatter(&p, far, scale, true);
	clock_t start = clock();
	for (int step = 0; step < 2; step++) {
		assert_int_equal(balanced_assign(NULL, &p.b, &e), 0);
		check_sizes(&p);
		assert_true(p.b.gap <= 1e-9);
	}
	drop(&p);
	return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* Means of costs then say nothing of most points: prices at that scale took hundreds of times as long. */
static void test_a_far_cluster_takes_little_longer(void **state)
{
	(void)state;
	size_t n = 6000, k = 96;
	double near = seconds_of(n, k, 0, 1);
	static const float scale[] = { 1e6f, 1e15f };
	for (size_t far = 1; far < 70; far += 68)
		for (int i = 0; i < 2; i++) {
			double seconds = seconds_of(n, k, far, scale[i]);
			if (!(seconds <= 60 * near + 0.05))
				fail_msg("%zu far by %g: %g s, without %g s", far, (double)scale[i], seconds, near);
		}
}

static void test_duplicates_and_a_far_point_are_no_trouble(void **state)
{
	(void)state;
	struct problem p;
	struct cbtm_error e = { 0 };
	make(&p, POINTS_DUPLICATES, 6000, 32, 0, 4);
	scatter(&p, 1, 1e9f, true);
	assert_int_equal(balanced_assign(NULL, &p.b, &e), 0);
	check_sizes(&p);
	assert_true(p.b.gap <= 1e-9);
	drop(&p);
}

static void check_optimum(enum oracle_points kind, size_t n, size_t k, uint64_t heaviest,
                          uint64_t seed, size_t whole)
{
	struct problem p;
	char what[64];
	snprintf(what, sizeof what, "kind %d, heaviest %llu, whole %zu", (int)kind,
	         (unsigned long long)heaviest, whole);
	make(&p, kind, n, k, heaviest, seed);
	check_optimum_of(&p, what, seed, whole);
	drop(&p);
}

static void test_documents_reach_the_optimum(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 150; seed++) {
		struct random_key r = random_key(seed, RANDOM_TEST);
		size_t n = 1 + random_below(r, 7, 0, 60), k = 1 + random_below(r, 7, 1, n);
		check_optimum((enum oracle_points)(seed % 5), n, k, 0, seed, seed % 2 ? 100000 : 0);
	}
}

static void test_weights_reach_the_fractional_optimum(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct random_key r = random_key(seed, RANDOM_TEST);
		size_t n = 1 + random_below(r, 8, 0, 40), k = 1 + random_below(r, 8, 1, n < 9 ? n : 9);
		check_optimum((enum oracle_points)(seed % 5), n, k, seed % 3 ? 9 : 1, seed,
		              seed % 2 ? 100000 : 0);
	}
}

static void test_as_many_clusters_as_documents(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++)
		for (int kind = POINTS_RANDOM; kind <= POINTS_SAME; kind++)
			check_optimum((enum oracle_points)kind, 30, 30 - seed % 2, 0, seed, 0);
}

/* Beyond small sizes the prices prove the optimum: the dual is summed anew over all pairs. */
static void test_prices_prove_a_windowed_optimum(void **state)
{
	(void)state;
	size_t n = 9001, k = 13;
	struct problem p;
	struct cbtm_error e = { 0 };
	for (int weighted = 0; weighted < 2; weighted++) {
		make(&p, POINTS_CLUSTERED, n, k, weighted ? 500 : 0, 4);
		assert_int_equal(balanced_assign(NULL, &p.b, &e), 0);
		check_sizes(&p);
		double dual = 0, weight = 0, capacity = (double)((n + k - 1) / k), least_price = INFINITY;
		for (size_t i = 0; i < n; i++) {
			double least = INFINITY;
			for (size_t j = 0; j < k; j++) {
				double cost = dense_distance(p.x + i * p.b.d, p.centre + j * p.b.d, p.b.d);
				least = fmin(least, cost + p.b.price[j]);
			}
			dual += least * (double)p.weight[i];
			weight += (double)p.weight[i];
		}
		for (size_t j = 0; j < k; j++) {
			dual -= (weighted ? weight / (double)k : capacity) * p.b.price[j];
			least_price = fmin(least_price, p.b.price[j]);
		}
		assert_true(least_price == 0);
		assert_true(fabs(p.b.objective - p.b.split_loss - dual) <= 1e-9 * dual);
		assert_true(p.b.gap <= 1e-9);
		drop(&p);
	}
}

static void test_threads_change_no_bit(void **state)
{
	(void)state;
	struct problem one, two;
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(2, &e);
	make(&one, POINTS_CLUSTERED, 20000, 8, 900, 11);
	make(&two, POINTS_CLUSTERED, 20000, 8, 900, 11);
	assert_int_equal(balanced_assign(NULL, &one.b, &e), 0);
	assert_int_equal(balanced_assign(pool, &two.b, &e), 0);
	assert_memory_equal(one.b.cluster, two.b.cluster, 20000 * sizeof *one.b.cluster);
	assert_memory_equal(one.b.price, two.b.price, 8 * sizeof *one.b.price);
	assert_true(one.b.objective == two.b.objective && one.b.gap == two.b.gap);
	drop(&one), drop(&two);
	pool_free(pool);
}

static void test_warm_prices_change_no_assignment(void **state)
{
	(void)state;
	struct problem p;
	struct cbtm_error e = { 0 };
	make(&p, POINTS_CLUSTERED, 12000, 6, 0, 3);
	uint32_t *cold = malloc(12000 * sizeof *cold);
	assert_int_equal(balanced_assign(NULL, &p.b, &e), 0);
	memcpy(cold, p.b.cluster, 12000 * sizeof *cold);
	for (size_t j = 0; j < 6; j++)
		p.b.price[j] += 0.01 * (double)j;
	assert_int_equal(balanced_assign(NULL, &p.b, &e), 0);
	assert_memory_equal(cold, p.b.cluster, 12000 * sizeof *cold);
	free(cold);
	drop(&p);
}

/* Which of equal documents goes where is decided by their keys, not by their rows. */
static void test_equal_documents_part_by_key(void **state)
{
	(void)state;
	float x[4] = { 1, 1, 1, 1 }, centre[2] = { 0, 1.5 };
	uint64_t key[2][4] = { { 4, 1, 3, 2 }, { 1, 2, 3, 4 } };
	uint32_t cluster[4];
	double price[2];
	for (int order = 0; order < 2; order++) {
		struct cbtm_balance b = { .n = 4,
			                      .d = 1,
			                      .k = 2,
			                      .x = x,
			                      .centre = centre,
			                      .key = key[order],
			                      .price = price,
			                      .cluster = cluster };
		struct cbtm_error e = { 0 };
		memset(price, 0, sizeof price);
		assert_int_equal(balanced_assign(NULL, &b, &e), 0);
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(cluster[i], key[order][i] > 2);
	}
}

static void test_too_many_clusters_name_both_numbers(void **state)
{
	(void)state;
	struct problem p;
	struct cbtm_error e = { 0 };
	make(&p, POINTS_RANDOM, 5, 5, 0, 1);
	p.b.k = 6;
	assert_int_equal(balanced_assign(NULL, &p.b, &e), CBTM_ERR_TOO_MANY_CLUSTERS);
	assert_non_null(strstr(e.what, "6"));
	assert_non_null(strstr(e.what, "5"));
	drop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents_reach_the_optimum),
		cmocka_unit_test(test_weights_reach_the_fractional_optimum),
		cmocka_unit_test(test_as_many_clusters_as_documents),
		cmocka_unit_test(test_far_points_change_no_optimality),
		cmocka_unit_test(test_a_far_cluster_takes_little_longer),
		cmocka_unit_test(test_duplicates_and_a_far_point_are_no_trouble),
		cmocka_unit_test(test_prices_prove_a_windowed_optimum),
		cmocka_unit_test(test_threads_change_no_bit),
		cmocka_unit_test(test_warm_prices_change_no_assignment),
		cmocka_unit_test(test_equal_documents_part_by_key),
		cmocka_unit_test(test_too_many_clusters_name_both_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
