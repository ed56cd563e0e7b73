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
	bool found;
	snprintf(dir, sizeof dir, "%s", in("mine"));
	assert_int_equal(
		store_create(dir, 0, store_kind_find("checkpoint"), (struct digest){ 2, 2 }, &w, &e), 0);
	if (sibling_take_over(dir, identity, w, &found, reason, 256, &e))
		fail_msg("%s: %s", e.where, e.what);
	assert_int_equal(store_rows(w, "curve.step"), found);
	store_leave(w);
	folder_remove(dir, &e);
	return found;
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
	assert_int_equal(sibling_forget(dir, kept, &e), 0);
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
		cmocka_unit_test_setup_teardown(test_the_longest_state_that_fits_is_found, test_folder_make,
		                                test_folder_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
