/* SPDX-License-Identifier: MIT */
/*
 * What a task's fingerprint is made of, as a list for people: names and texts, in a fixed order.
 * The fingerprint is the digest of this list; the driver keeps it to say later what changed.
 */
#pragma once
#include "base/memory.h"
#include "stage/stage.h"

/* "cluster.k" = "4"; "plugin" = "tfidf-svd 1"; "input.documents" = 32 hex digits. */
struct stage_cause {
	const char *name, *value;
};

/*
 * *list: n causes, in the arena. Names of parameters and plugin options are keys of pipeline.yaml;
 * a file's value is the digest of its content. The source's digest is "source".
 */
int stage_causes(const struct stage_identity *id, struct arena *a, struct stage_cause **list,
                 size_t *n, struct cbtm_error *e);
/* How the j-th dataset of an input is called there: "documents", "expert 3" where all clusters are
 * read. In the arena; NULL: an error. */
const char *stage_input_name(const struct stage_input *input, size_t j, struct arena *a,
                             struct cbtm_error *e);
/* The digest of a list: what stage_fingerprint returns. */
int stage_causes_digest(const struct stage_cause *list, size_t n, struct digest *fingerprint,
                        struct cbtm_error *e);
/* The digest of a folder's content: of a dataset its DATASET.json alone, which holds the content's
 * digests; else the files right in it by name, hidden ones and folders left out. */
int stage_folder_digest(const char *path, struct digest *d, struct cbtm_error *e);
