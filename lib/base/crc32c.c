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
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t c, const unsigned char *p,
                                                                 size_t n)
{
	uint64_t c64 = c, word;

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
