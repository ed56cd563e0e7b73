/* SPDX-License-Identifier: MIT */
/*
 * Where plugins are looked for, in this order: --plugin-path, CBTM_PLUGIN_PATH, the pipeline's
 * plugin_path, then the built-in folders: "plugins" beside the running program (a build tree) and
 * the install folder. Paths are folders separated by ':'; an empty element stands for the
 * built-in folders. In each folder KIND/NAME.so comes before NAME.so.
 */
#pragma once
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

struct plugin_search {
	const char *option;   /* --plugin-path; NULL or "": none */
	const char *pipeline; /* pipeline.yaml's plugin_path; NULL or "": none */
};

struct plugin_folders {
	char **folder; /* absolute where the folder exists; no folder twice */
	size_t n;
};
/* All folders in order; search may be NULL. Free with plugin_folders_free, also after an error. */
int plugin_folders_make(const struct plugin_search *search, struct plugin_folders *f,
                        struct cbtm_error *e);
void plugin_folders_free(struct plugin_folders *f);

/* True for [a-z0-9-]+ of at most 64 bytes: a name is never a path. */
bool plugin_name_is_valid(const char *name);

/*
 * The absolute path of the first file for kind and name, to be freed; NULL and a PLUGIN error that
 * lists the folders if there is none, or if the file, its folder or the search folder may be
 * written by everybody.
 */
char *plugin_locate(const struct plugin_folders *f, const char *kind, const char *name,
                    struct cbtm_error *e);
/* The permission check alone, for one file in search folder `root`. */
int plugin_check_permissions(const char *root, const char *path, struct cbtm_error *e);
