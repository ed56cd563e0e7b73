/* SPDX-License-Identifier: MIT */
#include "text/tally.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void add(struct tally *t, const char *s, uint32_t group, uint64_t document)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(tally_add(t, s, strlen(s), group, document, &e), 0);
}

static void number(struct tally *t, unsigned i, uint32_t group, uint64_t document)
{
	char text[16];
	snprintf(text, sizeof text, "n%u", i);
	add(t, text, group, document);
}

static void test_rows_are_sorted_and_complete(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct tally *t = tally_new(3, SIZE_MAX, &e);
	struct tally_row *row;
	size_t n;
	add(t, "b", 2, 1);
	add(t, "b", 2, 1);
	add(t, "a", 1, 1);
	add(t, "b", 0, 2);
	add(t, "", 1, 2);
	assert_int_equal(tally_rows(t, &row, &n, &e), 0);
	assert_int_equal(n, 3);
	assert_true(row[0].n == 1 && row[0].s[0] == 'b' && row[0].count == 3);
	assert_int_equal(row[0].documents, 2);
	assert_int_equal(row[0].cells, 2);
	assert_true(row[0].cell[0].group == 0 && row[0].cell[0].count == 1);
	assert_true(row[0].cell[1].group == 2 && row[0].cell[1].count == 2);
	assert_true(row[1].n == 0 && row[2].s[0] == 'a'); /* ties by bytes */
	assert_int_equal(tally_undercount(t), 0);
	free(row);
	tally_free(t);
}

/* One by one, or in pieces that are merged: the same rows. */
static void test_merged_pieces_count_alike(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct tally *whole = tally_new(5, SIZE_MAX, &e), *merged = tally_new(5, SIZE_MAX, &e);
	struct tally_row *a, *b;
	size_t n, m;
	for (unsigned piece = 0; piece < 4; piece++) {
		struct tally *t = tally_new(5, SIZE_MAX, &e);
		for (unsigned i = 0; i < 3000; i++) {
			unsigned document = piece * 100 + i / 30, name = i * (piece + 7) % 997;
			number(whole, name, document % 5, document);
			number(t, name, document % 5, document);
		}
		assert_int_equal(tally_merge(merged, t, &e), 0);
		tally_free(t);
	}
	assert_int_equal(tally_rows(whole, &a, &n, &e), 0);
	assert_int_equal(tally_rows(merged, &b, &m, &e), 0);
	assert_int_equal(n, m);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(a[i].n, b[i].n);
		assert_memory_equal(a[i].s, b[i].s, a[i].n);
		assert_true(a[i].count == b[i].count && a[i].documents == b[i].documents);
		assert_int_equal(a[i].cells, b[i].cells);
		for (size_t c = 0; c < a[i].cells; c++)
			assert_true(a[i].cell[c].group == b[i].cell[c].group &&
			            a[i].cell[c].count == b[i].cell[c].count);
	}
	free(a), free(b);
	tally_free(whole), tally_free(merged);
}

enum { MOST = 64, RARE = 20000 };

/* Frequent strings among many that come once: counts are too small by no more than is said, all that
 * are more frequent than that are there, and memory stays bounded. */
static void test_rare_strings_are_dropped_within_the_bound(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct tally *t = tally_new(2, MOST, &e);
	struct tally_row *row;
	size_t n, frequent = 0;
	for (unsigned i = 0; i < RARE; i++) {
		number(t, 1000 + i, i % 2, i);
		if (i % 10 == 0) {
			number(t, i / 10 % 4, i % 4 / 2, i); /* n0 .. n3: 500 times each */
			assert_int_equal(tally_prune(t, &e), 0);
		}
	}
	uint64_t undercount = tally_undercount(t);
	assert_true(undercount > 0 && undercount <= 2 * (RARE + RARE / 10) / MOST);
	assert_int_equal(tally_rows(t, &row, &n, &e), 0);
	assert_true(n <= MOST + 11);
	for (size_t i = 0; i < n; i++) {
		bool often = row[i].n == 2;
		frequent += often;
		assert_true(row[i].count <= (often ? 500u : 1u));
		assert_true(row[i].count + undercount >= (often ? 500u : 1u));
	}
	assert_true(undercount >= 500 || frequent == 4);
	assert_true(undercount < 500); /* or nothing was tested */
	free(row);
	tally_free(t);
}

static void test_a_cleared_tally_counts_from_nothing(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct tally *t = tally_new(2, 8, &e);
	struct tally_row *row;
	size_t n;
	for (unsigned i = 0; i < 900; i++)
		number(t, i, i % 2, i);
	assert_int_equal(tally_prune(t, &e), 0);
	assert_true(tally_undercount(t) > 0);
	tally_clear(t);
	assert_int_equal(tally_undercount(t), 0);
	number(t, 3, 1, 0); /* the document's number is that of the last before */
	assert_int_equal(tally_rows(t, &row, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_true(row[0].count == 1 && row[0].documents == 1 && row[0].cell[0].group == 1);
	free(row);
	tally_free(t);
}

static void test_what_fits_is_exact(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct tally *t = tally_new(2, MOST, &e);
	for (unsigned i = 0; i < 10 * MOST; i++) {
		number(t, i % (MOST / 2), i / (MOST / 2) % 2, i);
		assert_int_equal(tally_prune(t, &e), 0);
	}
	assert_int_equal(tally_undercount(t), 0);
	tally_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_sorted_and_complete),
		cmocka_unit_test(test_merged_pieces_count_alike),
		cmocka_unit_test(test_rare_strings_are_dropped_within_the_bound),
		cmocka_unit_test(test_a_cleared_tally_counts_from_nothing),
		cmocka_unit_test(test_what_fits_is_exact),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
