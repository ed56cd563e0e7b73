/* SPDX-License-Identifier: MIT */
/* For any processor. */
#include "store/matches_find.h"

void matches_begin(struct matches *m)
{
	memset(m->place, 0, sizeof m->place);
}

typedef uint8_t sixteen __attribute__((vector_size(16)));

static inline sixteen load(const unsigned char *p)
{
	sixteen x;

	memcpy(&x, p, sizeof x);
	return x;
}

/* Bytes 0 or 255 -> a bit for each of eight. */
static inline uint64_t bits_of(uint64_t eight)
{
	return (eight & 0x8040201008040201u) * 0x0101010101010101u >> 56;
}

static inline uint64_t anchors_of_16(const unsigned char *text)
{
	sixteen x = load(text);
	uint64_t half[2];

	x = x + x + x + load(text + 1);
	x = x + (x + x) + (x + x) + load(text + 2);
	x = x + x + x + load(text + 3);
	x = (sixteen)(x >= MATCHES_ANCHOR);
	memcpy(half, &x, sizeof half);
	return bits_of(half[0]) | bits_of(half[1]) << 8;
}

static size_t anchors(const unsigned char *text, size_t groups, uint16_t *anchor)
{
	size_t n = 0;

	for (size_t g = 0; g < groups; g++, text += 64) {
		uint64_t all = 1;

		for (unsigned i = 0; i < 64; i += 16)
			all |= anchors_of_16(text + i) << i;
		for (; all; all &= all - 1)
			anchor[n++] = (uint16_t)(64 * g + (size_t)__builtin_ctzll(all));
	}
	return n;
}

static size_t common(const unsigned char *a, const unsigned char *b, size_t n)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		uint64_t differs = matches_load(a + i) ^ matches_load(b + i);
		if (differs)
			return i + (size_t)__builtin_ctzll(differs) / 8;
	}
	while (i < n && a[i] == b[i])
		i++;
	return i;
}

static size_t common_back(const unsigned char *a, const unsigned char *b)
{
	for (size_t i = 8; i <= MATCHES_BACK; i += 8) {
		uint64_t differs = matches_load(a - i) ^ matches_load(b - i);
		if (differs)
			return i - 8 + (size_t)__builtin_clzll(differs) / 8;
	}
	return MATCHES_BACK;
}

void matches_find_plain(struct matches *m, const unsigned char *text, size_t n, size_t from,
                        size_t to)
{
	matches_find(m, text, n, from, to, anchors, common, common_back);
}
