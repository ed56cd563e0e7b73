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

	/* bytes & mask ^ salt */
	_mm_store_si128((__m128i *)(void *)&w->key[i],
	                _mm_ternarylogic_epi64(bytes, _mm_load_si128((const __m128i *)mask),
	                                       _mm_set1_epi64x(ENCODE_SALT), 0x6a));
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

/* Which halves of the two keys of a line are those of a word. */
static inline uint8_t same_halves(const struct encode_words *w, size_t i, const char *table)
{
	__m256i line = _mm256_load_si256((const __m256i *)(const void *)(table + w->slot[i]));
	__m128i key = _mm_load_si128((const __m128i *)(const void *)&w->key[i]);

	return (uint8_t)_mm256_cmpeq_epi64_mask(line, _mm256_broadcastsi128_si256(key));
}

static void compare(struct encode_words *w, const void *table)
{
	const __m512i first = _mm512_set1_epi8(3), second = _mm512_set1_epi8(12);
	alignas(64) uint8_t same[64] = { 0 };

	for (size_t i = 0; i < w->n; i += 64) {
		size_t n = w->n - i < 64 ? w->n - i : 64;
		__m512i all;
		uint64_t in_first, in_second;

		for (size_t j = 0; j < n; j += 8)
#pragma GCC unroll 8
			for (size_t k = j; k < j + 8; k++)
				same[k] = same_halves(w, i + k, table);
		all = _mm512_load_si512(same);
		in_first = _mm512_cmpeq_epi8_mask(_mm512_and_si512(all, first), first);
		in_second = _mm512_cmpeq_epi8_mask(_mm512_and_si512(all, second), second);
		w->differs[i / 64] = ~(in_first | in_second);
#pragma GCC unroll 4
		for (size_t j = 0; j < 64; j += 16) {
			__m512i slot = _mm512_load_si512(w->slot + i + j);
			slot = _mm512_mask_or_epi32(slot, (__mmask16)(in_second >> j), slot,
			                            _mm512_set1_epi32(sizeof(struct encode_key)));
			_mm512_store_si512(w->slot + i + j, slot);
		}
	}
}

static inline void find_least(struct encode_merging *m)
{
	__m512i all = _mm512_load_si512(m->merge);
	__m256i half = _mm256_min_epu32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
	__m128i low = _mm_min_epu32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));

	low = _mm_min_epu32(low, _mm_shuffle_epi32(low, 0x4e));
	low = _mm_min_epu32(low, _mm_shuffle_epi32(low, 0xb1));
	m->best = (uint8_t)_tzcnt_u32(_mm512_cmpeq_epi32_mask(all, _mm512_broadcastd_epi32(low)));
	m->low = (uint32_t)_mm_cvtsi128_si32(low);
}

/* Begins to look up the merge of a pair. */
static inline void look_up(const struct encode_ranks *r, struct encode_merging *m, int which,
                           uint32_t left, uint32_t right)
{
	uint32_t pair = left << 16 | right, slot = encode_ranks_slot(r, pair);

	m->pair[which] = pair;
	m->slot[which] = slot;
	_mm_prefetch(&r->slot[slot], _MM_HINT_T0);
}

/* The first half of a step: does the least merge, and begins to look up those of the new token with
 * its neighbours. */
static inline void begin_step(const struct encode_ranks *r, struct encode_merging *m)
{
	uint32_t best = m->best, id = m->low & 0xffff, live = m->live;
	uint32_t left = 31 - (uint32_t)_lzcnt_u32(_bzhi_u32(live, best + 1));
	uint32_t behind = live >> best >> 2, right = _tzcnt_u32(behind) + best + 2;

	behind &= behind - 1;
	m->live = live ^ 1u << right;
	m->merge[right - 1] = ENCODE_NO_MERGE;
	m->id[best + 1] = (uint16_t)id;
	m->left = (left - 1) % ENCODE_KEY; /* if none is before: where never a merge is */
	look_up(r, m, 0, id, m->id[_tzcnt_u32(behind) + best + 2]);
	look_up(r, m, 1, m->id[left], id);
}

static inline void end_step(const struct encode_ranks *r, struct encode_merging *m)
{
	m->merge[m->best] = encode_ranks_at(r, m->slot[0], m->pair[0]);
	m->merge[m->left] = encode_ranks_at(r, m->slot[1], m->pair[1]);
}

/* The ids of 16 bytes: looked up in registers, which takes less time than a gather. */
static inline __m256i byte_ids(const struct encode_ranks *r, __m128i bytes)
{
	const __m512i *id = (const void *)r->byte_id;
	__m512i at = _mm512_castsi256_si512(_mm256_cvtepu8_epi16(bytes));
	__m512i low = _mm512_permutex2var_epi16(_mm512_load_si512(id), at, _mm512_load_si512(id + 1));
	__m512i next =
		_mm512_permutex2var_epi16(_mm512_load_si512(id + 2), at, _mm512_load_si512(id + 3));
	__m512i third =
		_mm512_permutex2var_epi16(_mm512_load_si512(id + 4), at, _mm512_load_si512(id + 5));
	__m512i high =
		_mm512_permutex2var_epi16(_mm512_load_si512(id + 6), at, _mm512_load_si512(id + 7));
	__mmask32 odd = _mm512_test_epi16_mask(at, _mm512_set1_epi16(64));

	low = _mm512_mask_mov_epi16(low, odd, next);
	third = _mm512_mask_mov_epi16(third, odd, high);
	return _mm512_castsi512_si256(
		_mm512_mask_mov_epi16(low, _mm512_test_epi16_mask(at, _mm512_set1_epi16(128)), third));
}

static inline void begin_merging(const struct encode_ranks *r, const struct encode_key *key,
                                 struct encode_merging *m)
{
	__m128i bytes = _mm_xor_si128(_mm_load_si128((const __m128i *)(const void *)key),
	                              _mm_set1_epi64x(ENCODE_SALT));
	__mmask16 in = _mm_test_epi8_mask(bytes, bytes); /* no NUL is in a key */
	uint64_t low = (uint64_t)_mm_cvtsi128_si64(bytes);
	uint64_t high = (uint64_t)_mm_extract_epi64(bytes, 1);

	/* Fifteen loads take less time than a gather. */
#pragma GCC unroll 8
	for (int i = 0; i < 7; i++) {
		m->merge[i] = r->bytes[low >> 8 * i & 0xffff];
		m->merge[i + 8] = r->bytes[high >> 8 * i & 0xffff];
	}
	m->merge[7] = r->bytes[low >> 56 | (high & 0xff) << 8];
	_mm256_storeu_si256((__m256i *)(void *)(m->id + 1),
	                    _mm256_mask_mov_epi16(_mm256_set1_epi16(-1), in, byte_ids(r, bytes)));
	m->id[0] = m->id[ENCODE_KEY + 1] = ENCODE_NO_ID;
	m->live = in << 1 | (in + 1u) << 1 | 1;
	m->n = in;
}

/* Of bytes behind the word there are no merges, whatever the square has. */
static inline void end_beginning(struct encode_merging *m)
{
	_mm512_store_si512(m->merge,
	                   _mm512_mask_mov_epi32(_mm512_set1_epi32(-1), (__mmask16)(m->n >> 1),
	                                         _mm512_load_si512(m->merge)));
}

/* What is left of the ids, in a row. */
static inline void end_merging(struct encode_merging *m)
{
	__mmask16 live = (__mmask16)(m->live >> 1 & m->n);
	__m256i id = _mm256_loadu_si256((const __m256i *)(const void *)(m->id + 1));

	_mm256_storeu_si256((__m256i *)(void *)m->id, _mm256_maskz_compress_epi16(live, id));
	m->n = (uint16_t)__builtin_popcount(live);
}

/* All words in turn: the processor fetches what the others need while it works on one. Each loop is
 * over all, so that what one stores has reached the memory when the next loads it in one piece. */
static void merge(const struct encode_ranks *r, const struct encode_key *const *key,
                  struct encode_merging *word, size_t n)
{
	struct encode_merging *active[ENCODE_MERGINGS];
	size_t left = n, now;

	for (size_t i = 0; i < n; i++) {
		begin_merging(r, key[i], &word[i]);
		active[i] = &word[i];
	}
	for (size_t i = 0; i < n; i++)
		end_beginning(&word[i]);
	for (;;) {
		now = left;
		left = 0;
		for (size_t i = 0; i < now; i++) {
			struct encode_merging *m = active[i];
			find_least(m);
			active[left] = m;
			left += m->low != ENCODE_NO_MERGE;
		}
		if (!left)
			break;
		for (size_t i = 0; i < left; i++)
			begin_step(r, active[i]);
		for (size_t i = 0; i < left; i++)
			end_step(r, active[i]);
	}
	for (size_t i = 0; i < n; i++)
		end_merging(&word[i]);
}

static inline uint32_t *put_narrow(const void *table, uint32_t slot, uint32_t *out)
{
	const union encode_ids *ids = encode_ids_at(table, slot);
	size_t n = ids->as.n;

	_mm256_storeu_si256((__m256i *)(void *)out,
	                    _mm256_cvtepu16_epi32(_mm_load_si128((const __m128i *)(const void *)ids)));
	if (__builtin_expect(n > ENCODE_NARROW_IDS, 0))
		_mm512_storeu_si512(out + ENCODE_NARROW_IDS,
		                    _mm512_set1_epi32(ids->narrow[ENCODE_NARROW_IDS - 1]));
	return out + n;
}

static uint32_t *narrow(const struct encode_words *w, size_t from, size_t to, const void *table,
                        uint32_t *out)
{
	const uint32_t *slot = w->slot + from, *end = w->slot + to;

	for (; slot + 4 <= end; slot += 4) {
		out = put_narrow(table, slot[0], out);
		out = put_narrow(table, slot[1], out);
		out = put_narrow(table, slot[2], out);
		out = put_narrow(table, slot[3], out);
	}
	for (; slot < end; slot++)
		out = put_narrow(table, *slot, out);
	return out;
}

static uint32_t *wide(const struct encode_words *w, size_t from, size_t to, const void *table,
                      uint32_t *out)
{
	for (size_t i = from; i < to; i++) {
		const union encode_ids *ids = encode_ids_at(table, w->slot[i]);

		_mm_storeu_si128((__m128i *)(void *)out,
		                 _mm_load_si128((const __m128i *)(const void *)ids));
		out += ids->as.n;
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
