/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "scratch.h"
#include "stage/card_rows.h"
#include "stage/sample_cards.h"
#include "stage/sample_corpus.h"
#include <stdio.h>
#include <string.h>

enum { ROWS = 9000, PARTS = 2 }; /* more than a batch in each part */

struct seen {
	uint64_t n, batches;
	uint64_t stop_at; /* 0: never */
};

static int look(void *arg, const struct card_batch *b, struct cbtm_error *e)
{
	struct seen *s = arg;
	const char *text;
	size_t n;
	char expected[32];
	for (size_t i = 0; i < b->n; i++, s->n++) {
		uint64_t row = s->n;
		assert_int_equal(b->key[i], 1000 + row);
		assert_int_equal(b->split[i], row % 4);
		assert_int_equal(b->tokens[i], row);
		assert_int_equal(b->cluster[i], row % 3);
		assert_true(b->distance[i] == 0.25F + (float)(row % 7) / 100);
		assert_true(b->vector[i * b->d + row % 3] == (row % 10 != 9));
	}
	size_t last = b->n - 1;
	snprintf(expected, sizeof expected, "text %d", (int)s->n - 1);
	assert_int_equal(card_batch_text(b, last, &text, &n, e), 0);
	assert_int_equal(n, strlen(expected));
	assert_memory_equal(text, expected, n);
	assert_int_equal(card_batch_meta(b, last, &text, &n, e), 0);
	assert_int_equal(text[5] - '0', (s->n - 1) % 3);
	s->batches++;
	if (s->stop_at && s->batches == s->stop_at)
		return error_set(e, CBTM_ERR_STOPPED, NULL, "enough");
	return 0;
}

static void make(const char *folder, uint32_t parts, uint64_t rows)
{
	sample_corpus(folder, parts, rows);
	sample_cards(folder, parts, rows);
}

static void test_rows_come_in_order_with_all_that_belongs_to_them(void **state)
{
	struct cbtm_error e = { 0 };
	struct seen s = { 0 };
	make(*state, PARTS, 900);
	struct card_datasets in = sample_cards_open(*state);
	assert_int_equal(card_rows_each(&in, 3, SAMPLE_DIMS, look, &s, &e), 0);
	assert_int_equal(s.n, 900);
	assert_int_equal(s.batches, PARTS);
	s = (struct seen){ .stop_at = 1 };
	assert_int_equal(card_rows_each(&in, 3, SAMPLE_DIMS, look, &s, &e), CBTM_ERR_STOPPED);
	assert_int_equal(s.batches, 1);
	sample_cards_close(&in);
}

static int count(void *arg, uint64_t first, const uint32_t *cluster, const float *distance,
                 size_t n, struct cbtm_error *e)
{
	struct seen *s = arg;
	(void)e;
	assert_int_equal(first, s->n);
	assert_true(n <= CARD_BATCH);
	for (size_t i = 0; i < n; i++, s->n++) {
		assert_int_equal(cluster[i], s->n % 3);
		assert_true(distance[i] == 0.25F + (float)(s->n % 7) / 100);
	}
	s->batches++;
	return 0;
}

static void test_distances_alone_are_the_same(void **state)
{
	struct cbtm_error e = { 0 };
	struct seen s = { 0 };
	sample_cards(*state, PARTS, ROWS);
	struct dataset *d = sample_dataset(*state, "assignments");
	assert_int_equal(card_distances_each(d, count, &s, &e), 0);
	assert_int_equal(s.n, ROWS);
	assert_int_equal(s.batches, 2 * PARTS);
	dataset_close(d);
}

static void refused(const struct card_datasets *in, uint64_t k, uint64_t d, const char *where)
{
	struct cbtm_error e = { 0 };
	struct seen s = { 0 };
	assert_int_equal(card_rows_each(in, k, d, look, &s, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.where, where));
}

static void test_what_does_not_fit_is_refused_by_name(void **state)
{
	char other[600];
	make(*state, PARTS, 60);
	snprintf(other, sizeof other, "%s", scratch_path(state, "other"));
	make(other, PARTS, 70);
	struct card_datasets in = sample_cards_open(*state), wrong = sample_cards_open(other),
						 mixed = in;
	refused(&in, 2, SAMPLE_DIMS, "assignments");
	refused(&in, 3, SAMPLE_DIMS + 1, "vectors");
	mixed.vectors = wrong.vectors;
	refused(&mixed, 3, SAMPLE_DIMS, "other/vectors");
	mixed = in;
	mixed.tokens = wrong.tokens;
	refused(&mixed, 3, SAMPLE_DIMS, "other/tokens");
	sample_cards_close(&wrong);
	snprintf(other, sizeof other, "%s", scratch_path(state, "parts"));
	make(other, PARTS + 1, 60);
	wrong = sample_cards_open(other);
	mixed = in;
	mixed.assignments = wrong.assignments;
	refused(&mixed, 3, SAMPLE_DIMS, "parts/assignments");
	sample_cards_close(&wrong);
	sample_cards_close(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rows_come_in_order_with_all_that_belongs_to_them,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_distances_alone_are_the_same, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_does_not_fit_is_refused_by_name, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
