/* SPDX-License-Identifier: MIT */
/* A job as a command line: what a person would type to make one part of one dataset. */
#pragma once
#include "pipeline/graph.h"

/* What a command line needs beside the job. */
struct job_setting {
	const char *bin; /* folder of the stage programs */
	unsigned threads;
	const char *log;    /* --log; NULL: none */
	const char *verify; /* --verify; NULL: the default */
};

/* A part's number in place of which a command does all parts and seals the dataset. */
#define JOB_ALL_PARTS UINT32_MAX

/* *argv ends with NULL; all in the arena. */
int job_arguments(const struct graph *g, const struct graph_dataset *d, uint32_t part,
                  const struct job_setting *setting, struct arena *a, char ***argv,
                  struct cbtm_error *e);
/* The arguments as one line that a shell takes, quoted where needed. Appended to `out`. */
int job_print(char *const *argv, struct buffer *out, struct cbtm_error *e);
/* The name of a job's log: "experts.expert-cluster-3", "documents-part-7" of what all systems share. In
 * the arena. */
const char *job_name(const struct graph *g, const struct graph_dataset *d, uint32_t part,
                     struct arena *a, struct cbtm_error *e);
