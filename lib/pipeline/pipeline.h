/* SPDX-License-Identifier: MIT */
/*
 * pipeline.yaml, read and checked: for each system the options of every stage. Top-level keys are
 * name, work, plugin_path, devices, systems, sweep and a section a stage. A sweep's systems are added to
 * those listed: one for each combination of its values, named after them ("k-8").
 */
#pragma once
#include "pipeline/config.h"

struct pipeline_system {
	const char *name;
	struct stage_config *stage; /* in the registry's order */
	uint64_t k;                 /* clusters */
};

struct pipeline {
	struct arena *arena;
	const char *file, *name;
	const char *work;          /* folder of datasets and runs */
	struct cbtm_texts devices; /* that compute, as they are written: pipeline/devices.h */
	struct plugin_search search;
	const struct cbtm_stage *const *registry;
	size_t stages;
	struct config_source *sources;
	struct pipeline_system *system;
	size_t systems;
};

/* How a pipeline is to be read: from the command line. */
struct pipeline_request {
	const char *file;
	struct cbtm_texts set;   /* "cluster.k=8" */
	const char *work;        /* instead of the file's; "" or NULL: none */
	const char *plugin_path; /* before the file's; "" or NULL: none */
};

/*
 * Reads and checks. Everything that is wrong is in `problems`; *p is usable only if there is none.
 * Free with pipeline_free, also after an error; NULL is fine.
 */
int pipeline_load(const struct pipeline_request *request, const struct cbtm_stage *const *registry,
                  struct pipeline **p, struct problems *problems, struct cbtm_error *e);
void pipeline_free(struct pipeline *p);
/* The number of a stage in the registry. */
size_t pipeline_stage(const struct pipeline *p, const struct cbtm_stage *stage);
/* Fills e from the problems: the lines are its text, made for cbtm's commands. 0 if there is none. */
int pipeline_refuse(const char *file, const struct problems *problems, struct cbtm_error *e);
