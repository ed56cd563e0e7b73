/* SPDX-License-Identifier: MIT */
/*
 * Loads plugins (include/cbtm/plugin.h). Nobody else in cbtm sees dlopen.
 *
 * Before any function of a plugin is called, its file's permissions, ABI, kind, name, size and
 * functions are checked; a refusal is a PLUGIN error with the plugin's path and dlerror, or both
 * versions, or the folders searched. A shorter descriptor of the same ABI is filled up with NULL. A
 * plugin stays loaded until the process ends. Main thread only.
 */
#pragma once
#include "plugin/search.h"
#include <cbtm/plugin.h>

/* The table that plugins get (lib/stage/host.h fills it). Set before the first plugin_open. */
void plugin_host_set(const struct cbtm_host *host);

/*
 * *plugin: the checked descriptor, whole for its kind, owned by the loader. plugin_describe calls
 * none of its functions (enough for options, version, help); plugin_open calls init() the first
 * time.
 */
int plugin_describe(const char *kind, const char *name, const struct plugin_search *search,
                    const struct cbtm_plugin **plugin, struct cbtm_error *e);
int plugin_open(const char *kind, const char *name, const struct plugin_search *search,
                const struct cbtm_plugin **plugin, struct cbtm_error *e);
/* The key of its stage that must be set where the plugin is used; NULL: none. */
const char *plugin_needs(const struct cbtm_plugin *plugin);
/* The file that a descriptor came from; NULL if it is none of the loader's. */
const char *plugin_path(const struct cbtm_plugin *plugin);

/* All that can be found, folder by folder, names sorted: for `cbtm plugins`. */
struct plugin_entry {
	char *path;
	const struct cbtm_plugin *plugin; /* NULL: refused */
	struct cbtm_error why;            /* if refused */
	bool hidden;                      /* an earlier folder has one of this kind and name */
};
int plugin_list(const struct plugin_search *search, struct plugin_entry **list, size_t *n,
                struct cbtm_error *e);
void plugin_list_free(struct plugin_entry *list, size_t n);
