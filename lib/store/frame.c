/* SPDX-License-Identifier: MIT */
#include "store/frame.h"
#include "base/memory.h"
#include "store/fse.h"
#include <stdlib.h>
#include <string.h>

enum {
	HEADER = 9,       /* bytes of a frame's header, and of ... */
	BLOCK_HEADER = 3, /* ... a block's */
	BLOCK = MATCHES_BYTES,
	LOG = 8, /* of codes of lengths and distances */
	LENGTHS = 36,
	MATCH_LENGTHS = 53,
	DISTANCES = 32,
	DESCRIPTION = 128, /* bytes, at most, of one of these codes */
	/* Bytes of a match, at most: three codes of LOG bits, up to 16, 16 and 23 bits behind them. */
	MATCH_BYTES = 10,
	LITERALS_HEADER = 5,
	WORSE = 32, /* one part in so many: as much a code may be worse than one of the literals' own */
	LITERALS_MOST = LITERALS_HEADER + HUFFMAN_TREE + HUFFMAN_JUMPS + BLOCK * 3 / 2 + HUFFMAN_EXCESS,
	MATCHES_MOST = 16 + 3 * DESCRIPTION + (BLOCK / MATCHES_LEAST + 1) * MATCH_BYTES
};

enum block_type { RAW_BLOCK, COMPRESSED_BLOCK = 2 };
enum literals_type { RAW_LITERALS, RLE_LITERALS, COMPRESSED_LITERALS, TREELESS_LITERALS };
enum code_type { RLE_CODE = 1, OWN_CODE };

/* The codes of a match. */
struct codes {
	uint8_t literals, length, distance;
};

struct frame_writer {
	const struct frame_kernel *kernel;
	struct matches matches;
	struct huffman huffman;
	size_t coded,
		coded_n; /* bytes of the literals that it was made for, and of their codes; 0: none */
	struct fse literals, length, distance;
	struct codes codes[BLOCK / MATCHES_LEAST + 1];
	uint32_t last; /* distance: the first that may be named by 1 */
	unsigned char block[LITERALS_MOST + MATCHES_MOST];
};

struct frame_writer *frame_writer_new(const struct frame_kernel *k, struct cbtm_error *e)
{
	struct frame_writer *w = mem_aligned(1, sizeof *w, "a writer of frames", e);

	if (w)
		w->kernel = k;
	return w;
}

size_t frame_bound(size_t n)
{
	return HEADER + n + (n + BLOCK - 1) / BLOCK * BLOCK_HEADER;
}

static unsigned char *put(unsigned char *to, uint64_t v, size_t bytes)
{
	for (; bytes--; v >>= 8)
		*to++ = (unsigned char)v;
	return to;
}

/* ---------------------------------------------------------------- literals */
static unsigned char *plain_literals(const unsigned char *literal, size_t n, unsigned type,
                                     unsigned char *to)
{
	size_t bytes = type == RLE_LITERALS ? 1 : n;

	to = put(to, type | 3 << 2 | n << 4, 3);
	memcpy(to, literal, bytes);
	return to + bytes;
}

/* The header of literals whose codes, behind it, end at `end`. */
static unsigned char *coded_literals(size_t n, unsigned type, unsigned char *to, unsigned char *end)
{
	uint64_t size = (uint64_t)(end - to) - LITERALS_HEADER;

	put(to, type | 3 << 2 | (uint64_t)n << 4 | size << 22, LITERALS_HEADER);
	return end;
}

/* By the code of the literals before, if it is not much worse for these; else NULL. */
static unsigned char *like_before(struct frame_writer *w, unsigned char *to)
{
	size_t n = w->matches.literals;
	unsigned char *codes = to + LITERALS_HEADER, *end;

	if (!w->coded)
		return NULL;
	end = huffman_write(&w->huffman, w->kernel->stream, w->matches.literal, n, codes);
	if (!end || (uint64_t)(end - codes) * w->coded * WORSE > (uint64_t)w->coded_n * n * (WORSE + 1))
		return NULL;
	return coded_literals(n, TREELESS_LITERALS, to, end);
}

static unsigned char *write_literals(struct frame_writer *w, unsigned char *to)
{
	const unsigned char *literal = w->matches.literal;
	struct huffman *h = &w->huffman;
	size_t n = w->matches.literals;
	uint32_t count[256];
	unsigned char *end;

	if (n < HUFFMAN_LEAST)
		return plain_literals(literal, n, RAW_LITERALS, to);
	if ((end = like_before(w, to)))
		return end;
	w->coded = 0;
	huffman_count(literal, n, count);
	if (count[*literal] == n)
		return plain_literals(literal, n, RLE_LITERALS, to);
	if (!huffman_make(h, count) || h->bits / 8 + h->tree_n + n / 64 >= n)
		return plain_literals(literal, n, RAW_LITERALS, to);
	memcpy(to + LITERALS_HEADER, h->tree, h->tree_n);
	end = huffman_write(h, w->kernel->stream, literal, n, to + LITERALS_HEADER + h->tree_n);
	w->coded = n;
	w->coded_n = h->bits / 8;
	return coded_literals(n, COMPRESSED_LITERALS, to, end);
}

/* ---------------------------------------------------------------- matches */
static unsigned log_of(uint32_t x)
{
	return 31 - (unsigned)__builtin_clz(x);
}

/* A code stands for numbers from a first one on; which of them it is, `bits` more bits tell. */
static unsigned code_of_literals(uint32_t n)
{
	static const uint8_t small[64] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
		                               13, 14, 15, 16, 16, 17, 17, 18, 18, 19, 19, 20, 20,
		                               20, 20, 21, 21, 21, 21, 22, 22, 22, 22, 22, 22, 22,
		                               22, 23, 23, 23, 23, 23, 23, 23, 23, 24, 24, 24, 24,
		                               24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24 };
	return n < 64 ? small[n] : log_of(n) + 19;
}
static const uint8_t literals_bits[LENGTHS] = { 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0,
	                                            0, 0, 0, 0, 1, 1,  1,  1,  2,  2,  3,  3,
	                                            4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static unsigned code_of_length(uint32_t n) /* of a match - 3 */
{
	static const uint8_t small[128] = {
		0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
		22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 32, 33, 33, 34, 34, 35, 35, 36, 36, 36, 36,
		37, 37, 37, 37, 38, 38, 38, 38, 38, 38, 38, 38, 39, 39, 39, 39, 39, 39, 39, 39, 40, 40,
		40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 41, 41, 41, 41, 41, 41, 41, 41,
		41, 41, 41, 41, 41, 41, 41, 41, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42,
		42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42
	};
	return n < 128 ? small[n] : log_of(n) + 36;
}
static const uint8_t length_bits[MATCH_LENGTHS] = { 0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0, 0, 0, 0,
	                                                0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0, 0, 0, 0,
	                                                0, 0, 0, 0, 1,  1,  1,  1,  2,  2,  3, 3, 4, 4,
	                                                5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

/* Distances become the format's numbers: 1 for that of the match before, else 3 more. Then codes. */
static void make_codes(struct frame_writer *w)
{
	uint32_t literals[LENGTHS] = { 0 }, length[MATCH_LENGTHS] = { 0 }, distance[DISTANCES] = { 0 };

	for (size_t i = 0; i < w->matches.n; i++) {
		struct match *m = &w->matches.match[i];
		struct codes *c = &w->codes[i];
		uint32_t far = m->distance;

		m->distance = far == w->last && m->literals ? 1 : far + 3;
		w->last = far;
		m->length -= 3;
		*c = (struct codes){ (uint8_t)code_of_literals(m->literals),
			                 (uint8_t)code_of_length(m->length), (uint8_t)log_of(m->distance) };
		literals[c->literals]++;
		length[c->length]++;
		distance[c->distance]++;
	}
	fse_make(&w->literals, literals, LENGTHS, LOG);
	fse_make(&w->length, length, MATCH_LENGTHS, LOG);
	fse_make(&w->distance, distance, DISTANCES, LOG);
}

static unsigned type_of(const struct fse *f)
{
	return f->log ? OWN_CODE : RLE_CODE;
}

static unsigned char *describe(const struct fse *f, unsigned symbol, unsigned char *to)
{
	if (f->log)
		return fse_describe(f, to);
	*to = (unsigned char)symbol;
	return to + 1;
}

static inline void put_rest(struct bits *b, const struct match *m, const struct codes *c)
{
	unsigned literals = literals_bits[c->literals], length = length_bits[c->length];

	bits_put(b, m->literals & ((1u << literals) - 1), literals);
	bits_put(b, m->length & ((1u << length) - 1), length);
	bits_flush(b);
	bits_put(b, m->distance ^ 1u << c->distance, c->distance);
	bits_flush(b);
}

static unsigned char *write_stream(const struct frame_writer *w, unsigned char *to)
{
	const struct match *m = &w->matches.match[w->matches.n - 1];
	const struct codes *c = &w->codes[w->matches.n - 1];
	uint32_t literals = fse_begin(&w->literals, c->literals);
	uint32_t length = fse_begin(&w->length, c->length);
	uint32_t distance = fse_begin(&w->distance, c->distance);
	struct bits b = { .at = to };

	put_rest(&b, m, c);
	while (c-- > w->codes) {
		m--;
		distance = fse_put(&w->distance, &b, distance, c->distance);
		length = fse_put(&w->length, &b, length, c->length);
		literals = fse_put(&w->literals, &b, literals, c->literals);
		bits_flush(&b);
		put_rest(&b, m, c);
	}
	fse_end(&w->length, &b, length);
	fse_end(&w->distance, &b, distance);
	fse_end(&w->literals, &b, literals);
	return bits_end_mark(&b);
}

static unsigned char *write_matches(struct frame_writer *w, unsigned char *to)
{
	size_t n = w->matches.n;

	if (n < 128)
		to = put(to, n, 1);
	else if (n < 0x7f00)
		to = put(to, (n >> 8 | 128) | (n & 255) << 8, 2);
	else
		to = put(to, 255 | (n - 0x7f00) << 8, 3);
	if (!n)
		return to;
	make_codes(w);
	to = put(to, type_of(&w->literals) << 6 | type_of(&w->distance) << 4 | type_of(&w->length) << 2,
	         1);
	to = describe(&w->literals, w->codes->literals, to);
	to = describe(&w->distance, w->codes->distance, to);
	to = describe(&w->length, w->codes->length, to);
	return write_stream(w, to);
}

/* ---------------------------------------------------------------- frames */
static unsigned char *write_block(struct frame_writer *w, const unsigned char *raw, size_t n,
                                  size_t from, size_t to, unsigned char *out)
{
	uint32_t last = w->last;
	size_t size;

	w->kernel->find(&w->matches, raw, n, from, to);
	size = (size_t)(write_matches(w, write_literals(w, w->block)) - w->block);
	if (size >= to - from) { /* which leaves the reader's distances as they are */
		w->last = last;
		w->coded = 0;
		size = to - from;
		out = put(out, (to == n) | RAW_BLOCK << 1 | size << 3, BLOCK_HEADER);
		memcpy(out, raw + from, size);
	} else {
		out = put(out, (to == n) | COMPRESSED_BLOCK << 1 | size << 3, BLOCK_HEADER);
		memcpy(out, w->block, size);
	}
	return out + size;
}

size_t frame_write(struct frame_writer *w, const void *raw, size_t n, void *frame)
{
	unsigned char *out = put(frame, 0xfd2fb528, 4);

	out = put(out, 2 << 6 | 1 << 5, 1); /* in one segment, its size in four bytes */
	out = put(out, n, 4);
	w->last = 1;
	w->coded = 0;
	matches_begin(&w->matches);
	for (size_t from = 0; from < n; from += BLOCK)
		out = write_block(w, raw, n, from, n - from < BLOCK ? n : from + BLOCK, out);
	return (size_t)(out - (unsigned char *)frame);
}

static const struct frame_kernel plain = { "plain", matches_find_plain, huffman_stream_plain };

#if defined(__x86_64__)
static const struct frame_kernel avx512 = { "avx512", matches_find_avx512, huffman_stream_avx512 };

const struct frame_kernel *const *frame_kernels(void)
{
	static const struct frame_kernel *const kernels[] = { &avx512, &plain, NULL };
	bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");

	return kernels + !has;
}
#else
const struct frame_kernel *const *frame_kernels(void)
{
	static const struct frame_kernel *const kernels[] = { &plain, NULL };

	return kernels;
}
#endif
