/* SPDX-License-Identifier: MIT */
#include "text/ascii.h"
#include <string.h>

struct ascii_masks ascii_block_masks_portable(const char *s, size_t size, char *lower)
{
	struct ascii_masks m = { 0, 0 };
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)s[i];
		unsigned char folded = c | 0x20;
		uint64_t letter = folded >= 'a' && folded <= 'z';
		uint64_t word = letter || (c >= '0' && c <= '9') || c == '_';
		m.letters |= word << i;
		m.others |= (uint64_t)(c >> 7) << i;
		lower[i] = (char)(letter ? folded : c);
	}
	return m;
}

#ifdef __SSE2__ /* every x86-64 */
#include <emmintrin.h>

static inline __m128i between(__m128i x, char low, char high)
{
	return _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8((char)(low - 1))),
	                     _mm_cmplt_epi8(x, _mm_set1_epi8((char)(high + 1))));
}

struct ascii_masks ascii_block_masks(const char *s, size_t size, char *lower)
{
	struct ascii_masks m = { 0, 0 };
	char padded[ASCII_BLOCK];
	if (size < ASCII_BLOCK) {
		memset(padded, 0, sizeof padded);
		memcpy(padded, s, size);
		s = padded;
	}
	for (size_t i = 0; i < ASCII_BLOCK; i += 16) {
		/* Bytes above 0x7f are negative: between nothing. */
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)(s + i));
		__m128i folded = _mm_or_si128(x, _mm_set1_epi8(0x20));
		__m128i letter = between(folded, 'a', 'z');
		__m128i word = _mm_or_si128(_mm_or_si128(letter, between(x, '0', '9')),
		                            _mm_cmpeq_epi8(x, _mm_set1_epi8('_')));
		__m128i bit = _mm_and_si128(letter, _mm_set1_epi8(0x20));
		_mm_storeu_si128((__m128i *)(void *)(lower + i), _mm_or_si128(x, bit));
		m.letters |= (uint64_t)(unsigned)_mm_movemask_epi8(word) << i;
		m.others |= (uint64_t)(unsigned)_mm_movemask_epi8(x) << i;
	}
	return m;
}
#else
struct ascii_masks ascii_block_masks(const char *s, size_t size, char *lower)
{
	return ascii_block_masks_portable(s, size, lower);
}
#endif
