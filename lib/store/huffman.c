/* SPDX-License-Identifier: MIT */
#include "store/huffman.h"
#include "store/bits.h"
#include "store/fse.h"
#include <string.h>

enum { DIGIT = 512 /* counts are sorted by two of such digits */ };

/* A leaf or an inner node of the tree. */
struct node {
	uint32_t count;
	uint16_t parent;
	uint8_t symbol, depth;
};

/* A stable sort by one digit. */
static void sort_by(const struct node *from, struct node *to, size_t n, unsigned shift)
{
	uint16_t place[DIGIT + 1] = { 0 };

	for (size_t i = 0; i < n; i++)
		place[(from[i].count >> shift) % DIGIT + 1]++;
	for (size_t i = 1; i < DIGIT; i++)
		place[i] = (uint16_t)(place[i] + place[i - 1]);
	for (size_t i = 0; i < n; i++)
		to[place[(from[i].count >> shift) % DIGIT]++] = from[i];
}

/* The bytes that come, the rarest first. */
static size_t sort_leaves(const uint32_t count[256], struct node *leaf)
{
	struct node unsorted[256], half[256];
	size_t n = 0;

	for (unsigned i = 0; i < 256; i++)
		if (count[i])
			unsorted[n++] = (struct node){ .count = count[i], .symbol = (uint8_t)i };
	sort_by(unsorted, half, n, 0);
	sort_by(half, leaf, n, 9);
	return n;
}

/* Leaves node[0 .. n) are sorted, and so are the inner nodes as they come: the two that are joined
 * are the first of either. Then depths from the root. */
static void grow_tree(struct node *node, size_t n)
{
	size_t leaf = 0, inner = n, all = 2 * n - 1;

	for (size_t i = n; i < all; i++) {
		node[i].count = 0;
		for (int j = 0; j < 2; j++) {
			struct node *least = leaf < n && (inner == i || node[leaf].count <= node[inner].count)
			                         ? &node[leaf++]
			                         : &node[inner++];
			least->parent = (uint16_t)i;
			node[i].count += least->count;
		}
	}
	node[all - 1].depth = 0;
	for (size_t i = all - 1; i--;) {
		unsigned depth = node[node[i].parent].depth + 1u;
		node[i].depth = (uint8_t)(depth < 255 ? depth : 255);
	}
}

/* How many codes have how many bits. Codes that are too long get HUFFMAN_BITS; each of the steps
 * that make up for it takes one of them back beside a code that becomes a bit longer. */
static void limit(const struct node *leaf, size_t n, uint32_t with[HUFFMAN_BITS + 2])
{
	uint32_t taken = 0, all = 1u << HUFFMAN_BITS;

	memset(with, 0, (HUFFMAN_BITS + 2) * sizeof *with);
	for (size_t i = 0; i < n; i++) {
		unsigned bits = leaf[i].depth < HUFFMAN_BITS ? leaf[i].depth : HUFFMAN_BITS;

		with[bits]++;
		taken += all >> bits;
	}
	for (; taken > all; taken--) {
		unsigned bits = HUFFMAN_BITS - 1;

		while (!with[bits])
			bits--;
		with[bits]--;
		with[bits + 1] += 2;
		with[HUFFMAN_BITS]--;
	}
}

/* Codes in the order of the format: the longest from 0 on, then by the bytes' values. */
static void set_codes(struct huffman *h, const uint8_t bits[256],
                      const uint32_t with[HUFFMAN_BITS + 2])
{
	uint32_t next[HUFFMAN_BITS + 2] = { 0 }, first = 0;

	for (unsigned i = HUFFMAN_BITS; i; i--) {
		next[i] = first;
		first = (first + with[i]) / 2;
	}
	for (unsigned i = 0; i < 256; i++) {
		uint32_t code = bits[i] ? next[bits[i]]++ : 0;

		h->code[i] = (uint16_t)(code | (uint32_t)bits[i] << 12);
		h->low[i] = (uint8_t)code;
		h->high[i] = (uint8_t)(code >> 8 | (uint32_t)bits[i] << 4);
	}
}

/* n weights in a code of their own; 0: that cannot be, or needs more than 127 bytes. */
static size_t pack_weights(const uint8_t *weight, size_t n, unsigned char *to)
{
	uint32_t count[HUFFMAN_BITS + 1] = { 0 }, state[2];
	unsigned char room[512];
	struct fse f;
	struct bits b;

	for (size_t i = 0; i < n; i++)
		count[weight[i]]++;
	fse_make(&f, count, HUFFMAN_BITS + 1, 6);
	if (!f.log || n < 3)
		return 0;
	b = (struct bits){ .at = fse_describe(&f, room) };
	state[(n - 1) % 2] = fse_begin(&f, weight[n - 1]);
	state[n % 2] = fse_begin(&f, weight[n - 2]);
	for (size_t i = n - 2; i--; bits_flush(&b))
		state[i % 2] = fse_put(&f, &b, state[i % 2], weight[i]);
	fse_end(&f, &b, state[1]);
	fse_end(&f, &b, state[0]);
	n = (size_t)(bits_end_mark(&b) - room);
	if (n > 127)
		return 0;
	memcpy(to, room, n);
	return n;
}

/* The weight of a byte is 0 if it does not come, else one more than its code is shorter than the
 * longest. That of the last one follows from the others'. */
static bool describe(struct huffman *h, const uint8_t bits[256])
{
	unsigned longest = 0, last = 255;
	uint8_t weight[256] = { 0 };
	size_t n;

	for (unsigned i = 0; i < 256; i++)
		longest = bits[i] > longest ? bits[i] : longest;
	while (!bits[last])
		last--;
	for (unsigned i = 0; i < last; i++)
		weight[i] = (uint8_t)(bits[i] ? longest + 1 - bits[i] : 0);
	n = pack_weights(weight, last, h->tree + 1);
	if (n && (last > 128 || n < (last + 1) / 2)) {
		h->tree[0] = (unsigned char)n;
		h->tree_n = n + 1;
		return true;
	}
	if (last > 128)
		return false;
	h->tree[0] = (unsigned char)(127 + last);
	for (unsigned i = 0; i < last; i += 2)
		h->tree[1 + i / 2] = (unsigned char)(weight[i] << 4 | weight[i + 1]);
	h->tree_n = 1 + (last + 1) / 2;
	return true;
}

bool huffman_make(struct huffman *h, const uint32_t count[256])
{
	struct node node[511];
	uint32_t with[HUFFMAN_BITS + 2];
	uint8_t bits[256] = { 0 };
	size_t n = sort_leaves(count, node), leaf = 0;

	grow_tree(node, n);
	limit(node, n, with);
	h->bits = 0;
	for (unsigned i = HUFFMAN_BITS; i; i--)
		for (uint32_t j = 0; j < with[i]; j++, leaf++) {
			bits[node[leaf].symbol] = (uint8_t)i;
			h->bits += (size_t)i * node[leaf].count;
		}
	set_codes(h, bits, with);
	return describe(h, bits);
}

void huffman_count(const unsigned char *text, size_t n, uint32_t count[256])
{
	enum { TABLES = 4 /* so that equal bytes in a row do not wait for each other */ };
	uint32_t part[TABLES][256] = { 0 };
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		uint64_t x;

		memcpy(&x, text + i, sizeof x);
#pragma GCC unroll 8
		for (unsigned j = 0; j < 8; j++)
			part[j % TABLES][x >> 8 * j & 0xff]++;
	}
	for (; i < n; i++)
		part[0][text[i]]++;
	for (unsigned c = 0; c < 256; c++)
		count[c] = part[0][c] + part[1][c] + part[2][c] + part[3][c];
}

/* Whether the byte has a code. */
static inline bool put_code(const struct huffman *h, struct bits *b, unsigned char c)
{
	unsigned code = h->code[c];

	bits_put(b, code & 0xfff, code >> 12);
	return code;
}

unsigned char *huffman_stream_plain(const struct huffman *h, const unsigned char *text, size_t n,
                                    unsigned char *to)
{
	struct bits b = { .at = to };
	bool all = true;

	for (; n % 4; n--)
		all &= put_code(h, &b, text[n - 1]);
	bits_flush(&b);
	for (; n; n -= 4) {
		all &= put_code(h, &b, text[n - 1]);
		all &= put_code(h, &b, text[n - 2]);
		all &= put_code(h, &b, text[n - 3]);
		all &= put_code(h, &b, text[n - 4]);
		bits_flush(&b);
	}
	return all ? bits_end_mark(&b) : NULL;
}

unsigned char *huffman_write(const struct huffman *h, huffman_stream *stream,
                             const unsigned char *text, size_t n, unsigned char *to)
{
	unsigned char *jump = to;
	size_t quarter = (n + HUFFMAN_STREAMS - 1) / HUFFMAN_STREAMS;

	to += HUFFMAN_JUMPS;
	for (size_t i = 0; i < HUFFMAN_STREAMS; i++) {
		unsigned char *begin = to;
		size_t from = i * quarter, some = i + 1 < HUFFMAN_STREAMS ? quarter : n - from;

		to = stream(h, text + from, some, to);
		if (!to)
			return NULL;
		if (i + 1 < HUFFMAN_STREAMS) {
			size_t bytes = (size_t)(to - begin);

			*jump++ = (unsigned char)bytes;
			*jump++ = (unsigned char)(bytes >> 8);
		}
	}
	return to;
}
