/* SPDX-License-Identifier: MIT */
/*
 * tf-idf and truncated SVD, the embedding of the paper (Gururangan et al. 2023, section 2.1), as
 * scikit-learn's TfidfVectorizer + TruncatedSVD + Normalizer would have it:
 *
 *   weight(t, d) = tf(t, d) idf(t),  idf(t) = ln((1 + n) / (1 + df(t))) + 1
 *   h(d) = normalised sum over t of weight(t, d) V_t,  V (terms x dims) from the SVD of the rows
 *
 * vocabulary.c finds words, count.c reads the documents once and keeps their counts, select.c
 * chooses and sorts the words, fit.c makes rows and V, context.c embeds growing prefixes.
 */
#pragma once
#include <cbtm/embed.h>
#include <stdbool.h>

extern const struct cbtm_host *host;

struct options {
	uint64_t dims, random_seed, max_features;
	double min_df, max_df;
};

/* Room for `need` elements of `size` bytes in *array (capacity *room): at least doubled, what
 * `used` elements it had is kept. */
int grow(void *array_pointer, size_t *room, size_t used, size_t need, size_t size,
         struct cbtm_error *e);

/* ---------------------------------------------------------------- words */

/* Words and numbers of them, while counting or for look-up. */
struct vocabulary {
	size_t words, room;
	struct word {
		uint64_t head;   /* the first 8 bytes, zeros behind the end */
		uint64_t tail;   /* the last 8 bytes, 0 if there are fewer */
		uint64_t offset; /* of its text */
		uint64_t tf;     /* occurrences; counting only, like what follows */
		uint64_t last;   /* document that counted last, from 1 */
		uint32_t size;
		uint32_t df; /* documents that have it */
		uint32_t at; /* its place in the row of `last` */
		uint32_t hash;
	} * word;
	char *text; /* each word with a NUL behind it */
	size_t bytes, text_room;
	/* Open addressing: the first 8 bytes and a piece of the hash beside the number of the word + 1
	 * (0: free), so that a word of 8 bytes or less is found in one look. */
	struct slot {
		uint64_t head;
		uint32_t hash, number;
	} * slot;
	size_t slots; /* a power of two */
};
#define NO_WORD UINT32_MAX

void vocabulary_free(struct vocabulary *v);
/* Room for so many words at once. */
int vocabulary_reserve(struct vocabulary *v, size_t words, struct cbtm_error *e);
uint32_t vocabulary_find(const struct vocabulary *v, const char *word, size_t n);
/* The word's number, new or known; NO_WORD and an error if memory or numbers run out. */
uint32_t vocabulary_add(struct vocabulary *v, const char *word, size_t n, struct cbtm_error *e);
/* Adds the words of another, in their order; number[i]: the number here of its word i. */
int vocabulary_add_all(struct vocabulary *v, const struct vocabulary *other, uint32_t *number,
                       struct cbtm_error *e);

/*
 * Words that are looked up together, so that waits for slots and records overlap: group_put for
 * each while n < GROUP, group_look once, group_find or group_add for each by its place, then n = 0.
 */
#define GROUP 64
struct group {
	size_t n, bytes, room;
	char *text; /* of the words of more than 8 bytes */
	struct pending {
		uint64_t head, tail;
		size_t offset, size;
		uint32_t hash;
	} word[GROUP];
};
int group_put(struct group *g, const struct vocabulary *v, const char *word, size_t n,
              struct cbtm_error *e);
void group_look(const struct group *g, const struct vocabulary *v);
uint32_t group_find(const struct group *g, const struct vocabulary *v, size_t i);
uint32_t group_add(const struct group *g, struct vocabulary *v, size_t i, struct cbtm_error *e);
void group_free(struct group *g);

/* ---------------------------------------------------------------- counting */

/* The words of each document and their counts, in the order of the documents. */
struct counted {
	uint64_t *start; /* rows + 1 */
	uint16_t *owner; /* rows: whose numbers of words the row has */
	uint32_t *word, *count;
	size_t rows, entries, start_room, owner_room, word_room, count_room;
	/* Each thread numbers the words that it meets; which are whose is chance, so nothing that is
	 * kept may depend on these numbers. */
	struct vocabulary *own; /* owners */
	size_t owners;
};
int count_documents(struct counted *c, struct cbtm_documents *sample, struct cbtm_error *e);
void counted_free(struct counted *c);

/*
 * Into `kept` (empty): the words that the options let in, sorted bytewise; rank[owner][number]:
 * the place of an owner's word there, or NO_WORD. rank: c->owners pointers, NULL at first; the
 * caller releases them. *different: how many words there were.
 */
int select_words(struct counted *c, const struct options *o, struct vocabulary *kept,
                 uint32_t **rank, size_t *different, struct cbtm_error *e);

/* Sorts n keys ascending by their upper 32 bits, which are below `limit`; scratch: n. */
void sort_keys(uint64_t *key, uint64_t *scratch, size_t n, uint64_t limit);

/* The known words of one text, ascending, with their counts: key[i] = word << 32 | count. */
struct counts {
	uint64_t *key, *scratch;
	size_t n, room, scratch_room;
	struct group group;
};
int counts_make(struct counts *c, const struct vocabulary *v, const char *text, size_t n,
                struct cbtm_error *e);
void counts_free(struct counts *c);

/* ---------------------------------------------------------------- vectors */

struct state {
	struct vocabulary words;
	double *idf;      /* words */
	float *v;         /* words x dims */
	double *singular; /* dims */
	size_t dims;
	uint64_t documents; /* of the fit */
};

void *tfidf_fit(const void *options, struct cbtm_documents *sample, struct cbtm_error *e);
void tfidf_free(void *state);
/* Looks for the processor's vectors; once, before tfidf_add. */
void tfidf_choose(void);
/* sum (dims) += weight V_word. */
void tfidf_add(const struct state *s, uint32_t word, double weight, double *sum);
/* Fetches V_word, which tfidf_add will need soon. */
void tfidf_fetch(const struct state *s, uint32_t word);
/* vector (dims) = sum over its length, or zero. */
void tfidf_normalise(const double *sum, size_t dims, float *vector);

void *context_new(const void *state, struct cbtm_error *e);
void context_free(void *context);
int context_reset(void *context, struct cbtm_error *e);
int context_add(void *context, const char *bytes, size_t n, struct cbtm_error *e);
int context_vector(void *context, float *vector, struct cbtm_error *e);
