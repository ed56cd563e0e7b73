/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "base/signals.h"
#include "ensemble/scoring.h"
#include "ensemble/small.h"
#include "scratch.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * A model made up: ln p of a token is -(100 id + tokens in front of it in the window), so scores say
 * what was scored and what was seen; a document's first window begins with BOS. It takes the place of lib/model's.
 */
static struct model_config config;
static const char *vocabulary;
enum { BOS = 77, EOD = 0 };
static size_t stop_after; /* scored sequences until SIGTERM comes; 0: never */

uint64_t model_length(const struct model *m)
{
	return model_config(m)->length;
}

const struct model_config *model_config(const struct model *m)
{
	(void)m;
	return &config;
}
uint32_t model_eod(const struct model *m)
{
	(void)m;
	return EOD;
}
uint32_t model_bos(const struct model *m)
{
	(void)m;
	return BOS;
}
const char *model_vocabulary(const struct model *m)
{
	(void)m;
	return vocabulary;
}
int model_score(struct model *m, const struct model_sequence *sequences, size_t n,
                struct cbtm_error *e)
{
	(void)m, (void)e;
	for (size_t i = 0; i < n; i++) {
		const struct model_sequence *s = sequences + i;
		assert_in_range(s->n, 2, config.length + 1);
		assert_int_equal(s->ids[0] == BOS, !s->first); /* once, in front of all, never scored */
		for (size_t t = 1; t < s->n; t++)
			assert_int_not_equal(s->ids[t], BOS);
		for (size_t t = s->first; t + 1 < s->n; t++) {
			assert_true(s->logprob[t] == 0); /* each position once */
			s->logprob[t] = -(float)(100 * s->ids[t + 1] + t + 1);
		}
	}
	if (stop_after && stop_after <= n)
		signals_request_stop();
	return 0;
}

static char digest[DIGEST_HEX];

static struct dataset *tokens_of(void **state, const struct small_options *o)
{
	struct cbtm_error e = { 0 };
	struct dataset *d;
	struct dataset *v;
	small_write(*state, 1, o);
	small_ok(dataset_open(scratch_path(state, "tokens"), NULL, &d, &e), &e);
	small_ok(dataset_open(scratch_path(state, "vocabulary"), NULL, &v, &e), &e);
	digest_hex(dataset_content(v), digest);
	vocabulary = digest;
	dataset_close(v);
	return d;
}

static struct store_writer *writer_of(void **state, const char *name)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	small_ok(store_create(scratch_path(state, name), 0, store_kind_find("scores"),
	                      digest_bytes("s", 1), &w, &e),
	         &e);
	return w;
}

/* Row by row: the documents of valid and test up to the limit, each as `score` says. */
static void check(void **state, const char *name, const struct small_options *o, uint64_t positions,
                  float (*score)(uint64_t i, uint64_t t))
{
	struct cbtm_error e = { 0 };
	struct store *s;
	struct store_reader *key, *split, *logprob;
	uint64_t row = 0, n, done[SPLIT_COUNT] = { 0 };
	small_ok(store_open(scratch_path(state, name), 0, NULL, &s, &e), &e);
	store_reader_open(s, "key", &key, &e);
	store_reader_open(s, "split", &split, &e);
	small_ok(store_reader_open(s, "logprob", &logprob, &e), &e);
	for (uint64_t i = 0; i < SMALL_DOCUMENTS; i++) {
		uint32_t of = small_split(o, i);
		const void *data;
		if (of < SPLIT_VALID || (o->documents && done[of]++ >= o->documents))
			continue;
		small_ok(store_read_row(key, row, &data, &n, &e), &e);
		assert_int_equal(*(const uint64_t *)data, small_key(i));
		small_ok(store_read_row(split, row, &data, &n, &e), &e);
		assert_int_equal(*(const uint8_t *)data, of);
		small_ok(store_read_row(logprob, row, &data, &n, &e), &e);
		uint64_t all = small_length(i) + 1;
		assert_int_equal(n, all < positions ? all : positions);
		for (uint64_t t = 0; t < n; t++)
			assert_true(((const float *)data)[t] == score(i, t));
		row++;
	}
	assert_int_equal(store_row_count(s, "key"), row);
	assert_int_equal(store_row_count(s, "logprob"), row);
	store_reader_close(key);
	store_reader_close(split);
	store_reader_close(logprob);
	store_close(s);
}

static uint32_t id_at(uint64_t i, uint64_t t)
{
	return t < small_length(i) ? small_id(i, t) : EOD;
}

static float from_the_start(uint64_t i, uint64_t t)
{
	return -(float)(100 * id_at(i, t) + t + 1);
}

/* T = 3: windows begin every two tokens, so a token past the first three sees two or three. */
static float in_windows_of_three(uint64_t i, uint64_t t)
{
	uint64_t seen = t < 3 ? t + 1 : t % 2 ? 2 : 3;
	return -(float)(100 * id_at(i, t) + seen);
}

static void score(void **state, const char *name, const struct scoring *s)
{
	struct cbtm_error e = { 0 };
	uint64_t n;
	struct store_writer *w = writer_of(state, name);
	small_ok(scoring_count(s, &n, &e), &e);
	small_ok(scoring_run(s, w, &e), &e);
	assert_int_equal(store_rows(w, "key"), n);
	small_ok(store_seal(w, &e), &e);
}

static void test_a_document_is_text_and_end_behind_one_bos(void **state)
{
	struct small_options o = { 0 };
	config.length = 100;
	struct dataset *tokens = tokens_of(state, &o);
	score(state, "out", &(struct scoring){ .tokens = tokens });
	check(state, "out", &o, UINT64_MAX, from_the_start);
	dataset_close(tokens);
}

static void test_truncation_scores_the_first_tokens(void **state)
{
	struct small_options o = { 0 };
	config.length = 3;
	struct dataset *tokens = tokens_of(state, &o);
	score(state, "out", &(struct scoring){ .tokens = tokens });
	check(state, "out", &o, 3, from_the_start);
	dataset_close(tokens);
}

static void test_strides_score_every_token_once_with_half_a_window_behind(void **state)
{
	struct small_options o = { 0 };
	config.length = 3;
	struct dataset *tokens = tokens_of(state, &o);
	score(state, "out", &(struct scoring){ .tokens = tokens, .window = SCORING_STRIDE });
	check(state, "out", &o, UINT64_MAX, in_windows_of_three);
	dataset_close(tokens);
}

static void test_a_limit_counts_each_split(void **state)
{
	struct small_options o = { .documents = 2 };
	config.length = 100;
	struct dataset *tokens = tokens_of(state, &o);
	score(state, "out", &(struct scoring){ .tokens = tokens, .documents = 2 });
	check(state, "out", &o, UINT64_MAX, from_the_start);
	dataset_close(tokens);
}

static void test_a_stopped_run_goes_on_to_the_same_bytes(void **state)
{
	struct cbtm_error e = { 0 };
	struct small_options o = { 0 };
	struct buffer whole = { 0 }, pieces = { 0 };
	config.length = 100;
	struct dataset *tokens = tokens_of(state, &o);
	struct scoring s = { .tokens = tokens };
	score(state, "whole", &s);
	struct store_writer *w = writer_of(state, "pieces");
	stop_after = 1;
	assert_int_equal(scoring_run(&s, w, &e), CBTM_ERR_STOPPED);
	stop_after = 0;
	uint64_t rows = store_rows(w, "key");
	assert_true(rows > 0 && rows < SMALL_DOCUMENTS / 2);
	store_leave(w);
	e = (struct cbtm_error){ 0 };
	w = writer_of(state, "pieces");
	assert_int_equal(store_rows(w, "key"), rows);
	int status =
		scoring_run(&s, w, &e); /* the stop is still asked for: commits, then stops again */
	if (status == CBTM_ERR_STOPPED)
		e = (struct cbtm_error){ 0 };
	small_ok(store_seal(w, &e), &e);
	small_ok(file_read(scratch_path(state, "whole/part-00000.lmdb"), 1 << 26, &whole, &e), &e);
	small_ok(file_read(scratch_path(state, "pieces/part-00000.lmdb"), 1 << 26, &pieces, &e), &e);
	assert_int_equal(whole.n, pieces.n);
	assert_memory_equal(whole.data, pieces.data, whole.n);
	buffer_free(&whole);
	buffer_free(&pieces);
	dataset_close(tokens);
}

static void test_tokens_of_another_vocabulary_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct dataset *tokens = tokens_of(state, NULL);
	uint64_t n;
	vocabulary = "0000";
	small_refused(scoring_count(&(struct scoring){ .tokens = tokens }, &n, &e), CBTM_ERR_BAD_DATA,
	              "0000 was expected", &e);
	dataset_close(tokens);
}

/* Every second document is held out here: a corpus of train documents is made by hand. */
static void test_nothing_held_out_is_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	struct dataset *tokens;
	struct digest f = digest_bytes("t", 1);
	const struct store_kind *kind = store_kind_find("tokens");
	dataset_close(tokens_of(state, NULL));
	small_ok(store_create(scratch_path(state, "train"), 0, kind, f, &w, &e), &e);
	store_add_column(w, "ids", STORE_U16, STORE_VARIABLE, 0, &e);
	store_append(w, "key", &(uint64_t){ 7 }, 1, &e);
	store_append(w, "split", &(uint8_t){ SPLIT_BRANCH }, 1, &e);
	store_append_row(w, "ids", &(uint16_t){ 1 }, 1, &e);
	store_set_text(w, "vocabulary", vocabulary, &e);
	small_ok(store_seal(w, &e), &e);
	small_ok(dataset_seal(scratch_path(state, "train"), kind, &f, 1, &e), &e);
	small_ok(dataset_open(scratch_path(state, "train"), NULL, &tokens, &e), &e);
	w = writer_of(state, "out");
	small_refused(scoring_run(&(struct scoring){ .tokens = tokens }, w, &e), CBTM_ERR_EMPTY_CORPUS,
	              "no document is held out", &e);
	store_leave(w);
	dataset_close(tokens);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_document_is_text_and_end_behind_one_bos),
		TEST(test_truncation_scores_the_first_tokens),
		TEST(test_strides_score_every_token_once_with_half_a_window_behind),
		TEST(test_a_limit_counts_each_split),
		TEST(test_tokens_of_another_vocabulary_are_refused),
		TEST(test_nothing_held_out_is_refused),
		TEST(test_a_stopped_run_goes_on_to_the_same_bytes), /* last: a stop stays asked for */
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
