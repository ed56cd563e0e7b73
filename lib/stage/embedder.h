/* SPDX-License-Identifier: MIT */
/* An embedder from its store: the plugin that made it, its options and its state. */
#pragma once
#include "base/memory.h"
#include "plugin/search.h"
#include "store/store.h"
#include <cbtm/embed.h>

/*
 * The store's facts name the plugin, looked for on the operator's search path only, its version and
 * its options, which live in the arena and must outlive the state. PLUGIN error if the plugin found
 * is of another version. Free the state with plugin->free.
 */
int embedder_load(struct store *s, const struct plugin_search *search, struct arena *a,
                  const struct cbtm_embed **plugin, void **state, struct cbtm_error *e);
