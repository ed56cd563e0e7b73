/* SPDX-License-Identifier: MIT */
/*
 * A small system of k experts for the tests of lib/ensemble: stores whose numbers follow from
 * their place, so that a test can say what must come out.
 *
 * 24 documents in two parts, document i: split i % 4, key 1000 + i (but 23 has 22's: keys may come
 * twice), cluster small_cluster(i), small_length(i) tokens; document 6, of valid, is empty.
 * Vocabulary: 0 <eod> (special), 1 "a", 2 "b", 3 " ", 4 "ab".
 */
#pragma once
#include "ensemble/held_out.h"
#include "ensemble/system.h"

#define SMALL_DOCUMENTS 24
#define SMALL_PART 13 /* documents of part 0 */
#define SMALL_VOCABULARY 5
#define SMALL_WINDOW 4 /* scores of a document, at most */
#define SMALL_K 3

struct small_options {
	const char *vocabulary; /* that the tokens name; NULL: the right one */
	const char *window;     /* of the last expert's scores; NULL: "truncate" */
	uint64_t documents;     /* scored of valid and of test; 0: all */
	bool without_valid;     /* valid documents are test ones */
	bool other_document;    /* the last expert scored document 2 under another key */
	uint32_t bad_cluster;   /* of document 3; 0: the right one */
};

struct small_system {
	struct system_datasets datasets;
	struct dataset *score[SMALL_K + 1], *expert[SMALL_K]; /* scores: experts, then seed */
};

uint64_t small_key(uint64_t i);
uint32_t small_split(const struct small_options *o, uint64_t i);
uint32_t small_cluster(uint64_t i);
uint64_t small_length(uint64_t i);
uint32_t small_id(uint64_t i, uint64_t t);
/* ln p of model m (0 .. k-1; k: the seed) for token t of document i, scored positions alone. */
float small_logprob(uint64_t m, uint64_t i, uint64_t t);
uint64_t small_positions(uint64_t i); /* scored: min(small_length + 1, SMALL_WINDOW) */

/* Writes the stores into a folder, and opens them. k = 1 or SMALL_K. */
void small_write(const char *folder, size_t k, const struct small_options *o);
void small_open(const char *folder, size_t k, struct small_system *s);
void small_close(struct small_system *s);

/* An embedding whose vector is the counts of the bytes 'a' and 'b' of a text, normalised. */
extern const struct cbtm_embed small_embed;

/* Fails the test with the error's text. */
void small_ok(int status, const struct cbtm_error *e);
void small_refused(int status, enum cbtm_error_name name, const char *words,
                   const struct cbtm_error *e);
void small_near(double got, double want, double tolerance);
