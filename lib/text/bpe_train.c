/* SPDX-License-Identifier: MIT */
/*
 * Every distinct piece is a word of symbols with its count; every pair knows its count and the
 * words that hold it. A heap gives the pair with the largest count: counts only fall between a
 * pair's pushes, so an entry that is out of date is corrected when it comes to the top.
 *
 * Two merges may make the same bytes (a, bc and ab, c). Such a token has one id. As in Hugging
 * Face's trainer, a pair's count keeps what its own merge has taken, and a pair that is merged
 * again has the later rank.
 */
#include "text/bpe_train.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "text/pretoken.h"
#include "text/unicode.h"
#include <stdlib.h>
#include <string.h>

struct pair {
	uint32_t left, right;
	int64_t count;
	uint32_t *word; /* those that may hold it and were not merged yet */
	size_t words, cap;
	bool touched; /* has new words since the merge under way began */
};

struct entry {
	int64_t count;
	uint32_t pair;
};

struct trainer {
	uint32_t *symbol; /* all words, one behind the other */
	uint64_t *start;
	uint32_t *length; /* symbols left of a word */
	const uint64_t *count;
	uint32_t words;

	struct pair *pair;
	size_t pairs, pair_cap;
	uint32_t *slot; /* hash of pairs: number + 1 */
	size_t slots;
	struct entry *heap;
	size_t heap_n, heap_cap;
	uint32_t *touched; /* pairs with new words */
	size_t touched_n, touched_cap;

	struct strings token; /* bytes of the tokens; number 0 stands for <|endoftext|> */
	uint32_t (*merge)[2];
	size_t merges, merge_cap;
};

void bpe_pieces_free(struct bpe_pieces *p)
{
	strings_free(&p->piece);
	free(p->count);
	*p = (struct bpe_pieces){ 0 };
}

static int count_piece(struct bpe_pieces *p, const char *s, size_t n, uint64_t count,
                       struct cbtm_error *e)
{
	uint32_t before = p->piece.n, number;

	if (strings_add(&p->piece, s, n, &number, e) ||
	    array_reserve(&p->count, &p->cap, p->piece.n, sizeof *p->count, e))
		return e->name;
	if (number == before)
		p->count[number] = 0;
	p->count[number] += count;
	return 0;
}

int bpe_pieces_text(struct bpe_pieces *p, const char *text, size_t n, struct cbtm_error *e)
{
	const uint8_t *flags = unicode_flags();

	for (size_t at = 0; at < n;) {
		size_t end = pretoken_end(flags, text, n, at);
		if (count_piece(p, text + at, end - at, 1, e))
			return e->name;
		at = end;
	}
	return 0;
}

int bpe_pieces_add(struct bpe_pieces *p, const struct bpe_pieces *more, struct cbtm_error *e)
{
	for (uint32_t i = 0; i < more->piece.n; i++) {
		size_t n;
		const char *s = strings_get(&more->piece, i, &n);
		if (count_piece(p, s, n, more->count[i], e))
			return e->name;
	}
	return 0;
}

/* ---------------------------------------------------------------- the heap */
static bool above(const struct trainer *t, struct entry a, struct entry b)
{
	const struct pair *p = &t->pair[a.pair], *q = &t->pair[b.pair];

	if (a.count != b.count)
		return a.count > b.count;
	return p->left != q->left ? p->left < q->left : p->right < q->right;
}

static int push(struct trainer *t, uint32_t pair, struct cbtm_error *e)
{
	struct entry x = { t->pair[pair].count, pair };
	size_t i = t->heap_n;

	if (x.count < 1)
		return 0;
	if (array_reserve(&t->heap, &t->heap_cap, t->heap_n + 1, sizeof *t->heap, e))
		return e->name;
	for (t->heap_n++; i && above(t, x, t->heap[(i - 1) / 2]); i = (i - 1) / 2)
		t->heap[i] = t->heap[(i - 1) / 2];
	t->heap[i] = x;
	return 0;
}

static struct entry pop(struct trainer *t)
{
	struct entry top = t->heap[0], x = t->heap[--t->heap_n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < t->heap_n) {
		if (child + 1 < t->heap_n && above(t, t->heap[child + 1], t->heap[child]))
			child++;
		if (!above(t, t->heap[child], x))
			break;
		t->heap[i] = t->heap[child];
		i = child;
	}
	t->heap[i] = x;
	return top;
}

/* ---------------------------------------------------------------- pairs */
static size_t pair_slot(uint32_t left, uint32_t right, size_t slots)
{
	return (((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u >> 29) & (slots - 1);
}

static int grow_slots(struct trainer *t, struct cbtm_error *e)
{
	size_t slots = t->slots ? 2 * t->slots : 1 << 16;
	uint32_t *slot = mem_zeroed(slots, sizeof *slot, "pairs of tokens", e);

	if (!slot)
		return e->name;
	for (uint32_t i = 0; i < t->pairs; i++) {
		size_t at = pair_slot(t->pair[i].left, t->pair[i].right, slots);
		while (slot[at])
			at = (at + 1) & (slots - 1);
		slot[at] = i + 1;
	}
	free(t->slot);
	t->slot = slot;
	t->slots = slots;
	return 0;
}

/* The number of a pair, made if it is new. */
static int pair_number(struct trainer *t, uint32_t left, uint32_t right, uint32_t *number,
                       struct cbtm_error *e)
{
	size_t at;

	if (2 * t->pairs >= t->slots && grow_slots(t, e))
		return e->name;
	for (at = pair_slot(left, right, t->slots); t->slot[at]; at = (at + 1) & (t->slots - 1)) {
		const struct pair *p = &t->pair[t->slot[at] - 1];
		if (p->left == left && p->right == right) {
			*number = t->slot[at] - 1;
			return 0;
		}
	}
	if (t->pairs == UINT32_MAX - 1)
		return error_set(e, CBTM_ERR_MEMORY, NULL, "too many pairs of tokens");
	if (array_reserve(&t->pair, &t->pair_cap, t->pairs + 1, sizeof *t->pair, e))
		return e->name;
	t->pair[t->pairs] = (struct pair){ .left = left, .right = right };
	*number = (uint32_t)t->pairs;
	t->slot[at] = (uint32_t)++t->pairs;
	return 0;
}

/* The pair's count changes by `change` because of a word; new occurrences are noted. */
static int pair_change(struct trainer *t, uint32_t left, uint32_t right, int64_t change,
                       uint32_t word, struct cbtm_error *e)
{
	struct pair *p;
	uint32_t number;

	if (pair_number(t, left, right, &number, e))
		return e->name;
	p = &t->pair[number];
	p->count += change;
	if (change < 0)
		return 0;
	if (!p->words || p->word[p->words - 1] != word) {
		if (array_reserve(&p->word, &p->cap, p->words + 1, sizeof *p->word, e))
			return e->name;
		p->word[p->words++] = word;
	}
	if (p->touched)
		return 0;
	p->touched = true;
	if (array_reserve(&t->touched, &t->touched_cap, t->touched_n + 1, sizeof *t->touched, e))
		return e->name;
	t->touched[t->touched_n++] = number;
	return 0;
}

/* Pushes the pairs that got new words. */
static int push_touched(struct trainer *t, struct cbtm_error *e)
{
	for (size_t i = 0; i < t->touched_n; i++) {
		t->pair[t->touched[i]].touched = false;
		if (push(t, t->touched[i], e))
			return e->name;
	}
	t->touched_n = 0;
	return 0;
}

/* ---------------------------------------------------------------- words */
static int begin(struct trainer *t, const struct bpe_pieces *p, struct cbtm_error *e)
{
	uint32_t id[256], number;
	uint64_t total = p->piece.n ? p->piece.start[p->piece.n] : 0;

	t->words = p->piece.n;
	t->count = p->count;
	t->start = p->piece.start;
	t->symbol = mem_zeroed(total, sizeof *t->symbol, "the words of the corpus", e);
	t->length = mem_zeroed(t->words, sizeof *t->length, "the words of the corpus", e);
	if (!t->symbol || !t->length || strings_add(&t->token, "", 0, &number, e))
		return e->name;
	for (uint32_t point = 0; point <= 0x143; point++) {
		int byte = bpe_point_byte(point);
		char c = (char)byte;
		if (byte >= 0 && strings_add(&t->token, &c, 1, &id[byte], e))
			return e->name;
	}
	for (uint64_t i = 0; i < total; i++)
		t->symbol[i] = id[(unsigned char)p->piece.bytes.data[i]];
	for (uint32_t w = 0; w < t->words; w++) {
		const uint32_t *s = t->symbol + t->start[w];

		if (t->start[w + 1] - t->start[w] > UINT32_MAX)
			return error_set(e, CBTM_ERR_BAD_DATA, NULL, "a word is longer than 4 GiB");
		t->length[w] = (uint32_t)(t->start[w + 1] - t->start[w]);
		for (uint32_t i = 0; i + 1 < t->length[w]; i++)
			if (pair_change(t, s[i], s[i + 1], (int64_t)t->count[w], w, e))
				return e->name;
	}
	return push_touched(t, e);
}

/* Replaces the pair by `made` in a word, from left to right. */
static int merge_word(struct trainer *t, uint32_t w, uint32_t left, uint32_t right, uint32_t made,
                      struct cbtm_error *e)
{
	uint32_t *s = t->symbol + t->start[w], n = t->length[w], to = 0;
	int64_t count = (int64_t)t->count[w];

	for (uint32_t i = 0; i < n; i++, to++) {
		if (s[i] != left || i + 1 == n || s[i + 1] != right) {
			s[to] = s[i];
			continue;
		}
		if (to && (pair_change(t, s[to - 1], left, -count, w, e) ||
		           pair_change(t, s[to - 1], made, count, w, e)))
			return e->name;
		s[to] = made;
		i++;
		if (i + 1 < n && (pair_change(t, right, s[i + 1], -count, w, e) ||
		                  pair_change(t, made, s[i + 1], count, w, e)))
			return e->name;
	}
	t->length[w] = to;
	return 0;
}

static int merge_pair(struct trainer *t, uint32_t number, struct cbtm_error *e)
{
	struct pair p = t->pair[number];
	struct buffer joined = { 0 };
	uint32_t made;
	size_t n, m;
	const char *a = strings_get(&t->token, p.left, &n);
	const char *b = strings_get(&t->token, p.right, &m);

	t->pair[number].word = NULL; /* ours now: the merge may note the pair anew */
	t->pair[number].words = t->pair[number].cap = 0;
	if (buffer_add(&joined, a, n, e) || buffer_add(&joined, b, m, e) ||
	    strings_add(&t->token, joined.data, joined.n, &made, e) ||
	    array_reserve(&t->merge, &t->merge_cap, t->merges + 1, sizeof *t->merge, e))
		goto done;
	t->merge[t->merges][0] = p.left;
	t->merge[t->merges++][1] = p.right;
	for (size_t i = 0; i < p.words; i++)
		if (merge_word(t, p.word[i], p.left, p.right, made, e))
			goto done;
	push_touched(t, e);
done:
	free(p.word);
	buffer_free(&joined);
	return e->name;
}

/* ---------------------------------------------------------------- the vocabulary */
/* A pair that was merged twice keeps its last rank. */
static int drop_repeated_merges(struct trainer *t, struct cbtm_error *e)
{
	size_t kept = t->merges;

	for (size_t i = 0; i < t->pairs; i++)
		t->pair[i].touched = false;
	for (size_t i = t->merges; i-- > 0;) {
		uint32_t number;
		if (pair_number(t, t->merge[i][0], t->merge[i][1], &number, e))
			return e->name;
		if (t->pair[number].touched)
			continue;
		t->pair[number].touched = true;
		kept--;
		memmove(t->merge[kept], t->merge[i], sizeof *t->merge);
	}
	t->merges -= kept;
	if (t->merges)
		memmove(t->merge, t->merge + kept, t->merges * sizeof *t->merge);
	return 0;
}

static int make(struct trainer *t, struct bpe **bpe, struct cbtm_error *e)
{
	struct bpe_symbol *symbol = mem_zeroed(t->token.n, sizeof *symbol, "a vocabulary", e);
	static const struct bpe_choice choice = { .eod = "", .bos = "" };

	if (!symbol || drop_repeated_merges(t, e))
		goto done;
	symbol[0] = (struct bpe_symbol){ "<|endoftext|>", 13, true, BPE_ADDED };
	for (uint32_t i = 1; i < t->token.n; i++) {
		size_t n;
		symbol[i].bytes = strings_get(&t->token, i, &n);
		symbol[i].n = (uint32_t)n;
	}
	bpe_make(symbol, t->token.n, (const uint32_t(*)[2])t->merge, (uint32_t)t->merges, &choice,
	         "the trained vocabulary", bpe, e);
done:
	free(symbol);
	return e->name;
}

static void end(struct trainer *t)
{
	for (size_t i = 0; i < t->pairs; i++)
		free(t->pair[i].word);
	free(t->pair);
	free(t->slot);
	free(t->heap);
	free(t->touched);
	free(t->symbol);
	free(t->length);
	free(t->merge);
	strings_free(&t->token);
}

int bpe_train(const struct bpe_pieces *p, uint32_t size, struct bpe **bpe, struct cbtm_error *e)
{
	struct trainer t = { 0 };

	*bpe = NULL;
	if (begin(&t, p, e))
		goto done;
	while (t.token.n < size && t.heap_n) {
		struct entry top = pop(&t);
		struct pair *pair = &t.pair[top.pair];

		if (!pair->words)
			continue; /* merged already */
		if (top.count != pair->count) {
			if (push(&t, top.pair, e))
				goto done;
			continue;
		}
		if (merge_pair(&t, top.pair, e) || signals_check(e))
			goto done;
		progress_set(t.token.n, NULL);
	}
	make(&t, bpe, e);
done:
	end(&t);
	return e->name;
}
