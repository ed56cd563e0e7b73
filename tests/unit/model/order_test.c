/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "model/order.h"
#include "store/store.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = ORDER_GROUP * 2 + 100 };
static char folder[4096];
static struct store *store;

static int set_up(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct digest any = { 1, 1 };
	struct store_writer *w = NULL;
	const char *base = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/cbtm-order-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(folder));
	store_create(folder, 0, store_kind_find("sequences"), any, &w, &e);
	store_add_column(w, "ids", STORE_U32, STORE_FIXED, 2, &e);
	store_add_column(w, "valid", STORE_U32, STORE_FIXED, 2, &e);
	for (uint32_t i = 0; i < ROWS; i++) {
		uint32_t row[2] = { i, ~i };
		store_append(w, "ids", row, 1, &e);
	}
	return store_seal(w, &e) || store_open(folder, 0, NULL, &store, &e);
}

static int tear_down(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	store_close(store);
	return folder_remove(folder, &e);
}

static struct order *open_order(uint64_t seed)
{
	struct cbtm_error e = { 0 };
	struct order *o = NULL;
	if (order_open(store, "ids", seed, &o, &e))
		fail_msg("%s", e.what);
	return o;
}

static uint32_t read_one(struct order *o, uint64_t i)
{
	struct cbtm_error e = { 0 };
	const uint32_t *ids = NULL;
	assert_int_equal(order_read(o, i, &ids, &e), 0);
	assert_int_equal(ids[1], ~ids[0]);
	return ids[0];
}

static void test_the_first_pass_is_the_stored_order(void **state)
{
	(void)state;
	struct order *o = open_order(1);
	assert_int_equal(order_rows(o), ROWS);
	assert_int_equal(order_width(o), 2);
	for (uint32_t i = 0; i < ROWS; i += 7)
		assert_int_equal(read_one(o, i), i);
	order_close(o);
}

static void test_each_pass_takes_every_sequence_once(void **state)
{
	(void)state;
	struct order *o = open_order(1);
	static unsigned char seen[ROWS];
	size_t moved = 0;
	for (uint64_t pass = 1; pass < 3; pass++) {
		memset(seen, 0, sizeof seen);
		for (uint64_t i = 0; i < ROWS; i++) {
			uint32_t x = read_one(o, pass * ROWS + i);
			assert_int_equal(seen[x]++, 0);
			moved += x != i;
		}
	}
	assert_true(moved > ROWS);
	order_close(o);
}

static void test_what_was_read_before_does_not_matter(void **state)
{
	(void)state;
	struct order *a = open_order(1), *b = open_order(1), *other = open_order(2);
	size_t differ = 0;
	for (uint64_t i = 3 * ROWS; i < 3 * ROWS + 50; i++)
		read_one(a, i - 2 * ROWS + 4000);
	for (uint64_t i = 3 * ROWS; i < 3 * ROWS + 50; i++) {
		uint32_t x = read_one(a, i);
		assert_int_equal(x, read_one(b, i));
		differ += x != read_one(other, i);
	}
	assert_true(differ > 40);
	order_close(a);
	order_close(b);
	order_close(other);
}

static void test_no_sequence_is_an_error(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 }, f = { 0 };
	struct order *o = NULL;
	assert_int_equal(order_open(store, "valid", 1, &o, &e), CBTM_ERR_EMPTY_CORPUS);
	assert_int_equal(order_open(store, "boundary", 1, &o, &f), CBTM_ERR_BAD_STORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_pass_is_the_stored_order),
		cmocka_unit_test(test_each_pass_takes_every_sequence_once),
		cmocka_unit_test(test_what_was_read_before_does_not_matter),
		cmocka_unit_test(test_no_sequence_is_an_error),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
