/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "fake.h"
#include "pipeline/reuse.h"
#include "scratch.h"
#include "store/dataset.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A dataset's folder WORK/pages/NAME with parts of these fingerprints, sealed or not. */
static void make_pages(void **state, const char *name, const struct digest *fingerprint, uint32_t n,
                       bool seal)
{
	const struct store_kind *kind = store_kind_find("results");
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	char dir[4200];

	snprintf(dir, sizeof dir, "%s/pages/%s", (const char *)*state, name);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(store_create(dir, i, kind, fingerprint[i], &w, &e), 0);
		assert_int_equal(store_append_row(w, "results", &i, sizeof i, &e), 0);
		assert_int_equal(store_seal(w, &e), 0);
	}
	if (seal)
		assert_int_equal(dataset_seal(dir, kind, fingerprint, n, &e), 0);
}

static void test_equal_parts_are_linked_whatever_their_number(void **state)
{
	struct digest old[] = { digest_bytes("a", 1), digest_bytes("b", 1) };
	struct graph_part part[] = { { digest_bytes("new", 3), GRAPH_MISSING },
		                         { old[0], GRAPH_MISSING },
		                         { old[1], GRAPH_MISSING } };
	struct graph_dataset d = { .task = &fake_read.tasks[0], .parts = 3, .part = part };
	struct cbtm_error e = { 0 };
	size_t linked = 0;
	char dir[4200];

	make_pages(state, "1111111111111111", old, 2, true);
	snprintf(dir, sizeof dir, "%s/pages/2222222222222222", (const char *)*state);
	d.dir = dir;
	assert_int_equal(reuse_parts(&d, &linked, &e), 0);
	assert_int_equal(linked, 2);
	assert_int_equal(part[0].state, GRAPH_MISSING);
	assert_true(dataset_has_part(dir, 1, old[0]));
	assert_true(dataset_has_part(dir, 2, old[1]));
}

static void test_parts_of_an_unfinished_dataset_serve_under_their_number(void **state)
{
	struct digest old[] = { digest_bytes("a", 1), digest_bytes("b", 1) };
	struct graph_part part[] = { { old[0], GRAPH_MISSING } };
	struct graph_dataset d = { .task = &fake_read.tasks[0], .parts = 1, .part = part };
	struct cbtm_error e = { 0 };
	size_t linked = 0;
	char dir[4200];

	make_pages(state, "1111111111111111", old, 2, false);
	snprintf(dir, sizeof dir, "%s/pages/2222222222222222", (const char *)*state);
	d.dir = dir;
	assert_int_equal(reuse_parts(&d, &linked, &e), 0);
	assert_int_equal(linked, 1);
}

static void test_what_is_forced_is_not_linked(void **state)
{
	struct digest old[] = { digest_bytes("a", 1) };
	struct graph_part part[] = { { old[0], GRAPH_MISSING } };
	struct graph_dataset d = {
		.task = &fake_read.tasks[0], .parts = 1, .part = part, .forced = true
	};
	struct cbtm_error e = { 0 };
	size_t linked = 0;
	char dir[4200];

	make_pages(state, "1111111111111111", old, 1, true);
	snprintf(dir, sizeof dir, "%s/pages/2222222222222222", (const char *)*state);
	d.dir = dir;
	assert_int_equal(reuse_parts(&d, &linked, &e), 0);
	assert_int_equal(linked, 0);
}

int main(int argc, char **argv)
{
	int status;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_equal_parts_are_linked_whatever_their_number,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(
			test_parts_of_an_unfinished_dataset_serve_under_their_number, scratch_make,
			scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_is_forced_is_not_linked, scratch_make,
		                                scratch_remove),
	};

	if (fake_is_stage(argc, argv, &status))
		return status;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
