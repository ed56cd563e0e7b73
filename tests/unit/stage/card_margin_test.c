/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "math/dense.h"
#include "stage/card_margin.h"
#include <math.h>
#include <string.h>

enum { K = 80, D = 5, N = 5000 };

static float centre[K * D], x[N * D];

static void make_points(void)
{
	struct random_key r = random_key(3, RANDOM_TEST);
	for (uint32_t i = 0; i < K * D; i++)
		centre[i] = (float)random_normal(r, i, 1);
	for (uint32_t i = 0; i < N * D; i++)
		x[i] = (float)random_normal(r, i, 2);
}

static void measure(struct card_margin *m, struct pool *pool, uint32_t k)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(card_margin_make(m, pool, centre, k, D, &e), 0);
	for (size_t i = 0; i < N; i++) {
		uint32_t own = (uint32_t)i % k;
		float distance = (float)dense_distance(x + i * D, centre + own * D, D);
		assert_int_equal(card_margin_add(m, own, x + i * D, distance, &e), 0);
	}
	assert_int_equal(card_margin_finish(m, &e), 0);
}

/* Against every distance of every document. */
static void test_the_nearest_other_centre_is_found(void **state)
{
	(void)state;
	static uint64_t nearest[K][K];
	static double margin[K], nearer[K];
	struct card_margin m;
	make_points();
	measure(&m, NULL, K);
	for (size_t i = 0; i < N; i++) {
		size_t own = i % K, best = SIZE_MAX;
		double least = INFINITY, d = dense_distance(x + i * D, centre + own * D, D);
		for (size_t j = 0; j < K; j++) {
			double other = dense_distance(x + i * D, centre + j * D, D);
			if (j != own && other < least) {
				least = other;
				best = j;
			}
		}
		nearest[own][best]++;
		margin[own] += sqrt(least) - sqrt(d);
		nearer[own] += least < d;
	}
	assert_int_equal(m.neighbours, CARD_NEIGHBOURS);
	for (size_t j = 0; j < K; j++) {
		const struct card_neighbour *list = m.neighbour + j * m.neighbours;
		uint64_t told = m.overlap[j].elsewhere;
		for (size_t i = 0; i < m.neighbours; i++) {
			double d = dense_distance(centre + j * D, centre + list[i].cluster * D, D);
			assert_true(list[i].cluster != j && fabs(list[i].distance - sqrt(d)) < 1e-9);
			assert_true(!i || list[i - 1].distance <= list[i].distance);
			assert_int_equal(list[i].nearest, nearest[j][list[i].cluster]);
			told += list[i].nearest;
		}
		assert_int_equal(told, m.overlap[j].documents);
		assert_true(fabs(m.overlap[j].margin - margin[j]) < 1e-4);
		assert_true(fabs((double)m.overlap[j].nearer - nearer[j]) == 0);
	}
	card_margin_free(&m);
}

static void test_threads_change_no_bit(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(3, &e);
	struct card_margin one, three;
	make_points();
	measure(&one, NULL, 7);
	measure(&three, pool, 7);
	assert_memory_equal(one.overlap, three.overlap, 7 * sizeof *one.overlap);
	for (size_t i = 0; i < 7 * one.neighbours; i++)
		assert_true(one.neighbour[i].cluster == three.neighbour[i].cluster &&
		            one.neighbour[i].nearest == three.neighbour[i].nearest);
	card_margin_free(&one);
	card_margin_free(&three);
	pool_free(pool);
}

static void test_one_cluster_has_no_other(void **state)
{
	(void)state;
	struct card_margin m;
	make_points();
	measure(&m, NULL, 1);
	assert_int_equal(m.neighbours, 0);
	assert_int_equal(m.overlap[0].documents, 0);
	card_margin_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_nearest_other_centre_is_found),
		cmocka_unit_test(test_threads_change_no_bit),
		cmocka_unit_test(test_one_cluster_has_no_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
