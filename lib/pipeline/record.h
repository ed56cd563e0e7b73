/* SPDX-License-Identifier: MIT */
/*
 * What a run last made, and of what: WORK/runs/NAME/record.json. Compared with today's causes it
 * says why a task is to run. It decides nothing: losing it loses only the reasons.
 */
#pragma once
#include "pipeline/graph.h"

struct record_entry {
	struct record_entry *next;
	const char *system, *name; /* "experts", "expert 3" */
	const char *fingerprint;   /* hexadecimal */
	const struct stage_cause *cause;
	size_t causes;
};
struct record {
	struct arena *arena;
	struct record_entry *first;
};

/* Reads; a missing file is an empty record. Free with record_free, also after an error. */
int record_read(const char *path, struct record *r, struct cbtm_error *e);
void record_free(struct record *r);
const struct record_entry *record_find(const struct record *r, const char *system,
                                       const char *name);
/* Replaces what stands there for the system's dataset. The dataset must outlive the record. */
int record_set(struct record *r, const char *system, const struct graph_dataset *d,
               struct cbtm_error *e);
int record_write(const struct record *r, const char *path, struct cbtm_error *e);

/*
 * Why the dataset is to be made: "cluster.k 4 -> 8, input documents changed", "never run",
 * "not finished", "its folder is gone". Appended to `out`.
 */
int record_reason(const struct record_entry *before, const struct graph_dataset *d,
                  struct buffer *out, struct cbtm_error *e);
/* Whether an input of the dataset is another than before, or it was not there before. */
bool record_inputs_changed(const struct record_entry *before, const struct graph_dataset *d);
