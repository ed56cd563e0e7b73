/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "scratch.h"
#include "stage/cards.h"
#include "stage/sample_cards.h"
#include "stage/sample_corpus.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 420 };

static const char *const field_names[] = { "n", "nothing" };

/* Cards of the sample in `from`, into `to`; opened again. */
static struct store *make(const char *from, const char *to, uint64_t sample, unsigned threads)
{
	struct cbtm_error e = { 0 };
	struct card_options options = { { field_names, 2 }, sample, 4, 2 };
	struct cards c = { .in = sample_cards_open(from),
		               .centres = sample_dataset(from, "centres"),
		               .options = &options,
		               .seed = 1,
		               .pool = pool_new(threads, &e) };
	struct store_writer *w = NULL;
	struct store *s = NULL;
	assert_int_equal(
		store_create(to, 0, store_kind_find("cards"), digest_bytes("cards", 5), &w, &e), 0);
	if (cards_make(&c, w, &e))
		fail_msg("%s: %s", e.where, e.what);
	assert_int_equal(store_seal(w, &e), 0);
	assert_int_equal(store_open(to, 0, NULL, &s, &e), 0);
	pool_free(c.pool);
	dataset_close((struct dataset *)c.centres);
	sample_cards_close(&c.in);
	return s;
}

/* A row's JSON, and numbers in it by path ("distance.p50"). */
struct row {
	struct store_reader *reader;
	struct json_parser *parser;
	struct json root;
};

static void row_open(struct row *r, const struct store *s, const char *column, uint64_t i)
{
	struct cbtm_error e = { 0 };
	const void *text;
	uint64_t n;
	*r = (struct row){ .parser = json_parser_new(&e) };
	assert_int_equal(store_reader_open(s, column, &r->reader, &e), 0);
	assert_int_equal(store_read_row(r->reader, i, &text, &n, &e), 0);
	assert_int_equal(json_parse(r->parser, text, n, column, &r->root, &e), 0);
}

static void row_close(struct row *r)
{
	json_parser_free(r->parser);
	store_reader_close(r->reader);
}

static double number(const struct row *r, const char *path)
{
	struct json v = r->root;
	double x = NAN;
	char copy[64], *name = copy, *dot;
	snprintf(copy, sizeof copy, "%s", path);
	do {
		dot = strchr(name, '.');
		if (dot)
			*dot = 0;
		if (!json_member(v, name, &v))
			fail_msg("there is no %s", path);
		name = dot + 1;
	} while (dot);
	json_f64(v, &x);
	return x;
}

static void test_cards_say_what_the_sample_holds(void **state)
{
	struct row r;
	sample_corpus(*state, 2, ROWS);
	sample_cards(*state, 2, ROWS);
	struct store *s = make(*state, scratch_path(state, "cards"), 0, 1);
	assert_int_equal(store_row_count(s, "card"), SAMPLE_CLUSTERS);
	assert_int_equal(store_row_count(s, "field"), 2);
	row_open(&r, s, "card", 0); /* documents 0, 3, 6, ...; a tenth are zero vectors */
	assert_true(number(&r, "documents.all") == 140 && number(&r, "documents.train") == 70);
	assert_true(number(&r, "documents.valid") == 35 && number(&r, "zero_vectors") == 14);
	assert_true(number(&r, "tokens.all") == 3 * 139 * 140 / 2);
	assert_true(number(&r, "distance.min") == 0.5);
	assert_true(number(&r, "distance.max") == sqrt((double)(0.25F + 0.06F)));
	assert_true(number(&r, "distance.p50") == sqrt((double)(0.25F + 0.03F)));
	/* From a direction to its centre 1/4, to another one 5/4, whatever the store says of the own. */
	assert_true(fabs(number(&r, "overlap.margin") - (sqrt(1.25) - number(&r, "distance.mean"))) <
	            1e-3);
	assert_true(number(&r, "overlap.documents") == 126);
	row_close(&r);
	row_open(&r, s, "summary", 0);
	assert_true(number(&r, "clusters") == 3 && number(&r, "documents.all") == ROWS);
	assert_true(number(&r, "fit.objective") == 12.5 && number(&r, "sampled") == ROWS);
	assert_true(number(&r, "balance.documents") == 1);
	assert_true(number(&r, "words.counted") == ROWS && number(&r, "words.distinct") == 1);
	row_close(&r);
	row_open(&r, s, "field", 0); /* n is the cluster */
	assert_true(fabs(number(&r, "nmi") - 1) < 1e-12 && number(&r, "kept_values") == 3);
	row_close(&r);
	row_open(&r, s, "field", 1);
	assert_true(number(&r, "measured_on") == 0 && number(&r, "missing.documents") == ROWS);
	row_close(&r);
	store_close(s);
}

static void test_parts_and_threads_change_nothing(void **state)
{
	char one[600];
	snprintf(one, sizeof one, "%s", scratch_path(state, "one"));
	sample_corpus(one, 1, ROWS);
	sample_cards(one, 1, ROWS);
	sample_corpus(*state, 7, ROWS);
	sample_cards(*state, 7, ROWS);
	for (uint64_t sample = 0; sample < 200; sample += 100) {
		char name[32];
		snprintf(name, sizeof name, "a%d", (int)sample);
		struct store *a = make(one, scratch_path(state, name), sample, 1);
		snprintf(name, sizeof name, "b%d", (int)sample);
		struct store *b = make(*state, scratch_path(state, name), sample, 3);
		struct row r;
		assert_true(digest_equal(store_content(a), store_content(b)));
		row_open(&r, a, "summary", 0);
		assert_true(sample ? number(&r, "sampled") > 50 && number(&r, "sampled") < 150
		                   : number(&r, "sampled") == ROWS);
		row_close(&r);
		store_close(b);
		store_close(a);
	}
}

static void test_centres_of_another_kind_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct card_options options = { { 0 }, 0, 4, 2 };
	sample_corpus(*state, 1, ROWS);
	sample_cards(*state, 1, ROWS);
	struct cards c = { .in = sample_cards_open(*state),
		               .centres = sample_dataset(*state, "vectors"),
		               .options = &options };
	struct store_writer *w = NULL;
	store_create(scratch_path(state, "cards"), 0, store_kind_find("cards"),
	             digest_bytes("cards", 5), &w, &e);
	assert_int_equal(cards_make(&c, w, &e), CBTM_ERR_BAD_STORE);
	assert_non_null(strstr(e.where, "vectors"));
	store_leave(w);
	dataset_close((struct dataset *)c.centres);
	sample_cards_close(&c.in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cards_say_what_the_sample_holds, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_parts_and_threads_change_nothing, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_centres_of_another_kind_are_refused, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
