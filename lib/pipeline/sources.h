/* SPDX-License-Identifier: MIT */
/* Source files of a pipeline's systems: found once, cut into parts, digested once. */
#pragma once
#include "pipeline/config.h"

/* One plan of a stage's source; systems with the same options share it. */
struct config_source {
	struct config_source *next;
	const struct cbtm_stage *stage;
	const char *options; /* canonical text of all that the plan depends on */
	void *plan;
	uint32_t parts;
	struct digest *digest; /* parts; NULL until sources_digest */
};

/* Sets config->source, from the list or as a new member of it. The files are found, not read. */
int sources_plan(struct config_source **list, struct stage_config *config, struct arena *a,
                 struct cbtm_error *e);
/* Computes the parts' digests, once. */
int sources_digest(struct config_source *source, struct arena *a, struct cbtm_error *e);
void sources_free(struct config_source *list); /* NULL is fine */
/* The key of the stage that lists the files ("input"), for messages; NULL: none. */
const char *sources_key(const struct cbtm_stage *stage);
