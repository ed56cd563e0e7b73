/* SPDX-License-Identifier: MIT */
/* The `systems` and `sweep` of pipeline.yaml: what each system sets otherwise. */
#pragma once
#include "pipeline/settings.h"

struct system_settings {
	const char *name;
	struct layer layer;
};

/* *list: n systems in the arena: those listed, then the sweep's combinations; one named "main" that
 * sets nothing if there are neither. */
int systems_read(const struct yaml_node *root, const char *file, struct arena *a,
                 struct system_settings **list, size_t *n, struct problems *problems,
                 struct cbtm_error *e);
/* True for [A-Za-z0-9._-]+ that does not begin with a dot, at most 64 bytes: names are folders. */
bool system_name_is_valid(const char *name);
