/* SPDX-License-Identifier: MIT */
#include "math/quantile.h"
#include "base/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 256, BITS = 8, WIDTH = 32 };

/* What is known of a wanted value: its first `BITS * pass` bits, and its rank among those of them. */
struct wanted {
	uint32_t prefix;
	uint64_t rank; /* from 1; 0: the group is empty */
};

struct quantiles {
	size_t groups, n;
	unsigned pass;
	double *share;         /* n */
	struct wanted *wanted; /* groups x n */
	uint64_t *count; /* groups x n x DIGITS; in the first pass all quantiles share the first */
};

struct quantiles *quantiles_new(size_t groups, const double *share, size_t n, struct cbtm_error *e)
{
	struct quantiles *q = mem_zeroed(1, sizeof *q, "quantiles", e);
	size_t wanted = 0;
	if (!q)
		return NULL;
	*q = (struct quantiles){ .groups = groups, .n = n };
	if (!size_mul(groups, n, &wanted))
		error_set(e, CBTM_ERR_MEMORY, NULL, "%zu groups are too many", groups);
	q->share = mem_zeroed(n, sizeof *q->share, "quantiles", e);
	q->wanted = mem_zeroed(wanted, sizeof *q->wanted, "quantiles", e);
	q->count = mem_zeroed(wanted, DIGITS * sizeof *q->count, "quantiles", e);
	if (e->name) {
		quantiles_free(q);
		return NULL;
	}
	memcpy(q->share, share, n * sizeof *share);
	return q;
}

void quantiles_free(struct quantiles *q)
{
	if (!q)
		return;
	free(q->count), free(q->wanted), free(q->share);
	free(q);
}

/* Unsigned numbers in the order of the floats: the sign is turned, and all bits of negative ones. */
static uint32_t bits_of(float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof bits);
	return bits & 1u << 31 ? ~bits : bits | 1u << 31;
}

static float value_of(uint32_t bits)
{
	float value;
	bits = bits & 1u << 31 ? bits & ~(1u << 31) : ~bits;
	memcpy(&value, &bits, sizeof value);
	return value;
}

void quantiles_add(struct quantiles *q, size_t group, float value)
{
	uint32_t bits = bits_of(value == 0 ? 0 : value); /* -0 is 0 */
	unsigned shift = WIDTH - BITS * (q->pass + 1);
	uint32_t digit = bits >> shift & (DIGITS - 1);
	if (q->pass == 0) {
		q->count[group * q->n * DIGITS + digit]++;
		return;
	}
	for (size_t i = group * q->n; i < (group + 1) * q->n; i++)
		if (bits >> (shift + BITS) == q->wanted[i].prefix)
			q->count[i * DIGITS + digit]++;
}

static void start_ranks(struct quantiles *q, size_t group)
{
	uint64_t *count = q->count + group * q->n * DIGITS, n = 0;
	for (size_t d = 0; d < DIGITS; d++)
		n += count[d];
	for (size_t i = 0; i < q->n; i++) {
		double rank = ceil(q->share[i] * (double)n);
		uint64_t r = rank < 1 ? 1 : rank >= (double)n ? n : (uint64_t)rank;
		q->wanted[group * q->n + i].rank = n ? r : 0;
		if (i)
			memcpy(count + i * DIGITS, count, DIGITS * sizeof *count);
	}
}

void quantiles_next(struct quantiles *q)
{
	for (size_t g = 0; q->pass == 0 && g < q->groups; g++)
		start_ranks(q, g);
	for (size_t i = 0; i < q->groups * q->n; i++) {
		struct wanted *w = &q->wanted[i];
		const uint64_t *count = q->count + i * DIGITS;
		uint32_t digit = 0;
		while (digit < DIGITS - 1 && w->rank > count[digit])
			w->rank -= count[digit++];
		w->prefix = w->prefix << BITS | digit;
	}
	memset(q->count, 0, q->groups * q->n * DIGITS * sizeof *q->count);
	q->pass++;
}

float quantiles_get(const struct quantiles *q, size_t group, size_t i)
{
	const struct wanted *w = &q->wanted[group * q->n + i];
	return w->rank ? value_of(w->prefix) : NAN;
}
