/* SPDX-License-Identifier: MIT */
#include "store/cell.h"
#include "base/number.h"
#include "store/column.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

static const uint64_t usual_nan[] = {
	[STORE_F32] = 0x7fc00000, [STORE_F64] = 0x7ff8000000000000, [STORE_BF16] = 0x7fc0
};

static uint64_t load_bits(enum store_type type, const void *data, uint64_t i)
{
	size_t size = store_type_size(type);
	uint64_t bits = 0;
	memcpy(&bits, (const char *)data + i * size, size);
	return bits;
}

/* The float that a bf16 is, or a float's own bits. */
static float float_of(enum store_type type, uint64_t bits)
{
	uint32_t word = (uint32_t)(type == STORE_BF16 ? bits << 16 : bits);
	float f;
	memcpy(&f, &word, 4);
	return f;
}

static bool is_real(enum store_type type)
{
	return type == STORE_F32 || type == STORE_F64 || type == STORE_BF16;
}

/* ---------------------------------------------------------------- printing */

static int print_special(enum store_type type, uint64_t bits, double v, struct buffer *out,
                         struct cbtm_error *e)
{
	if (isinf(v))
		return buffer_text(out, v > 0 ? "\"inf\"" : "\"-inf\"", e);
	if (bits == usual_nan[type])
		return buffer_text(out, "\"nan\"", e);
	return buffer_printf(out, e, "\"nan:%0*" PRIx64 "\"", (int)(2 * store_type_size(type)), bits);
}

static int print_element(enum store_type type, uint64_t bits, struct buffer *out,
                         struct cbtm_error *e)
{
	char text[32];
	double v;
	if (!is_real(type))
		return buffer_printf(out, e, "%" PRIu64, bits);
	if (type == STORE_F64)
		memcpy(&v, &bits, 8);
	else
		v = (double)float_of(type, bits);
	if (!isfinite(v))
		return print_special(type, bits, v, out, e);
	size_t n = type == STORE_F64 ? number_print_f64(v, text) : number_print_f32((float)v, text);
	return buffer_add(out, text, n, e);
}

/* Length of the valid UTF-8 sequence at p, 0 if there is none (RFC 3629, table 3-7 of Unicode). */
static size_t utf8_length(const unsigned char *p, size_t n)
{
	size_t length = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
	if (length == 0 || length > n || p[0] > 0xF4)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
	    (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
		return 0;
	return length;
}

static bool is_utf8(const unsigned char *p, size_t n)
{
	for (size_t i = 0, step; i < n; i += step)
		if (!(step = utf8_length(p + i, n - i)))
			return false;
	return true;
}

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int print_base64(const unsigned char *p, size_t n, struct buffer *out, struct cbtm_error *e)
{
	int rc = buffer_text(out, "{\"base64\":\"", e);
	for (size_t i = 0; !rc && i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
		             (left > 2 ? p[i + 2] : 0);
		char four[4] = { digits64[v >> 18], digits64[v >> 12 & 63],
			             left > 1 ? digits64[v >> 6 & 63] : '=',
			             left > 2 ? digits64[v & 63] : '=' };
		rc = buffer_add(out, four, 4, e);
	}
	return rc ? rc : buffer_text(out, "\"}", e);
}

int cell_print(const struct store_column_info *c, const void *data, uint64_t n, struct buffer *out,
               struct cbtm_error *e)
{
	if (c->shape == STORE_VARIABLE && c->type == STORE_U8)
		return is_utf8(data, n) ? json_put_string(out, data, n, e) : print_base64(data, n, out, e);
	if (c->shape != STORE_VARIABLE && c->width == 1)
		return print_element(c->type, load_bits(c->type, data, 0), out, e);
	int rc = buffer_add(out, "[", 1, e);
	for (uint64_t i = 0; !rc && i < n; i++) {
		rc = i ? buffer_add(out, ",", 1, e) : 0;
		if (!rc)
			rc = print_element(c->type, load_bits(c->type, data, i), out, e);
	}
	return rc ? rc : buffer_add(out, "]", 1, e);
}

/* ---------------------------------------------------------------- parsing */

static bool parse_hex(const char *s, size_t n, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < n; i++) {
		const char *digit = memchr("0123456789abcdef", s[i], 16);
		if (!digit)
			return false;
		*v = *v << 4 | (uint64_t)(digit - "0123456789abcdef");
	}
	return true;
}

/* "inf", "-inf", "nan", "nan:BITS" */
static bool parse_special(enum store_type type, const char *s, size_t n, uint64_t *bits)
{
	static const uint64_t infinity[] = {
		[STORE_F32] = 0x7f800000, [STORE_F64] = 0x7ff0000000000000, [STORE_BF16] = 0x7f80
	};
	size_t size = store_type_size(type);
	uint64_t sign = (uint64_t)1 << (8 * size - 1);
	if (n == 3 && !memcmp(s, "inf", 3))
		return *bits = infinity[type], true;
	if (n == 4 && !memcmp(s, "-inf", 4))
		return *bits = infinity[type] | sign, true;
	if (n == 3 && !memcmp(s, "nan", 3))
		return *bits = usual_nan[type], true;
	return n == 4 + 2 * size && !memcmp(s, "nan:", 4) && parse_hex(s + 4, 2 * size, bits) &&
	       (*bits & ~sign) > infinity[type];
}

/* Rounds to the nearest, ties to even. */
static uint64_t bf16_of(float f)
{
	uint32_t word;
	memcpy(&word, &f, 4);
	return (word + 0x7fff + (word >> 16 & 1)) >> 16;
}

static bool parse_element(enum store_type type, struct json v, uint64_t *bits)
{
	const char *s;
	size_t n;
	double x;
	float f;
	if (!is_real(type)) {
		size_t size = store_type_size(type);
		return json_u64(v, bits) && (size == 8 || *bits >> (8 * size) == 0);
	}
	if (json_string(v, &s, &n))
		return parse_special(type, s, n, bits);
	if (!json_f64(v, &x))
		return false;
	f = (float)x;
	*bits = 0;
	if (type == STORE_F64)
		memcpy(bits, &x, 8);
	else if (type == STORE_F32)
		memcpy(bits, &f, 4);
	else
		*bits = bf16_of(f);
	return type == STORE_F64 || isfinite(f);
}

static bool parse_base64(const char *s, size_t n, struct buffer *out, struct cbtm_error *e)
{
	if (n % 4)
		return false;
	for (size_t i = 0; i < n; i += 4) {
		bool last = i + 4 == n;
		size_t bytes = last && s[i + 3] == '=' ? s[i + 2] == '=' ? 1 : 2 : 3;
		uint32_t v = 0;
		for (size_t j = 0; j < 4; j++) {
			const char *digit = memchr(digits64, s[i + j], 64);
			if (!digit && j <= bytes)
				return false;
			v = v << 6 | (digit && j <= bytes ? (uint32_t)(digit - digits64) : 0);
		}
		const unsigned char three[3] = { v >> 16 & 255, v >> 8 & 255, v & 255 };
		if (buffer_add(out, three, bytes, e))
			return false;
	}
	return true;
}

static bool parse_bytes(struct json v, struct buffer *out, struct cbtm_error *e)
{
	struct json inner;
	const char *s;
	size_t n;
	if (json_string(v, &s, &n))
		return !buffer_add(out, s, n, e);
	return json_type(v) == JSON_OBJECT && json_member(v, "base64", &inner) &&
	       json_string(inner, &s, &n) && parse_base64(s, n, out, e);
}

static bool parse_array(enum store_type type, struct json v, struct buffer *out, uint64_t *n,
                        struct cbtm_error *e)
{
	size_t cursor = 0;
	struct json element;
	uint64_t bits;
	if (json_type(v) != JSON_ARRAY)
		return false;
	for (*n = 0; json_next(v, &cursor, NULL, NULL, &element); ++*n)
		if (!parse_element(type, element, &bits) ||
		    buffer_add(out, &bits, store_type_size(type), e))
			return false;
	return true;
}

int cell_parse(enum store_type type, enum store_shape shape, uint64_t width, struct json v,
               struct buffer *out, uint64_t *n, struct cbtm_error *e)
{
	uint64_t bits;
	bool ok;
	buffer_clear(out);
	if (shape == STORE_VARIABLE && type == STORE_U8) {
		ok = parse_bytes(v, out, e);
		*n = out->n;
	} else if (shape != STORE_VARIABLE && width == 1) {
		ok = parse_element(type, v, &bits) && !buffer_add(out, &bits, store_type_size(type), e);
		*n = 1;
	} else {
		ok = parse_array(type, v, out, n, e) && (shape == STORE_VARIABLE || *n == width);
	}
	return ok ? 0
	          : (int)error_set(e, CBTM_ERR_BAD_DATA, NULL,
	                           "the value does not fit a %s column of %s, width %" PRIu64,
	                           store_shape_name(shape), store_type_name(type), width);
}
