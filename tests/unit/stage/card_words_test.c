/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/log_odds.h"
#include "stage/card_words.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TERMS = 3, DOCUMENTS = 6000 };

static void add(struct card_words *w, uint32_t cluster, const char *text)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(card_words_add(w, cluster, text, strlen(text), &e), 0);
}

static void is(const struct card_word *w, const char *word)
{
	if (w->n != strlen(word) || memcmp(w->word, word, w->n) != 0)
		fail_msg("%.*s, not %s", (int)w->n, w->word, word);
}

static void test_words_of_one_cluster_alone_are_its_top_words(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct card_words *w = card_words_new(2, SIZE_MAX, NULL, &e);
	struct card_ranking r;
	for (int i = 0; i < 4; i++) {
		add(w, 0, "Apples and pears: fruit, ripe apples."); /* "and" is a stop word */
		add(w, 1, "nails hammer ripe");
	}
	add(w, 1, "rare"); /* in one document only */
	assert_int_equal(card_words_rank(w, TERMS, 3, &r, &e), 0);
	assert_int_equal(r.documents, 9);
	assert_int_equal(r.total, 4 * 5 + 4 * 3 + 1);
	assert_int_equal(r.words[0], 3);
	is(&r.word[0], "apples");
	is(&r.word[1], "fruit"); /* as pears: ties in the order of bytes */
	is(&r.word[2], "pears");
	assert_true(r.word[0].count == 8 && r.word[0].rest == 0);
	assert_true(fabs(r.word[0].z - log_odds_z(8, 20, 0, 13, LOG_ODDS_PRIOR)) < 1e-12);
	is(&r.word[TERMS], "hammer");
	is(&r.word[TERMS + 1], "nails");
	is(&r.word[TERMS + 2], "ripe");
	card_ranking_free(&r);
	card_words_free(w);
}

/* Many documents, in a bounded table: the same ranking for any number of threads. */
static void rank(unsigned threads, size_t pairs, struct card_ranking *r, char text[3 * TERMS][16],
                 uint64_t *undercount)
{
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(threads, &e);
	struct card_words *w = card_words_new(3, pairs, pool, &e);
	char line[128];
	for (int i = 0; i < DOCUMENTS; i++) {
		snprintf(line, sizeof line, "w%d often%d w%d x%d every1", i % 700, i % 3, i % 11, i);
		add(w, (uint32_t)i % 3, line);
	}
	assert_int_equal(card_words_rank(w, TERMS, 1, r, &e), 0);
	*undercount = r->undercount;
	for (size_t i = 0; i < 3 * TERMS; i++)
		snprintf(text[i], 16, "%.*s", (int)r->word[i].n, r->word[i].word);
	card_words_free(w);
	pool_free(pool);
}

static void test_threads_change_nothing_even_where_words_are_dropped(void **state)
{
	(void)state;
	struct card_ranking one, four;
	char a[3 * TERMS][16], b[3 * TERMS][16];
	uint64_t dropped, same;
	rank(1, 1000, &one, a, &dropped);
	rank(4, 1000, &four, b, &same);
	assert_true(dropped > 0 && dropped == same);
	assert_int_equal(one.total, 5 * DOCUMENTS);
	assert_memory_equal(one.words, four.words, 3 * sizeof *one.words);
	for (size_t i = 0; i < 3 * TERMS; i++) {
		assert_string_equal(a[i], b[i]);
		assert_true(one.word[i].z == four.word[i].z && one.word[i].count == four.word[i].count);
	}
	assert_string_equal(a[0], "often0");
	assert_int_equal(one.word[0].count, DOCUMENTS / 3);
	card_ranking_free(&one);
	card_ranking_free(&four);
}

static void test_nothing_to_count_is_no_word(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct card_words *w = card_words_new(2, SIZE_MAX, NULL, &e);
	struct card_ranking r;
	assert_int_equal(card_words_rank(w, 0, 1, &r, &e), 0);
	assert_true(r.words[0] == 0 && r.words[1] == 0 && r.total == 0);
	card_ranking_free(&r);
	add(w, 0, "");
	add(w, 1, "the 123");
	assert_int_equal(card_words_rank(w, TERMS, 1, &r, &e), 0);
	assert_true(r.words[0] == 0 && r.words[1] == 0 && r.total == 0 && r.documents == 2);
	card_ranking_free(&r);
	card_words_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_of_one_cluster_alone_are_its_top_words),
		cmocka_unit_test(test_threads_change_nothing_even_where_words_are_dropped),
		cmocka_unit_test(test_nothing_to_count_is_no_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
