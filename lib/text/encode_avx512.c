/* SPDX-License-Identifier: MIT */
/* AVX-512 with VBMI2 and VAES: keys are hashed and compared four in a register. */
#if defined(__x86_64__)
#include "text/encode.h"
#include "text/scan_avx512.h"
#include <immintrin.h>

/* Two rounds of AES: each bit of the result depends on all of the key. */
#define SALT1 0x243f6a8885a308d3, 0x13198a2e03707344
#define SALT2 (long long)0xa4093822299f31d0u, 0x082efa98ec4e6c89

static uint32_t hash(const struct encode_key *key)
{
	__m128i x = _mm_loadu_si128((const __m128i *)(const void *)key);

	x = _mm_aesenc_si128(x, _mm_set_epi64x(SALT1));
	x = _mm_aesenc_si128(x, _mm_set_epi64x(SALT2));
	return (uint32_t)_mm_cvtsi128_si32(x);
}

static void positions(struct encode_words *w, const uint64_t start[SCAN_BLOCKS])
{
	const __m512i count = _mm512_set_epi64(
		0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928, 0x2726252423222120,
		0x1f1e1d1c1b1a1918, 0x1716151413121110, 0x0f0e0d0c0b0a0908, 0x0706050403020100);
	uint16_t *out = w->position + 1;

	for (size_t b = 0; b < SCAN_BLOCKS; b++) {
		__m512i at = _mm512_maskz_compress_epi8(start[b], count);
		__m512i block = _mm512_set1_epi16((short)(64 * b));
		size_t n = (size_t)__builtin_popcountll(start[b]);

		w->before[b] = (uint16_t)(out - w->position - 1);
		_mm512_storeu_si512(
			out, _mm512_add_epi16(block, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(at))));
		if (__builtin_expect(n > 32, 0))
			_mm512_storeu_si512(
				out + 32,
				_mm512_add_epi16(block, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(at, 1))));
		out += n;
	}
	w->n = (size_t)(out - w->position - 1);
}

/* 0xff for the bytes of a key: of a word of n bytes from byte 16 (n + 1) - n on, of a longer one
 * nowhere. */
struct masks {
	alignas(16) uint8_t of[ENCODE_KEY + 2][ENCODE_KEY];
};
#define FF(n)                                                                                      \
	{                                                                                              \
		[0 ...(n) - 1] = 0xff                                                                      \
	}
static const struct masks masks = { { { 0 },
	                                  FF(1),
	                                  FF(2),
	                                  FF(3),
	                                  FF(4),
	                                  FF(5),
	                                  FF(6),
	                                  FF(7),
	                                  FF(8),
	                                  FF(9),
	                                  FF(10),
	                                  FF(11),
	                                  FF(12),
	                                  FF(13),
	                                  FF(14),
	                                  FF(15),
	                                  FF(16),
	                                  { 0 } } };

/* min(length, ENCODE_KEY + 1) x 16: where a word's mask is. */
static void lengths(struct encode_words *w)
{
	for (size_t i = 0; i < w->n; i += 32) {
		__m512i begin = _mm512_load_si512(w->position + i);
		__m512i end = _mm512_loadu_si512(w->position + i + 1);
		__m512i n =
			_mm512_min_epu16(_mm512_sub_epi16(end, begin), _mm512_set1_epi16(ENCODE_KEY + 1));
		_mm512_store_si512(w->length + i, _mm512_slli_epi16(n, 4));
	}
}

static inline void set_key(struct encode_words *w, size_t i, __m128i bytes)
{
	const void *mask = (const char *)&masks + w->length[i];

	_mm_store_si128((__m128i *)(void *)&w->key[i],
	                _mm_and_si128(bytes, _mm_load_si128((const __m128i *)mask)));
}

static void slots(struct encode_words *w, const char *table, uint32_t mask)
{
	const __m512i salt1 = _mm512_broadcast_i64x2(_mm_set_epi64x(SALT1));
	const __m512i salt2 = _mm512_broadcast_i64x2(_mm_set_epi64x(SALT2));
	const __m512i pairs = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 28, 24, 20, 16, 12, 8, 4, 0);
	const __m512i masked = _mm512_set1_epi32((int)mask);

	for (size_t i = 0; i < w->n; i += 16) {
		__m512i x[4], slot;

#pragma GCC unroll 4
		for (int j = 0; j < 4; j++) {
			x[j] = _mm512_load_si512(&w->key[i + 4 * (size_t)j]);
			x[j] = _mm512_aesenc_epi128(_mm512_aesenc_epi128(x[j], salt1), salt2);
		}
		x[0] = _mm512_permutex2var_epi32(x[0], pairs, x[1]);
		x[2] = _mm512_permutex2var_epi32(x[2], pairs, x[3]);
		slot = _mm512_inserti64x4(x[0], _mm512_castsi512_si256(x[2]), 1);
		_mm512_store_si512(w->slot + i, _mm512_and_si512(slot, masked));
#pragma GCC unroll 16
		for (size_t j = i; j < i + 16; j++)
			_mm_prefetch(table + w->slot[j], _MM_HINT_T0);
	}
}

static void keys(struct encode_words *w, const char *text, size_t n, const void *table,
                 uint32_t mask)
{
	size_t words = w->n, safe = words, i;

	lengths(w);
	while (safe > 1 && (size_t)w->position[safe - 1] + ENCODE_KEY > n)
		safe--;
#pragma GCC unroll 4
	for (i = 1; i < safe; i++)
		set_key(w, i, _mm_loadu_si128((const __m128i *)(const void *)(text + w->position[i])));
	for (; i < words; i++) {
		size_t left = n - w->position[i];
		__mmask16 some = (__mmask16)(left < ENCODE_KEY ? (1u << left) - 1 : 0xffff);
		set_key(w, i, _mm_maskz_loadu_epi8(some, text + w->position[i]));
	}
	slots(w, table, mask);
}

static inline __m512i four_keys(const struct encode_words *w, size_t i, const char *table)
{
	const void *a = table + w->slot[i], *b = table + w->slot[i + 1];
	const void *c = table + w->slot[i + 2], *d = table + w->slot[i + 3];
	__m512i x = _mm512_castsi128_si512(_mm_load_si128((const __m128i *)a));

	x = _mm512_inserti64x2(x, _mm_load_si128((const __m128i *)b), 1);
	x = _mm512_inserti64x2(x, _mm_load_si128((const __m128i *)c), 2);
	return _mm512_inserti64x2(x, _mm_load_si128((const __m128i *)d), 3);
}

static void compare(struct encode_words *w, const void *table)
{
	uint8_t *differs = (uint8_t *)w->differs;

	for (size_t i = 0; i < w->n; i += 8)
#pragma GCC unroll 2
		for (size_t j = i; j < i + 8; j += 4)
			differs[j / 4] = (uint8_t)_mm512_cmpneq_epi64_mask(four_keys(w, j, table),
			                                                   _mm512_load_si512(&w->key[j]));
}

/* The lowest rank << 16 | where it first stands. */
static inline uint32_t lowest(__m256i rank)
{
	__m128i a = _mm_minpos_epu16(_mm256_castsi256_si128(rank));
	__m128i b = _mm_minpos_epu16(_mm256_extracti128_si256(rank, 1));

	a = _mm_rol_epi32(a, 16);
	b = _mm_add_epi32(_mm_rol_epi32(b, 16), _mm_set1_epi32(8));
	return (uint32_t)_mm_cvtsi128_si32(_mm_min_epu32(a, b));
}

/* A pair that is looked up: where its slot is, and what marks it there. */
struct lookup {
	const uint32_t *slot;
	uint32_t mark;
};

static inline struct lookup look_up(const struct encode_ranks *r, uint32_t left, uint32_t right)
{
	uint64_t hash = (left << 16 | right) * r->factor;
	uint32_t displacement = r->displace[hash >> r->bucket_shift];
	const uint32_t *slot = &r->slot[encode_ranks_slot(r, hash, displacement)];

	_mm_prefetch(slot, _MM_HINT_T0);
	return (struct lookup){ slot, encode_ranks_mark(hash) };
}

static inline uint32_t looked_up(struct lookup l)
{
	uint32_t x = *l.slot;

	return x | -(uint32_t)(x >> 16 != l.mark);
}

/* A word between the two halves of a step. Words whose bits are 0 keep their ranks. */
struct step {
	uint32_t low; /* of the ranks now */
	uint32_t merges, at, right, left;
	struct lookup with_left, with_behind;
};

/*
 * The first half: merges the pair of the lowest rank, and begins to look up the ranks of the new
 * token with its neighbours. Nothing branches: what depends on the ranks comes late, and a wrong
 * guess would hold up the other words. If the rank is none, or not really that of the pair, then it
 * is only taken away.
 */
static inline void begin_step(const struct encode_ranks *r, struct encode_merging *m,
                              struct step *s)
{
	const uint32_t end = 1u << (ENCODE_KEY + 1);
	const struct encode_made *made = &r->made[s->low >> 16];
	uint32_t best = s->low & 0xf, at = 2u << best;
	uint32_t left = 31 - (uint32_t)_lzcnt_u32(m->live & (at - 1)), behind, right, id, merges;

	behind = (m->live & -(at + at)) | end;
	right = behind & -behind;
	behind = _tzcnt_u32((behind ^ right) | end);
	id = m->id[best + 1];
	merges = -(uint32_t)(made->pair == (id << 16 | m->id[_tzcnt_u32(right)]));
	id ^= (id ^ made->id) & merges;
	m->id[best + 1] = (uint16_t)id;
	m->live ^= right & merges;
	s->merges = merges;
	s->at = at >> 1;
	s->right = (right & merges) >> 1;
	s->left = (1u << left & merges) >> 1;
	s->with_behind = look_up(r, id, m->id[behind]);
	s->with_left = look_up(r, m->id[left], id);
}

static inline __m256i with_rank(__m256i rank, uint32_t lane, uint32_t value)
{
	return _mm256_mask_set1_epi16(rank, (__mmask16)lane, (short)value);
}

/* The second half: the new ranks. Returns whether there is any. */
static inline uint32_t end_step(const struct encode_ranks *r, struct encode_merging *m,
                                struct step *s)
{
	__m256i rank = _mm256_load_si256((const __m256i *)(const void *)m->rank);

	rank = with_rank(rank, s->right, ENCODE_UNRANKED);
	rank = with_rank(rank, s->at, looked_up(s->with_behind) | ~s->merges);
	rank = with_rank(rank, s->left, looked_up(s->with_left));
	_mm256_store_si256((__m256i *)(void *)m->rank, rank);
	s->low = lowest(rank);
	_mm_prefetch(&r->made[s->low >> 16], _MM_HINT_T0);
	return s->low >> 16 != ENCODE_UNRANKED;
}

/* All words in turn: the processor fetches what the others need while it works on one. */
static void merge(const struct encode_ranks *r, struct encode_merging *word, size_t n)
{
	struct step step[ENCODE_MERGINGS];
	uint8_t active[ENCODE_MERGINGS];
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		__m256i rank = _mm256_load_si256((const __m256i *)(const void *)word[i].rank);
		step[i].low = lowest(rank);
		active[left] = (uint8_t)i;
		left += step[i].low >> 16 != ENCODE_UNRANKED;
	}
	while (left) {
		n = left;
		left = 0;
		for (size_t i = 0; i < n; i++)
			begin_step(r, &word[active[i]], &step[active[i]]);
		for (size_t i = 0; i < n; i++) {
			uint8_t at = active[i];
			active[left] = at;
			left += end_step(r, &word[at], &step[at]);
		}
	}
}

static inline uint32_t *put_narrow(const char *entry, uint32_t *out)
{
	__m128i ids = _mm_load_si128((const __m128i *)(const void *)(entry + ENCODE_KEY));

	_mm256_storeu_si256((__m256i *)(void *)out, _mm256_cvtepu16_epi32(ids));
	return out + ((const struct encode_entry *)(const void *)entry)->as.n;
}

static uint32_t *narrow(const struct encode_words *w, size_t from, size_t to, const void *table,
                        uint32_t *out)
{
	const uint32_t *slot = w->slot + from, *end = w->slot + to;
	const char *entries = table;

	for (; slot + 4 <= end; slot += 4) {
		out = put_narrow(entries + slot[0], out);
		out = put_narrow(entries + slot[1], out);
		out = put_narrow(entries + slot[2], out);
		out = put_narrow(entries + slot[3], out);
	}
	for (; slot < end; slot++)
		out = put_narrow(entries + *slot, out);
	return out;
}

static uint32_t *wide(const struct encode_words *w, size_t from, size_t to, const void *table,
                      uint32_t *out)
{
	for (size_t i = from; i < to; i++) {
		const char *entry = (const char *)table + w->slot[i];
		__m128i ids = _mm_load_si128((const __m128i *)(const void *)(entry + ENCODE_KEY));

		_mm_storeu_si128((__m128i *)(void *)out, ids);
		out += ((const struct encode_entry *)(const void *)entry)->as.n;
	}
	return out;
}

const struct encode_kernel encode_avx512 = {
	.name = "avx512",
	.scan = &scan_avx512,
	.hash = hash,
	.positions = positions,
	.keys = keys,
	.compare = compare,
	.merge = merge,
	.narrow = narrow,
	.wide = wide,
};
#endif
