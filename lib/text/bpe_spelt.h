/* SPDX-License-Identifier: MIT */
/*
 * A vocabulary as Hugging Face's files spell it: names of tokens in GPT-2's spelling of bytes
 * (text/bpe.h), merges as pairs of names, tokens that were added by their plain names. Names point
 * into the caller's memory, which must live until spelt_make has returned. Memory is bounded by the
 * size of what was read: an id that a list of so few names cannot need is refused.
 */
#pragma once
#include "base/json.h"
#include "text/bpe.h"

struct spelt_added {
	const char *name; /* as it stands in text */
	uint32_t n, id;
	bool special;
	uint8_t flags; /* BPE_ADDED | ... */
};

struct spelt {
	uint32_t size, tokens;   /* ids 0 .. size - 1; how many of them a token has */
	struct bpe_symbol *name; /* size, as the file has it; NULL bytes: no such id */
	uint32_t *slot;          /* hash of names: id + 1 */
	size_t mask;
	uint32_t (*merge)[2];
	uint32_t merges;
	size_t merge_cap;
	bool *piece;          /* size: the result of a merge, or a part of one that nothing makes */
	struct buffer joined; /* scratch */
	struct spelt_added *added;
	size_t n_added, added_cap;
};
/* {0} is empty; frees what it holds. */
void spelt_free(struct spelt *v);

/* json_parse of a whole file; what to do about a broken one is not what is done about a line. */
int spelt_parse(struct json_parser *parser, const struct buffer *text, const char *path,
                struct json *root, struct cbtm_error *e);
/*
 * Reads an object of names and ids. BAD_DATA, naming `where` and the entry: an id that is no small
 * integer, two names with one id, a name that is there twice.
 */
int spelt_vocabulary(struct spelt *v, struct json object, const char *where, struct cbtm_error *e);
/* The id of a name, or BPE_NONE. */
uint32_t spelt_find(const struct spelt *v, const char *name, size_t n);
/* Appends a merge. BAD_DATA if the vocabulary has not both tokens and what they become. */
int spelt_merge(struct spelt *v, const char *left, size_t n_left, const char *right, size_t n_right,
                const char *where, struct cbtm_error *e);
/* The same of "left right". */
int spelt_merge_line(struct spelt *v, const char *line, size_t n, const char *where,
                     struct cbtm_error *e);
/* Appends an added token. */
int spelt_add(struct spelt *v, struct spelt_added token, struct cbtm_error *e);

/* For a file whose pieces are looked up whole before they are merged: BAD_DATA naming a token for which
 * that makes a difference, which is not supported. */
int spelt_whole_pieces(const struct spelt *v, const struct bpe *bpe, const char *where,
                       struct cbtm_error *e);

/*
 * The vocabulary: bytes, what merges make and the parts of merges are spelt out; added tokens are as they were given; any
 * other name is one that nothing makes. BAD_DATA, naming `where`: an added token that merges make,
 * too, but of other bytes or as a special one; an id that two tokens have; and what bpe_make refuses.
 */
int spelt_make(const struct spelt *v, const struct bpe_choice *choice, const char *where,
               struct bpe **bpe, struct cbtm_error *e);
