/* SPDX-License-Identifier: MIT */
#include "text/bpe.h"
#include "base/error.h"
#include "base/memory.h"
#include "text/bpe_added.h"
#include "text/encode_ranks.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_SIZE = 1 << 28, SHOWN = 64 /* bytes of a name in a message */ };

uint32_t bpe_byte_point(unsigned char byte)
{
	if (byte <= 0x20)
		return 0x100u + byte;
	if (byte >= 0x7f && byte <= 0xa0)
		return 0x100u + 33 + (byte - 0x7fu);
	return byte == 0xad ? 0x143 : byte;
}

int bpe_spell(const char *bytes, size_t n, struct buffer *name, struct cbtm_error *e)
{
	for (size_t i = 0; i < n; i++) {
		char point[4];
		unsigned used = utf8_put(bpe_byte_point((unsigned char)bytes[i]), point);
		if (buffer_add(name, point, used, e))
			return e->name;
	}
	return 0;
}

int bpe_point_byte(uint32_t point)
{
	if (point < 0x100)
		return bpe_byte_point((unsigned char)point) == point ? (int)point : -1;
	if (point <= 0x120)
		return (int)(point - 0x100);
	if (point <= 0x142)
		return (int)(point - 0x121 + 0x7f);
	return point == 0x143 ? 0xad : -1;
}

void bpe_free(struct bpe *b)
{
	if (!b)
		return;
	free(b->symbol);
	free(b->merge);
	free(b->merged);
	free(b->pair);
	free(b->bytes);
	bpe_added_free(b->added);
	encode_ranks_free(b->ranks);
	buffer_free(&b->source_digest);
	free(b);
}

void bpe_ids_free(struct bpe_ids *ids)
{
	free(ids->v);
	*ids = (struct bpe_ids){ 0 };
}

int bpe_ids_reserve(struct bpe_ids *ids, size_t more, struct cbtm_error *e)
{
	size_t need;

	if (!size_add(ids->n, more, &need))
		return error_set(e, CBTM_ERR_MEMORY, NULL, "so many ids do not fit memory");
	if (need <= ids->cap)
		return 0;
	if (!ids->n)
		bpe_ids_free(ids); /* there is nothing to copy */
	if (array_reserve(&ids->v, &ids->cap, need, sizeof *ids->v, e))
		return e->name;
	mem_wish_huge(ids->v + ids->n, (ids->cap - ids->n) * sizeof *ids->v);
	return 0;
}

static inline uint32_t pair_slot(const struct bpe *b, uint32_t left, uint32_t right)
{
	uint64_t h = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;

	return (uint32_t)(h >> 32) & b->pair_mask;
}

const struct bpe_pair *bpe_pair_find(const struct bpe *b, uint32_t left, uint32_t right)
{
	for (uint32_t i = pair_slot(b, left, right);; i = (i + 1) & b->pair_mask) {
		const struct bpe_pair *p = &b->pair[i];
		if (p->rank == BPE_NONE)
			return NULL;
		if (p->left == left && p->right == right)
			return p;
	}
}

static int copy_symbols(struct bpe *b, const struct bpe_symbol *symbol, const char *where,
                        struct cbtm_error *e)
{
	size_t total = 0;

	for (uint32_t i = 0; i < b->size; i++)
		if (!size_add(total, symbol[i].n, &total))
			return error_set(e, CBTM_ERR_BAD_DATA, where, "the symbols are too long together");
	b->bytes = mem_zeroed(total + 1, 1, "a vocabulary", e);
	b->symbol = mem_zeroed(b->size, sizeof *b->symbol, "a vocabulary", e);
	if (!b->bytes || !b->symbol)
		return e->name;
	total = 0;
	for (uint32_t i = 0; i < b->size; i++) {
		b->symbol[i] = symbol[i];
		b->symbol[i].bytes = b->bytes + total;
		if (symbol[i].n)
			memcpy(b->bytes + total, symbol[i].bytes, symbol[i].n);
		total += symbol[i].n;
	}
	return 0;
}

/* A byte, or what a merge makes. */
static bool is_piece(const struct bpe_symbol *s)
{
	return !s->special && (!s->added || (s->added & BPE_PIECE));
}

/* Appends the spelling of so much as a message shows, with a NUL behind. */
static int add_shown(const char *bytes, size_t n, struct buffer *name, struct cbtm_error *e)
{
	if (bpe_spell(bytes, n < SHOWN ? n : SHOWN, name, e))
		return e->name;
	return buffer_add(name, "", 1, e);
}

/* Pieces by their bytes: a hash of ids, each plus 1. */
struct index {
	uint32_t *slot;
	size_t mask;
};

static size_t bytes_slot(const struct index *x, const char *bytes, size_t n)
{
	return (size_t)digest_bytes(bytes, n).low & x->mask;
}

/* Looks bytes a and b, put together, up; BPE_NONE: there is no such symbol. */
static uint32_t index_find(const struct index *x, const struct bpe *v, const char *bytes, size_t n)
{
	for (size_t at = bytes_slot(x, bytes, n); x->slot[at]; at = (at + 1) & x->mask) {
		const struct bpe_symbol *s = &v->symbol[x->slot[at] - 1];
		if (s->n == n && !memcmp(s->bytes, bytes, n))
			return x->slot[at] - 1;
	}
	return BPE_NONE;
}

static int no_symbol(int byte, const char *where, struct cbtm_error *e)
{
	struct buffer name = { 0 };

	if (!add_shown((const char[]){ (char)byte }, 1, &name, e))
		error_set(e, CBTM_ERR_BAD_DATA, where,
		          "vocab has no token \"%s\", for the byte 0x%02x: texts that hold it cannot "
		          "be encoded",
		          name.data, byte);
	buffer_free(&name);
	return error_hint(e, "train it with all 256 bytes as its initial alphabet");
}

static int index_make(struct index *x, struct bpe *b, const char *where, struct cbtm_error *e)
{
	size_t slots = 1024;

	while (slots < 2 * (size_t)b->size)
		slots *= 2;
	x->mask = slots - 1;
	x->slot = mem_zeroed(slots, sizeof *x->slot, "a vocabulary", e);
	if (!x->slot)
		return e->name;
	for (int i = 0; i < 256; i++)
		b->byte[i] = BPE_NONE;
	for (uint32_t i = 0; i < b->size; i++) {
		const struct bpe_symbol *s = &b->symbol[i];
		size_t at;

		if (!is_piece(s))
			continue;
		if (!s->n || index_find(x, b, s->bytes, s->n) != BPE_NONE)
			return error_set(e, CBTM_ERR_BAD_DATA, where, "symbol %u is %s", i,
			                 s->n ? "there twice" : "empty");
		for (at = bytes_slot(x, s->bytes, s->n); x->slot[at]; at = (at + 1) & x->mask)
			;
		x->slot[at] = i + 1;
		if (s->n == 1)
			b->byte[(unsigned char)s->bytes[0]] = i;
	}
	for (int i = 0; i < 256; i++)
		if (b->byte[i] == BPE_NONE)
			return no_symbol(i, where, e);
	return 0;
}

static int bad_merge(const struct bpe *b, uint32_t i, const uint32_t pair[2], const char *where,
                     struct cbtm_error *e)
{
	const struct bpe_symbol *l = &b->symbol[pair[0]], *r = &b->symbol[pair[1]];
	struct buffer left = { 0 }, right = { 0 };

	if (!add_shown(l->bytes, l->n, &left, e) && !add_shown(r->bytes, r->n, &right, e))
		error_set(e, CBTM_ERR_BAD_DATA, where, "merges[%u], of \"%s\" and \"%s\", %s", i, left.data,
		          right.data,
		          b->merged[i] == BPE_NONE ? "makes no token of the vocabulary" : "is there twice");
	buffer_free(&left);
	buffer_free(&right);
	return e->name;
}

static int add_merges(struct bpe *b, const struct index *x, const uint32_t (*merge)[2],
                      const char *where, struct cbtm_error *e)
{
	struct buffer joined = { 0 };
	size_t slots = 1024;

	while (slots < 2 * (size_t)b->merges)
		slots *= 2;
	b->pair_mask = (uint32_t)(slots - 1);
	b->merge = mem_zeroed(b->merges, sizeof *b->merge, "a vocabulary", e);
	b->merged = mem_zeroed(b->merges, sizeof *b->merged, "a vocabulary", e);
	b->pair = mem_aligned(slots, sizeof *b->pair, "a vocabulary", e);
	if (!b->merge || !b->merged || !b->pair)
		goto done;
	memset(b->pair, 0xff, slots * sizeof *b->pair);
	for (uint32_t i = 0; i < b->merges; i++) {
		uint32_t l = merge[i][0], r = merge[i][1], at;

		if (l >= b->size || r >= b->size || !is_piece(&b->symbol[l]) || !is_piece(&b->symbol[r])) {
			error_set(e, CBTM_ERR_BAD_DATA, where, "merge %u is of symbols that are not there", i);
			goto done;
		}
		buffer_clear(&joined);
		if (buffer_add(&joined, b->symbol[l].bytes, b->symbol[l].n, e) ||
		    buffer_add(&joined, b->symbol[r].bytes, b->symbol[r].n, e))
			goto done;
		b->merged[i] = index_find(x, b, joined.data, joined.n);
		if (b->merged[i] == BPE_NONE || bpe_pair_find(b, l, r)) {
			bad_merge(b, i, merge[i], where, e);
			goto done;
		}
		b->merge[i][0] = l;
		b->merge[i][1] = r;
		for (at = pair_slot(b, l, r); b->pair[at].rank != BPE_NONE; at = (at + 1) & b->pair_mask)
			;
		b->pair[at] = (struct bpe_pair){ l, r, i, b->merged[i] };
	}
done:
	buffer_free(&joined);
	return e->name;
}

static uint32_t special_id(const struct bpe *b, const char *name)
{
	for (uint32_t i = 0; i < b->size; i++)
		if (b->symbol[i].special && b->symbol[i].n == strlen(name) &&
		    !memcmp(b->symbol[i].bytes, name, b->symbol[i].n))
			return i;
	return BPE_NONE;
}

static int find_specials(struct bpe *b, const struct bpe_choice *choice, const char *where,
                         struct cbtm_error *e)
{
	const char *eod = choice->eod, *bos = choice->bos;

	b->match_special = choice->match_special;
	b->prefix_space = choice->prefix_space;
	b->eod = special_id(b, *eod ? eod : "<|endoftext|>");
	if (b->eod == BPE_NONE && !*eod)
		b->eod = special_id(b, "</s>");
	b->bos = *bos ? special_id(b, bos) : BPE_NONE;
	if (b->eod != BPE_NONE && (!*bos || b->bos != BPE_NONE))
		return 0;
	error_set(e, CBTM_ERR_BAD_DATA, where, "there is no special token \"%s\"",
	          b->eod == BPE_NONE ? *eod ? eod : "<|endoftext|>" : bos);
	return error_hint(e, "name the one that ends a document with tokenize.vocabulary.eod");
}

int bpe_make(const struct bpe_symbol *symbol, uint32_t size, const uint32_t (*merge)[2],
             uint32_t merges, const struct bpe_choice *choice, const char *where, struct bpe **bpe,
             struct cbtm_error *e)
{
	struct bpe *b = mem_zeroed(1, sizeof *b, "a vocabulary", e);
	struct index x = { 0 };

	*bpe = NULL;
	if (!b)
		return e->name;
	unicode_flags(); /* expands them, so that no encoder has to */
	b->size = size;
	b->merges = merges;
	if (size > MAX_SIZE || merges > MAX_SIZE)
		error_set(e, CBTM_ERR_BAD_DATA, where, "more than %d symbols or merges", MAX_SIZE);
	else if (!copy_symbols(b, symbol, where, e) && !index_make(&x, b, where, e) &&
	         !add_merges(b, &x, merge, where, e) && !find_specials(b, choice, where, e) &&
	         !bpe_added_make(b, where, e) && !encode_ranks_make(b, &b->ranks, e))
		*bpe = b;
	free(x.slot);
	if (!*bpe)
		bpe_free(b);
	return e->name;
}
