/* SPDX-License-Identifier: MIT */
#include "fake.h"
#include "scratch.h"
#include "stage/inputs.h"
#include "store/dataset.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A dataset of kind "results" with n parts; `vocabulary` NULL: no such fact. */
static const char *dataset(void **state, const char *name, uint32_t n, const char *vocabulary)
{
	static char path[4][4200];
	static int next;
	struct cbtm_error e = { 0 };
	struct digest fingerprints[4];
	char *dir = path[next++ % 4];

	snprintf(dir, sizeof path[0], "%s/%s", (const char *)*state, name);
	for (uint32_t i = 0; i < n; i++) {
		struct store_writer *w;
		fingerprints[i] = digest_bytes(&i, sizeof i);
		assert_int_equal(store_create(dir, i, store_kind_find("results"), fingerprints[i], &w, &e),
		                 0);
		if (vocabulary)
			assert_int_equal(store_set_text(w, "vocabulary", vocabulary, &e), 0);
		assert_int_equal(store_append_row(w, "results", "x", 1, &e), 0);
		assert_int_equal(store_seal(w, &e), 0);
	}
	assert_int_equal(dataset_seal(dir, store_kind_find("results"), fingerprints, n, &e), 0);
	return dir;
}

static const struct stage_input inputs[] = { { "pages", READS_SAME_PART, NULL },
	                                         { "copies", READS_SAME_PART, NULL },
	                                         { "thing", READS_ALL_CLUSTERS, NULL } };

static void test_inputs_are_found_by_name_and_part(void **state)
{
	const char *one[] = { dataset(state, "one", 2, "v") };
	const char *three[] = { dataset(state, "two", 1, "v"), dataset(state, "three", 1, NULL) };
	struct stage_place place[] = { { &inputs[0], one, 1 }, { &inputs[2], three, 2 } };
	struct stage_run run = { .task = &fake_make.tasks[0], .part = 1 };
	struct arena *a;
	struct cbtm_error e = { 0 };
	struct digest *digests;
	const char **names;
	struct store *part;
	uint32_t parts;
	size_t n;

	assert_int_equal(stage_inputs_open(&fake_make, place, 2, NULL, &run.inputs, &e), 0);
	assert_int_equal(stage_inputs_parts(run.inputs, &parts, &e), 0);
	assert_int_equal(parts, 2);
	assert_null(stage_input(&run, "letters"));
	assert_int_equal(stage_input_count(&run, "thing"), 2);
	assert_string_equal(dataset_dir(stage_input_at(&run, "thing", 1)), three[1]);
	assert_null(stage_input_at(&run, "thing", 2));
	assert_int_equal(stage_input_part(&run, "pages", &part, &e), 0);
	assert_non_null(strstr(store_path(part), "part-00001"));
	a = arena_new(&e);
	assert_int_equal(stage_inputs_digests(run.inputs, 1, a, &digests, &names, &n, &e), 0);
	assert_int_equal(n, 3);
	assert_string_equal(names[0], "pages");
	assert_string_equal(names[2], "thing 1");
	assert_true(digest_equal(digests[0], dataset_part_fingerprint(stage_input(&run, "pages"), 1)));
	arena_free(a);
	stage_inputs_close(run.inputs);
}

static void test_what_is_made_now_has_the_fingerprint_that_is_told(void **state)
{
	const char *one[] = { dataset(state, "one", 2, "v") };
	struct stage_place place[] = { { &inputs[0], NULL, 1 }, { &inputs[1], one, 1 } };
	struct stage_run run = { .task = &fake_make.tasks[0] };
	struct cbtm_error e = { 0 };
	struct digest *digests, made = { 5, 6 };
	const char **names;
	size_t n;

	struct arena *a = arena_new(&e);
	assert_int_equal(stage_inputs_open(&fake_make, place, 2, NULL, &run.inputs, &e), 0);
	stage_inputs_made(run.inputs, "pages", made);
	assert_null(stage_input(&run, "pages"));
	assert_int_equal(stage_inputs_digests(run.inputs, 1, a, &digests, &names, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_true(digest_equal(digests[0], made));
	assert_true(digest_equal(digests[1], dataset_part_fingerprint(stage_input(&run, "copies"), 1)));
	arena_free(a);
	stage_inputs_close(run.inputs);
}

static void test_other_vocabularies_are_refused(void **state)
{
	const char *two[] = { dataset(state, "one", 1, "v"), dataset(state, "two", 1, "w") };
	struct stage_place place = { &inputs[2], two, 2 };
	struct stage_inputs *in;
	struct cbtm_error e = { 0 };

	assert_int_equal(stage_inputs_open(&fake_make, &place, 1, NULL, &in, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, "vocabulary w"));
	stage_inputs_close(in);
}

static void test_other_numbers_of_parts_are_refused(void **state)
{
	const char *one[] = { dataset(state, "one", 1, NULL) },
			   *two[] = { dataset(state, "two", 2, NULL) };
	struct stage_place place[] = { { &inputs[0], one, 1 }, { &inputs[1], two, 1 } };
	struct stage_inputs *in;
	struct cbtm_error e = { 0 };
	uint32_t parts;

	assert_int_equal(stage_inputs_open(&fake_read, place, 2, NULL, &in, &e), 0);
	assert_int_equal(stage_inputs_parts(in, &parts, &e), CBTM_ERR_BAD_DATA);
	stage_inputs_close(in);
}

static void test_a_missing_dataset_is_an_error(void **state)
{
	const char *none[] = { scratch_path(state, "none") };
	struct stage_place place = { &inputs[0], none, 1 };
	struct stage_inputs *in;
	struct cbtm_error e = { 0 };

	assert_int_equal(stage_inputs_open(&fake_make, &place, 1, NULL, &in, &e),
	                 CBTM_ERR_MISSING_INPUT);
	stage_inputs_close(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_inputs_are_found_by_name_and_part, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_is_made_now_has_the_fingerprint_that_is_told,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_other_vocabularies_are_refused, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_other_numbers_of_parts_are_refused, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_missing_dataset_is_an_error, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
