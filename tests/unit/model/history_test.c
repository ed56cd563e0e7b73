/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "model/history.h"
#include "model/training_help.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void read_back(bool mixes)
{
	struct cbtm_error e = { 0 };
	struct digest any = { 1, 1 };
	struct history h = { .mixes = mixes }, back = { .mixes = !mixes };
	struct store_writer *w = NULL;
	struct store *s = NULL;
	char *folder = test_folder();
	for (uint64_t i = 1; i <= 100; i++)
		history_add(&h,
		            (struct curve_point){ i, i * 256, 1.0 / (double)i, 0.1, 0.5,
		                                  mixes ? 1 + 1.0 / (double)i : 0 },
		            &e);
	history_add_valid(&h, (struct valid_point){ 100, 2.5 }, &e);
	assert_int_equal(store_create(folder, 0, store_kind_find("checkpoint"), any, &w, &e), 0);
	assert_int_equal(history_write(&h, w, &e), 0);
	assert_int_equal(store_seal(w, &e), 0);
	assert_int_equal(store_open(folder, 0, NULL, &s, &e), 0);
	assert_int_equal(history_read(&back, s, &e), 0);
	assert_int_equal(back.curves, 100);
	assert_int_equal(back.valids, 1);
	assert_int_equal(back.mixes, mixes);
	assert_int_equal(store_row_count(s, "curve.balance_loss"), mixes ? 100 : 0);
	assert_memory_equal(h.curve, back.curve, 100 * sizeof *h.curve);
	assert_memory_equal(h.valid, back.valid, sizeof *h.valid);
	store_close(s);
	history_free(&h);
	history_free(&back);
	folder_remove(folder, &e);
	free(folder);
}

static void test_curves_read_back(void **state)
{
	(void)state;
	read_back(false);
}

static void test_a_mixtures_balance_is_one_of_them(void **state)
{
	(void)state;
	read_back(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_curves_read_back),
		cmocka_unit_test(test_a_mixtures_balance_is_one_of_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
