/* SPDX-License-Identifier: MIT */
/*
 * Counter-based random numbers: Philox 4x32-10 (Salmon et al., SC 2011). A number is a pure
 * function of (seed, purpose, key, index), so results depend on no thread and no order.
 */
#pragma once
#include <stdint.h>

/* What the numbers are for: each gets a stream of its own. */
enum random_purpose {
	RANDOM_SPLIT = 1,
	RANDOM_SHUFFLE,
	RANDOM_INIT,
	RANDOM_DROPOUT,
	RANDOM_SVD,
	RANDOM_SEEDS,
	RANDOM_CLUSTER,
	RANDOM_SAMPLE,
	RANDOM_TEST
};

struct random_key {
	uint32_t k[2];
	uint32_t purpose;
};
struct random_key random_key(uint64_t seed, enum random_purpose purpose);
void random_block(struct random_key k, uint64_t key, uint32_t index, uint32_t out[4]);
uint64_t random_u64(struct random_key k, uint64_t key, uint32_t index);
double random_unit(struct random_key k, uint64_t key, uint32_t index);   /* [0, 1), 53 bits */
double random_normal(struct random_key k, uint64_t key, uint32_t index); /* N(0, 1), Box-Muller */
uint64_t random_below(struct random_key k, uint64_t key, uint32_t index, uint64_t n); /* [0, n) */
