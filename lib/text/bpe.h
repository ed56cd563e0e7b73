/* SPDX-License-Identifier: MIT */
/*
 * Byte-level BPE as GPT-2 has it: a vocabulary (constant, any thread), and encoders with a cache
 * (one a thread). Ids are those of Hugging Face's tokenizers for valid UTF-8; bytes that are not
 * valid UTF-8 are pieces of class "other", so that encode and decode round-trip any bytes.
 * Special tokens are not found in text unless the vocabulary is told to; other added ones are.
 */
#pragma once
#include "base/buffer.h"
#include "base/digest.h"
#include "store/dataset.h"
#include <stdbool.h>

#define BPE_NONE UINT32_MAX

/* How an added token is found in text, before the text is cut into pieces: as Hugging Face's
 * AddedToken, whose names these are. */
enum {
	BPE_ADDED = 1,
	BPE_LSTRIP = 2,      /* takes the white space before it */
	BPE_RSTRIP = 4,      /* ... behind it */
	BPE_SINGLE_WORD = 8, /* not beside a letter, digit ... (UNICODE_JOINS) */
	BPE_NORMALIZED = 16, /* looked for after those that are not, in what they leave */
	BPE_PIECE = 32       /* is a byte or what a merge makes, too */
};

struct bpe_symbol {
	const char *bytes; /* what it stands for; a special one's name */
	uint32_t n;
	bool special;  /* stands for no text; one that is not added is a name that nothing makes */
	uint8_t added; /* BPE_ADDED | ..., or 0 */
};

/* What a vocabulary's files leave open. */
struct bpe_choice {
	const char *eod;    /* name of the special token that ends a document; "": "<|endoftext|>",
	                       else "</s>" */
	const char *bos;    /* of that which begins a text; "": none */
	bool match_special; /* special tokens are found in text too */
	bool prefix_space;  /* a text (between added tokens) gets a space in front, if it has none */
};

struct bpe {
	uint32_t size;             /* ids are 0 .. size - 1 */
	struct bpe_symbol *symbol; /* size */
	uint32_t merges;
	uint32_t (*merge)[2];             /* merges: ids of a pair, by rank */
	uint32_t *merged;                 /* merges: the id of what they become */
	uint32_t eod;                     /* ends a document */
	uint32_t bos;                     /* begins a text, or BPE_NONE */
	bool match_special, prefix_space; /* as in struct bpe_choice */
	struct bpe_added *added;          /* tokens to look for in text; NULL: none */
	uint32_t byte[256];               /* the id of a byte */
	struct bpe_pair *pair;            /* hash of the pairs */
	uint32_t pair_mask;
	struct encode_ranks *ranks;  /* the pairs again, for encoders; NULL: too many */
	char *bytes;                 /* all symbols' bytes, one behind another */
	struct buffer source_digest; /* "vocab.json merges.txt" digests if imported, else empty */
};

struct bpe_pair {
	uint32_t left, right, rank, id; /* rank = BPE_NONE: an empty slot */
};

/*
 * Makes a vocabulary of its symbols and merges (both copied; `n` bytes a symbol) and checks it: every byte has a symbol, every
 * merge's result is one. `where` names the source in BAD_DATA errors. Free with bpe_free.
 */
int bpe_make(const struct bpe_symbol *symbol, uint32_t size, const uint32_t (*merge)[2],
             uint32_t merges, const struct bpe_choice *choice, const char *where, struct bpe **bpe,
             struct cbtm_error *e);
void bpe_free(struct bpe *b); /* NULL is fine */

/*
 * Hugging Face's vocab.json and merges.txt. The files do not say which tokens are special: those
 * that no merge makes and that have a name usual for it or named by `choice` are. Other names that
 * nothing makes keep their ids. Errors: MISSING_INPUT, BAD_JSON, BAD_DATA naming file and line or
 * entry.
 */
int bpe_import(const char *vocab_path, const char *merges_path, const struct bpe_choice *choice,
               struct bpe **bpe, struct cbtm_error *e);
/*
 * Hugging Face's tokenizer.json, if it is a byte-level BPE. choice->prefix_space is not read: the
 * file says it. Where `choice` names no EOD or BOS, what the post-processor puts behind and before
 * a text are they. BAD_DATA naming the field that is not supported, its value and what is.
 */
int bpe_import_tokenizer(const char *path, const struct bpe_choice *choice, struct bpe **bpe,
                         struct cbtm_error *e);

/* To and from a store of kind "vocabulary"; also its facts size, eod, bos, digest (imported). */
int bpe_save(const struct bpe *b, struct store_writer *w, struct cbtm_error *e);
int bpe_load(const struct store *s, struct bpe **bpe, struct cbtm_error *e);
/* The same of a dataset of one part; *content (may be NULL) is its content digest as hex text. */
int bpe_open(struct dataset *vocabulary, struct bpe **bpe, char content[DIGEST_HEX],
             struct cbtm_error *e);

/* The pair's merge, NULL if it has none. */
const struct bpe_pair *bpe_pair_find(const struct bpe *b, uint32_t left, uint32_t right);

/* ---------------------------------------------------------------- encoding */
struct bpe_ids {
	uint32_t *v;
	size_t n, cap;
};
void bpe_ids_free(struct bpe_ids *ids); /* leaves {0} */
/* Makes room for so many more; without it the room grows by doubling. */
int bpe_ids_reserve(struct bpe_ids *ids, size_t more, struct cbtm_error *e);

/* One thread's; the vocabulary must live on. It keeps the words that it has met: 8 MiB at first, at
 * most 90 MiB when some 520,000 are known (then it begins anew), and 28 bytes for each byte of a longer
 * piece of a text. */
struct bpe_encoder;
struct bpe_encoder *bpe_encoder_new(const struct bpe *b, struct cbtm_error *e);
void bpe_encoder_free(struct bpe_encoder *c); /* NULL is fine */
const struct bpe *bpe_encoder_vocabulary(const struct bpe_encoder *c);
/* Appends the ids of a whole text (any bytes) to *ids. */
int bpe_encode(struct bpe_encoder *c, const char *text, size_t n, struct bpe_ids *ids,
               struct cbtm_error *e);
/*
 * The same of `rows` texts that lie one behind another: text[start[i] .. stop[i]), start[i] <=
 * stop[i] <= start[i + 1]. Appends their ids to *ids, end[i] = ids->n behind those of text i. Texts
 * without gaps between them: stop = start + 1. Faster than a call for each if they are short.
 */
int bpe_encode_batch(struct bpe_encoder *c, const char *text, const size_t *start,
                     const size_t *stop, size_t rows, struct bpe_ids *ids, size_t *end,
                     struct cbtm_error *e);
/* bpe_encode where bpe_is_plain: no added token is looked for and no space put in front. */
static inline bool bpe_is_plain(const struct bpe *b)
{
	return !b->added && !b->prefix_space;
}
int bpe_encode_plain(struct bpe_encoder *c, const char *text, size_t n, struct bpe_ids *ids,
                     struct cbtm_error *e);

/* Appends the bytes that the ids stand for; special ones add nothing. BAD_DATA for an id that the
 * vocabulary does not have. */
int bpe_decode(const struct bpe *b, const uint32_t *ids, size_t n, struct buffer *text,
               struct cbtm_error *e);

/* ---------------------------------------------------------------- GPT-2's spelling of bytes */
/* The code point by which vocab.json writes a byte: itself if printable Latin-1, else from U+0100. */
uint32_t bpe_byte_point(unsigned char byte);
/* Back; -1 if no byte is written so. */
int bpe_point_byte(uint32_t point);
/* Appends n bytes as vocab.json spells them, in UTF-8. */
int bpe_spell(const char *bytes, size_t n, struct buffer *name, struct cbtm_error *e);
