/* SPDX-License-Identifier: MIT */
/*
 * What a task of the pipeline is expected to take, before it runs: from the settings of its system,
 * and from what is known of the corpus. Ratios are measured ones; sums and products stop at UINT64_MAX.
 */
#pragma once
#include "stage/stage.h"

/* All settings of a system, in the order of the stages. */
struct needs_system {
	const struct cbtm_stage *const *stage; /* closed by NULL */
	const void *const *options;
	const struct cbtm_plugin *const *plugin; /* NULL: none */
	const void *const *plugin_options;
};

/* The corpus, as far as it is known. */
struct needs_corpus {
	uint64_t bytes, documents; /* unpacked files as they are, or of the documents' store */
	uint64_t tokens[4];        /* of each split (enum split), if they are counted */
	bool exact_documents, exact_tokens;
};

struct need {
	uint64_t disk;   /* of what it publishes */
	uint64_t spare;  /* on disk while it runs, gone afterwards */
	uint64_t memory; /* of its process */
	bool exact;      /* disk: counted, but for the pages of the store; else by a measured ratio */
	uint64_t copy;   /* disk, where it is taken over from an earlier run; 0: not known */
};

/* All zero for a task that is not of this pipeline's stages. CONFIG if an imported model cannot be told. */
int needs_of(const struct needs_system *s, const struct needs_corpus *c,
             const struct stage_task *task, uint64_t k, uint32_t parts, struct need *need,
             struct cbtm_error *e);
/* a + b and a x b, at most UINT64_MAX. */
uint64_t needs_add(uint64_t a, uint64_t b);
uint64_t needs_times(uint64_t a, uint64_t b);
