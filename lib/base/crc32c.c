/* SPDX-License-Identifier: MIT */
/* CRC32C: the SSE4.2 instruction where there is one, else eight tables (Kounavis, Berry 2005). */
#include "base/digest.h"
#include <pthread.h>
#include <string.h>

#define POLYNOMIAL 0x82F63B78u /* Castagnoli's, bits reversed */

static uint32_t table[8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (c & 1 ? POLYNOMIAL : 0);
		table[0][i] = c;
	}
	for (int t = 1; t < 8; t++)
		for (uint32_t i = 0; i < 256; i++)
			table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 255];
}

/* `c` is the inverted CRC here and below. */
static uint32_t by_table(uint32_t c, const unsigned char *p, size_t n)
{
	pthread_once(&once, make_table);
	for (; n >= 8; p += 8, n -= 8) {
		c ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		c = table[7][c & 255] ^ table[6][c >> 8 & 255] ^ table[5][c >> 16 & 255] ^
		    table[4][c >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
	}
	for (; n; p++, n--)
		c = c >> 8 ^ table[0][(c ^ *p) & 255];
	return c;
}

#if defined(__x86_64__)
/*
 * The instruction has a latency of three, so three lanes of LANE bytes go side by side. A CRC is
 * linear: that of a lane moves behind the next one as if zeros followed it, which `behind` tells for
 * each byte of it.
 */
enum { LANE = 4096 };
static uint32_t behind[4][256];
static pthread_once_t behind_once = PTHREAD_ONCE_INIT;

static void make_behind(void)
{
	static const unsigned char zeros[LANE];
	for (unsigned bit = 0; bit < 32; bit++) {
		uint32_t moved = by_table(1u << bit, zeros, LANE);
		uint32_t *row = behind[bit / 8], one = 1u << bit % 8;
		for (uint32_t i = one; i < 256; i++)
			if (i & one)
				row[i] ^= moved;
	}
}

static uint32_t move_behind(uint32_t c)
{
	return behind[0][c & 255] ^ behind[1][c >> 8 & 255] ^ behind[2][c >> 16 & 255] ^
	       behind[3][c >> 24];
}

__attribute__((target("sse4.2"))) static uint32_t by_lanes(uint32_t c, const unsigned char *p)
{
	uint64_t a = c, b = 0, d = 0, word[3];

	for (const unsigned char *end = p + LANE; p < end; p += 8) {
		memcpy(&word[0], p, 8);
		memcpy(&word[1], p + LANE, 8);
		memcpy(&word[2], p + 2 * LANE, 8);
		a = __builtin_ia32_crc32di(a, word[0]);
		b = __builtin_ia32_crc32di(b, word[1]);
		d = __builtin_ia32_crc32di(d, word[2]);
	}
	return move_behind(move_behind((uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)d;
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t c, const unsigned char *p,
                                                                 size_t n)
{
	uint64_t c64, word;

	if (n >= 3 * LANE)
		pthread_once(&behind_once, make_behind);
	for (; n >= 3 * LANE; p += 3 * LANE, n -= 3 * LANE)
		c = by_lanes(c, p);
	c64 = c;
	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&word, p, 8);
		c64 = __builtin_ia32_crc32di(c64, word);
	}
	c = (uint32_t)c64;
	for (; n; p++, n--)
		c = __builtin_ia32_crc32qi(c, *p);
	return c;
}

static uint32_t update(uint32_t c, const unsigned char *p, size_t n)
{
	return __builtin_cpu_supports("sse4.2") ? by_instruction(c, p, n) : by_table(c, p, n);
}
#else
static uint32_t update(uint32_t c, const unsigned char *p, size_t n)
{
	return by_table(c, p, n);
}
#endif

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
	return ~update(~crc, p, n);
}

uint32_t crc32c_by_table(uint32_t crc, const void *p, size_t n)
{
	return ~by_table(~crc, p, n);
}
