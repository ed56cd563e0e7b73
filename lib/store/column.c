/* SPDX-License-Identifier: MIT */
#include "store/column.h"
#include "base/memory.h"
#include <string.h>

/* Elements lie in stores as they lie in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stores are little-endian");

static const struct {
	const char *name;
	size_t size;
} types[] = { [STORE_U8] = { "u8", 1 },    [STORE_U16] = { "u16", 2 }, [STORE_U32] = { "u32", 4 },
	          [STORE_U64] = { "u64", 8 },  [STORE_F32] = { "f32", 4 }, [STORE_F64] = { "f64", 8 },
	          [STORE_BF16] = { "bf16", 2 } };
static const char *const shapes[] = {
	[STORE_FIXED] = "fixed", [STORE_VARIABLE] = "variable", [STORE_TENSOR] = "tensor"
};
enum { TYPES = sizeof types / sizeof types[0], SHAPES = sizeof shapes / sizeof shapes[0] };

size_t store_type_size(enum store_type t)
{
	return types[t].size;
}
const char *store_type_name(enum store_type t)
{
	return types[t].name;
}
const char *store_shape_name(enum store_shape s)
{
	return shapes[s];
}

static bool is_named(const char *known, const char *name, size_t n)
{
	return strlen(known) == n && !memcmp(known, name, n);
}

bool store_type_find(const char *name, size_t n, enum store_type *t)
{
	for (int i = 0; i < TYPES; i++)
		if (is_named(types[i].name, name, n))
			return *t = (enum store_type)i, true;
	return false;
}

bool store_shape_find(const char *name, size_t n, enum store_shape *s)
{
	for (int i = 0; i < SHAPES; i++)
		if (is_named(shapes[i], name, n))
			return *s = (enum store_shape)i, true;
	return false;
}

int column_check_name(const char *name, struct cbtm_error *e)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t n = strlen(name);
	if (n < 1 || n > STORE_NAME_MAX || name[0] == '.' || strspn(name, allowed) != n ||
	    !strcmp(name, "store"))
		return error_set(e, CBTM_ERR_USAGE, name,
		                 "a name in a store has 1 to %d letters, digits, '.', '_' or '-' and does "
		                 "not start with a dot; \"store\" is taken",
		                 STORE_NAME_MAX);
	return 0;
}

bool column_row_bytes(enum store_type type, uint64_t width, uint64_t *bytes)
{
	size_t n;
	if (!size_mul(width, types[type].size, &n) || n > STORE_RAW_BYTES_MAX)
		return false;
	*bytes = n;
	return true;
}

uint64_t column_block_rows(enum store_shape shape, uint64_t row_bytes)
{
	uint64_t target = shape == STORE_TENSOR ? STORE_TENSOR_BYTES : STORE_BLOCK_BYTES;
	return row_bytes == 0 || row_bytes >= target ? 1 : target / row_bytes;
}

bool column_block_is_full(uint64_t rows, uint64_t bytes, uint64_t more)
{
	return rows > 0 && bytes + more + 4 * (rows + 1) > STORE_BLOCK_BYTES;
}

struct digest_stream *column_digest_begin(const char *name, enum store_type type,
                                          enum store_shape shape, uint64_t width,
                                          struct cbtm_error *e)
{
	struct digest_stream *s = digest_begin(e);
	if (!s)
		return NULL;
	digest_text(s, name);
	digest_text(s, store_type_name(type));
	digest_text(s, store_shape_name(shape));
	digest_u64(s, width);
	return s;
}

void column_digest_block(struct digest_stream *s, uint64_t rows, struct digest raw)
{
	digest_u64(s, rows);
	digest_u64(s, raw.high);
	digest_u64(s, raw.low);
}

struct digest column_digest_end(struct digest_stream *s, uint64_t rows)
{
	digest_u64(s, rows);
	struct digest all = digest_now(s);
	digest_end(s);
	return all;
}

uint32_t column_length_at(const unsigned char *raw, size_t n, uint64_t rows, uint64_t i)
{
	uint32_t length;
	memcpy(&length, raw + n - 4 * (rows - i), 4);
	return length;
}

bool column_lengths_fit(enum store_type type, uint64_t rows, const unsigned char *raw, size_t n)
{
	uint64_t bytes = 0;
	if (rows > n / 4)
		return false;
	for (uint64_t i = 0; i < rows; i++)
		bytes += column_length_at(raw, n, rows, i) * (uint64_t)types[type].size;
	return bytes == n - 4 * rows;
}
