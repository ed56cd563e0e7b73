/* SPDX-License-Identifier: MIT */
#include "store/packed.h"
#include <string.h>

enum { NUMBERS = 6 };

int packed_record_write(const struct packed_record *r, struct buffer *out, struct cbtm_error *e)
{
	const uint64_t numbers[NUMBERS] = { r->raw.high, r->raw.low, r->rows, r->raw_n, r->at, r->n };
	int rc = 0;
	for (int i = 0; !rc && i < NUMBERS; i++)
		rc = buffer_u64(out, numbers[i], e);
	if (!rc && !r->at)
		rc = buffer_add(out, r->value, r->n, e);
	return rc ? rc : buffer_add(out, r->crcs, r->crcs_n, e);
}

bool packed_record_read(const void *p, size_t n, struct packed_record *r)
{
	uint64_t numbers[NUMBERS];
	if (n < sizeof numbers)
		return false;
	memcpy(numbers, p, sizeof numbers);
	const unsigned char *rest = (const unsigned char *)p + sizeof numbers;
	n -= sizeof numbers;
	*r = (struct packed_record){ .raw = { numbers[0], numbers[1] },
		                         .rows = numbers[2],
		                         .raw_n = numbers[3],
		                         .at = numbers[4],
		                         .n = numbers[5] };
	if (!r->rows || !r->n || (!r->at && r->n > n))
		return false;
	r->value = r->at ? NULL : rest;
	r->crcs = rest + (r->at ? 0 : r->n);
	r->crcs_n = n - (r->at ? 0 : r->n);
	return true;
}

uint64_t packed_time(enum store_shape shape, uint64_t end, uint64_t block, uint64_t full,
                     uint64_t rows)
{
	if (shape == STORE_TENSOR)
		return 0;
	if (shape == STORE_FIXED)
		return block == full ? end : UINT64_MAX;
	return end == rows ? UINT64_MAX : end + 1;
}
