/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "model/training_help.h"
#include "model/watch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Feeds n losses; true if one of them is an explosion. */
static bool feed(struct watch *w, double loss, int n)
{
	bool exploded = false;
	for (int i = 0; i < n; i++)
		exploded |= watch_add(w, loss, 2, 5);
	return exploded;
}

static void test_a_loss_that_stays_high_has_exploded(void **state)
{
	(void)state;
	struct watch w = { 0 };
	assert_false(feed(&w, 3, 20));
	assert_false(feed(&w, 6.1, 4));
	assert_true(watch_add(&w, 6.1, 2, 5));
	assert_true(watch_median(&w) == 3); /* what is high does not raise it */
}

static void test_single_high_losses_are_no_explosion(void **state)
{
	(void)state;
	struct watch w = { 0 };
	assert_false(feed(&w, 3, 20));
	for (int i = 0; i < 50; i++)
		assert_false(feed(&w, 100, 4) || feed(&w, 3, 1));
}

static void test_a_loss_may_fall_and_rise_slowly(void **state)
{
	(void)state;
	struct watch w = { 0 };
	for (double loss = 11; loss > 0.5; loss *= 0.99)
		assert_false(watch_add(&w, loss, 2, 5));
	for (double loss = 0.5; loss < 11; loss *= 1.005)
		assert_false(watch_add(&w, loss, 2, 5));
}

static void test_few_losses_say_nothing_and_a_factor_of_0_is_no_watch(void **state)
{
	(void)state;
	struct watch w = { 0 }, off = { 0 };
	assert_false(feed(&w, 1, WATCH_LEAST / 2) || feed(&w, 100, WATCH_LEAST / 2));
	for (int i = 0; i < 100; i++)
		assert_false(watch_add(&off, i < 50 ? 1 : 1000, 0, 5));
}

static void test_it_goes_on_where_it_was_saved(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct digest any = { 1, 1 };
	struct watch w = { 0 }, back = { 0 };
	struct store_writer *out = NULL;
	struct store *s = NULL;
	char *folder = test_folder();
	for (int i = 0; i < 100; i++)
		watch_add(&w, 1 + i * 0.001, 2, 5);
	feed(&w, 50, 3);
	assert_int_equal(store_create(folder, 0, store_kind_find("checkpoint"), any, &out, &e), 0);
	assert_int_equal(watch_write(&w, out, &e), 0);
	assert_int_equal(store_seal(out, &e), 0);
	assert_int_equal(store_open(folder, 0, NULL, &s, &e), 0);
	assert_int_equal(watch_read(&back, s, &e), 0);
	assert_memory_equal(&w, &back, sizeof w);
	assert_false(watch_add(&back, 50, 2, 5));
	assert_true(watch_add(&back, 50, 2, 5));
	store_close(s);
	folder_remove(folder, &e);
	free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_loss_that_stays_high_has_exploded),
		cmocka_unit_test(test_single_high_losses_are_no_explosion),
		cmocka_unit_test(test_a_loss_may_fall_and_rise_slowly),
		cmocka_unit_test(test_few_losses_say_nothing_and_a_factor_of_0_is_no_watch),
		cmocka_unit_test(test_it_goes_on_where_it_was_saved),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
