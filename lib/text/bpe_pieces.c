/* SPDX-License-Identifier: MIT */
#include "text/bpe_pieces.h"
#include "base/error.h"
#include "base/memory.h"
#include "text/pretoken.h"
#include <stdlib.h>
#include <string.h>

enum { FEWEST = 1 << 12, AHEAD = 64 };

void bpe_pieces_free(struct bpe_pieces *p)
{
	free(p->slot);
	strings_free(&p->longs);
	free(p->count);
	*p = (struct bpe_pieces){ 0 };
}

static inline uint64_t hash(const uint64_t key[2], uint64_t n)
{
	uint64_t h = (key[0] ^ (key[1] + n) * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;

	return (h ^ h >> 32) * 0xd6e8feb86659fd93u;
}

/* The entry of a piece, or the empty one where it would go. */
static inline struct bpe_piece *find(struct bpe_piece *slot, size_t mask, const uint64_t key[2],
                                     uint64_t n, uint64_t h)
{
	for (size_t at = h >> 32;; at++) {
		struct bpe_piece *s = &slot[at & mask];
		if (!s->count || (s->key[0] == key[0] && s->key[1] == key[1] && s->n == n))
			return s;
	}
}

/* Room for `more` short pieces with half of the entries empty. */
static int reserve(struct bpe_pieces *p, size_t more, struct cbtm_error *e)
{
	size_t slots = p->slots ? p->slots : FEWEST;
	struct bpe_piece *slot;

	while (slots < 2 * (p->shorts + more))
		slots *= 2;
	if (slots == p->slots)
		return 0;
	if (slots > (size_t)UINT32_MAX + 1)
		return error_set(e, CBTM_ERR_MEMORY, NULL, "more than 2^31 different words");
	slot = mem_zeroed(slots, sizeof *slot, "the words of the corpus", e);
	if (!slot)
		return e->name;
	for (size_t i = 0; i < p->slots; i++) {
		const struct bpe_piece *s = &p->slot[i];
		if (s->count)
			*find(slot, slots - 1, s->key, s->n, hash(s->key, s->n)) = *s;
	}
	free(p->slot);
	p->slot = slot;
	p->slots = slots;
	return 0;
}

static inline void count_short(struct bpe_pieces *p, const uint64_t key[2], uint64_t n, uint64_t h,
                               uint64_t count)
{
	struct bpe_piece *s = find(p->slot, p->slots - 1, key, n, h);

	if (!s->count) {
		s->key[0] = key[0];
		s->key[1] = key[1];
		s->n = n;
		p->shorts++;
	}
	s->count += count;
}

static int count_long(struct bpe_pieces *p, const char *piece, size_t n, uint64_t count,
                      struct cbtm_error *e)
{
	uint32_t before = p->longs.n, number;

	if (strings_add(&p->longs, piece, n, &number, e) ||
	    array_reserve(&p->count, &p->cap, p->longs.n, sizeof *p->count, e))
		return e->name;
	if (number == before)
		p->count[number] = 0;
	p->count[number] += count;
	return 0;
}

/* The piece as a 16-byte number; `room`: bytes that may be read. */
static inline void load_key(const char *s, size_t n, size_t room, uint64_t key[2])
{
	static const uint64_t ones = UINT64_MAX;

	key[0] = key[1] = 0;
	if (room < BPE_PIECE_SHORT) {
		memcpy(key, s, n);
		return;
	}
	memcpy(key, s, BPE_PIECE_SHORT);
	key[0] &= n < 8 ? ~(ones << 8 * n) : ones;
	key[1] &= n <= 8 ? 0 : n < 16 ? ~(ones << 8 * (n - 8)) : ones;
}

int bpe_pieces_count(struct bpe_pieces *p, const char *piece, size_t n, uint64_t count,
                     struct cbtm_error *e)
{
	uint64_t key[2];

	if (n > BPE_PIECE_SHORT)
		return count_long(p, piece, n, count, e);
	if (reserve(p, 1, e))
		return e->name;
	load_key(piece, n, n, key);
	count_short(p, key, n, hash(key, n), count);
	return 0;
}

/* Pieces that wait for their entries to arrive. */
struct waiting {
	uint64_t key[2], n, hash;
};

int bpe_pieces_text(struct bpe_pieces *p, const char *text, size_t n, struct cbtm_error *e)
{
	struct pretoken cut;
	size_t some, at = 0;

	pretoken_begin(&cut, text, n);
	while ((some = pretoken_next(&cut))) {
		struct waiting w[AHEAD];
		size_t put = 0, taken = 0;

		if (reserve(p, some, e))
			return e->name;
		for (size_t i = 0; i < some; i++) {
			size_t end = cut.end[i], length = end - at;
			struct waiting *x = &w[put % AHEAD];

			if (length > BPE_PIECE_SHORT) {
				if (count_long(p, text + at, length, 1, e))
					return e->name;
				at = end;
				continue;
			}
			if (put - taken == AHEAD) {
				count_short(p, x->key, x->n, x->hash, 1);
				taken++;
			}
			load_key(text + at, length, n - at, x->key);
			x->n = length;
			x->hash = hash(x->key, length);
			__builtin_prefetch(&p->slot[(x->hash >> 32) & (p->slots - 1)], 1);
			put++;
			at = end;
		}
		for (; taken < put; taken++) {
			struct waiting *x = &w[taken % AHEAD];
			count_short(p, x->key, x->n, x->hash, 1);
		}
	}
	return 0;
}

int bpe_pieces_add(struct bpe_pieces *p, const struct bpe_pieces *more, struct cbtm_error *e)
{
	if (reserve(p, more->shorts, e))
		return e->name;
	for (size_t i = 0; i < more->slots; i++) {
		const struct bpe_piece *s = &more->slot[i];
		if (s->count)
			count_short(p, s->key, s->n, hash(s->key, s->n), s->count);
	}
	for (uint32_t i = 0; i < more->longs.n; i++) {
		size_t n;
		const char *s = strings_get(&more->longs, i, &n);
		if (count_long(p, s, n, more->count[i], e))
			return e->name;
	}
	return 0;
}

bool bpe_pieces_next(const struct bpe_pieces *p, size_t *cursor, const char **piece, size_t *n,
                     uint64_t *count)
{
	for (; *cursor < p->slots; ++*cursor) {
		const struct bpe_piece *s = &p->slot[*cursor];
		if (s->count) {
			*piece = (const char *)s->key;
			*n = s->n;
			*count = s->count;
			++*cursor;
			return true;
		}
	}
	if (*cursor - p->slots >= p->longs.n)
		return false;
	*count = p->count[*cursor - p->slots];
	*piece = strings_get(&p->longs, (uint32_t)(*cursor - p->slots), n);
	++*cursor;
	return true;
}
