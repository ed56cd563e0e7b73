/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage/host.h"
#include <cbtm/plugin.h>
#include <string.h>

static void test_the_table_has_no_hole(void **state)
{
	(void)state;
	const struct cbtm_host *host = host_table();
	assert_int_equal(host->abi, CBTM_ABI);
	assert_int_equal(host->size, sizeof *host);
	for (size_t at = offsetof(struct cbtm_host, log); at < sizeof *host; at += sizeof(void *)) {
		void *function;
		memcpy(&function, (const char *)host + at, sizeof function);
		assert_non_null(function);
	}
}

static int add_index(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	((size_t *)arg)[i] = i;
	return 0;
}

static void test_plugins_share_the_programs_pool(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(2, &e);
	size_t seen[100] = { 0 };
	host_start(pool);
	const struct cbtm_host *host = host_table();
	assert_int_equal(host->pool_threads(host->pool()), 2);
	assert_int_equal(host->pool_run(host->pool(), 100, add_index, seen, &e), 0);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(seen[i], i);
	host_start(NULL);
	assert_int_equal(host->pool_threads(host->pool()), 1);
	pool_free(pool);
}

static void test_random_numbers_are_pure_and_streams_differ(void **state)
{
	(void)state;
	const struct cbtm_host *host = host_table();
	double u = host->random_unit(1, 2, 3, 4);
	assert_true(u >= 0 && u < 1 && u == host->random_unit(1, 2, 3, 4));
	assert_true(u != host->random_unit(2, 2, 3, 4) && u != host->random_unit(1, 3, 3, 4) &&
	            u != host->random_unit(1, 2, 4, 4) && u != host->random_unit(1, 2, 3, 5));
	assert_true(host->random_normal(1, 2, 3, 4) == host->random_normal(1, 2, 3, 4));
}

static void test_errors_are_filled_once(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	const struct cbtm_host *host = host_table();
	assert_int_equal(host->error(&e, CBTM_ERR_BAD_DATA, "here", "100 % wrong"), CBTM_ERR_BAD_DATA);
	assert_string_equal(e.what, "100 % wrong");
	host->error(&e, CBTM_ERR_IO, "there", "later");
	assert_string_equal(e.where, "here");
	assert_false(host->stop_requested());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_table_has_no_hole),
		cmocka_unit_test(test_plugins_share_the_programs_pool),
		cmocka_unit_test(test_random_numbers_are_pure_and_streams_differ),
		cmocka_unit_test(test_errors_are_filled_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
