/* SPDX-License-Identifier: MIT */
/* A document from a line of the corpus: text, id, key, metadata, split. */
#pragma once
#include "base/buffer.h"
#include "base/json.h"
#include <stdint.h>

enum document_format {
	DOCUMENT_JSONL, /* a JSON object a line */
	DOCUMENT_LINES, /* a text a line */
	DOCUMENT_TEXT   /* a text a file */
};

/* Where in the object things stand: dotted paths ("meta.split"); "" = nowhere. */
struct document_rules {
	int format;       /* enum document_format */
	const char *text; /* a string; missing or another type is an error */
	const char *id;   /* a string or an integer; missing or null: the text's digest */
	/* An object; another type is put into one, under the last name of its path; missing: {}. Several
	 * paths, with commas between: an object of what each has, under the last names. */
	const char *meta;
	const char *split_field; /* "train", "valid", "validation" or "test"; "": by the key */
	double valid, test;      /* shares of all documents, when there is no split_field */
	double seed;             /* share of train that is the seed part */
	uint64_t split_seed;     /* of the random numbers */
};

struct document {
	struct buffer text; /* valid UTF-8 */
	struct buffer id;   /* the string, the integer's digits, or 32 hexadecimal digits */
	struct buffer meta; /* compact JSON object */
	uint64_t key;       /* the first 8 bytes (big endian) of the id's XXH3-128 */
	uint8_t split;      /* enum split */
	uint64_t repaired;  /* invalid UTF-8 sequences and lone surrogates that became U+FFFD */
};
void document_free(struct document *d); /* leaves {0} */

/* Memory for document_read; belongs to one thread. */
struct document_parser;
struct document_parser *document_parser_new(struct cbtm_error *e);
void document_parser_free(struct document_parser *p); /* NULL is fine */
/* From now on JSON_PADDING bytes behind each line may be read: saves a copy. */
void document_parser_padded(struct document_parser *p);

/*
 * Reads line[0..n) into *d, whose buffers are used again. Invalid UTF-8 becomes U+FFFD as in Python's
 * errors="replace", a lone surrogate escape (\ud800) likewise, before the JSON is parsed. `where` names
 * the line in errors: BAD_JSON, BAD_DATA (a field is missing or of a wrong type).
 */
int document_read(struct document_parser *p, const struct document_rules *rules, const char *line,
                  size_t n, const char *where, struct document *d, struct cbtm_error *e);

/* False if two of the paths with commas between end in the same name, or one has no name. */
bool document_meta_is_clear(const char *paths);

/* True if there is nothing but white space: such lines are no documents. */
bool document_blank(const char *line, size_t n);

/* The split of a document by its key alone (rules' shares). */
uint8_t document_split(const struct document_rules *rules, uint64_t key);
