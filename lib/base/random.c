/* SPDX-License-Identifier: MIT */
/* Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011, section 4.2; constants from there. */
#include "base/random.h"
#include <math.h>

#define MULTIPLIER_0 0xD2511F53u
#define MULTIPLIER_1 0xCD9E8D57u
#define WEYL_0 0x9E3779B9u /* golden ratio */
#define WEYL_1 0xBB67AE85u /* sqrt(3) - 1 */
#define TWO_PI 6.283185307179586477

struct random_key random_key(uint64_t seed, enum random_purpose purpose)
{
	return (struct random_key){ .k = { (uint32_t)seed, (uint32_t)(seed >> 32) },
		                        .purpose = (uint32_t)purpose };
}

/* The counter is (index, purpose, key's low half, key's high half); the seed is Philox's key. */
void random_block(struct random_key k, uint64_t key, uint32_t index, uint32_t out[4])
{
	uint32_t c0 = index, c1 = k.purpose, c2 = (uint32_t)key, c3 = (uint32_t)(key >> 32);
	uint32_t k0 = k.k[0], k1 = k.k[1];

	for (int round = 0; round < 10; round++) {
		uint64_t p0 = (uint64_t)MULTIPLIER_0 * c0, p1 = (uint64_t)MULTIPLIER_1 * c2;
		c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
		c1 = (uint32_t)p1;
		c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
		c3 = (uint32_t)p0;
		k0 += WEYL_0;
		k1 += WEYL_1;
	}
	out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

static uint64_t pair(const uint32_t *p)
{
	return (uint64_t)p[1] << 32 | p[0];
}

uint64_t random_u64(struct random_key k, uint64_t key, uint32_t index)
{
	uint32_t out[4];

	random_block(k, key, index, out);
	return pair(out);
}

double random_unit(struct random_key k, uint64_t key, uint32_t index)
{
	return (double)(random_u64(k, key, index) >> 11) * 0x1p-53;
}

double random_normal(struct random_key k, uint64_t key, uint32_t index)
{
	uint32_t out[4];
	double u, v;

	random_block(k, key, index, out);
	u = (double)((pair(out) >> 11) + 1) * 0x1p-53; /* (0, 1] */
	v = (double)(pair(out + 2) >> 11) * 0x1p-53;
	return sqrt(-2 * log(u)) * cos(TWO_PI * v);
}

/* floor(r n / 2^128) for 128 random bits r: a bias below n / 2^128, without a loop. */
uint64_t random_below(struct random_key k, uint64_t key, uint32_t index, uint64_t n)
{
	uint32_t out[4];
	unsigned __int128 low;

	random_block(k, key, index, out);
	low = (unsigned __int128)pair(out + 2) * n >> 64;
	return (uint64_t)(((unsigned __int128)pair(out) * n + low) >> 64);
}
