/* SPDX-License-Identifier: MIT */
/* The plugin tfidf-svd through its descriptor, as the stages use it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/param.h"
#include "base/random.h"
#include "math/dense.h"
#include "plugin/embed.h"
#include "plugin/recorded_tfidf.h"
#include "stage/host.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A stream of documents in memory. */
struct corpus {
	struct cbtm_documents stream;
	struct cbtm_document document[64];
	size_t n, at;
};

static int next(void *arg, struct cbtm_document *out, size_t max, size_t *n, struct cbtm_error *e)
{
	struct corpus *c = arg;
	(void)e;
	for (*n = 0; *n < max && c->at < c->n; ++*n)
		out[*n] = c->document[c->at++];
	return 0;
}

static int again(void *arg, struct cbtm_error *e)
{
	(void)e;
	((struct corpus *)arg)->at = 0;
	return 0;
}

/* What goes wrong in prefixes: words that grow, digits, sigmas, marks, characters of 2 to 4 bytes,
 * scripts without blanks, invalid bytes, U+0130. */
static const char *const texts[] = {
	"The quick brown fox jumps over the lazy dogs and the lazier dogmas.",
	"dog dogs dogma's dog-house dog_house 2dogs dogs2 DOGS",
	"\xCE\x9F\xCE\x94\xCE\xA5\xCE\xA3\xCE\xA3\xCE\x95\xCE\xA5\xCE\xA3 "
	"\xCE\xA3\xCE\xA3 \xCE\x91\xCE\xA3'\xCE\x91 \xCE\x91\xCE\xA3.\xCE\x92 \xCE\x91\xCE\xA3' x",
	"caf\xC3\xA9 cafe\xCC\x81 na\xC3\xAFve \xC4\xB0stanbul fox\xC4\xB0quick",
	"\xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD\xE3\x80\x81\xE5\xA4\xA7\xE9\x98\xAA\xE3\x80\x82"
	"\xE4\xBA\xAC\xE9\x83\xBD\xE3\x80\x80\xE6\x9D\xB1\xE4\xBA\xAC\xEF\xBC\x8C\xE5\xA4\xA7",
	"\xF0\x9D\x94\xB8\xF0\x9D\x94\xB9 fox \xF0\x9F\x98\x80quick\xF0\x9F\x98\x80 brown",
	"broken \xE2\x82 fox \xF0\x9F quick\xFF\xFE lazy\xC3 \x80over",
	"quick.brown:fox'jumps^over`lazy dogs,quick;brown(fox)jumps[over]",
};
#define TEXTS (sizeof texts / sizeof *texts)

static const struct cbtm_embed *embed;

static void *options_of(struct arena *a, const char *name, const char *value)
{
	struct cbtm_error e = { 0 };
	void *options = arena_take(a, embed->plugin.options_size, &e);
	assert_int_equal(param_defaults(embed->plugin.params, options, a, &e), 0);
	for (const struct cbtm_param *p = embed->plugin.params; p->name; p++)
		if (name && !strcmp(p->name, name))
			assert_int_equal(param_parse(p, value, options, a, CBTM_ERR_USAGE, "test", &e), 0);
	return options;
}

static void *fit(const char *name, const char *value, struct cbtm_error *e)
{
	static struct corpus c;
	struct arena *a = arena_new(e);
	memset(&c, 0, sizeof c);
	c.n = TEXTS;
	for (size_t i = 0; i < TEXTS; i++)
		c.document[i] =
			(struct cbtm_document){ .key = i, .text = texts[i], .text_size = strlen(texts[i]) };
	c.stream = (struct cbtm_documents){ c.n, &c, next, again };
	void *state = embed->fit(options_of(a, name, value), &c.stream, e);
	arena_free(a);
	return state;
}

static double likeness(void *context, const void *state, const char *text, size_t n)
{
	struct cbtm_document d = { .text = text, .text_size = n };
	struct cbtm_error e = { 0 };
	size_t dims = embed->dims(state);
	float *a = malloc(dims * sizeof *a), *b = malloc(dims * sizeof *b);
	assert_int_equal(embed->context_vector(context, a, &e), 0);
	assert_int_equal(embed->transform(state, &d, 1, b, &e), 0);
	double distance = dense_distance(a, b, dims);
	free(a), free(b);
	return distance;
}

/* The prefix as transform may get it: what is cut off or broken is U+FFFD. */
static size_t repair(const char *bytes, size_t n, char *out)
{
	size_t used = 0;
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)bytes[i];
		size_t want = c < 0x80                ? 1
		              : c >= 0xC2 && c < 0xE0 ? 2
		              : c >= 0xE0 && c < 0xF0 ? 3
		              : c >= 0xF0 && c < 0xF5 ? 4
		                                      : 0;
		size_t have = 1;
		while (have < want && i + have < n && ((unsigned char)bytes[i + have] & 0xC0) == 0x80)
			have++;
		if (want && have == want) {
			memcpy(out + used, bytes + i, want);
			used += want;
		} else {
			memcpy(out + used, "\xEF\xBF\xBD", 3);
			used += 3;
		}
		i += have;
	}
	return used;
}

static void test_a_context_equals_transform_at_every_byte(void **unused)
{
	(void)unused;
	struct cbtm_error e = { 0 };
	void *state = fit("dims", "6", &e);
	assert_int_equal(e.name, 0);
	void *context = embed->context_new(state, &e);
	struct random_key random = random_key(5, RANDOM_TEST);
	char text[4096], prefix[3 * 4096];
	for (uint64_t round = 0; round < 60; round++) {
		/* All texts in a row of their own, from another one on each time, cut at random bytes. */
		size_t n = 0, at = 0;
		uint32_t draws = 0;
		for (size_t i = 0; i < TEXTS; i++) {
			const char *t = texts[(i * 3 + round) % TEXTS];
			memcpy(text + n, t, strlen(t));
			n += strlen(t);
			text[n++] = " x\n'"[(round + i) % 4];
		}
		assert_int_equal(embed->context_reset(context, &e), 0);
		while (at < n) {
			size_t step = round ? random_below(random, round, draws++, 7) : 1;
			step = step > n - at ? n - at : step;
			assert_int_equal(embed->context_add(context, text + at, step, &e), 0);
			at += step;
			double distance = likeness(context, state, prefix, repair(text, at, prefix));
			if (distance > 1e-10)
				fail_msg("round %d, byte %zu: distance %g", (int)round, at, distance);
		}
	}
	embed->context_free(context);
	embed->free(state);
}

/* A word of any length is cut off by the analyser: its tail costs no time and changes nothing. */
static void test_an_endless_word_is_followed(void **unused)
{
	(void)unused;
	struct cbtm_error e = { 0 };
	void *state = fit("dims", "4", &e), *context = embed->context_new(state, &e);
	size_t n = 300000;
	char *text = malloc(n);
	memset(text, 'a', n);
	memcpy(text, "fox ", 4);
	memcpy(text + n - 6, " quick", 6);
	for (size_t i = 0; i < n; i += 100)
		assert_int_equal(embed->context_add(context, text + i, 100, &e), 0);
	assert_true(likeness(context, state, text, n) < 1e-10);
	free(text);
	embed->context_free(context);
	embed->free(state);
}

static void test_unknown_texts_are_zero_and_others_are_unit(void **unused)
{
	(void)unused;
	struct cbtm_document d[3] = { { .text = "", .text_size = 0 },
		                          { .text = "zzz 42 the", .text_size = 10 },
		                          { .text = "fox", .text_size = 3 } };
	struct cbtm_error e = { 0 };
	void *state = fit("dims", "5", &e);
	float v[15];
	assert_int_equal(embed->transform(state, d, 3, v, &e), 0);
	assert_true(dense_is_zero(v, 10));
	assert_true(fabs(dense_dot(v + 10, v + 10, 5) - 1) < 1e-6);
	embed->free(state);
}

static void test_more_dims_than_rank_are_zero(void **unused)
{
	(void)unused;
	struct cbtm_document d = { .text = "quick brown fox", .text_size = 15 };
	struct cbtm_error e = { 0 };
	void *state = fit("dims", "50", &e);
	float v[50];
	assert_int_equal(e.name, 0);
	assert_int_equal(embed->dims(state), 50);
	assert_int_equal(embed->transform(state, &d, 1, v, &e), 0);
	assert_true(dense_is_zero(v + TEXTS, 50 - TEXTS));
	assert_false(dense_is_zero(v, TEXTS));
	embed->free(state);
}

static void test_limits_choose_words(void **unused)
{
	(void)unused;
	struct cbtm_error e = { 0 };
	float any[100] = { 0 };
	double weight;
	void *all = fit(NULL, NULL, &e);
	void *some = fit("max_features", "3", &e), *two = fit("min_df", "3", &e);
	assert_int_equal(e.name, 0);
	assert_int_equal(embed->features(some), 3);
	assert_true(embed->features(two) < embed->features(all));
	for (size_t i = 1; i < embed->features(all); i++)
		assert_true(strcmp(embed->feature(all, i - 1, any, &weight),
		                   embed->feature(all, i, any, &weight)) < 0);
	embed->free(all), embed->free(some), embed->free(two);
	assert_null(fit("min_df", "100", &e));
	assert_int_equal(e.name, CBTM_ERR_EMPTY_CORPUS);
}

/* Words that look-ups could mix up: beginnings of each other, up to and over 8 and 16 bytes, and long
 * ones that differ in their middle alone. */
enum { LIKE = 150, LIKE_BYTES = 64, LIKE_DIMS = 8 };
static char like[LIKE][LIKE_BYTES];

static size_t make_like_words(void)
{
	size_t n = 0;
	for (size_t length = 2; length <= 40; length++)
		snprintf(like[n++], LIKE_BYTES, "%.*s", (int)length,
		         "qabcdefghijklmnoprstuvwxyzabcdefghijklmnoprs");
	for (size_t middle = 1; middle <= 13; middle++)
		for (size_t at = 0; at < middle; at++) {
			char between[16] = "kkkkkkkkkkkkkkk";
			between[at] = 'v';
			snprintf(like[n++], LIKE_BYTES, "qheadend%.*sqtailend", (int)middle, between);
		}
	assert_true(n <= LIKE);
	return n;
}

/* Adds a word's direction: what feature() says of each axis. */
static void add_direction(const void *state, const char *word, double *sum)
{
	float axis[LIKE_DIMS];
	for (size_t i = 0; i < embed->features(state); i++)
		for (size_t j = 0; j < LIKE_DIMS; j++) {
			double weight;
			memset(axis, 0, sizeof axis);
			axis[j] = 1;
			if (strcmp(embed->feature(state, i, axis, &weight), word) != 0)
				break;
			sum[j] += weight;
		}
}

/* Texts of as many words as a group of look-ups takes, one less and one more, twice that ... */
static void test_words_that_are_alike_are_told_apart_in_groups(void **unused)
{
	static const size_t lengths[] = { 1, 2, 63, 64, 65, 127, 128, 129, 200 };
	static struct corpus c;
	static char text[64][20 * LIKE_BYTES], many[300 * LIKE_BYTES];
	(void)unused;
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	size_t n = make_like_words(), found = 0;
	memset(&c, 0, sizeof c);
	c.n = 64;
	for (size_t i = 0; i < c.n; i++) {
		size_t size = 0;
		for (size_t w = 0; w < n / 2; w += 1 + w / 3) /* neighbours share more */
			size += (size_t)snprintf(text[i] + size, sizeof text[i] - size, "%s ",
			                         like[(2 * i + w) % n]);
		c.document[i] = (struct cbtm_document){ .key = i, .text = text[i], .text_size = size };
	}
	c.stream = (struct cbtm_documents){ c.n, &c, next, again };
	void *state = embed->fit(options_of(a, "dims", "8"), &c.stream, &e);
	assert_int_equal(e.name, 0);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < embed->features(state); j++) {
			float any[LIKE_DIMS] = { 0 };
			double weight;
			found += !strcmp(embed->feature(state, j, any, &weight), like[i]);
		}
	assert_int_equal(found, n);
	assert_int_equal(embed->features(state), n);
	for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
		double sum[LIKE_DIMS] = { 0 }, square = 0;
		float v[LIKE_DIMS];
		size_t size = 0;
		for (size_t i = 0; i < lengths[k]; i++) {
			const char *word = like[(31 * i + k) % n];
			/* Every ninth is unknown: a known one and a character more, in front or behind. */
			const char *form = i % 18 == 8 ? "x%s " : i % 18 == 17 ? "%s7 " : "%s ";
			size += (size_t)snprintf(many + size, sizeof many - size, form, word);
			if (i % 9 != 8)
				add_direction(state, word, sum);
		}
		for (size_t j = 0; j < LIKE_DIMS; j++)
			square += sum[j] * sum[j];
		struct cbtm_document d = { .text = many, .text_size = size };
		assert_int_equal(embed->transform(state, &d, 1, v, &e), 0);
		for (size_t j = 0; j < LIKE_DIMS; j++)
			assert_true(fabs(v[j] - sum[j] / sqrt(square)) < 1e-6);
	}
	embed->free(state);
	arena_free(a);
}

/* With as many dims as documents the vectors keep every angle between tf-idf rows. */
static void test_words_and_angles_are_scikit_learns(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof recorded_tfidf / sizeof *recorded_tfidf; i++) {
		struct cbtm_error e = { 0 };
		struct corpus c = { .n = RECORDED_TEXTS };
		struct arena *a = arena_new(&e);
		void *options = options_of(a, "dims", "40");
		char given[200], *rest = given, *one;
		for (size_t j = 0; j < c.n; j++)
			c.document[j] = (struct cbtm_document){ .key = j,
				                                    .text = recorded_texts[j],
				                                    .text_size = strlen(recorded_texts[j]) };
		c.stream = (struct cbtm_documents){ c.n, &c, next, again };
		snprintf(given, sizeof given, "%s", recorded_tfidf[i].options);
		while ((one = strsep(&rest, " ")) && *one) {
			char *value = strchr(one, '=');
			*value = 0;
			for (const struct cbtm_param *p = embed->plugin.params; p->name; p++)
				if (!strcmp(p->name, one))
					assert_int_equal(
						param_parse(p, value + 1, options, a, CBTM_ERR_USAGE, "test", &e), 0);
		}
		void *state = embed->fit(options, &c.stream, &e);
		assert_non_null(state);
		const char *words = recorded_tfidf[i].words;
		float v[RECORDED_TEXTS * 40], any[40] = { 0 };
		for (size_t j = 0; j < embed->features(state); j++) {
			double weight;
			const char *word = embed->feature(state, j, any, &weight);
			assert_true(!strncmp(words, word, strlen(word)) && words[strlen(word)] == ' ');
			words += strlen(word) + 1;
		}
		assert_true(*words == 0);
		assert_int_equal(embed->transform(state, c.document, c.n, v, &e), 0);
		for (size_t j = 0; j < c.n; j++)
			for (size_t k = 0; k < c.n; k++)
				assert_true(fabs(dense_dot(v + j * 40, v + k * 40, 40) -
				                 recorded_tfidf[i].cosine[j][k]) < 2e-5);
		embed->free(state);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_context_equals_transform_at_every_byte),
		cmocka_unit_test(test_an_endless_word_is_followed),
		cmocka_unit_test(test_unknown_texts_are_zero_and_others_are_unit),
		cmocka_unit_test(test_more_dims_than_rank_are_zero),
		cmocka_unit_test(test_limits_choose_words),
		cmocka_unit_test(test_words_that_are_alike_are_told_apart_in_groups),
		cmocka_unit_test(test_words_and_angles_are_scikit_learns),
	};
	struct plugin_search built = { TEST_BUILD_DIR "/plugins", NULL };
	struct cbtm_error e = { 0 };
	host_start(NULL);
	if (embed_open("tfidf-svd", &built, &embed, &e))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
