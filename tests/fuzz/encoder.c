/* SPDX-License-Identifier: MIT */
/*
 * The encoder. The first byte chooses one of four vocabularies, whether the encoder is a new one,
 * and whether the text is written out or as records (length, repeat, bytes), which make long runs.
 * Very long runs, and new encoders of full size, take a hundred times longer than all else: of the
 * inputs that ask for them, which a corpus soon is full of, the first of every OFTEN has them.
 * Ids are those of a slow reference and of every kernel that this processor has, with a cache so
 * small that it is filled again and again; and they decode to the text.
 */
#include "base/error.h"
#include "base/memory.h"
#include "fuzz.h"
#include "text/bpe.h"
#include "text/bpe_train.h"
#include "text/encode.h"
#include "text/pretoken.h"
#include "text/unicode.h"
#include <stdlib.h>
#include <string.h>

enum { TINY, DISORDERED, TRAINED, PERMUTED, VOCABULARIES };
enum { KERNELS = 4, SLOTS = 8192 };
enum { SHORT = 1 << 12, LONGEST = 1 << 17, STEPWISE = 512, TOGETHER = 1 << 14, OFTEN = 64 };

/* The reference is not what is looked into: without the fuzzer's and the sanitizers' calls it takes a
 * tenth of the time. */
#ifdef __clang__
#define UNWATCHED __attribute__((no_sanitize("coverage", "address", "undefined")))
#else
#define UNWATCHED
#endif

static const struct bpe_choice choice = { .eod = "", .bos = "" };
static struct cbtm_error e;

/* ---------------------------------------------------------------- vocabularies */
/* A vocabulary of the bytes and of merges given as pairs of strings, in order. */
static struct bpe *make_by_hand(const char *const (*pairs)[2], uint32_t n)
{
	struct bpe_symbol symbol[320];
	uint32_t merge[32][2], size = 0;
	static char byte[256], made[32][16];
	struct bpe *b;

	symbol[size++] = (struct bpe_symbol){ .bytes = "<|endoftext|>", .n = 13, .special = true };
	for (int i = 0; i < 256; i++) {
		byte[i] = (char)i;
		symbol[size++] = (struct bpe_symbol){ .bytes = &byte[i], .n = 1 };
	}
	for (uint32_t i = 0; i < n; i++) {
		size_t left = strlen(pairs[i][0]), right = strlen(pairs[i][1]);
		memcpy(made[i], pairs[i][0], left);
		memcpy(made[i] + left, pairs[i][1], right);
		symbol[size++] = (struct bpe_symbol){ .bytes = made[i], .n = (uint32_t)(left + right) };
	}
	for (uint32_t i = 0; i < n; i++)
		for (int side = 0; side < 2; side++)
			for (uint32_t j = 0; j < size; j++)
				if (symbol[j].n == strlen(pairs[i][side]) &&
				    !memcmp(symbol[j].bytes, pairs[i][side], symbol[j].n))
					merge[i][side] = j;
	fuzz_require(
		!bpe_make(symbol, size, (const uint32_t(*)[2])merge, n, &choice, "by hand", &b, &e),
		"a vocabulary by hand is accepted");
	return b;
}

static struct bpe *tiny(void)
{
	static const char *const pairs[][2] = { { " ", "a" },  { "a", "b" },       { "'", "s" },
		                                    { "a", "a" },  { "aa", "aa" },     { " ", " " },
		                                    { "  ", " " }, { "\xc3", "\xa9" }, { "ab", "ab" },
		                                    { "1", "2" },  { "\n", "\n" },     { "aaaa", "aaaa" } };
	return make_by_hand(pairs, sizeof pairs / sizeof *pairs);
}

/* Merges whose parts are made by later ones: ranks fall while a piece is merged. */
static struct bpe *disordered(void)
{
	static const char *const pairs[][2] = { { "aba", "ba" }, { "ab", "a" },   { "b", "a" },
		                                    { "a", "b" },    { "aa", "aaa" }, { "aa", "a" },
		                                    { "a", "a" },    { " ab", "ab" }, { " a", "b" },
		                                    { " ", "a" } };
	return make_by_hand(pairs, sizeof pairs / sizeof *pairs);
}

/* Trained on made-up words of several alphabets. */
static struct bpe *trained(uint32_t size)
{
	static const char *const syllables[] = { "an",
		                                     "the",
		                                     "er",
		                                     "ing",
		                                     "é",
		                                     "\xd0\xb4\xd0\xb0",
		                                     "1",
		                                     "20",
		                                     "'ll",
		                                     "'s",
		                                     "\n",
		                                     "    ",
		                                     "\t",
		                                     "==",
		                                     "(",
		                                     ");",
		                                     "_x",
		                                     "\xe6\xbc\xa2",
		                                     "\xf0\x9f\x99\x82",
		                                     "st",
		                                     "q",
		                                     "Z" };
	struct bpe_pieces pieces = { 0 };
	struct buffer text = { 0 };
	const struct bpe_training training = { .size = size, .choice = choice };
	struct bpe *b = NULL;
	uint64_t x = 12345;

	for (int i = 0; i < 40000; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		uint64_t r = (x >> 33) * ((x >> 20) & 0xffff) >> 16; /* small ones are more frequent */
		buffer_text(&text, syllables[r % (sizeof syllables / sizeof *syllables)], &e);
		if (x >> 62 == 1)
			buffer_text(&text, " ", &e);
	}
	fuzz_require(!bpe_pieces_text(&pieces, text.data, text.n, &e) &&
	                 !bpe_train(&pieces, &training, &b, &e),
	             "a vocabulary is learnt");
	bpe_pieces_free(&pieces);
	buffer_free(&text);
	return b;
}

/* Another vocabulary with its ids turned round and its special token in the middle, as OPT's ids
 * are GPT-2's in another order. */
static struct bpe *permuted(const struct bpe *from)
{
	uint32_t n = from->size, *to = mem_zeroed(n, sizeof *to, "ids", &e);
	struct bpe_symbol *symbol = mem_zeroed(n, sizeof *symbol, "symbols", &e);
	uint32_t(*merge)[2] = mem_zeroed(from->merges, sizeof *merge, "merges", &e);
	struct bpe *b;

	to[from->eod] = n / 2;
	for (uint32_t i = 0, next = 0; i < n; i++)
		if (i != from->eod) {
			to[i] = n - 1 - next - (n - 1 - next <= n / 2);
			next++;
		}
	for (uint32_t i = 0; i < n; i++)
		symbol[to[i]] = from->symbol[i];
	for (uint32_t i = 0; i < from->merges; i++)
		for (int side = 0; side < 2; side++)
			merge[i][side] = to[from->merge[i][side]];
	fuzz_require(!bpe_make(symbol, n, (const uint32_t(*)[2])merge, from->merges, &choice,
	                       "permuted", &b, &e),
	             "permuted ids are accepted");
	free(to);
	free(symbol);
	free(merge);
	return b;
}

/* ---------------------------------------------------------------- the reference */
struct pair {
	uint32_t left, right, rank;
};

UNWATCHED static int by_ids(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->left != y->left)
		return x->left < y->left ? -1 : 1;
	return x->right < y->right ? -1 : x->right > y->right;
}

struct vocabulary {
	struct bpe *bpe;
	struct pair *pair; /* sorted by ids */
	struct bpe_encoder *encoder;
	struct bpe_encoder *small[KERNELS]; /* of every kernel, with a small cache */
	unsigned fresh, longest; /* inputs that asked for a new encoder, for a very long text */
};

UNWATCHED static uint32_t rank_of(const struct vocabulary *v, uint32_t left, uint32_t right)
{
	uint32_t low = 0, high = v->bpe->merges;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct pair *p = &v->pair[middle];
		if (p->left == left && p->right == right)
			return p->rank;
		if (p->left < left || (p->left == left && p->right < right))
			low = middle + 1;
		else
			high = middle;
	}
	return BPE_NONE;
}

/* Merges a piece: the first pair of the lowest rank, again and again; with `all`, each pair of that
 * rank at a time, which is the same where no merge makes a pair of a lower rank. */
UNWATCHED static size_t merge_slowly(const struct vocabulary *v, uint32_t *id, size_t n, bool all)
{
	for (;;) {
		uint32_t lowest = BPE_NONE;
		size_t to = 0;
		bool merged = false;

		for (size_t i = 0; i + 1 < n; i++) {
			uint32_t rank = rank_of(v, id[i], id[i + 1]);
			lowest = rank < lowest ? rank : lowest;
		}
		if (lowest == BPE_NONE)
			return n;
		for (size_t i = 0; i < n; i++) {
			if ((all || !merged) && i + 1 < n && rank_of(v, id[i], id[i + 1]) == lowest) {
				id[to++] = v->bpe->merged[lowest];
				merged = true;
				i++;
			} else {
				id[to++] = id[i];
			}
		}
		n = to;
	}
}

/* The reference's ids; false if it would take too long. */
static bool encode_slowly(const struct vocabulary *v, bool ordered, const char *text, size_t n,
                          struct bpe_ids *ids)
{
	for (size_t at = 0, end; at < n; at = end) {
		end = pretoken_end(unicode_flags(), text, n, at);
		if (end - at > STEPWISE && !ordered)
			return false;
		array_reserve(&ids->v, &ids->cap, ids->n + (end - at), sizeof *ids->v, &e);
		for (size_t i = at; i < end; i++)
			ids->v[ids->n + i - at] = v->bpe->byte[(unsigned char)text[i]];
		ids->n += merge_slowly(v, ids->v + ids->n, end - at, ordered && end - at > STEPWISE);
	}
	return true;
}

/* ---------------------------------------------------------------- */
static struct vocabulary *vocabulary(int which)
{
	static struct vocabulary made[VOCABULARIES];
	struct vocabulary *v = &made[which];

	if (v->bpe)
		return v;
	v->bpe = which == TINY         ? tiny()
	         : which == DISORDERED ? disordered()
	         : which == TRAINED    ? trained(700)
	                               : permuted(vocabulary(TRAINED)->bpe);
	v->pair = mem_zeroed(v->bpe->merges, sizeof *v->pair, "pairs", &e);
	for (uint32_t i = 0; i < v->bpe->merges; i++)
		v->pair[i] = (struct pair){ v->bpe->merge[i][0], v->bpe->merge[i][1], i };
	qsort(v->pair, v->bpe->merges, sizeof *v->pair, by_ids);
	return v;
}

static void check_kernels(struct vocabulary *v, const char *text, size_t n,
                          const struct bpe_ids *expected)
{
	const struct encode_kernel *const *kernel = encode_kernels();
	struct bpe_ids ids = { 0 };

	for (size_t i = 0; kernel[i] && i < KERNELS; i++) {
		if (!v->small[i])
			v->small[i] = encode_new(v->bpe, kernel[i], SLOTS, SLOTS, &e);
		ids.n = 0;
		fuzz_require(v->small[i] && !bpe_encode(v->small[i], text, n, &ids, &e),
		             "every kernel encodes any text");
		fuzz_require(ids.n == expected->n &&
		                 (!ids.n || !memcmp(ids.v, expected->v, ids.n * sizeof *ids.v)),
		             "all kernels give the same ids");
	}
	bpe_ids_free(&ids);
}

/* Writes records out: mostly short ones, at most 65,536 times, until there are `most` bytes. */
static void expand(const uint8_t *data, size_t n, size_t most, struct buffer *text)
{
	while (n) {
		size_t length = fuzz_byte(&data, &n) & 31, times = fuzz_byte(&data, &n);

		length = length < n ? length : n;
		times = times < 192 ? times / 4 + 1 : (times - 191) * (times - 191) * 16;
		for (; times && text->n < most; times--)
			buffer_add(text, data, length, &e);
		data += length;
		n -= length;
	}
}

/* Many texts in one call have the ids that each has alone. The text is cut by its own bytes. */
static void check_batch(const struct vocabulary *v, const struct buffer *text)
{
	enum { MOST = 64 };
	size_t start[MOST] = { 0 }, stop[MOST] = { 0 }, end[MOST], rows = 0, from = 0;
	struct bpe_ids together = { 0 }, alone = { 0 };
	const char *bytes = text->n ? text->data : "";

	for (size_t i = 0; i < text->n && rows < MOST; i++)
		if (text->data[i] == '\n' || (unsigned char)text->data[i] > 0xf5) {
			start[rows] = from;
			stop[rows++] = i;
			from = i + (text->data[i] == '\n'); /* a gap, or none */
		}
	fuzz_require(!bpe_encode_batch(v->encoder, bytes, start, stop, rows, &together, end, &e),
	             "texts are encoded together");
	for (size_t i = 0; i < rows; i++) {
		fuzz_require(!bpe_encode(v->encoder, bytes + start[i], stop[i] - start[i], &alone, &e),
		             "any text is encoded");
		fuzz_require(alone.n == end[i], "a text has as many ids together as alone");
	}
	fuzz_require(alone.n == together.n &&
	                 (!alone.n || !memcmp(alone.v, together.v, alone.n * sizeof *alone.v)),
	             "texts have the same ids together and alone");
	bpe_ids_free(&together);
	bpe_ids_free(&alone);
}

/* A new encoder; its cache grows from a small one but for the first of OFTEN. */
static void renew_encoder(struct vocabulary *v)
{
	bpe_encoder_free(v->encoder);
	v->encoder = v->fresh++ % OFTEN ? encode_new(v->bpe, *encode_kernels(), SLOTS, 4 * SLOTS, &e)
	                                : bpe_encoder_new(v->bpe, &e);
	fuzz_require(v->encoder, "an encoder is made");
}

static void check_text(struct vocabulary *v, bool ordered, const struct buffer *text)
{
	struct buffer back = { 0 };
	struct bpe_ids ids = { 0 }, slow = { 0 };
	const char *bytes = text->n ? text->data : "";

	fuzz_require(!bpe_encode(v->encoder, bytes, text->n, &ids, &e), "any text is encoded");
	fuzz_require(!bpe_decode(v->bpe, ids.v, ids.n, &back, &e), "ids are decoded");
	fuzz_require(back.n == text->n && (!text->n || !memcmp(back.data, bytes, text->n)),
	             "the text comes back");
	if (encode_slowly(v, ordered, bytes, text->n, &slow))
		fuzz_require(slow.n == ids.n && (!ids.n || !memcmp(slow.v, ids.v, ids.n * sizeof *ids.v)),
		             "ids are those of the reference");
	check_kernels(v, bytes, text->n, &ids);
	if (text->n <= TOGETHER)
		check_batch(v, text);
	buffer_free(&back);
	bpe_ids_free(&ids);
	bpe_ids_free(&slow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t first = fuzz_byte(&data, &n);
	bool ordered = first % VOCABULARIES != DISORDERED, records = first & 0x80;
	struct vocabulary *v = vocabulary(first % VOCABULARIES);
	struct buffer text = { 0 };

	if (!v->encoder || (first & 0x4c) == 0x40)
		renew_encoder(v);
	if (records)
		expand(data, n, SHORT, &text);
	else if (n)
		buffer_add(&text, data, n, &e);
	check_text(v, ordered, &text);
	if (records && (first & 0x3c) == 0x3c && v->longest++ % OFTEN == 0) {
		buffer_clear(&text);
		expand(data, n, LONGEST, &text);
		check_text(v, ordered, &text);
	}
	buffer_free(&text);
	return 0;
}
