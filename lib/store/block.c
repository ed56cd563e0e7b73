/* SPDX-License-Identifier: MIT */
#include "store/block.h"
#include "base/memory.h"
#include "store/frame.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#define ZSTD_STATIC_LINKING_ONLY /* ZSTD_c_literalCompressionMode */
#include <zstd.h>

enum {
	CODEC_RAW,
	CODEC_ZSTD,
	/* Frames of blocks need no larger window, and an attacker's may not ask for one. */
	WINDOW_LOG_MAX = 23,
	/* Blocks over RATIO_FREE raw bytes must not shrink more than RATIO_MAX times: the writer
	 * leaves such ones raw, so an honest file is never refused and a bomb always is. */
	RATIO_FREE = 1 << 20,
	RATIO_MAX = 1000,
	/* STORE_FAST of what no writer of frames takes (frame.h; doc/performance.md has what that costs
	 * and gains): zstd's level 1 with a table that stays in the first cache, long matches only, looked
	 * for at every 11th place at first, and literals in Huffman's code all the same. */
	FAST_HASH_LOG = 10,
	FAST_MATCH = 7,
	FAST_STEP = 11
};

struct block_codec {
	ZSTD_CCtx *compress;
	struct frame_writer *frames;
	ZSTD_DCtx *decompress;
	unsigned char *memory;
	size_t capacity;
};

struct block_codec *block_codec_new(struct cbtm_error *e)
{
	return mem_zeroed(1, sizeof(struct block_codec), "block codec", e);
}

void block_codec_free(struct block_codec *c)
{
	if (!c)
		return;
	ZSTD_freeCCtx(c->compress);
	free(c->frames);
	ZSTD_freeDCtx(c->decompress);
	free(c->memory);
	free(c);
}

static void put_u32(unsigned char *p, uint32_t v)
{
	memcpy(p, &v, 4);
}

static uint32_t get_u32(const unsigned char *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return v;
}

uint32_t block_crc_begin(const struct block_place *at, uint64_t rows)
{
	uint64_t numbers[2] = { at->key, rows };
	uint32_t crc = crc32c(0, &at->fingerprint.high, 8);
	crc = crc32c(crc, &at->fingerprint.low, 8);
	crc = crc32c(crc, at->column, strlen(at->column) + 1);
	return crc32c(crc, numbers, sizeof numbers);
}

static int write_frame(struct block_codec *c, const void *raw, size_t n, struct buffer *out,
                       size_t *stored, struct cbtm_error *e)
{
	if (!c->frames && !(c->frames = frame_writer_new(*frame_kernels(), e)))
		return e->name;
	*stored = frame_write(c->frames, raw, n, out->data + out->n);
	return 0;
}

/* Into the room of ZSTD_compressBound(n) that *out has. */
static int compress(struct block_codec *c, const void *raw, size_t n, int level, struct buffer *out,
                    size_t *stored, struct cbtm_error *e)
{
	size_t bound = ZSTD_compressBound(n);
	if (level == STORE_FAST && n >= FRAME_LEAST && n <= FRAME_MOST)
		return write_frame(c, raw, n, out, stored, e);
	if (!c->compress && !(c->compress = ZSTD_createCCtx()))
		return error_set(e, CBTM_ERR_MEMORY, NULL, "cannot make a zstd context");
	bool fast = level == STORE_FAST;
	ZSTD_CCtx_setParameter(c->compress, ZSTD_c_compressionLevel, fast ? 1 : level);
	ZSTD_CCtx_setParameter(c->compress, ZSTD_c_hashLog, fast ? FAST_HASH_LOG : 0);
	ZSTD_CCtx_setParameter(c->compress, ZSTD_c_minMatch, fast ? FAST_MATCH : 0);
	ZSTD_CCtx_setParameter(c->compress, ZSTD_c_targetLength, fast ? FAST_STEP : 0);
	ZSTD_CCtx_setParameter(c->compress, ZSTD_c_literalCompressionMode,
	                       fast ? ZSTD_ps_enable : ZSTD_ps_auto);
	ZSTD_CCtx_setParameter(c->compress, ZSTD_c_windowLog, !fast && level > 19 ? WINDOW_LOG_MAX : 0);
	*stored = ZSTD_compress2(c->compress, out->data + out->n, bound, raw, n);
	if (ZSTD_isError(*stored))
		return error_set(e, CBTM_ERR_MEMORY, NULL, "zstd: %s", ZSTD_getErrorName(*stored));
	return 0;
}

static bool ratio_is_allowed(size_t raw, size_t stored)
{
	return raw <= RATIO_FREE || raw / RATIO_MAX <= stored;
}

int block_encode(struct block_codec *c, const struct block_place *at, uint64_t rows,
                 const void *raw, size_t n, int level, struct buffer *out, struct cbtm_error *e)
{
	size_t start = out->n, stored = 0;
	int rc;
	if (n > STORE_RAW_BYTES_MAX || rows > UINT32_MAX)
		return error_set(e, CBTM_ERR_BAD_DATA, at->column,
		                 "rows of %zu bytes are more than a block may hold", n);
	/* All at once: growing would copy. A frame's bound is more than the raw bytes. */
	if ((rc = buffer_reserve(out, BLOCK_HEADER + (level < 0 ? n : ZSTD_compressBound(n)), e)))
		return rc;
	unsigned char header[BLOCK_HEADER] = { 0 };
	put_u32(header, (uint32_t)rows);
	put_u32(header + 4, (uint32_t)n);
	put_u32(header + 8, crc32c(block_crc_begin(at, rows), raw, n));
	header[12] = CODEC_ZSTD;
	if ((rc = buffer_add(out, header, sizeof header, e)))
		return rc;
	if (level >= 0 &&
	    (rc = compress(c, raw, n, level ? level : STORE_DEFAULT_LEVEL, out, &stored, e)))
		return rc;
	if (level >= 0 && stored < n && ratio_is_allowed(n, stored)) {
		out->n += stored;
		return 0;
	}
	out->data[start + 12] = CODEC_RAW;
	return buffer_add(out, raw, n, e);
}

static int damaged(const struct block_place *at, const char *where, const char *why,
                   struct cbtm_error *e)
{
	return error_set(e, CBTM_ERR_BAD_STORE, where,
	                 "the block of column '%s' at row %" PRIu64 " is damaged: %s", at->column,
	                 at->key, why);
}

/* Never NULL memory, so that an empty block has a valid pointer. */
static bool has_room(struct block_codec *c, size_t n, struct cbtm_error *e)
{
	if (n <= c->capacity && c->memory)
		return true;
	free(c->memory);
	c->capacity = 0;
	c->memory = mem_aligned(n, 1, "a block", e);
	c->capacity = c->memory ? n : 0;
	return c->memory;
}

static int decompress(struct block_codec *c, const struct block_place *at, const void *frame,
                      size_t stored, size_t n, const char *where, struct cbtm_error *e)
{
	if (ZSTD_getFrameContentSize(frame, stored) != n)
		return damaged(at, where, "its frame's size is not its header's", e);
	if (!ratio_is_allowed(n, stored))
		return damaged(at, where, "it claims to shrink more than a writer lets it", e);
	if (ZSTD_findFrameCompressedSize(frame, stored) != stored)
		return damaged(at, where, "it is not one whole zstd frame", e);
	if (!has_room(c, n, e))
		return CBTM_ERR_MEMORY;
	if (!c->decompress && !(c->decompress = ZSTD_createDCtx()))
		return error_set(e, CBTM_ERR_MEMORY, NULL, "cannot make a zstd context");
	ZSTD_DCtx_setParameter(c->decompress, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	size_t got = ZSTD_decompressDCtx(c->decompress, c->memory, n, frame, stored);
	if (ZSTD_isError(got))
		return damaged(at, where, ZSTD_getErrorName(got), e);
	return got == n ? 0 : damaged(at, where, "its frame is short", e);
}

static int copy_raw(struct block_codec *c, const void *raw, size_t n, struct cbtm_error *e)
{
	if (!has_room(c, n, e))
		return CBTM_ERR_MEMORY;
	if (n)
		memcpy(c->memory, raw, n);
	return 0;
}

int block_decode(struct block_codec *c, const struct block_place *at,
                 const struct block_limits *limits, const void *value, size_t n, const char *where,
                 struct block *b, struct cbtm_error *e)
{
	static const unsigned char zeros[3];
	const unsigned char *p = value;
	int rc;
	if (n < BLOCK_HEADER)
		return damaged(at, where, "it is shorter than its header", e);
	uint64_t rows = get_u32(p), raw = get_u32(p + 4);
	if (rows == 0 || rows > limits->rows || raw > limits->raw_bytes || raw > STORE_RAW_BYTES_MAX)
		return damaged(at, where, "its header gives more rows or bytes than the column has", e);
	if (p[12] > CODEC_ZSTD || memcmp(p + 13, zeros, 3))
		return damaged(at, where, "its codec is unknown", e);
	if (p[12] == CODEC_RAW && raw != n - BLOCK_HEADER)
		return damaged(at, where, "its size is not its header's", e);
	rc = p[12] == CODEC_RAW ? copy_raw(c, p + BLOCK_HEADER, raw, e)
	                        : decompress(c, at, p + BLOCK_HEADER, n - BLOCK_HEADER, raw, where, e);
	if (rc)
		return rc;
	if (crc32c(block_crc_begin(at, rows), c->memory, raw) != get_u32(p + 8))
		return damaged(at, where, "its CRC is wrong", e);
	*b = (struct block){ .rows = rows, .raw = c->memory, .n = raw };
	return 0;
}
