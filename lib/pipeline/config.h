/* SPDX-License-Identifier: MIT */
/* A stage's options as settings say: checked values, the plugin found, unknown keys reported. */
#pragma once
#include "pipeline/settings.h"
#include "plugin/search.h"
#include "stage/stage.h"

struct stage_config {
	const struct cbtm_stage *stage;
	void *options;
	const struct cbtm_plugin *plugin; /* NULL: none, or not found */
	void *plugin_options;
	struct config_source *source; /* where the corpus comes from (pipeline/sources.h), or NULL */
};

/* What reading settings needs beside the settings. */
struct config_reading {
	const char *folder; /* of the file: paths are relative to it */
	const char *file;
	const struct yaml_node *root; /* to say where a section with a missing key stands */
	const struct plugin_search *search;
	struct arena *arena;
	struct problems *problems;
};

/*
 * Makes the options of one stage from n layers. Reported: a key of the last layer that neither the
 * stage nor its plugin knows (an earlier layer's key may belong to the plugin that was replaced),
 * values that are not allowed, a plugin that cannot be loaded and, when `final`, missing keys.
 */
int config_make(const struct config_reading *r, const struct cbtm_stage *stage,
                const struct layer *const *layers, size_t n, bool final,
                struct stage_config *config, struct cbtm_error *e);
/* The key of pipeline.yaml whose value an error is about: its where becomes "where: key". */
int config_take_error(const struct config_reading *r, const struct cbtm_stage *stage,
                      const struct layer *const *layers, size_t n, const char *key,
                      struct cbtm_error *found, struct cbtm_error *e);
