/* SPDX-License-Identifier: MIT */
/*
 * A part as JSON lines, and back. The first line is the header:
 *
 *   {"store":KIND,"version":N,"part":N,"fingerprint":"xxh3-128:...","content":"xxh3-128:...",
 *    "facts":{...},"columns":[{"name":...,"type":...,"shape":...,"width":N,"rows":N},...]}
 *
 * Line 1 + i behind it is an object of row i of every column that has one (store/cell.h). A part's
 * lines end at the next header. In text written by hand only "store" is needed, and columns that
 * the kind does not declare: the fingerprint is then the digest of the header's text.
 */
#pragma once
#include "store/store.h"
#include <stdio.h>

/* What to show: columns NULL = all; rows UINT64_MAX = all, from row `from` on, for which no other block
 * is read than its own. "content" is left out unless all is. */
struct jsonl_choice {
	const char *const *columns;
	size_t n_columns;
	uint64_t rows, from;
};

int jsonl_print(const struct store *s, uint32_t part, const struct jsonl_choice *choice, FILE *out,
                struct cbtm_error *e);

/*
 * Writes the parts that the text describes into `folder` and seals them; a dataset too if they
 * are the parts 0..n-1. *parts = their number. A part that is there already with the same
 * fingerprint is kept. `where` names the text in errors.
 */
int jsonl_load(FILE *in, const char *where, const char *folder, uint32_t *parts,
               struct cbtm_error *e);
