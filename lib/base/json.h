/* SPDX-License-Identifier: MIT */
/*
 * JSON: reading through simdjson's document tree (json_simdjson.cpp is the only file that knows
 * it), writing into a buffer. Reading refuses invalid UTF-8, depth over 64 and trailing text. Numbers
 * may be of any size.
 */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_parser; /* reusable memory; one document alive at a time */
struct json_parser *json_parser_new(struct cbtm_error *e);
void json_parser_free(struct json_parser *p);

/* A place in the parsed document; dies with the next json_parse on the same parser. */
struct json {
	const void *document;
	size_t index;
};
enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_INT,
	JSON_UINT,
	JSON_DOUBLE,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

/* Parses text[0..n) (copied if it has no padding). `where` names it in errors (BAD_JSON). */
int json_parse(struct json_parser *p, const char *text, size_t n, const char *where,
               struct json *root, struct cbtm_error *e);
/* The same without a copy: JSON_PADDING bytes behind the text may be read. */
enum { JSON_PADDING = 64 };
int json_parse_padded(struct json_parser *p, const char *text, size_t n, const char *where,
                      struct json *root, struct cbtm_error *e);
enum json_type json_type(struct json v);
/* Getters: false if the type does not fit. Strings are UTF-8, not NUL-terminated, owned by the parser. */
bool json_string(struct json v, const char **s, size_t *n);
bool json_u64(struct json v, uint64_t *x);
bool json_i64(struct json v, int64_t *x);
bool json_f64(struct json v, double *x); /* any number that a double is near to */
/* A number that is too large (integers: of more than 64 bits), which is a JSON_DOUBLE, as it was written. */
bool json_spelling(struct json v, const char **s, size_t *n);
bool json_bool(struct json v, bool *x);
bool json_member(struct json object, const char *name, struct json *v); /* last of that name */
/* The value at a dotted path of members; at each object one whose name is all that is left goes first. */
bool json_at(struct json object, const char *path, struct json *v);
/* Walks an array or object: start with *cursor = 0; `key`/`key_n` may be NULL for arrays. */
bool json_next(struct json container, size_t *cursor, const char **key, size_t *key_n,
               struct json *v);
size_t json_count(struct json container);
/* Writes v as compact JSON (numbers as they print, or are spelt; keys in order) into b. */
int json_print(struct json v, struct buffer *b, struct cbtm_error *e);

/* Writing: commas are set by what stands before. Keys and strings are escaped; bytes that are
 * not UTF-8 become U+FFFD. */
int json_put_key(struct buffer *b, const char *key, struct cbtm_error *e); /* ,"key": */
int json_put_string(struct buffer *b, const char *s, size_t n, struct cbtm_error *e);
int json_put_u64(struct buffer *b, uint64_t v, struct cbtm_error *e);
int json_put_i64(struct buffer *b, int64_t v, struct cbtm_error *e);
int json_put_f64(struct buffer *b, double v, struct cbtm_error *e);
int json_put_bool(struct buffer *b, bool v, struct cbtm_error *e);
int json_put_null(struct buffer *b, struct cbtm_error *e);
int json_put_open(struct buffer *b, char bracket, struct cbtm_error *e);  /* '{' or '[' */
int json_put_close(struct buffer *b, char bracket, struct cbtm_error *e); /* '}' or ']' */
