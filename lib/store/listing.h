/* SPDX-License-Identifier: MIT */
/*
 * DATASET.json: the parts of a dataset with what dependants ask of each. Its last line is the
 * digest of the lines before it.
 */
#pragma once
#include "store/manifest.h"

struct listed_rows {
	const char *column;
	uint64_t rows;
};
struct listed_part {
	struct digest fingerprint, content;
	size_t n_columns;
	struct listed_rows *columns;
};
struct listing {
	const char *kind;
	uint32_t version, n;
	struct digest fingerprint; /* of the parts' fingerprints in order */
	struct digest content;     /* of the parts' contents in order */
	struct listed_part *parts;
};

/* What a part's manifest says; lives in the arena. */
int listing_take(const struct manifest *m, struct arena *a, struct listed_part *p,
                 struct cbtm_error *e);
/* Computes l->content and publishes DIR/DATASET.json. */
int listing_write(const char *dir, struct listing *l, struct cbtm_error *e);
/* MISSING_INPUT if there is none, BAD_STORE if it is damaged; lives in the arena. */
int listing_read(const char *dir, struct arena *a, struct listing *l, struct cbtm_error *e);
/* False if the part has no such column. */
bool listing_rows(const struct listed_part *p, const char *column, uint64_t *rows);
