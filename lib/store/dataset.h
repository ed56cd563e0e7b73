/* SPDX-License-Identifier: MIT */
/*
 * A dataset: a folder of parts. DATASET.json, written last, lists them (fingerprint, content
 * digest, rows) and is the only sign of completeness.
 */
#pragma once
#include "store/store.h"

struct dataset;
/* Opens a complete dataset; MISSING_INPUT if there is none, BAD_STORE if damaged or of another kind
 * than `kind` (NULL: any). Parts are opened one by one with dataset_part. */
int dataset_open(const char *dir, const struct store_kind *kind, struct dataset **d,
                 struct cbtm_error *e);
void dataset_close(struct dataset *d); /* NULL is fine */
const char *dataset_dir(const struct dataset *d);
const char *dataset_kind(const struct dataset *d);
uint32_t dataset_parts(const struct dataset *d);
/* The digest of the parts' fingerprints in order: what dependants' fingerprints take in. */
struct digest dataset_fingerprint(const struct dataset *d);
struct digest dataset_content(const struct dataset *d);
struct digest dataset_part_fingerprint(const struct dataset *d, uint32_t part);
int dataset_part(const struct dataset *d, uint32_t part, struct store **s, struct cbtm_error *e);
/* Rows of a column over all parts; sum of a u64 fact over all parts. */
int dataset_rows(const struct dataset *d, const char *column, uint64_t *rows, struct cbtm_error *e);
int dataset_sum(const struct dataset *d, const char *fact, uint64_t *sum, struct cbtm_error *e);

/* The fingerprint that a dataset of these parts has (parts = 1: still the digest of one). */
struct digest dataset_fingerprint_of(const struct digest *parts, uint32_t n);
/* Seals: all parts 0..n-1 must be there with these fingerprints; writes DATASET.json. Idempotent. */
int dataset_seal(const char *dir, const struct store_kind *kind, const struct digest *fingerprints,
                 uint32_t n, struct cbtm_error *e);
/* True if DIR holds a sealed part / a complete dataset of that fingerprint (cheap: reads the JSON). */
bool dataset_has_part(const char *dir, uint32_t part, struct digest fingerprint);
bool dataset_is_complete(const char *dir, struct digest fingerprint);
/* Hard-links (or copies across file systems) a sealed part from another dataset's folder. */
int dataset_link_part(const char *from_dir, uint32_t from_part, const char *to_dir,
                      uint32_t to_part, struct cbtm_error *e);
