/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "model/best.h"
#include "model/compute_help.h"
#include "model/emit.h"
#include "model/training_help.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_the_least_loss_is_kept(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct best b = { 0 };
	struct program p = test_program();
	const double loss[] = { 3, 2, 2, 2.5 };
	for (uint64_t i = 0; i < 4; i++) {
		test_fill(&p, (float)(100 * i));
		best_note(&b, &p, &(struct valid_point){ 10 * i, loss[i] }, false, &e);
	}
	assert_true(b.step == 10 && b.loss == 2);
	assert_int_equal(best_swap(&b, &p, &e), 0);
	assert_true(test_value(&p, "token", 1) == 101 && test_value(&p, "norm.gain", 1) == 101);
	/* It holds the last ones now. */
	assert_int_equal(best_swap(&b, &p, &e), 0);
	assert_true(test_value(&p, "token", 1) == 301 && test_value(&p, "norm.gain", 1) == 301);
	best_free(&b);
	program_close(&p);
}

static void test_the_last_ones_need_no_copy(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct best b = { 0 };
	struct program p = test_program();
	best_note(&b, &p, &(struct valid_point){ 10, 2 }, true, &e);
	assert_true(b.known && b.step == 10 && !b.v); /* the only validation */
	best_free(&b);
	best_note(&b, &p, &(struct valid_point){ 10, 2 }, false, &e);
	best_note(&b, &p, &(struct valid_point){ 20, 1 }, true, &e);
	assert_true(b.step == 20 && b.loss == 1 && !b.v); /* better than what was held */
	best_free(&b);
	best_note(&b, &p, &(struct valid_point){ 10, 2 }, false, &e);
	best_note(&b, &p, &(struct valid_point){ 20, 3 }, true, &e);
	best_end(&b, 20);
	assert_true(b.step == 10 && b.v);
	best_end(&b, 10); /* noted with a copy, and then there was no step more */
	assert_true(b.known && b.step == 10 && !b.v);
	best_free(&b);
	program_close(&p);
}

static void test_it_comes_back_from_a_store(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct digest any = { 1, 1 };
	struct best b = { 0 }, back = { 0 }, none = { 0 };
	struct store_writer *w = NULL;
	struct store *s = NULL;
	struct program p = test_program();
	char *folder = test_folder();
	test_fill(&p, 7);
	best_note(&b, &p, &(struct valid_point){ 10, 2 }, false, &e);
	store_create(folder, 0, store_kind_find("checkpoint"), any, &w, &e);
	assert_int_equal(best_write(&none, &p, w, &e), 0);
	assert_int_equal(best_write(&b, &p, w, &e), 0);
	assert_int_equal(store_seal(w, &e), 0);
	assert_int_equal(store_open(folder, 0, NULL, &s, &e), 0);
	assert_int_equal(best_read(&back, &p, s, &e), 0);
	assert_true(back.step == 10 && back.loss == 2);
	test_fill(&p, 0);
	best_swap(&back, &p, &e);
	assert_true(test_value(&p, "token", 1) == 8 && test_value(&p, "layer.1.ffn.out.bias", 1) == 8);
	store_close(s);
	best_free(&b);
	best_free(&back);
	program_close(&p);
	folder_remove(folder, &e);
	free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_the_least_loss_is_kept),
		                                cmocka_unit_test(test_the_last_ones_need_no_copy),
		                                cmocka_unit_test(test_it_comes_back_from_a_store) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
