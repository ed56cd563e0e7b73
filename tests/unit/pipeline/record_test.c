/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "pipeline/record.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct stage_cause before[] = {
	{ "task", "cluster.centres" }, { "cluster.k", "4" },      { "cluster.seed", "1" },
	{ "input.vectors", "a" },      { "input.expert 0", "b" }, { "input.expert 1", "c" },
	{ "input.old", "d" }
};
static const struct stage_cause now[] = {
	{ "task", "cluster.centres" }, { "cluster.k", "8" },      { "cluster.capacity", "tokens" },
	{ "input.vectors", "a" },      { "input.expert 0", "x" }, { "input.expert 1", "y" }
};

static void test_what_is_written_is_read_back(void **state)
{
	struct graph_dataset d = { .name = "expert 1", .cause = before, .causes = 7 };
	struct cbtm_error e = { 0 };
	struct record r;
	const char *path = scratch_path(state, "record.json");
	const struct record_entry *entry;

	assert_int_equal(record_read(path, &r, &e), 0); /* none yet */
	assert_null(r.first);
	assert_int_equal(record_set(&r, "experts", &d, &e), 0);
	d.fingerprint.low = 1;
	assert_int_equal(record_set(&r, "experts", &d, &e), 0); /* replaces */
	assert_int_equal(record_write(&r, path, &e), 0);
	record_free(&r);
	assert_int_equal(record_read(path, &r, &e), 0);
	entry = record_find(&r, "experts", "expert 1");
	assert_non_null(entry);
	assert_null(entry->next);
	assert_string_equal(entry->fingerprint, "00000000000000000000000000000001");
	assert_int_equal(entry->causes, 7);
	assert_string_equal(entry->cause[1].value, "4");
	assert_null(record_find(&r, "dense", "expert 1"));
	record_free(&r);
}

static void reason(const struct record_entry *entry, struct graph_dataset *d, const char *expected)
{
	struct cbtm_error e = { 0 };
	struct buffer out = { 0 };

	assert_int_equal(record_reason(entry, d, &out, &e), 0);
	assert_string_equal(out.data, expected);
	buffer_free(&out);
}

static void test_reasons_name_keys_with_both_values_then_inputs(void **state)
{
	struct record_entry entry = { .cause = before, .causes = 7 };
	struct graph_part part = { .state = GRAPH_MISSING };
	struct graph_dataset d = { .cause = now, .causes = 6, .parts = 1, .part = &part };

	(void)state;
	d.dir = "/nowhere/at/all";
	reason(&entry, &d,
	       "cluster.k 4 -> 8, cluster.capacity (none) -> tokens, cluster.seed 1 -> (none), "
	       "input expert changed, input old gone");
	reason(NULL, &d, "never run");
	d.cause = before;
	d.causes = 7;
	reason(&entry, &d, "its folder is gone");
	d.dir = *state;
}

static void test_what_was_begun_is_told(void **state)
{
	struct record_entry entry = { .cause = before, .causes = 7 };
	struct graph_part part[3] = { { .state = GRAPH_DONE } };
	struct graph_dataset d = { .cause = before, .causes = 7, .parts = 3, .part = part };

	d.dir = *state;
	reason(&entry, &d, "1 of 3 parts are done");
	part[0].state = GRAPH_MISSING;
	reason(&entry, &d, "not finished");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_written_is_read_back, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_reasons_name_keys_with_both_values_then_inputs,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_was_begun_is_told, scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
