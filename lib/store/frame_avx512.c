/* SPDX-License-Identifier: MIT */
/* AVX-512 with VBMI2: anchors of 64 places at once, codes of 64 bytes at once. */
#if defined(__x86_64__)
#include "store/bits.h"
#include "store/huffman.h"
#include "store/matches_find.h"
#include <immintrin.h>
#include <stdalign.h>

static inline __m512i times3(__m512i x)
{
	return _mm512_add_epi8(x, _mm512_add_epi8(x, x));
}
static inline __m512i times5(__m512i x)
{
	__m512i twice = _mm512_add_epi8(x, x);
	return _mm512_add_epi8(x, _mm512_add_epi8(twice, twice));
}

static size_t anchors(const unsigned char *text, size_t groups, uint16_t *anchor)
{
	const __m512i count = _mm512_set_epi64(
		0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928, 0x2726252423222120,
		0x1f1e1d1c1b1a1918, 0x1716151413121110, 0x0f0e0d0c0b0a0908, 0x0706050403020100);
	uint16_t *out = anchor;

	for (size_t g = 0; g < groups; g++, text += 64) {
		__m512i at, from = _mm512_set1_epi16((short)(64 * g)), x = _mm512_loadu_si512(text);
		uint64_t all;

		x = _mm512_add_epi8(times3(x), _mm512_loadu_si512(text + 1));
		x = _mm512_add_epi8(times5(x), _mm512_loadu_si512(text + 2));
		x = _mm512_add_epi8(times3(x), _mm512_loadu_si512(text + 3));
		all = _mm512_cmpge_epu8_mask(x, _mm512_set1_epi8((char)MATCHES_ANCHOR)) | 1;
		at = _mm512_maskz_compress_epi8(all, count);
		_mm512_storeu_si512(
			out, _mm512_add_epi16(from, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(at))));
		if (__builtin_expect(_mm_popcnt_u64(all) > 32, 0))
			_mm512_storeu_si512(
				out + 32,
				_mm512_add_epi16(from, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(at, 1))));
		out += _mm_popcnt_u64(all);
	}
	return (size_t)(out - anchor);
}

static inline uint64_t differ(const unsigned char *a, const unsigned char *b)
{
	return _mm512_cmpneq_epi8_mask(_mm512_loadu_si512(a), _mm512_loadu_si512(b));
}

static inline size_t common(const unsigned char *a, const unsigned char *b, size_t n)
{
	size_t i = 0;

	for (; i + 64 <= n; i += 64) {
		uint64_t differs = differ(a + i, b + i);
		if (differs)
			return i + (size_t)_tzcnt_u64(differs);
	}
	while (i < n && a[i] == b[i])
		i++;
	return i;
}

static inline size_t common_back(const unsigned char *a, const unsigned char *b)
{
	__mmask16 same =
		_mm_cmpeq_epi8_mask(_mm_loadu_si128((const __m128i *)(const void *)(a - MATCHES_BACK)),
	                        _mm_loadu_si128((const __m128i *)(const void *)(b - MATCHES_BACK)));

	return (size_t)_lzcnt_u32((uint32_t)(uint16_t)~same << 16 | 0x8000);
}

void matches_find_avx512(struct matches *m, const unsigned char *text, size_t n, size_t from,
                         size_t to)
{
	matches_find(m, text, n, from, to, anchors, common, common_back);
}

/* A table of 256 bytes in registers, looked up by 64 bytes. */
struct table {
	__m512i part[4];
};

static inline struct table load_table(const uint8_t t[256])
{
	return (struct table){ { _mm512_load_si512(t), _mm512_load_si512(t + 64),
		                     _mm512_load_si512(t + 128), _mm512_load_si512(t + 192) } };
}

static inline __m512i look_up(const struct table *t, __m512i at)
{
	return _mm512_mask_blend_epi8(_mm512_movepi8_mask(at),
	                              _mm512_permutex2var_epi8(t->part[0], at, t->part[1]),
	                              _mm512_permutex2var_epi8(t->part[2], at, t->part[3]));
}

/* 32 codes in words and their bits -> those of four bytes in a row in a double word: the last byte's
 * code lowest. */
static inline void join(__m512i code, __m512i bits, uint64_t codes[8], uint64_t lengths[8])
{
	const __m512i low16 = _mm512_set1_epi32(0xffff), low32 = _mm512_set1_epi64(0xffffffff);
	__m512i second = _mm512_srli_epi32(bits, 16);

	code = _mm512_or_si512(_mm512_srli_epi32(code, 16),
	                       _mm512_sllv_epi32(_mm512_and_si512(code, low16), second));
	bits = _mm512_add_epi32(_mm512_and_si512(bits, low16), second);
	second = _mm512_srli_epi64(bits, 32);
	code = _mm512_or_si512(_mm512_srli_epi64(code, 32),
	                       _mm512_sllv_epi64(_mm512_and_si512(code, low32), second));
	bits = _mm512_add_epi64(_mm512_and_si512(bits, low32), second);
	_mm512_store_si512(codes, code);
	_mm512_store_si512(lengths, bits);
}

/* 64 bytes -> 16 times four. Returns those that have no code. */
static inline __mmask64 encode(const struct table *low, const struct table *high,
                               const unsigned char *text, uint64_t codes[16], uint64_t lengths[16])
{
	const __m512i nibble = _mm512_set1_epi8(15);
	__m512i x = _mm512_loadu_si512(text), l = look_up(low, x), h = look_up(high, x), bits;
	__mmask64 absent = _mm512_testn_epi8_mask(h, h);

	bits = _mm512_and_si512(_mm512_srli_epi16(h, 4), nibble);
	h = _mm512_and_si512(h, nibble);
	for (int i = 0; i < 2; i++) {
		__m512i wide = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(l));

		wide = _mm512_or_si512(
			wide, _mm512_slli_epi16(_mm512_cvtepu8_epi16(_mm512_castsi512_si256(h)), 8));
		join(wide, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(bits)), codes + 8 * i,
		     lengths + 8 * i);
		l = _mm512_castsi256_si512(_mm512_extracti64x4_epi64(l, 1));
		h = _mm512_castsi256_si512(_mm512_extracti64x4_epi64(h, 1));
		bits = _mm512_castsi256_si512(_mm512_extracti64x4_epi64(bits, 1));
	}
	return absent;
}

unsigned char *huffman_stream_avx512(const struct huffman *h, const unsigned char *text, size_t n,
                                     unsigned char *to)
{
	const struct table low = load_table(h->low), high = load_table(h->high);
	alignas(64) uint64_t codes[16], lengths[16];
	struct bits b = { .at = to };
	__mmask64 absent = 0;

	for (; n >= 64; n -= 64) {
		absent |= encode(&low, &high, text + n - 64, codes, lengths);
#pragma GCC unroll 16
		for (int i = 15; i >= 0; i--) {
			bits_put(&b, codes[i], (unsigned)lengths[i]);
			bits_flush(&b);
		}
	}
	while (n--) {
		unsigned code = h->code[text[n]];

		absent |= !code;
		bits_put(&b, code & 0xfff, code >> 12);
		bits_flush(&b);
	}
	return absent ? NULL : bits_end_mark(&b);
}
#endif
