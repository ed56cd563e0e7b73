/* SPDX-License-Identifier: MIT */
#include "plugin/cluster.h"
#include "base/error.h"
#include "plugin/kind.h"
#include "plugin/loader.h"

static const struct plugin_function required[] = { { "fit", offsetof(struct cbtm_cluster, fit) },
	                                               { NULL, 0 } };
const struct plugin_kind plugin_kind_cluster = { "cluster", sizeof(struct cbtm_cluster), required,
	                                             0 };

int cluster_open(const char *name, const struct plugin_search *search,
                 const struct cbtm_cluster **cluster, struct cbtm_error *e)
{
	const struct cbtm_plugin *plugin = NULL;
	if (plugin_open("cluster", name, search, &plugin, e))
		return e->name;
	*cluster = (const struct cbtm_cluster *)plugin;
	return 0;
}

int cluster_save(const struct cbtm_cluster *cluster, const void *state, struct cbtm_state_writer *w,
                 struct cbtm_error *e)
{
	return cluster->save ? cluster->save(state, w, e) : 0;
}

int cluster_load(const struct cbtm_cluster *cluster, const void *options,
                 struct cbtm_state_reader *r, void **state, struct cbtm_error *e)
{
	*state = NULL;
	if (!cluster->save || !cluster->load)
		return 0;
	*state = cluster->load(options, r, e);
	if (!*state && !e->name)
		error_set(e, CBTM_ERR_PLUGIN, plugin_path(&cluster->plugin), "load() made no state");
	return e->name;
}

void cluster_free(const struct cbtm_cluster *cluster, void *state)
{
	if (state && cluster->free)
		cluster->free(state);
}
