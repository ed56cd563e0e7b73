/* SPDX-License-Identifier: MIT */
#include "store/tensor.h"
#include <inttypes.h>
#include <string.h>

size_t tensor_value_size(size_t n, size_t page)
{
	return TENSOR_HEADER + n > page ? TENSOR_HEADER + n : page;
}

static size_t chunk_count(size_t n)
{
	return (n + STORE_TENSOR_CHUNK - 1) / STORE_TENSOR_CHUNK;
}

static uint32_t chunk_crc(const unsigned char *data, size_t n, size_t i)
{
	size_t from = i * STORE_TENSOR_CHUNK;
	return crc32c(0, data + from, n - from < STORE_TENSOR_CHUNK ? n - from : STORE_TENSOR_CHUNK);
}

int tensor_encode(const struct block_place *at, uint64_t rows, const void *raw, size_t n,
                  unsigned char *value, size_t size, struct buffer *crcs, struct cbtm_error *e)
{
	uint64_t raw_size = n;
	buffer_clear(crcs);
	for (size_t i = 0; i < chunk_count(n); i++) {
		int rc = buffer_u32(crcs, chunk_crc(raw, n, i), e);
		if (rc)
			return rc;
	}
	uint32_t crc = crc32c(block_crc_begin(at, rows), crcs->data, crcs->n);
	memset(value, 0, TENSOR_HEADER);
	memcpy(value, &rows, 8);
	memcpy(value + 8, &raw_size, 8);
	memcpy(value + 16, &crc, 4);
	memcpy(value + TENSOR_HEADER, raw, n);
	memset(value + TENSOR_HEADER + n, 0, size - TENSOR_HEADER - n);
	return 0;
}

static int damaged(const struct block_place *at, const char *where, const char *why,
                   struct cbtm_error *e)
{
	return error_set(e, CBTM_ERR_BAD_STORE, where,
	                 "the value of tensor '%s' at row %" PRIu64 " is damaged: %s", at->column,
	                 at->key, why);
}

static bool is_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

int tensor_decode(const struct block_place *at, const struct block_limits *limits,
                  const void *value, size_t size, const void *crcs, size_t crcs_n,
                  const char *where, struct block *b, struct cbtm_error *e)
{
	const unsigned char *p = value;
	uint64_t rows, n;
	uint32_t crc;
	if (size < TENSOR_HEADER)
		return damaged(at, where, "it is shorter than its header", e);
	memcpy(&rows, p, 8);
	memcpy(&n, p + 8, 8);
	memcpy(&crc, p + 16, 4);
	if (rows == 0 || rows > limits->rows || n > limits->raw_bytes || n > size - TENSOR_HEADER)
		return damaged(at, where, "its header gives more rows or bytes than it has", e);
	if (!is_zero(p + 20, TENSOR_HEADER - 20) ||
	    !is_zero(p + TENSOR_HEADER + n, size - TENSOR_HEADER - n))
		return damaged(at, where, "what should be zero is not", e);
	if (crcs_n != 4 * chunk_count(n) || crc32c(block_crc_begin(at, rows), crcs, crcs_n) != crc)
		return damaged(at, where, "its list of CRCs does not belong to it", e);
	for (size_t i = 0; i < chunk_count(n); i++) {
		uint32_t want;
		memcpy(&want, (const unsigned char *)crcs + 4 * i, 4);
		if (chunk_crc(p + TENSOR_HEADER, n, i) != want)
			return damaged(at, where, "a CRC is wrong", e);
	}
	*b = (struct block){ .rows = rows, .raw = p + TENSOR_HEADER, .n = n };
	return 0;
}
