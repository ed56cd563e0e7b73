/* SPDX-License-Identifier: MIT */
#include "text/document.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "store/split.h"
#include "text/utf8.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct document_parser {
	struct json_parser *json;
	bool padded;
	struct buffer repaired; /* the line, when something in it had to be replaced */
};

struct document_parser *document_parser_new(struct cbtm_error *e)
{
	struct document_parser *p = mem_zeroed(1, sizeof *p, "a document parser", e);

	if (p && !(p->json = json_parser_new(e))) {
		free(p);
		p = NULL;
	}
	return p;
}

void document_parser_free(struct document_parser *p)
{
	if (!p)
		return;
	json_parser_free(p->json);
	buffer_free(&p->repaired);
	free(p);
}

void document_parser_padded(struct document_parser *p)
{
	p->padded = true;
}

void document_free(struct document *d)
{
	buffer_free(&d->text);
	buffer_free(&d->id);
	buffer_free(&d->meta);
	*d = (struct document){ 0 };
}

bool document_blank(const char *line, size_t n)
{
	while (n && (line[n - 1] == ' ' || line[n - 1] == '\t' || line[n - 1] == '\r'))
		n--;
	return !n;
}

/* The value of \uXXXX at s (6 bytes there), or UINT32_MAX. */
static uint32_t escape_value(const char *s, size_t n)
{
	uint32_t v = 0;

	if (n < 6 || s[0] != '\\' || s[1] != 'u')
		return UINT32_MAX;
	for (int i = 2; i < 6; i++) {
		char c = s[i];
		uint32_t d = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
		             : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
		             : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
		                                    : 16;
		if (d == 16)
			return UINT32_MAX;
		v = v << 4 | d;
	}
	return v;
}

typedef uint8_t sixteen __attribute__((vector_size(16)));

static inline sixteen load(const char *s)
{
	sixteen v;

	memcpy(&v, s, sizeof v);
	return v;
}

/* Whether "\ud" or "\uD" stands somewhere: without, no escape is a surrogate. */
static bool may_have_surrogates(const char *s, size_t n)
{
	enum { STEP = 64, SEEN = 2 /* bytes behind it that are looked at */ };
	size_t i = 0;

	for (; i + STEP + SEEN <= n; i += STEP) {
		sixteen found = { 0 };
		uint64_t half[2];

		for (size_t j = i; j < i + STEP; j += sizeof found)
			found |= (sixteen)((load(s + j) == '\\') & (load(s + j + 1) == 'u') &
			                   ((load(s + j + 2) | 0x20) == 'd'));
		memcpy(half, &found, sizeof half);
		if (half[0] | half[1])
			return true;
	}
	for (; i + SEEN < n; i++)
		if (s[i] == '\\' && s[i + 1] == 'u' && (s[i + 2] | 0x20) == 'd')
			return true;
	return false;
}

/* Position of the first lone surrogate escape at or behind `from`; n if there is none. */
static size_t lone_surrogate(const char *s, size_t n, size_t from)
{
	size_t i = from;

	while (i < n) {
		const char *slash = memchr(s + i, '\\', n - i);
		uint32_t v;

		if (!slash)
			break;
		i = (size_t)(slash - s);
		v = escape_value(slash, n - i);
		if (v == UINT32_MAX || v < 0xd800 || v > 0xdfff) {
			i += 2; /* the escaped character may be a backslash itself */
			continue;
		}
		if (v < 0xdc00) {
			uint32_t low = escape_value(slash + 6, n - i - 6);
			if (low >= 0xdc00 && low <= 0xdfff) {
				i += 12;
				continue;
			}
		}
		return i;
	}
	return n;
}

/* Points *line at a repaired copy; counts what was replaced. */
static int repair(struct document_parser *p, bool json, const char **line, size_t *n,
                  uint64_t *replaced, struct cbtm_error *e)
{
	buffer_clear(&p->repaired);
	if (utf8_repair(&p->repaired, *line, *n, replaced, e) ||
	    buffer_reserve(&p->repaired, JSON_PADDING, e))
		return e->name;
	*line = p->repaired.data;
	*n = p->repaired.n;
	if (!json)
		return 0;
	for (size_t at = lone_surrogate(*line, *n, 0); at < *n;
	     at = lone_surrogate(*line, *n, at + 6)) {
		memcpy(p->repaired.data + at, "\\ufffd", 6);
		++*replaced;
	}
	return 0;
}

static int parse(struct document_parser *p, const char *line, size_t n, bool padded,
                 const char *where, struct json *root, struct cbtm_error *e)
{
	return (padded ? json_parse_padded : json_parse)(p->json, line, n, where, root, e);
}

/* simdjson finds invalid UTF-8 wherever it stands; lone surrogates it does not always refuse. */
static int parse_line(struct document_parser *p, const char *line, size_t n, const char *where,
                      struct document *d, struct json *root, struct cbtm_error *e)
{
	bool sound = !may_have_surrogates(line, n) || lone_surrogate(line, n, 0) == n;
	struct cbtm_error first = { 0 };

	if (sound && !parse(p, line, n, p->padded, where, root, &first))
		return 0;
	if (sound && (first.name == CBTM_ERR_MEMORY || utf8_valid_prefix(line, n) == n))
		return error_copy(e, &first);
	if (repair(p, true, &line, &n, &d->repaired, e))
		return e->name;
	return parse(p, line, n, true, where, root, e);
}

/* The value at a dotted path; a member whose name is the whole path goes first. */
static bool find(struct json object, const char *path, struct json *v)
{
	char name[256];
	const char *dot;

	if (!*path)
		return false;
	if (json_member(object, path, v))
		return true;
	dot = strchr(path, '.');
	if (!dot || (size_t)(dot - path) >= sizeof name)
		return false;
	memcpy(name, path, (size_t)(dot - path));
	name[dot - path] = 0;
	return json_member(object, name, v) && json_type(*v) == JSON_OBJECT && find(*v, dot + 1, v);
}

static int read_text(struct json object, const char *path, const char *where, struct document *d,
                     struct cbtm_error *e)
{
	struct json v;
	const char *s;
	size_t n;

	if (!find(object, path, &v))
		error_set(e, CBTM_ERR_BAD_DATA, where, "there is no field \"%s\"", path);
	else if (!json_string(v, &s, &n))
		error_set(e, CBTM_ERR_BAD_DATA, where, "the field \"%s\" is not a string", path);
	else
		return buffer_add(&d->text, s, n, e);
	return error_hint(
		e, "name the text's field with tokenize.text, or leave bad lines out: bad_input: skip");
}

static int read_id(struct json object, const char *path, const char *where, struct document *d,
                   struct cbtm_error *e)
{
	struct json v;
	const char *s;
	size_t n;
	uint64_t u;
	int64_t i;
	char hex[DIGEST_HEX];

	if (!find(object, path, &v) || json_type(v) == JSON_NULL) {
		digest_hex(digest_bytes(d->text.n ? d->text.data : "", d->text.n), hex);
		return buffer_text(&d->id, hex, e);
	}
	if (json_string(v, &s, &n))
		return buffer_add(&d->id, s, n, e);
	if (json_u64(v, &u))
		return buffer_printf(&d->id, e, "%" PRIu64, u);
	if (json_i64(v, &i))
		return buffer_printf(&d->id, e, "%" PRId64, i);
	if (json_spelling(v, &s, &n) && !memchr(s, '.', n) && !memchr(s, 'e', n) && !memchr(s, 'E', n))
		return buffer_add(&d->id, s, n, e);
	error_set(e, CBTM_ERR_BAD_DATA, where, "the id \"%s\" is neither a string nor an integer",
	          path);
	return error_hint(
		e, "name the id's field with tokenize.id, or leave bad lines out: bad_input: skip");
}

/* Puts the value at path[0..n) under the last name of the path, if there is one. */
static int put_field(struct json object, const char *path, size_t n, struct buffer *meta,
                     struct cbtm_error *e)
{
	char field[256];
	const char *name;
	struct json v;

	if (n >= sizeof field)
		return error_set(e, CBTM_ERR_CONFIG, "tokenize.meta", "the field's path is too long");
	memcpy(field, path, n);
	field[n] = 0;
	if (!find(object, field, &v) || json_type(v) == JSON_NULL)
		return 0;
	name = strrchr(field, '.');
	if (json_put_key(meta, name ? name + 1 : field, e))
		return e->name;
	return json_print(v, meta, e);
}

static int read_meta(struct json object, const char *path, struct document *d, struct cbtm_error *e)
{
	struct json v;

	if (!strchr(path, ',') && find(object, path, &v) && json_type(v) == JSON_OBJECT)
		return json_print(v, &d->meta, e);
	if (json_put_open(&d->meta, '{', e))
		return e->name;
	for (size_t n; *path; path += n + (path[n] == ',')) {
		n = strcspn(path, ",");
		if (put_field(object, path, n, &d->meta, e))
			return e->name;
	}
	return json_put_close(&d->meta, '}', e);
}

/* The last name of the path that begins at p. */
static const char *last_name(const char *p, size_t *n)
{
	const char *end = p + strcspn(p, ","), *name = end;

	while (name > p && name[-1] != '.')
		name--;
	*n = (size_t)(end - name);
	return name;
}

bool document_meta_is_clear(const char *paths)
{
	for (const char *p = paths; *paths; p++) {
		size_t n, m;
		const char *name = last_name(p, &n);

		p += strcspn(p, ",");
		if (!n)
			return false;
		if (!*p)
			break;
		for (const char *q = p + 1;; q++) {
			const char *other = last_name(q, &m);
			if (n == m && !memcmp(name, other, n))
				return false;
			q += strcspn(q, ",");
			if (!*q)
				break;
		}
	}
	return true;
}

/* Which half of train: a number of its own, so that a split field does not move it. */
static uint8_t train_split(const struct document_rules *r, uint64_t key)
{
	struct random_key k = random_key(r->split_seed, RANDOM_SPLIT);

	return random_unit(k, key, 1) < r->seed ? SPLIT_SEED : SPLIT_BRANCH;
}

uint8_t document_split(const struct document_rules *r, uint64_t key)
{
	double u = random_unit(random_key(r->split_seed, RANDOM_SPLIT), key, 0);

	if (u < r->test)
		return SPLIT_TEST;
	if (u < r->test + r->valid)
		return SPLIT_VALID;
	return train_split(r, key);
}

static int read_split(struct json object, const struct document_rules *r, const char *where,
                      struct document *d, struct cbtm_error *e)
{
	static const struct {
		const char *name;
		uint8_t split;
	} names[] = { { "train", SPLIT_COUNT },
		          { "valid", SPLIT_VALID },
		          { "validation", SPLIT_VALID },
		          { "test", SPLIT_TEST } };
	struct json v;
	const char *s = NULL;
	size_t n = 0;

	if (!find(object, r->split_field, &v) || !json_string(v, &s, &n))
		return error_set(e, CBTM_ERR_BAD_DATA, where, "there is no string \"%s\" with the split",
		                 r->split_field);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i].name) == n && !memcmp(names[i].name, s, n)) {
			d->split = names[i].split == SPLIT_COUNT ? train_split(r, d->key) : names[i].split;
			return 0;
		}
	return error_set(e, CBTM_ERR_BAD_DATA, where,
	                 "the split \"%.*s\" is none of train, valid, validation, test",
	                 n < 64 ? (int)n : 64, s);
}

int document_read(struct document_parser *p, const struct document_rules *r, const char *line,
                  size_t n, const char *where, struct document *d, struct cbtm_error *e)
{
	bool jsonl = r->format == DOCUMENT_JSONL;
	struct json root = { 0 };

	buffer_clear(&d->text);
	buffer_clear(&d->id);
	buffer_clear(&d->meta);
	d->repaired = 0;
	if (jsonl) {
		if (parse_line(p, line, n, where, d, &root, e))
			return e->name;
		if (json_type(root) != JSON_OBJECT)
			return error_set(e, CBTM_ERR_BAD_JSON, where, "the line is not a JSON object");
		if (read_text(root, r->text, where, d, e) || read_id(root, r->id, where, d, e) ||
		    read_meta(root, r->meta, d, e))
			return e->name;
	} else {
		char hex[DIGEST_HEX];

		if (utf8_valid_prefix(line, n) != n && repair(p, false, &line, &n, &d->repaired, e))
			return e->name;
		if (r->format == DOCUMENT_LINES && n && line[n - 1] == '\r')
			n--;
		digest_hex(digest_bytes(line, n), hex);
		if (buffer_add(&d->text, line, n, e) || buffer_text(&d->id, hex, e) ||
		    buffer_text(&d->meta, "{}", e))
			return e->name;
	}
	d->key = digest_bytes(d->id.n ? d->id.data : "", d->id.n).high;
	if (jsonl && *r->split_field)
		return read_split(root, r, where, d, e);
	d->split = document_split(r, d->key);
	return 0;
}
