/* SPDX-License-Identifier: MIT */
/*
 * What a pipeline has to make: datasets, each of one task (and cluster), made of parts, with the
 * datasets that it reads. Fingerprints are known before anything runs; systems share the datasets
 * whose fingerprints are equal. A job is one part of one dataset.
 */
#pragma once
#include "pipeline/pipeline.h"
#include "stage/fingerprint.h"

struct graph_input {
	const struct stage_input *input;
	struct graph_dataset **from; /* one, or k of READS_ALL_CLUSTERS */
	size_t n;
};

enum graph_state { GRAPH_MISSING, GRAPH_RUNNING, GRAPH_DONE, GRAPH_FAILED };

struct graph_part {
	struct digest fingerprint;
	enum graph_state state;
};

struct graph_dataset {
	const struct cbtm_stage *stage;
	const struct stage_task *task;
	const struct stage_config *config;    /* of the first system that has it */
	const struct pipeline_system *system; /* the first system that has it */
	size_t systems;                       /* how many have it */
	uint32_t cluster;
	uint64_t k;
	struct digest fingerprint;
	const char *dir;  /* WORK/TASK/16 digits of the fingerprint */
	const char *name; /* for people: "expert, cluster 3" */
	uint32_t parts;
	struct graph_part *part;
	uint32_t started; /* parts that this run started */
	struct graph_input input[STAGE_INPUTS];
	size_t inputs;
	/* What its jobs make along, if all else that this one reads is there by then; NULL: nothing. */
	struct graph_dataset *along;
	const struct stage_cause *cause; /* why it is this one: kept to compare the next run with */
	size_t causes;
	enum graph_state state; /* DONE: DATASET.json is there */
	bool wanted;            /* by --from, --only; else true */
	bool forced;            /* by --force: what is there does not count */
	bool searched;          /* other folders were searched for its parts */
};

struct graph_system {
	const struct pipeline_system *system;
	struct graph_dataset **dataset; /* what the system is made of, inputs first */
	size_t n;
	struct graph_dataset *last; /* what all the others are for: its results */
};

struct graph {
	struct arena *arena;
	const struct pipeline *pipeline;
	struct graph_dataset **dataset; /* each once, inputs first */
	size_t n, capacity;
	struct graph_system *system;
	size_t systems;
};

/* Plans every system down to the last task of the last stage. Digests the source files. Free with
 * graph_free, also after an error; the pipeline must live as long. */
int graph_make(const struct pipeline *p, struct graph **g, struct cbtm_error *e);
void graph_free(struct graph *g); /* NULL is fine */

/* Looks at the work folder: sets the states of datasets and parts to MISSING or DONE. */
int graph_look(struct graph *g, struct cbtm_error *e);
/* The folder name of a dataset under a run's system: "sequences-cluster-3". In the graph's arena. */
const char *graph_link_name(struct graph *g, const struct graph_dataset *d, struct cbtm_error *e);
bool graph_system_has(const struct graph_system *s, const struct graph_dataset *d);
