/* SPDX-License-Identifier: MIT */
#include "text/torture.h"
#include "base/error.h"
#include "base/random.h"
#include "text/encode.h"
#include "text/encode_merge.h"
#include "text/pretoken.h"
#include "text/recorded.h"
#include "text/unicode.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What texts are made of; the first ones are the most frequent. */
static const char *const some[] = {
	" ", " ", "'", "a", "s", "l", "e", "\n", "ti", "lo", "mi", "re", "v", "t", "'s", "'ll", "'re",
	"'ve", "1", "42", "!", ".", "\t", " 's", "d", "m", "r", "bado", "", "\xc3\xa9", "\xe6\xbc\xa2",
	"\xf0\x9f\x99\x82", "\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\xa8", "\xc2\x85", "\xc2\xbd",
	"\xcc\x81", "\x1c", "\xd0\xb6", "\xf0\x96\xba\xa7", "  ",
	/* not valid: */
	"\xc2", "\xe3\x80", "\xf0\x9f\x99", "\x80", "\xff", "\xed\xa0\x80", "\xf4\x90\x80\x80",
	"\xe0\x80\x80", "\xf0\x80\x80\x80", "\xc0\x80"
};
enum { ALL = sizeof some / sizeof *some, ASCII = 28, VALID = 42 };

static int ascending(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	return (x > y) - (x < y);
}

struct torture torture_make(uint64_t number, size_t bytes)
{
	static const uint64_t kinds[] = { 3, ASCII, VALID, ALL };
	struct random_key key = random_key(11, RANDOM_TEST);
	uint64_t kind = kinds[random_below(key, number, 0, 4)];
	size_t want = random_below(key, number, 1, bytes), cut[2 * TORTURE_TEXTS];
	struct torture t = { .texts = 1 + random_below(key, number, 2, TORTURE_TEXTS) };
	char *text = malloc(want + 1);

	for (uint32_t i = 3; t.n < want; i++) {
		const char *s = some[random_below(key, number, i, kind)];
		size_t n = *s ? strlen(s) : 1; /* "" is a NUL */
		n = n < want - t.n ? n : want - t.n;
		memcpy(text + t.n, s, n);
		t.n += n;
	}
	t.text = malloc(t.n + !t.n);
	memcpy(t.text, text, t.n);
	free(text);
	for (uint32_t i = 0; i < 2 * t.texts; i++)
		cut[i] = random_below(key, number, 100000 + i, t.n + 1);
	if (number % 3) /* the last text to the end of memory */
		cut[0] = t.n;
	qsort(cut, 2 * t.texts, sizeof *cut, ascending);
	for (size_t i = 0; i < t.texts; i++) {
		t.start[i] = i && number % 2 ? t.stop[i - 1] : cut[2 * i];
		t.stop[i] = cut[2 * i + 1];
	}
	return t;
}

void torture_free(struct torture *t)
{
	free(t->text);
}

unsigned char *torture_starts(const struct torture *t)
{
	unsigned char *starts = malloc(t->n + 1);

	memset(starts, 2, t->n + 1);
	for (size_t i = 0; i < t->texts; i++) {
		const char *s = t->text + t->start[i];
		size_t n = t->stop[i] - t->start[i];

		memset(starts + t->start[i], 0, n + 1);
		starts[t->start[i]] = 1;
		for (size_t at = 0; at < n; starts[t->start[i] + at] = 1)
			at = pretoken_end(unicode_flags(), s, n, at);
	}
	return starts;
}

void torture_encode(const struct bpe *b, const struct torture *t, struct bpe_ids *ids,
                    size_t end[TORTURE_TEXTS])
{
	struct encode_merger m = { .bpe = b };
	struct cbtm_error e = { 0 };

	for (size_t i = 0; i < t->texts; i++) {
		const char *s = t->text + t->start[i];
		size_t n = t->stop[i] - t->start[i];

		for (size_t at = 0, to; at < n; at = to) {
			to = pretoken_end(unicode_flags(), s, n, at);
			assert_int_equal(encode_merge(&m, s + at, to - at, ids, &e), 0);
		}
		end[i] = ids->n;
	}
	encode_merger_free(&m);
}

struct bpe *torture_vocabulary(enum torture_vocabulary which)
{
	struct bpe *b = recorded_vocabulary(), *other = NULL;
	struct cbtm_error e = { 0 };
	uint32_t shift = which == TORTURE_WIDE ? 70000 : 0, size = b->size + shift;
	struct bpe_symbol *symbol = calloc(size, sizeof *symbol);
	uint32_t(*merge)[2] = calloc(b->merges, sizeof *merge);

	if (which == TORTURE_RECORDED) {
		other = b;
		b = NULL;
	} else {
		for (uint32_t i = 0; i < shift; i++)
			symbol[i] = (struct bpe_symbol){ .bytes = "unused", .n = 6, .special = true };
		memcpy(symbol + shift, b->symbol, b->size * sizeof *symbol);
		for (uint32_t i = 0; i < b->merges; i++) {
			uint32_t from = which == TORTURE_REVERSED ? b->merges - 1 - i : i;
			merge[i][0] = b->merge[from][0] + shift;
			merge[i][1] = b->merge[from][1] + shift;
		}
		assert_int_equal(bpe_make(symbol, size, (const uint32_t(*)[2])merge, b->merges,
		                          &(struct bpe_choice){ .eod = "", .bos = "" }, "test", &other, &e),
		                 0);
	}
	bpe_free(b);
	free(symbol);
	free(merge);
	return other;
}

void torture_check(const struct encode_kernel *kernel, enum torture_vocabulary which)
{
	struct cbtm_error e = { 0 };
	struct bpe *b = torture_vocabulary(which);
	struct bpe_encoder *c = encode_new(b, kernel, 8192, 16384, &e);
	struct bpe_ids ids = { 0 }, expected = { 0 };
	size_t end[TORTURE_TEXTS], expected_end[TORTURE_TEXTS];

	assert_non_null(c);
	for (uint64_t i = 0; i < 3000; i++) {
		struct torture t = torture_make(i, i % 50 ? 200 : 20000);

		ids.n = expected.n = 0;
		torture_encode(b, &t, &expected, expected_end);
		assert_int_equal(bpe_encode_batch(c, t.text, t.start, t.stop, t.texts, &ids, end, &e), 0);
		assert_int_equal(ids.n, expected.n);
		assert_memory_equal(end, expected_end, t.texts * sizeof *end);
		if (ids.n)
			assert_memory_equal(ids.v, expected.v, ids.n * sizeof *ids.v);
		torture_free(&t);
	}
	bpe_ids_free(&ids);
	bpe_ids_free(&expected);
	bpe_encoder_free(c);
	bpe_free(b);
}
