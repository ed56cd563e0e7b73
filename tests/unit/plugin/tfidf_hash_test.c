/* SPDX-License-Identifier: MIT */
/* The plugin tfidf-hash through its descriptor, against cosines that scikit-learn gave. */
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
#include <stdlib.h>
#include <string.h>

static const struct cbtm_embed *embed;
static struct cbtm_document document[RECORDED_TEXTS];
static size_t at;

static int next(void *arg, struct cbtm_document *out, size_t max, size_t *n, struct cbtm_error *e)
{
	(void)arg, (void)e;
	for (*n = 0; *n < max && at < RECORDED_TEXTS; ++*n)
		out[*n] = document[at++];
	return 0;
}

static void *fit(const char *dims, const char *seed)
{
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	struct cbtm_documents stream = { RECORDED_TEXTS, NULL, next, NULL }; /* one pass: no rewind */
	void *options = arena_take(a, embed->plugin.options_size, &e);
	assert_int_equal(param_defaults(embed->plugin.params, options, a, &e), 0);
	for (const struct cbtm_param *p = embed->plugin.params; p->name; p++) {
		const char *value = !strcmp(p->name, "dims")          ? dims
		                    : !strcmp(p->name, "random_seed") ? seed
		                                                      : p->default_text;
		assert_int_equal(param_parse(p, value, options, a, CBTM_ERR_USAGE, "test", &e), 0);
	}
	for (size_t i = 0; i < RECORDED_TEXTS; i++)
		document[i] = (struct cbtm_document){ .key = i,
			                                  .text = recorded_texts[i],
			                                  .text_size = strlen(recorded_texts[i]) };
	at = 0;
	void *state = embed->fit(options, &stream, &e);
	assert_non_null(state);
	arena_free(a);
	return state;
}

/* The mean square of what cosines are off, over all pairs of texts and some seeds. */
static double mean_square(const char *dims, size_t d)
{
	double sum = 0;
	size_t pairs = 0;
	float *v = malloc(RECORDED_TEXTS * d * sizeof *v);
	for (int seed = 1; seed <= 8; seed++) {
		char text[2] = { (char)('0' + seed), 0 };
		struct cbtm_error e = { 0 };
		void *state = fit(dims, text);
		assert_int_equal(embed->dims(state), d);
		assert_int_equal(embed->transform(state, document, RECORDED_TEXTS, v, &e), 0);
		for (size_t i = 0; i < RECORDED_TEXTS; i++)
			for (size_t j = 0; j < i; j++) {
				double off = dense_dot(v + i * d, v + j * d, d) - recorded_tfidf[0].cosine[i][j];
				sum += off * off;
				pairs++;
			}
		embed->free(state);
	}
	free(v);
	return sum / (double)pairs;
}

/* Johnson and Lindenstrauss: the variance of a projected inner product is at most 2 / dims. */
static void test_cosines_are_those_of_tfidf_within_the_bound(void **state)
{
	(void)state;
	double few = mean_square("64", 64), many = mean_square("4096", 4096);
	if (few > 2.0 / 64 || many > 2.0 / 4096 || few < 8 * many)
		fail_msg("mean squares %g and %g", few, many);
}

static void test_equal_and_empty_texts_are_equal_and_zero(void **unused)
{
	(void)unused;
	struct cbtm_error e = { 0 };
	float v[RECORDED_TEXTS * 100];
	void *state = fit("100", "1");
	assert_int_equal(embed->transform(state, document, RECORDED_TEXTS, v, &e), 0);
	assert_memory_equal(v + 3 * 100, v + 18 * 100, 100 * sizeof *v); /* the same text */
	assert_true(dense_is_zero(v + 19 * 100, 200));                   /* stop words; nothing */
	embed->free(state);
}

static void test_a_context_equals_transform_at_every_byte(void **unused)
{
	(void)unused;
	enum { D = 70 };
	struct cbtm_error e = { 0 };
	void *state = fit("70", "1"), *context = embed->context_new(state, &e);
	for (size_t i = 0; i < RECORDED_TEXTS; i++) {
		const char *text = document[i].text;
		assert_int_equal(embed->context_reset(context, &e), 0);
		for (size_t n = 0; n < document[i].text_size; n++) {
			float a[D], b[D];
			assert_int_equal(embed->context_add(context, text + n, 1, &e), 0);
			if (n + 1 < document[i].text_size && (text[n + 1] & 0xc0) == 0x80)
				continue; /* cut in half: the text by itself is no UTF-8 */
			struct cbtm_document prefix = { .text = text, .text_size = n + 1 };
			assert_int_equal(embed->context_vector(context, a, &e), 0);
			assert_int_equal(embed->transform(state, &prefix, 1, b, &e), 0);
			assert_true(dense_distance(a, b, D) < 1e-10);
		}
	}
	embed->context_free(context);
	embed->free(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cosines_are_those_of_tfidf_within_the_bound),
		cmocka_unit_test(test_equal_and_empty_texts_are_equal_and_zero),
		cmocka_unit_test(test_a_context_equals_transform_at_every_byte),
	};
	struct plugin_search built = { TEST_BUILD_DIR "/plugins", NULL };
	struct cbtm_error e = { 0 };
	host_start(NULL);
	if (embed_open("tfidf-hash", &built, &embed, &e))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
