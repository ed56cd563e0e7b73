/* SPDX-License-Identifier: MIT */
/* Finding them; that a run goes on from them is tested in training_test.c. */
#include "base/error.h"
#include "base/file.h"
#include "model/sibling.h"
#include "model/training_help.h"
#include "store/dataset.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct digest any = { 1, 1 };
static char path[4300];

static const char *in(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

/* A checkpoint of three numbers, with or without DATASET.json. */
static void make(const char *name, const char *identity, bool complete)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	const struct store_kind *kind = store_kind_find("checkpoint");
	float v[3] = { 1, 2, 3 };
	uint64_t step = 9;
	char dir[4300];
	snprintf(dir, sizeof dir, "%s", in(name));
	store_create(dir, 0, kind, any, &w, &e);
	store_add_column(w, "token", STORE_F32, STORE_TENSOR, 1, &e);
	store_append(w, "token", v, 3, &e);
	store_append(w, "curve.step", &step, 1, &e);
	store_set_u64(w, "cluster", 5, &e);
	store_set_u64(w, "step", 9, &e);
	store_set_json(w, "training", identity, &e);
	store_seal(w, &e);
	if (complete)
		dataset_seal(dir, kind, &any, 1, &e);
	assert_int_equal(e.name, CBTM_OK);
}

static bool take(const char *identity, char reason[256])
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	char dir[4300];
	struct sibling_wanted wanted = { identity, false, false };
	struct sibling_found found;
	snprintf(dir, sizeof dir, "%s", in("mine"));
	assert_int_equal(
		store_create(dir, 0, store_kind_find("checkpoint"), (struct digest){ 2, 2 }, &w, &e), 0);
	if (sibling_take_over(dir, &wanted, w, &found, &e))
		fail_msg("%s: %s", e.where, e.what);
	assert_int_equal(store_rows(w, "curve.step"), found.found);
	store_leave(w);
	folder_remove(dir, &e);
	snprintf(reason, 256, "%.255s", found.reason);
	return found.found;
}

static void test_a_finished_run_of_this_identity_is_taken(void **state)
{
	(void)state;
	char reason[256];
	make("a", "{\"steps\":7}", true);
	make("b", "{\"steps\":8}", false);
	assert_true(take("{\"steps\":7}", reason));
	assert_false(take("{\"steps\":8}", reason)); /* not complete */
	assert_false(take("{\"steps\":9}", reason));
}

static void test_a_damaged_one_is_not_taken(void **state)
{
	(void)state;
	char reason[256];
	make("a", "{\"steps\":7}", true);
	FILE *f = fopen(in("a/part-00000.lmdb"), "r+");
	fseek(f, 5000, SEEK_SET);
	fputc(fgetc(f) ^ 1, f);
	fclose(f);
	assert_false(take("{\"steps\":7}", reason));
}

static void test_it_says_why_a_falling_rate_cannot_be_made_longer(void **state)
{
	(void)state;
	char reason[256];
	make("a", "{\"schedule\":\"linear\",\"steps\":7}", true);
	assert_false(take("{\"schedule\":\"linear\",\"steps\":9}", reason));
	assert_non_null(strstr(reason, "steps: 7 there, 9 here"));
	assert_false(take("{\"schedule\":\"linear\",\"steps\":9,\"lr\":1}", reason));
	assert_string_equal(reason, "");
}

/* A finished run with what it has: numbers of a step are that step. */
static void make_two(const char *name, uint64_t step, uint64_t last, uint64_t best,
                     const char *beside, bool measured)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	const struct store_kind *kind = store_kind_find("checkpoint");
	float used = (float)step, other = (float)(step == last ? best : last);
	char dir[4300], column[64];
	snprintf(dir, sizeof dir, "%s", in(name));
	store_create(dir, 0, kind, any, &w, &e);
	store_add_column(w, "token", STORE_F32, STORE_TENSOR, 1, &e);
	store_append(w, "token", &used, 1, &e);
	store_append(w, "curve.step", &last, 1, &e);
	if (*beside) {
		snprintf(column, sizeof column, "%s.token", beside);
		store_add_column(w, column, STORE_F32, STORE_TENSOR, 1, &e);
		store_append(w, column, &other, 1, &e);
		store_set_text(w, "beside", beside, &e);
	}
	store_set_u64(w, "step", step, &e);
	if (best) {
		store_set_u64(w, "last_step", last, &e);
		store_set_u64(w, "best_step", best, &e);
		store_set_f64(w, "best_loss", 2.5, &e);
	}
	if (measured)
		store_set_json(w, "expert_load", "{}", &e);
	store_set_json(w, "training", "{}", &e);
	store_seal(w, &e);
	dataset_seal(dir, kind, &any, 1, &e);
	assert_int_equal(e.name, CBTM_OK);
}

static float number_of(const struct store *s, const char *column)
{
	struct cbtm_error e = { 0 };
	struct store_reader *r = NULL;
	struct store_column_info info;
	float v = 0;
	if (store_column_find(s, column, &info) && !store_reader_open(s, column, &r, &e))
		store_read_rows(r, 0, 1, &v, &e);
	store_reader_close(r);
	return v;
}

/* What a run has, what another wants of it, and what that gets: 0: nothing, or nothing beside. */
static void test_the_parameters_that_are_wanted_are_taken(void **state)
{
	(void)state;
	static const struct {
		uint64_t step, last, best;
		const char *beside;
		bool measured, use_best, keep_both;
		float token, best_token, last_token;
	} all[] = {
		{ 9, 9, 5, "best", false, false, true, 9, 5, 0 },  /* the same */
		{ 9, 9, 5, "best", false, true, true, 5, 0, 9 },   /* the other one is used now */
		{ 5, 9, 5, "last", false, false, true, 9, 5, 0 },  /* and back */
		{ 5, 9, 5, "last", false, false, false, 9, 0, 0 }, /* what is not wanted is left */
		{ 9, 9, 5, "best", false, true, false, 5, 0, 0 },  /* alike */
		{ 9, 9, 9, "", false, true, true, 9, 0, 0 },       /* the last ones were the best */
		{ 5, 9, 5, "", false, false, true, 0, 0, 0 },      /* the last ones are gone */
		{ 5, 9, 5, "", false, true, false, 5, 0, 0 },      /* nobody wants them */
		{ 9, 9, 0, "", false, false, true, 0, 0, 0 },      /* it did not look for the best */
		{ 9, 9, 0, "", false, false, false, 9, 0, 0 },     /* nobody wants them */
		{ 9, 9, 5, "best", true, false, true, 9, 5, 0 }, /* measured with the ones that are used */
		{ 9, 9, 5, "best", true, true, true, 0, 0, 0 },  /* measured with the others */
	};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct cbtm_error e = { 0 };
		struct sibling_wanted wanted = { "{}", all[i].use_best, all[i].keep_both };
		struct sibling_found found;
		struct store_writer *w = NULL;
		struct store *s = NULL;
		char dir[4300];
		uint64_t v;
		make_two("a", all[i].step, all[i].last, all[i].best, all[i].beside, all[i].measured);
		snprintf(dir, sizeof dir, "%s", in("mine"));
		store_create(dir, 0, store_kind_find("checkpoint"), (struct digest){ 2, 2 }, &w, &e);
		if (sibling_take_over(dir, &wanted, w, &found, &e) || store_seal(w, &e) ||
		    store_open(dir, 0, NULL, &s, &e))
			fail_msg("%zu: %s: %s", i, e.where, e.what);
		if (found.found != (all[i].token != 0) || number_of(s, "token") != all[i].token ||
		    number_of(s, "best.token") != all[i].best_token ||
		    number_of(s, "last.token") != all[i].last_token)
			fail_msg("%zu: found %d, %g, %g, %g", i, found.found, number_of(s, "token"),
			         number_of(s, "best.token"), number_of(s, "last.token"));
		if (found.found && all[i].best)
			assert_true(found.best_known && found.best_step == all[i].best &&
			            found.last_step == all[i].last && found.best_loss == 2.5);
		assert_false(store_get_u64(s, "step", &v)); /* the caller's matter */
		store_close(s);
		folder_remove(dir, &e);
		folder_remove(in("a"), &e);
	}
}

static void test_the_longest_state_that_fits_is_found(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char *found;
	uint64_t step;
	make("a/stable-0123456789abcdef-000000000030", "{}", false);
	make("a/stable-0123456789abcdef-000000000070", "{}", false);
	make("b/stable-0123456789abcdef-000000000050", "{}", false);
	make("b/stable-ffffffffffffffff-000000000060", "{}", false);
	folder_make(in("b/stable-0123456789abcdef-000000000055"), &e); /* killed while it was made */
	char dir[4300];
	snprintf(dir, sizeof dir, "%s", in("mine"));
	assert_int_equal(sibling_state(dir, "0123456789abcdef", 65, &found, &step, &e), 0);
	assert_int_equal(step, 50);
	assert_string_equal(found, in("b/stable-0123456789abcdef-000000000050"));
	free(found);
	assert_int_equal(sibling_state(dir, "0123456789abcdef", 29, &found, &step, &e), 0);
	assert_null(found);
	snprintf(dir, sizeof dir, "%s", in("a"));
	char *kept = sibling_state_path(dir, "0123456789abcdef", 70, &e);
	assert_int_equal(sibling_forget(dir, (uint64_t[]){ 3, 70 }, 2, &e), 0);
	assert_true(file_exists(kept));
	assert_false(file_exists(in("a/stable-0123456789abcdef-000000000030")));
	free(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_finished_run_of_this_identity_is_taken,
		                                test_folder_make, test_folder_remove),
		cmocka_unit_test_setup_teardown(test_a_damaged_one_is_not_taken, test_folder_make,
		                                test_folder_remove),
		cmocka_unit_test_setup_teardown(test_it_says_why_a_falling_rate_cannot_be_made_longer,
		                                test_folder_make, test_folder_remove),
		cmocka_unit_test_setup_teardown(test_the_parameters_that_are_wanted_are_taken,
		                                test_folder_make, test_folder_remove),
		cmocka_unit_test_setup_teardown(test_the_longest_state_that_fits_is_found, test_folder_make,
		                                test_folder_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
