/* SPDX-License-Identifier: MIT */
/*
 * Every pair of neighbouring tokens has a count. A heap holds entries (pair, count, the words to
 * merge it in): the top one is taken; if the pair's count has changed since, it goes back with the
 * new one; else the pair is merged in its words. What this does to the counts of pairs with the
 * neighbours is summed by neighbour first and then looked up once for each pair.
 *
 * An entry keeps the words in which its pair came about, as in Hugging Face's trainer: should a
 * pair come about again, which takes a token that two merges make, the new places are an entry of
 * their own, and the old ones wait under their old count. The pair is merged twice then, and its
 * later rank is its rank. No corpus that was tried does this.
 */
#include "text/bpe_train.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "text/utf8.h"
#include <stdlib.h>
#include <string.h>

enum { BYTES = 256, PREFETCH = 6 };

struct pair {
	uint32_t left, right;
	int64_t count;
};

struct entry {
	int64_t count;
	uint64_t key;   /* left << 32 | right: the order of ties */
	uint64_t words; /* list[words]: how many, then their numbers */
	uint32_t pair;
	uint32_t merges; /* when it was made: orders entries of one pair */
};

/* What merging a pair (a, b) -> m does to the pairs with a neighbour x. */
struct neighbour {
	int64_t before;     /* change of (x, a) */
	int64_t behind;     /* of (b, x) */
	int64_t new_before; /* of (x, m), x not m */
	int64_t new_behind; /* of (m, x), and (m, m) */
	uint32_t places[2]; /* words of (x, m) and of (m, x) */
	bool touched;
};

struct place {
	uint32_t x, word;
};

struct trainer {
	const struct bpe_training *rules;
	uint32_t specials; /* ids 0 .. specials - 1 */

	uint32_t *symbol; /* all words, one behind the other */
	uint64_t *start;  /* words + 1 */
	uint32_t *length; /* symbols left of a word */
	uint64_t *count;
	uint32_t words;

	struct pair *pair;
	size_t pairs, pair_cap;
	uint32_t *slot; /* hash of pairs: number + 1 */
	size_t slots;
	struct entry *heap;
	size_t heap_n, heap_cap;
	uint32_t *list;
	size_t list_n, list_cap;

	struct neighbour *neighbour; /* one a token */
	size_t neighbour_cap;
	uint32_t *touched; /* neighbours of the merge under way */
	size_t touched_n, touched_cap;
	struct place *place[2]; /* new places: (x, m), (m, x) */
	size_t place_n[2], place_cap[2];

	struct strings token; /* bytes of the tokens behind the special ones */
	uint32_t (*merge)[2];
	uint32_t *merged_pair; /* merges: the pair's number */
	size_t merges, merge_cap, merged_cap;
};

/* ---------------------------------------------------------------- the heap */
static inline bool above(const struct entry *a, const struct entry *b)
{
	if (a->count != b->count)
		return a->count > b->count;
	return a->key != b->key ? a->key < b->key : a->merges < b->merges;
}

static int push(struct trainer *t, struct entry x, struct cbtm_error *e)
{
	size_t i = t->heap_n;

	if (array_reserve(&t->heap, &t->heap_cap, t->heap_n + 1, sizeof *t->heap, e))
		return e->name;
	for (t->heap_n++; i && above(&x, &t->heap[(i - 1) / 2]); i = (i - 1) / 2)
		t->heap[i] = t->heap[(i - 1) / 2];
	t->heap[i] = x;
	return 0;
}

static void sink(struct trainer *t, size_t i, struct entry x)
{
	size_t child;

	while ((child = 2 * i + 1) < t->heap_n) {
		if (child + 1 < t->heap_n && above(&t->heap[child + 1], &t->heap[child]))
			child++;
		if (!above(&t->heap[child], &x))
			break;
		t->heap[i] = t->heap[child];
		i = child;
	}
	t->heap[i] = x;
}

static struct entry pop(struct trainer *t)
{
	struct entry top = t->heap[0], last = t->heap[--t->heap_n];

	if (t->heap_n)
		sink(t, 0, last);
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

/* Changes a pair's count; the pair is made if it is new. */
static int pair_change(struct trainer *t, uint32_t left, uint32_t right, int64_t change,
                       uint32_t *number, struct cbtm_error *e)
{
	size_t at;

	if (2 * t->pairs >= t->slots && grow_slots(t, e))
		return e->name;
	for (at = pair_slot(left, right, t->slots); t->slot[at]; at = (at + 1) & (t->slots - 1)) {
		struct pair *p = &t->pair[t->slot[at] - 1];
		if (p->left == left && p->right == right) {
			*number = t->slot[at] - 1;
			p->count += change;
			return 0;
		}
	}
	if (t->pairs == UINT32_MAX - 1)
		return error_set(e, CBTM_ERR_MEMORY, NULL, "too many pairs of tokens");
	if (array_reserve(&t->pair, &t->pair_cap, t->pairs + 1, sizeof *t->pair, e))
		return e->name;
	t->pair[t->pairs] = (struct pair){ left, right, change };
	*number = (uint32_t)t->pairs;
	t->slot[at] = (uint32_t)++t->pairs;
	return 0;
}

static int push_pair(struct trainer *t, uint32_t number, uint64_t words, struct cbtm_error *e)
{
	const struct pair *p = &t->pair[number];

	return p->count < 1 ? 0
	                    : push(t,
	                           (struct entry){ p->count, (uint64_t)p->left << 32 | p->right, words,
	                                           number, (uint32_t)t->merges },
	                           e);
}

/* ---------------------------------------------------------------- words */
static int copy_words(struct trainer *t, const struct bpe_pieces *p, struct cbtm_error *e)
{
	uint64_t total = 0, count;
	size_t cursor = 0, n;
	const char *piece;
	uint32_t id[BYTES], w = 0;

	for (uint32_t point = 0; point <= 0x143; point++) {
		int byte = bpe_point_byte(point);
		char c = (char)byte;
		if (byte >= 0 && strings_add(&t->token, &c, 1, &id[byte], e))
			return e->name;
	}
	while (bpe_pieces_next(p, &cursor, &piece, &n, &count)) {
		if (n > UINT32_MAX)
			return error_set(e, CBTM_ERR_BAD_DATA, NULL, "a word is longer than 4 GiB");
		total += n > 1 ? n : 0;
		t->words += n > 1;
	}
	t->symbol = mem_aligned(total, sizeof *t->symbol, "the words of the corpus", e);
	t->start = mem_zeroed((size_t)t->words + 1, sizeof *t->start, "the words of the corpus", e);
	t->length = mem_zeroed(t->words, sizeof *t->length, "the words of the corpus", e);
	t->count = mem_zeroed(t->words, sizeof *t->count, "the words of the corpus", e);
	if (!t->symbol || !t->start || !t->length || !t->count)
		return e->name;
	for (cursor = 0; bpe_pieces_next(p, &cursor, &piece, &n, &count);) {
		if (n < 2)
			continue;
		for (size_t i = 0; i < n; i++)
			t->symbol[t->start[w] + i] = t->specials + id[(unsigned char)piece[i]];
		t->length[w] = (uint32_t)n;
		t->count[w] = count;
		t->start[w + 1] = t->start[w] + n;
		w++;
	}
	return 0;
}

/* A pair of bytes, before it is a pair of the trainer's. */
struct first {
	int64_t count;
	uint64_t words;   /* list[words] */
	uint32_t n, last; /* words; the last one noted, plus 1 */
};

static struct first *first_of(const struct trainer *t, struct first *all, const uint32_t *s)
{
	return &all[(s[0] - t->specials) * BYTES + (s[1] - t->specials)];
}

/* Counts the pairs of bytes and lists the words of each; a word stands once in a list. */
static int count_pairs(struct trainer *t, struct first *all, struct cbtm_error *e)
{
	size_t total = 0;

	for (uint32_t w = 0; w < t->words; w++)
		for (uint32_t i = 0; i + 1 < t->length[w]; i++) {
			struct first *f = first_of(t, all, t->symbol + t->start[w] + i);
			f->count += (int64_t)t->count[w];
			f->n += f->last != w + 1;
			f->last = w + 1;
		}
	for (size_t i = 0; i < BYTES * BYTES; i++)
		total += all[i].n ? all[i].n + 1 : 0;
	if (array_reserve(&t->list, &t->list_cap, total, sizeof *t->list, e))
		return e->name;
	for (size_t i = 0; i < BYTES * BYTES; i++)
		if (all[i].n) {
			all[i].words = t->list_n;
			t->list[t->list_n] = all[i].last = 0;
			t->list_n += all[i].n + 1;
		}
	for (uint32_t w = 0; w < t->words; w++)
		for (uint32_t i = 0; i + 1 < t->length[w]; i++) {
			struct first *f = first_of(t, all, t->symbol + t->start[w] + i);
			if (f->last != w + 1)
				t->list[f->words + ++t->list[f->words]] = w;
			f->last = w + 1;
		}
	for (uint32_t i = 0; i < BYTES * BYTES; i++) {
		uint32_t number;
		if (all[i].n && (pair_change(t, t->specials + i / BYTES, t->specials + i % BYTES,
		                             all[i].count, &number, e) ||
		                 push_pair(t, number, all[i].words, e)))
			return e->name;
	}
	return 0;
}

static int begin(struct trainer *t, const struct bpe_pieces *p, struct cbtm_error *e)
{
	struct first *all = mem_zeroed((size_t)BYTES * BYTES, sizeof *all, "pairs of tokens", e);

	if (all && !copy_words(t, p, e))
		count_pairs(t, all, e);
	free(all);
	return e->name;
}

/* ---------------------------------------------------------------- a merge */
static struct neighbour *touch(struct trainer *t, uint32_t x)
{
	struct neighbour *n = &t->neighbour[x];

	if (!n->touched) {
		n->touched = true;
		t->touched[t->touched_n++] = x;
	}
	return n;
}

static inline void note(struct trainer *t, int side, struct neighbour *n, uint32_t x, uint32_t w)
{
	struct place *last = t->place[side] + t->place_n[side];

	n->places[side]++;
	*last = (struct place){ x, w };
	t->place_n[side]++;
}

/* Replaces (a, b) by m in a word, from left to right. */
static void merge_word(struct trainer *t, uint32_t w, uint32_t a, uint32_t b, uint32_t m)
{
	uint32_t *s = t->symbol + t->start[w], n = t->length[w], to = 0;
	int64_t count = (int64_t)t->count[w];

	for (uint32_t i = 0; i < n; i++, to++) {
		if (s[i] != a || i + 1 == n || s[i + 1] != b) {
			s[to] = s[i];
			continue;
		}
		if (to) {
			uint32_t x = s[to - 1];
			struct neighbour *before = touch(t, x);
			before->before -= count;
			if (x == m) { /* (m, m) */
				before->new_behind += count;
				note(t, 1, before, x, w);
			} else {
				before->new_before += count;
				note(t, 0, before, x, w);
			}
		}
		s[to] = m;
		i++;
		if (i + 1 < n) {
			uint32_t x = s[i + 1];
			struct neighbour *behind = touch(t, x);
			behind->behind -= count;
			behind->new_behind += count;
			note(t, 1, behind, x, w);
		}
	}
	t->length[w] = to;
}

/* Room for the places of a merge in n words of `symbols` together: two a place of the pair. */
static int reserve_places(struct trainer *t, const uint32_t *words, uint32_t n,
                          struct cbtm_error *e)
{
	size_t places = 0, tokens = (size_t)t->specials + t->token.n, before = t->neighbour_cap;

	for (uint32_t i = 0; i < n; i++)
		places += t->length[words[i]];
	for (int side = 0; side < 2; side++)
		if (array_reserve(&t->place[side], &t->place_cap[side], places, sizeof(struct place), e))
			return e->name;
	if (array_reserve(&t->touched, &t->touched_cap, tokens, sizeof *t->touched, e) ||
	    array_reserve(&t->neighbour, &t->neighbour_cap, tokens, sizeof *t->neighbour, e))
		return e->name;
	if (t->neighbour_cap > before)
		memset(t->neighbour + before, 0, (t->neighbour_cap - before) * sizeof *t->neighbour);
	return 0;
}

/* The lists of words of the new pairs: places sorted by neighbour, a word once in a list. They
 * stand where the neighbours' `places` say afterwards, + 1; 0: none. */
static int make_lists(struct trainer *t, int side, uint64_t *words, struct cbtm_error *e)
{
	if (array_reserve(&t->list, &t->list_cap, t->list_n + t->place_n[side] + t->touched_n,
	                  sizeof *t->list, e))
		return e->name;
	for (size_t i = 0; i < t->touched_n; i++) {
		struct neighbour *n = &t->neighbour[t->touched[i]];
		words[i] = t->list_n;
		if (n->places[side]) {
			t->list[t->list_n] = 0;
			t->list_n += n->places[side] + 1;
			n->places[side] = (uint32_t)i + 1;
		}
	}
	for (size_t i = 0; i < t->place_n[side]; i++) {
		const struct place *p = &t->place[side][i];
		uint32_t *list = t->list + words[t->neighbour[p->x].places[side] - 1];
		if (!list[0] || list[list[0]] != p->word)
			list[++list[0]] = p->word;
	}
	return 0;
}

/* Takes the changes over into the counts, then pushes the pairs with new places. */
static int settle(struct trainer *t, uint32_t a, uint32_t b, uint32_t m, uint64_t *words[2],
                  struct cbtm_error *e)
{
	uint32_t number, *of[2] = { NULL, NULL };

	for (int side = 0; side < 2; side++) {
		of[side] = mem_zeroed(t->touched_n, sizeof **of, "pairs of tokens", e);
		if (!of[side] || make_lists(t, side, words[side], e))
			goto done;
	}
	for (size_t i = 0; i < t->touched_n; i++) {
		uint32_t x = t->touched[i];
		struct neighbour *n = &t->neighbour[x];
		if ((n->before && pair_change(t, x, a, n->before, &number, e)) ||
		    (n->behind && pair_change(t, b, x, n->behind, &number, e)) ||
		    (n->places[0] && pair_change(t, x, m, n->new_before, &of[0][i], e)) ||
		    (n->places[1] && pair_change(t, m, x, n->new_behind, &of[1][i], e)))
			goto done;
	}
	for (size_t i = 0; i < t->touched_n; i++)
		for (int side = 0; side < 2; side++)
			if (t->neighbour[t->touched[i]].places[side] &&
			    push_pair(t, of[side][i], words[side][i], e))
				goto done;
done:
	free(of[0]);
	free(of[1]);
	return e->name;
}

/* The id of what the pair makes: a token that is there, or a new one. */
static int make_token(struct trainer *t, uint32_t left, uint32_t right, uint32_t *id,
                      struct cbtm_error *e)
{
	struct buffer joined = { 0 };

	for (int i = 0; i < 2; i++) {
		size_t n;
		const char *s = strings_get(&t->token, (i ? right : left) - t->specials, &n);
		if (buffer_add(&joined, s, n, e))
			break;
	}
	if (!e->name && !strings_add(&t->token, joined.data, joined.n, id, e))
		*id += t->specials;
	buffer_free(&joined);
	return e->name;
}

static int merge_pair(struct trainer *t, const struct entry *top, struct cbtm_error *e)
{
	struct pair p = t->pair[top->pair];
	const uint32_t *words = t->list + top->words + 1;
	uint32_t n = t->list[top->words], m;
	uint64_t *lists[2] = { NULL, NULL };

	if (make_token(t, p.left, p.right, &m, e) ||
	    array_reserve(&t->merge, &t->merge_cap, t->merges + 1, sizeof *t->merge, e) ||
	    array_reserve(&t->merged_pair, &t->merged_cap, t->merges + 1, sizeof(uint32_t), e) ||
	    reserve_places(t, words, n, e))
		return e->name;
	t->merge[t->merges][0] = p.left;
	t->merge[t->merges][1] = p.right;
	t->merged_pair[t->merges++] = top->pair;
	t->touched_n = t->place_n[0] = t->place_n[1] = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (i + PREFETCH < n)
			__builtin_prefetch(t->symbol + t->start[words[i + PREFETCH]], 1);
		merge_word(t, words[i], p.left, p.right, m);
	}
	for (int side = 0; side < 2; side++)
		lists[side] = mem_zeroed(t->touched_n, sizeof **lists, "pairs of tokens", e);
	if (lists[0] && lists[1])
		settle(t, p.left, p.right, m, lists, e);
	free(lists[0]);
	free(lists[1]);
	for (size_t i = 0; i < t->touched_n; i++)
		t->neighbour[t->touched[i]] = (struct neighbour){ 0 };
	return e->name;
}

/* ---------------------------------------------------------------- the vocabulary */
/* A pair that was merged twice keeps its last rank. */
static int drop_repeated_merges(struct trainer *t, struct cbtm_error *e)
{
	bool *seen = mem_zeroed(t->pairs, sizeof *seen, "pairs of tokens", e);
	size_t kept = t->merges;

	for (size_t i = t->merges; seen && i-- > 0;) {
		if (seen[t->merged_pair[i]])
			continue;
		seen[t->merged_pair[i]] = true;
		kept--;
		memmove(t->merge[kept], t->merge[i], sizeof *t->merge);
	}
	t->merges -= kept;
	if (seen && t->merges)
		memmove(t->merge, t->merge + kept, t->merges * sizeof *t->merge);
	free(seen);
	return e->name;
}

/* Whether a special token's name is how a token is spelt: files could not tell them apart. */
static int check_special(const struct trainer *t, const char *name, struct cbtm_error *e)
{
	struct buffer bytes = { 0 };
	size_t n = strlen(name);
	bool spelt = true;

	for (size_t i = 0; i < n && spelt && !e->name;) {
		unsigned length;
		int byte = bpe_point_byte(utf8_get(name + i, n - i, &length));
		char c = (char)byte;
		spelt = byte >= 0 && !buffer_add(&bytes, &c, 1, e);
		i += length;
	}
	if (spelt && n && strings_find(&t->token, bytes.data, bytes.n) != STRINGS_NONE) {
		error_set(e, CBTM_ERR_BAD_DATA, "tokenize.vocabulary.special",
		          "the special token \"%s\" is the name of a token that was learnt, too", name);
		error_hint(e, "give it a name that text does not have, as <|%s|>", name);
	}
	buffer_free(&bytes);
	return e->name;
}

static int make(struct trainer *t, const char *const *special, struct bpe **bpe,
                struct cbtm_error *e)
{
	uint32_t size = t->specials + t->token.n;
	struct bpe_symbol *symbol = mem_zeroed(size, sizeof *symbol, "a vocabulary", e);

	if (!symbol || drop_repeated_merges(t, e))
		goto done;
	for (uint32_t i = 0; i < t->specials; i++) {
		if (check_special(t, special[i], e))
			goto done;
		symbol[i] =
			(struct bpe_symbol){ special[i], (uint32_t)strlen(special[i]), true, BPE_ADDED };
	}
	for (uint32_t i = t->specials; i < size; i++) {
		size_t n;
		symbol[i].bytes = strings_get(&t->token, i - t->specials, &n);
		symbol[i].n = (uint32_t)n;
	}
	bpe_make(symbol, size, (const uint32_t(*)[2])t->merge, (uint32_t)t->merges, &t->rules->choice,
	         "the trained vocabulary", bpe, e);
done:
	free(symbol);
	return e->name;
}

static void end(struct trainer *t)
{
	free(t->symbol);
	free(t->start);
	free(t->length);
	free(t->count);
	free(t->pair);
	free(t->slot);
	free(t->heap);
	free(t->list);
	free(t->neighbour);
	free(t->touched);
	free(t->place[0]);
	free(t->place[1]);
	free(t->merge);
	free(t->merged_pair);
	strings_free(&t->token);
}

int bpe_train(const struct bpe_pieces *p, const struct bpe_training *rules, struct bpe **bpe,
              struct cbtm_error *e)
{
	static const char *const usual[] = { "<|endoftext|>" };
	struct trainer t = { .rules = rules, .specials = rules->specials ? rules->specials : 1 };
	int64_t fewest = rules->min_frequency > INT64_MAX ? INT64_MAX : (int64_t)rules->min_frequency;

	*bpe = NULL;
	if (begin(&t, p, e))
		goto done;
	while (t.specials + t.token.n < rules->size && t.heap_n) {
		struct entry top = pop(&t);
		int64_t now = t.pair[top.pair].count;

		if (top.count != now) {
			top.count = now;
			if (push(&t, top, e))
				goto done;
			continue;
		}
		if (now < 1 || now < fewest)
			break;
		if (merge_pair(&t, &top, e) || signals_check(e))
			goto done;
		progress_set(t.specials + t.token.n, NULL);
	}
	make(&t, rules->specials ? rules->special : usual, bpe, e);
done:
	end(&t);
	return e->name;
}
