/* SPDX-License-Identifier: MIT */
/* AVX-512 with VBMI, VBMI2 and GFNI: a block in a register, then eight blocks in one. */
#if defined(__x86_64__)
#include "text/scan_avx512.h"
#include "text/unicode.h"
#include <immintrin.h>

struct codes {
	__m512i low, high; /* of the bytes to 0x3f; to 0x7f */
};

static inline __m512i block_codes(struct scan *s, size_t k, const struct codes *codes)
{
	size_t at = scan_position(s, k);
	__mmask64 whole = at + 64 <= s->n ? ~0ull : at < s->n ? (1ull << (s->n - at)) - 1 : 0;
	__m512i text = _mm512_maskz_loadu_epi8(whole, s->text + at);
	__m512i code = _mm512_maskz_permutex2var_epi8(whole, codes->low, text, codes->high);
	__mmask64 high = _mm512_movepi8_mask(text);

	if (__builtin_expect(high | s->over, 0)) {
		alignas(64) uint8_t bytes[64];

		_mm512_store_si512(bytes, _mm512_mask_set1_epi8(code, high, UNICODE_OTHER));
		scan_characters(s, k, high, bytes);
		code = _mm512_load_si512(bytes);
	}
	return code;
}

/* The planes of a block, in order: bit b of all bytes becomes word b. */
static inline __m512i block_planes(__m512i code)
{
	const __m512i backwards = _mm512_set4_epi32(0x08090a0b, 0x0c0d0e0f, 0x00010203, 0x04050607);
	const __m512i units = _mm512_set1_epi64((long long)0x8040201008040201u);
	/* A matrix of bits times the unit vectors is its transpose, for eight bytes at a time. */
	__m512i t = _mm512_gf2p8affine_epi64_epi8(units, _mm512_shuffle_epi8(code, backwards), 0);
	/* Byte 8 q + b -> 8 b + q. */
	const __m512i across = _mm512_set_epi64(
		0x3f372f271f170f07, 0x3e362e261e160e06, 0x3d352d251d150d05, 0x3c342c241c140c04,
		0x3b332b231b130b03, 0x3a322a221a120a02, 0x3931292119110901, 0x3830282018100800);
	return _mm512_permutexvar_epi8(across, t);
}

/* Eight blocks' planes -> eight planes of eight blocks, to plane[...][k]. */
static inline void store_planes(struct scan *s, size_t k, const __m512i x[8])
{
	__m512i a[8], b[8];

#pragma GCC unroll 4
	for (int i = 0; i < 8; i += 2) {
		a[i] = _mm512_unpacklo_epi64(x[i], x[i + 1]);     /* planes 0 2 4 6 of i, i + 1 */
		a[i + 1] = _mm512_unpackhi_epi64(x[i], x[i + 1]); /* planes 1 3 5 7 */
	}
#pragma GCC unroll 2
	for (int odd = 0; odd < 2; odd++) {
		b[0] = _mm512_shuffle_i64x2(a[odd], a[odd + 2], 0x88);     /* planes 0, 4 of 0 to 3 */
		b[1] = _mm512_shuffle_i64x2(a[odd], a[odd + 2], 0xdd);     /* planes 2, 6 of 0 to 3 */
		b[2] = _mm512_shuffle_i64x2(a[odd + 4], a[odd + 6], 0x88); /* planes 0, 4 of 4 to 7 */
		b[3] = _mm512_shuffle_i64x2(a[odd + 4], a[odd + 6], 0xdd);
		b[4] = _mm512_shuffle_i64x2(b[0], b[2], 0x88);
		b[5] = _mm512_shuffle_i64x2(b[1], b[3], 0x88);
		b[6] = _mm512_shuffle_i64x2(b[0], b[2], 0xdd);
		b[7] = _mm512_shuffle_i64x2(b[1], b[3], 0xdd);
#pragma GCC unroll 4
		for (int i = 0; i < 4; i++)
			_mm512_storeu_si512(s->plane[2 * i + odd] + k, b[4 + i]);
	}
}

static void classify(struct scan *s, size_t first, size_t blocks)
{
	const struct codes codes = { _mm512_loadu_si512(scan_codes),
		                         _mm512_loadu_si512(scan_codes + 64) };
	size_t k = first;

	for (; k + 8 <= first + blocks; k += 8) {
		__m512i x[8];
		for (size_t i = 0; i < 8; i++)
			x[i] = block_planes(block_codes(s, k + i, &codes));
		store_planes(s, k, x);
	}
	for (; k < first + blocks; k++) {
		alignas(64) uint64_t word[SCAN_PLANES];
		_mm512_store_si512(word, block_planes(block_codes(s, k, &codes)));
		for (int b = 0; b < SCAN_PLANES; b++)
			s->plane[b][k] = word[b];
	}
}

#define BLOCKS(plane, k) _mm512_loadu_si512((plane) + (k))
/* The bits `by` bytes later, of words of these blocks and the same of the blocks behind each. */
#define LATER(words, behind, by) _mm512_shrdi_epi64(words, behind, by)
#define EARLIER(words, before, by) _mm512_shldi_epi64(words, before, by)

static inline __m512i spaces(const struct scan *s, size_t k)
{
	return _mm512_andnot_si512(BLOCKS(s->plane[SCAN_LOW], k), BLOCKS(s->plane[SCAN_HIGH], k));
}
/* Neither white space nor the start of a text. */
static inline __m512i reals(const struct scan *s, size_t k)
{
	return _mm512_ternarylogic_epi64(spaces(s, k), BLOCKS(s->edge, k), BLOCKS(s->edge, k), 0x03);
}
static inline __m512i later(const uint64_t *plane, size_t k)
{
	return LATER(BLOCKS(plane, k), BLOCKS(plane, k + 1), 1);
}
static inline __m512i later2(const uint64_t *plane, size_t k)
{
	return LATER(BLOCKS(plane, k), BLOCKS(plane, k + 1), 2);
}

/* Whether a byte is the first of a character behind which a real one stands. */
static inline __m512i before_real(const struct scan *s, size_t k)
{
	__m512i real = reals(s, k), behind = reals(s, k + 1), last = LATER(real, behind, 1);
	__m512i inner = BLOCKS(s->plane[SCAN_INNER], k), inner1, inner2;
	__m512i next = BLOCKS(s->plane[SCAN_INNER], k + 1);

	if (!_mm512_test_epi64_mask(_mm512_or_si512(inner, next), _mm512_set1_epi64(-1)))
		return last;
	inner1 = LATER(inner, next, 1);
	inner2 = LATER(inner, next, 2);
	/* inner1 ? (inner2 ? of the third : of the second) : of the next */
	real = _mm512_ternarylogic_epi64(inner2, LATER(real, behind, 3), LATER(real, behind, 2), 0xca);
	last = _mm512_ternarylogic_epi64(inner1, real, last, 0xca);
	return _mm512_andnot_si512(inner, last);
}

static void starts(struct scan *s)
{
	const uint64_t *low = s->plane[SCAN_LOW], *high = s->plane[SCAN_HIGH];
	const uint64_t *mark = s->plane[SCAN_MARK], *sdmt = s->plane[SCAN_SDMT];
	__m512i nul = _mm512_setzero_si512();
	__m512i two_before = _mm512_set1_epi64((long long)s->two);
	__m512i three_before = _mm512_set1_epi64((long long)s->three);
	alignas(64) uint64_t words[8];

	for (size_t k = 1; k <= SCAN_BLOCKS; k += 8) {
		__m512i low0 = BLOCKS(low, k), high0 = BLOCKS(high, k), edge = BLOCKS(s->edge, k);
		__m512i blank = _mm512_and_si512(spaces(s, k), BLOCKS(mark, k));
		__m512i blank_before = _mm512_and_si512(spaces(s, k - 1), BLOCKS(mark, k - 1));
		__m512i start, quote, two, three, edge1, l1, e2, con, con_before, two_out, three_out;

		/* changed = low ^ low before | high ^ high before */
		start = _mm512_xor_si512(low0, EARLIER(low0, BLOCKS(low, k - 1), 1));
		start =
			_mm512_ternarylogic_epi64(start, high0, EARLIER(high0, BLOCKS(high, k - 1), 1), 0xf6);
		/* (changed & ~blank before) | edge */
		start = _mm512_ternarylogic_epi64(start, EARLIER(blank, blank_before, 1), edge, 0xba);
		/* | white space & before a real character */
		start = _mm512_ternarylogic_epi64(start, spaces(s, k), before_real(s, k), 0xf8);

		quote = _mm512_and_si512(_mm512_and_si512(start, BLOCKS(mark, k)),
		                         _mm512_and_si512(low0, high0));
		edge1 = later(s->edge, k);
		quote = _mm512_andnot_si512(edge1, quote);
		two = _mm512_andnot_si512(later(low, k), _mm512_and_si512(quote, later(sdmt, k)));
		l1 = _mm512_and_si512(later(s->plane[SCAN_L], k), later2(s->plane[SCAN_L], k));
		e2 = later2(s->plane[SCAN_E], k);
		three = _mm512_ternarylogic_epi64(l1, later(s->plane[SCAN_VR], k), e2, 0xf8);
		three = _mm512_andnot_si512(later2(s->edge, k), _mm512_and_si512(three, quote));

		con = _mm512_or_si512(two, three);
		con_before = _mm512_or_si512(_mm512_alignr_epi64(two, two_before, 7),
		                             _mm512_alignr_epi64(three, three_before, 7));
		two_out = EARLIER(two, _mm512_alignr_epi64(two, two_before, 7), 2);
		three_out = EARLIER(three, _mm512_alignr_epi64(three, three_before, 7), 3);
		start = _mm512_andnot_si512(EARLIER(con, con_before, 1), start);
		start = _mm512_ternarylogic_epi64(start, two_out, three_out, 0xfe);
		_mm512_store_si512(s->start + k - 1, start);
		two_before = two;
		three_before = three;
		nul = _mm512_ternarylogic_epi64(nul, BLOCKS(sdmt, k), low0, 0xf8);
	}
	_mm512_store_si512(words, two_before);
	s->two = words[7];
	_mm512_store_si512(words, three_before);
	s->three = words[7];
	s->nul = _mm512_test_epi64_mask(nul, nul);
	s->nul |= (sdmt[SCAN_BLOCKS + 1] & low[SCAN_BLOCKS + 1]) != 0;
}

const struct scan_kernel scan_avx512 = { "avx512", classify, starts };
#endif
