/* SPDX-License-Identifier: MIT */
/* The writing half of base/json.h. */
#include "base/json.h"
#include "base/number.h"
#include <string.h>

/* A comma, unless this is the first of its container, follows its key, or starts a line. */
static int separate(struct buffer *b, struct cbtm_error *e)
{
	char last = b->n ? b->data[b->n - 1] : '\n';

	if (strchr("{[:,\n", last))
		return 0;
	return buffer_add(b, ",", 1, e);
}

static bool is_tail(unsigned char c)
{
	return (c & 0xC0) == 0x80;
}

/* Bytes of the UTF-8 character at s (Unicode 15, table 3-7), or 0; then *bad is how many bytes one
 * U+FFFD stands for: the longest piece that a character could have begun with, at least one. */
static size_t character(const unsigned char *s, size_t n, size_t *bad)
{
	unsigned char lowest = 0x80, highest = 0xBF;
	size_t need, i;

	*bad = 1;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return 0;
	need = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
	if (s[0] == 0xE0)
		lowest = 0xA0;
	else if (s[0] == 0xED)
		highest = 0x9F;
	else if (s[0] == 0xF0)
		lowest = 0x90;
	else if (s[0] == 0xF4)
		highest = 0x8F;
	if (n < 2 || s[1] < lowest || s[1] > highest)
		return 0;
	for (i = 2; i < need; i++)
		if (i >= n || !is_tail(s[i])) {
			*bad = i;
			return 0;
		}
	return need;
}

static int put_control(struct buffer *b, unsigned char c, struct cbtm_error *e)
{
	static const char letters[] = "btn?fr"; /* of 8 to 13; 11 has none */

	if (c >= 8 && c <= 13 && c != 11)
		return buffer_add(b, (char[]){ '\\', letters[c - 8] }, 2, e);
	return buffer_printf(b, e, "\\u%04x", c);
}

static int put_quoted(struct buffer *b, const unsigned char *s, size_t n, struct cbtm_error *e)
{
	size_t from = 0, i = 0, bad;
	int r = buffer_reserve(b, n < SIZE_MAX - 2 ? n + 2 : n, e);

	if (!r)
		r = buffer_add(b, "\"", 1, e);
	while (!r && i < n) {
		size_t length = character(s + i, n - i, &bad);
		if (length && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\') {
			i += length;
			continue;
		}
		r = buffer_add(b, s + from, i - from, e);
		if (r)
			break;
		if (!length)
			r = buffer_text(b, "\xEF\xBF\xBD", e);
		else if (s[i] < 0x20)
			r = put_control(b, s[i], e);
		else
			r = buffer_add(b, (char[]){ '\\', (char)s[i] }, 2, e);
		i += length ? length : bad;
		from = i;
	}
	if (!r)
		r = buffer_add(b, s + from, n - from, e);
	return r ? r : buffer_add(b, "\"", 1, e);
}

int json_put_string(struct buffer *b, const char *s, size_t n, struct cbtm_error *e)
{
	int r = separate(b, e);

	return r ? r : put_quoted(b, (const unsigned char *)s, n, e);
}

int json_put_key(struct buffer *b, const char *key, struct cbtm_error *e)
{
	int r = json_put_string(b, key, strlen(key), e);

	return r ? r : buffer_add(b, ":", 1, e);
}

int json_put_u64(struct buffer *b, uint64_t v, struct cbtm_error *e)
{
	int r = separate(b, e);

	return r ? r : buffer_printf(b, e, "%llu", (unsigned long long)v);
}

int json_put_i64(struct buffer *b, int64_t v, struct cbtm_error *e)
{
	int r = separate(b, e);

	return r ? r : buffer_printf(b, e, "%lld", (long long)v);
}

int json_put_f64(struct buffer *b, double v, struct cbtm_error *e)
{
	char text[32];
	size_t n = number_print_f64(v, text);
	int r = separate(b, e);

	return r ? r : buffer_add(b, text, n, e);
}

int json_put_bool(struct buffer *b, bool v, struct cbtm_error *e)
{
	int r = separate(b, e);

	return r ? r : buffer_text(b, v ? "true" : "false", e);
}

int json_put_null(struct buffer *b, struct cbtm_error *e)
{
	int r = separate(b, e);

	return r ? r : buffer_text(b, "null", e);
}

int json_put_open(struct buffer *b, char bracket, struct cbtm_error *e)
{
	int r = separate(b, e);

	return r ? r : buffer_add(b, &bracket, 1, e);
}

int json_put_close(struct buffer *b, char bracket, struct cbtm_error *e)
{
	return buffer_add(b, &bracket, 1, e);
}

/* Into b as a value; never deeper than the parser allowed. */
static int print_container(struct json v, bool object, struct buffer *b, struct cbtm_error *e)
{
	size_t cursor = 0, key_n;
	const char *key;
	struct json member;
	int r = json_put_open(b, object ? '{' : '[', e);

	while (!r && json_next(v, &cursor, object ? &key : NULL, object ? &key_n : NULL, &member)) {
		if (object) {
			r = json_put_string(b, key, key_n, e);
			if (!r)
				r = buffer_add(b, ":", 1, e);
		}
		if (!r)
			r = json_print(member, b, e);
	}
	return r ? r : json_put_close(b, object ? '}' : ']', e);
}

int json_print(struct json v, struct buffer *b, struct cbtm_error *e)
{
	const char *s;
	size_t n;
	uint64_t u;
	int64_t i;
	double d;
	bool flag;

	switch (json_type(v)) {
	case JSON_OBJECT:
		return print_container(v, true, b, e);
	case JSON_ARRAY:
		return print_container(v, false, b, e);
	case JSON_STRING:
		return json_string(v, &s, &n) ? json_put_string(b, s, n, e) : 0;
	case JSON_UINT:
		return json_u64(v, &u) ? json_put_u64(b, u, e) : 0;
	case JSON_INT:
		return json_i64(v, &i) ? json_put_i64(b, i, e) : 0;
	case JSON_DOUBLE:
		if (json_spelling(v, &s, &n))
			return separate(b, e) ? (int)e->name : buffer_add(b, s, n, e);
		return json_f64(v, &d) ? json_put_f64(b, d, e) : 0;
	case JSON_BOOL:
		return json_bool(v, &flag) ? json_put_bool(b, flag, e) : 0;
	default:
		return json_put_null(b, e);
	}
}
