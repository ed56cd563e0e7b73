/* SPDX-License-Identifier: MIT */
/* The inputs of a task: opened, checked against its declaration and against each other. */
#pragma once
#include "base/memory.h"
#include "plugin/search.h"
#include "stage/stage.h"

/* An input and where it lies. */
struct stage_place {
	const struct stage_input *input;
	/* One, or k for READS_ALL_CLUSTERS. NULL: it is made only now, n is 1, nothing is opened, and
	 * stage_inputs_made tells its fingerprint. */
	const char **dirs;
	size_t n;
};

/*
 * Opens the places. Refused: a dataset of another kind than its task publishes, and datasets whose
 * `vocabulary` facts differ. `search` is where stage_load_embedder looks; it is kept, not copied.
 * Free with stage_inputs_close; NULL is fine.
 */
int stage_inputs_open(const struct cbtm_stage *stage, const struct stage_place *places, size_t n,
                      const struct plugin_search *search, struct stage_inputs **inputs,
                      struct cbtm_error *e);
void stage_inputs_close(struct stage_inputs *inputs);
/* The number of parts of the first READS_SAME_PART input, 0 if there is none. Others of another
 * number of parts are refused. */
int stage_inputs_parts(const struct stage_inputs *inputs, uint32_t *parts, struct cbtm_error *e);

/* What a task's fingerprint takes in: fingerprints and names, in order, in the arena. */
int stage_inputs_digests(const struct stage_inputs *inputs, uint32_t part, struct arena *a,
                         struct digest **digests, const char ***names, size_t *n,
                         struct cbtm_error *e);
/* The fingerprint of the part that is made at this time, of a place that said so. */
void stage_inputs_made(struct stage_inputs *inputs, const char *dataset, struct digest fingerprint);
/* For stage_load_embedder. */
const struct plugin_search *stage_inputs_search(const struct stage_inputs *inputs);
struct arena *stage_inputs_arena(struct stage_inputs *inputs);
