/* SPDX-License-Identifier: MIT */
/*
 * tf-idf and truncated SVD, the embedding of the paper (Gururangan et al. 2023, section 2.1), as
 * scikit-learn's TfidfVectorizer + TruncatedSVD + Normalizer would have it:
 *
 *   weight(t, d) = tf(t, d) idf(t),  idf(t) = ln((1 + n) / (1 + df(t))) + 1
 *   h(d) = normalised sum over t of weight(t, d) V_t,  V (terms x dims) from the SVD of the rows
 *
 * vocabulary.c counts and finds words, fit.c makes V, context.c embeds growing prefixes.
 */
#pragma once
#include <cbtm/embed.h>
#include <stdbool.h>

extern const struct cbtm_host *host;

struct options {
	uint64_t dims, random_seed, min_df, max_features;
	double max_df;
};

/* Words and numbers of them, while counting or for look-up. */
struct vocabulary {
	size_t words, room;
	struct word {
		uint64_t hash, offset; /* of its text */
		uint64_t tf;           /* occurrences; counting only */
		uint32_t df;           /* documents that have it */
		uint32_t size;
		uint64_t last; /* document that counted last, from 1 */
	} * word;
	char *text; /* each word with a NUL behind it */
	size_t bytes, text_room;
	uint32_t *slot; /* open addressing: number of the word + 1, 0: free */
	size_t slots;   /* a power of two */
};
#define NO_WORD UINT32_MAX

void vocabulary_free(struct vocabulary *v);
uint32_t vocabulary_find(const struct vocabulary *v, const char *word, size_t n);
/* The word's number, new or known; NO_WORD and an error if memory or numbers run out. */
uint32_t vocabulary_add(struct vocabulary *v, const char *word, size_t n, struct cbtm_error *e);
/* Counts the words of all documents of the stream; *documents: how many there were. */
int vocabulary_count(struct vocabulary *v, struct cbtm_documents *sample, uint64_t *documents,
                     struct cbtm_error *e);
/* Into `kept` (empty): the words that the options let in, sorted bytewise. */
int vocabulary_select(const struct vocabulary *all, const struct options *o, uint64_t documents,
                      struct vocabulary *kept, struct cbtm_error *e);

/* The known words of one text, ascending, with their counts. */
struct counts {
	uint32_t *word;
	uint32_t *count;
	size_t n, room;
	uint32_t *all; /* scratch: every occurrence */
	size_t all_n, all_room;
};
int counts_make(struct counts *c, const struct vocabulary *v, const char *text, size_t n,
                struct cbtm_error *e);
void counts_free(struct counts *c);

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
/* sum (dims) += weight V_word. */
void tfidf_add(const struct state *s, uint32_t word, double weight, double *sum);
/* vector (dims) = sum over its length, or zero. */
void tfidf_normalise(const double *sum, size_t dims, float *vector);

void *context_new(const void *state, struct cbtm_error *e);
void context_free(void *context);
int context_reset(void *context, struct cbtm_error *e);
int context_add(void *context, const char *bytes, size_t n, struct cbtm_error *e);
int context_vector(void *context, float *vector, struct cbtm_error *e);

/* Room for `need` elements of `size` bytes in *array (capacity *room): at least doubled, what
 * `used` elements it had is kept. */
int grow(void *array_pointer, size_t *room, size_t used, size_t need, size_t size,
         struct cbtm_error *e);
