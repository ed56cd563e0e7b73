/* SPDX-License-Identifier: MIT */
/* The kernel for any processor, and the choice of one. */
#include "text/encode.h"
#include "text/scan_avx512.h"
#include <string.h>

static uint32_t hash(const struct encode_key *key)
{
	uint64_t h = (key->half[0] ^ key->half[1] * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;

	return (uint32_t)((h ^ h >> 32) * 0xd6e8feb86659fd93u >> 32);
}

static void positions(struct encode_words *w, const uint64_t start[SCAN_BLOCKS])
{
	size_t n = 1;

	for (size_t b = 0; b < SCAN_BLOCKS; b++) {
		w->before[b] = (uint16_t)(n - 1);
		for (uint64_t bits = start[b]; bits; bits &= bits - 1)
			w->position[n++] = (uint16_t)(64 * b + (size_t)__builtin_ctzll(bits));
	}
	w->n = n - 1;
}

static void keys(struct encode_words *w, const char *text, size_t n, const void *table,
                 uint32_t mask)
{
	for (size_t i = 1; i < w->n; i++) {
		size_t at = w->position[i], length = w->position[i + 1] - at;

		struct encode_key *key = &w->key[i];

		*key = (struct encode_key){ 0 };
		if (length <= ENCODE_KEY)
			memcpy(key, text + at, at + ENCODE_KEY > n ? length : ENCODE_KEY);
		if (length <= 8) {
			key->half[0] &= ~0ull >> (64 - 8 * length);
			key->half[1] = 0;
		} else if (length <= ENCODE_KEY) {
			key->half[1] &= ~0ull >> (128 - 8 * length);
		}
		key->half[0] ^= ENCODE_SALT;
		key->half[1] ^= ENCODE_SALT;
	}
	for (size_t i = 0; i < w->n; i++) {
		w->slot[i] = hash(&w->key[i]) & mask;
		__builtin_prefetch((const char *)table + w->slot[i]);
	}
}

static void compare(struct encode_words *w, const void *table)
{
	memset(w->differs, 0, sizeof w->differs);
	for (size_t i = 0; i < w->n; i++) {
		const struct encode_key *key = encode_key_at(table, w->slot[i]);

		if (encode_same(&key[1], &w->key[i]))
			w->slot[i] += (uint32_t)sizeof *key;
		else if (!encode_same(&key[0], &w->key[i]))
			w->differs[i / 64] |= 1ull << i % 64;
	}
}

static void begin_merging(const struct encode_ranks *r, const struct encode_key *key,
                          struct encode_merging *m)
{
	struct encode_key bytes = { { key->half[0] ^ ENCODE_SALT, key->half[1] ^ ENCODE_SALT } };
	uint8_t s[ENCODE_KEY + 1] = { 0 };

	memcpy(s, &bytes, ENCODE_KEY);
	memset(m->merge, 0xff, sizeof m->merge);
	memset(m->id, 0xff, sizeof m->id);
	for (m->n = 0; s[m->n]; m->n++)
		m->id[1 + m->n] = r->byte_id[s[m->n]];
	for (unsigned i = 0; i + 1 < m->n; i++)
		m->merge[i] = r->bytes[s[i] | s[i + 1] << 8];
	m->live = (4u << m->n) - 1;
}

static void merge_word(const struct encode_ranks *r, struct encode_merging *m)
{
	for (;;) {
		unsigned best = 0, left, right, behind;

		for (unsigned i = 1; i < ENCODE_KEY; i++)
			best = m->merge[i] < m->merge[best] ? i : best;
		if (m->merge[best] == ENCODE_NO_MERGE)
			return;
		left = 31 - (unsigned)__builtin_clz(m->live & ((2u << best) - 1));
		right = (unsigned)__builtin_ctz(m->live & ~((4u << best) - 1));
		behind = (unsigned)__builtin_ctz(m->live & ~((2u << right) - 1));
		m->id[best + 1] = (uint16_t)m->merge[best];
		m->live &= ~(1u << right);
		m->merge[right - 1] = ENCODE_NO_MERGE;
		m->merge[best] = encode_ranks_find(r, m->id[best + 1], m->id[behind]);
		if (left)
			m->merge[left - 1] = encode_ranks_find(r, m->id[left], m->id[best + 1]);
	}
}

static void merge(const struct encode_ranks *r, const struct encode_key *const *key,
                  struct encode_merging *word, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t end, ids = 0;

		begin_merging(r, key[i], &word[i]);
		end = word[i].n;
		merge_word(r, &word[i]);
		for (unsigned at = 1; at <= end; at++)
			if (word[i].live >> at & 1)
				word[i].id[ids++] = word[i].id[at];
		word[i].n = ids;
	}
}

static uint32_t *narrow(const struct encode_words *w, size_t from, size_t to, const void *table,
                        uint32_t *out)
{
	for (size_t i = from; i < to; i++) {
		const union encode_ids *ids = encode_ids_at(table, w->slot[i]);
		for (size_t j = 0; j < ENCODE_NARROW_IDS; j++)
			out[j] = ids->narrow[j];
		for (size_t j = ENCODE_NARROW_IDS; j < ids->as.n; j++)
			out[j] = ids->narrow[ENCODE_NARROW_IDS - 1];
		out += ids->as.n;
	}
	return out;
}

static uint32_t *wide(const struct encode_words *w, size_t from, size_t to, const void *table,
                      uint32_t *out)
{
	for (size_t i = from; i < to; i++) {
		const union encode_ids *ids = encode_ids_at(table, w->slot[i]);
		memcpy(out, ids->wide, sizeof ids->wide);
		out += ids->as.n;
	}
	return out;
}

const struct encode_kernel encode_plain = {
	.name = "plain",
	.scan = &scan_plain,
	.hash = hash,
	.positions = positions,
	.keys = keys,
	.compare = compare,
	.merge = merge,
	.narrow = narrow,
	.wide = wide,
};

#if defined(__x86_64__)
#include <cpuid.h>

/* Bits 8 and 9 of leaf 7's ecx; clang 14 knows no names for them. */
static bool has_gfni_and_vaes(void)
{
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c >> 8 & 3) == 3;
}

const struct encode_kernel *const *encode_kernels(void)
{
	static const struct encode_kernel *const kernels[] = { &encode_avx512, &encode_plain, NULL };
	bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	              __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
	              has_gfni_and_vaes();

	return kernels + !avx512;
}
#else
const struct encode_kernel *const *encode_kernels(void)
{
	static const struct encode_kernel *const kernels[] = { &encode_plain, NULL };

	return kernels;
}
#endif
