/* SPDX-License-Identifier: MIT */
#include "base/pool.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 5000 };

struct count {
	atomic_uint runs[MOST];
	atomic_uint highest_thread;
	size_t fail_from; /* this task and every seventh after it fail */
	bool silent;
};

static int count_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct count *c = arg;
	atomic_fetch_add(&c->runs[task], 1);
	unsigned highest = atomic_load(&c->highest_thread);
	while (thread > highest && !atomic_compare_exchange_weak(&c->highest_thread, &highest, thread))
		;
	if (task < c->fail_from || (task - c->fail_from) % 7)
		return 0;
	return c->silent ? 1 : (int)error_set(e, CBTM_ERR_BAD_DATA, "task", "%zu failed", task);
}

static void test_every_task_runs_once(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	static struct count c;
	for (unsigned threads = 1; threads <= 8; threads++) {
		struct pool *p = pool_new(threads, &e);
		assert_int_equal(pool_threads(p), threads);
		for (size_t n = 0; n <= MOST; n = n * 3 + 1) {
			memset(&c, 0, sizeof c);
			c.fail_from = MOST;
			assert_int_equal(pool_run(p, n, count_task, &c, &e), 0);
			for (size_t i = 0; i < MOST; i++)
				assert_int_equal(c.runs[i], i < n);
			assert_true(c.highest_thread < threads);
		}
		pool_free(p);
	}
	pool_free(NULL);
}

struct nest {
	struct pool *pool;
	struct count count[8];
	bool first[8]; /* whether thread 0 did all of it */
};

static int nested_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct nest *n = arg;
	(void)thread;
	n->count[task].fail_from = MOST;
	if (pool_run(n->pool, 100, count_task, &n->count[task], e))
		return e->name;
	n->first[task] = n->count[task].highest_thread == 0;
	return 0;
}

static void test_a_region_within_a_task_runs_in_its_thread(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	static struct nest n;
	n.pool = pool_new(3, &e);
	assert_int_equal(pool_run(n.pool, 8, nested_task, &n, &e), 0);
	for (size_t i = 0; i < 8; i++) {
		assert_true(n.first[i]);
		for (size_t j = 0; j < MOST; j++)
			assert_int_equal(n.count[i].runs[j], j < 100);
	}
	pool_free(n.pool);
}

static void test_without_a_pool_the_caller_works(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	static struct count c;
	memset(&c, 0, sizeof c);
	c.fail_from = 100;
	assert_int_equal(pool_threads(NULL), 1);
	assert_int_equal(pool_run(NULL, 200, count_task, &c, &e), CBTM_ERR_BAD_DATA);
	assert_string_equal(e.what, "100 failed");
	assert_int_equal(c.runs[101], 0);
}

static void test_the_lowest_failing_task_is_reported_whatever_the_threads(void **state)
{
	(void)state;
	static struct count c;
	for (unsigned threads = 1; threads <= 4; threads++) {
		struct cbtm_error e = { 0 };
		struct pool *p = pool_new(threads, &e);
		for (size_t from = 0; from < 200; from++) {
			e.name = CBTM_OK;
			memset(&c, 0, sizeof c);
			c.fail_from = from;
			assert_int_equal(pool_run(p, 1000, count_task, &c, &e), CBTM_ERR_BAD_DATA);
			assert_int_equal(atoi(e.what), from);
		}
		/* And the pool goes on working. */
		e.name = CBTM_OK;
		c.fail_from = MOST;
		assert_int_equal(pool_run(p, 1000, count_task, &c, &e), 0);
		assert_int_equal(e.name, CBTM_OK);
		pool_free(p);
	}
}

static void test_a_task_that_fails_silently_is_our_bug(void **state)
{
	(void)state;
	static struct count c;
	for (unsigned threads = 1; threads <= 2; threads++) {
		struct cbtm_error e = { 0 };
		struct pool *p = pool_new(threads, &e);
		memset(&c, 0, sizeof c);
		c.fail_from = 3;
		c.silent = true;
		assert_int_equal(pool_run(p, 10, count_task, &c, &e), CBTM_ERR_INTERNAL);
		assert_non_null(strstr(e.what, "task 3"));
		pool_free(p);
	}
}

struct sum {
	const uint32_t *from; /* written by the caller before, plain memory */
	uint64_t parts[64];   /* read by the caller after */
};

static int sum_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct sum *s = arg;
	(void)thread, (void)e;
	s->parts[task] = 0;
	for (size_t i = 0; i < 100; i++)
		s->parts[task] += s->from[task * 100 + i];
	return 0;
}

/* Thousands of short regions: no wake-up is missed, and memory is ordered on both sides. */
static void test_short_regions_see_each_others_memory(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	for (unsigned threads = 2; threads <= 6; threads += 2) {
		struct pool *p = pool_new(threads, &e);
		uint32_t numbers[6400];
		struct sum s = { .from = numbers };
		for (uint32_t round = 0; round < 3000; round++) {
			uint64_t all = 0;
			for (uint32_t i = 0; i < 6400; i++)
				numbers[i] = round + i;
			assert_int_equal(pool_run(p, 64, sum_task, &s, &e), 0);
			for (int i = 0; i < 64; i++)
				all += s.parts[i];
			assert_true(all == 6400ull * round + 6400ull * 6399 / 2);
		}
		pool_free(p);
	}
}

static void test_by_default_there_is_a_thread_a_processor(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct pool *p = pool_new(0, &e);
	assert_true(pool_threads(p) >= 1);
	pool_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_task_runs_once),
		cmocka_unit_test(test_a_region_within_a_task_runs_in_its_thread),
		cmocka_unit_test(test_without_a_pool_the_caller_works),
		cmocka_unit_test(test_the_lowest_failing_task_is_reported_whatever_the_threads),
		cmocka_unit_test(test_a_task_that_fails_silently_is_our_bug),
		cmocka_unit_test(test_short_regions_see_each_others_memory),
		cmocka_unit_test(test_by_default_there_is_a_thread_a_processor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
