/* SPDX-License-Identifier: MIT */
/*
 * Counts of strings by group (words by cluster, values of a field by cluster), in bounded memory.
 *
 * Exact as long as at most `most` different pairs of string and group are met. Beyond that the rarest
 * strings are dropped, and tally_undercount() rises: lossy counting (Manku and Motwani, VLDB 2002,
 * section 4.2) with buckets as long as the memory allows. Then every count is too small by at most
 * tally_undercount(), and a string that was met more often than that is still there. What is dropped
 * follows from what was added between two calls of tally_prune, not from its order.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

struct tally;
/* most: at least 4 x groups; SIZE_MAX: no bound. Free with tally_free; NULL is fine. */
struct tally *tally_new(uint32_t groups, size_t most, struct cbtm_error *e);
void tally_free(struct tally *t);
/* Forgets everything but its memory. */
void tally_clear(struct tally *t);

/* One more of s[0..n) in the group. `document`: any number that differs from the last document's; a
 * document's calls come one after the other. */
int tally_add(struct tally *t, const char *s, size_t n, uint32_t group, uint64_t document,
              struct cbtm_error *e);
/* Adds all counts of another one with the same groups, of other documents; `from` stays. */
int tally_merge(struct tally *t, const struct tally *from, struct cbtm_error *e);
/* Drops the rarest strings if there are more than `most` pairs. */
int tally_prune(struct tally *t, struct cbtm_error *e);
/* By how much a count may be too small; 0: all are exact. */
uint64_t tally_undercount(const struct tally *t);

struct tally_cell {
	uint32_t group;
	uint64_t count; /* > 0 */
};
struct tally_row {
	const char *s;
	size_t n;
	uint64_t count, documents;     /* all groups together; documents that hold it */
	const struct tally_cell *cell; /* ascending groups */
	size_t cells;
};
/* All strings, most frequent first, then in order of their bytes. *rows is freed by the caller with
 * free(), the cells with tally_free; nothing may be added afterwards. */
int tally_rows(struct tally *t, struct tally_row **rows, size_t *n, struct cbtm_error *e);
