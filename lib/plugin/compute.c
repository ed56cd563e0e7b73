/* SPDX-License-Identifier: MIT */
#include "plugin/compute.h"
#include "plugin/kind.h"
#include "plugin/loader.h"

static const struct plugin_function required[] = {
	{ "compile", offsetof(struct cbtm_compute, compile) },
	{ "free", offsetof(struct cbtm_compute, free) },
	{ "write", offsetof(struct cbtm_compute, write) },
	{ "read", offsetof(struct cbtm_compute, read) },
	{ "run", offsetof(struct cbtm_compute, run) },
	{ "variant", offsetof(struct cbtm_compute, variant) },
	{ NULL, 0 }
};
const struct plugin_kind plugin_kind_compute = { "compute", sizeof(struct cbtm_compute), required,
	                                             0 };

int compute_open(const char *name, const struct plugin_search *search,
                 const struct cbtm_compute **compute, struct cbtm_error *e)
{
	const struct cbtm_plugin *plugin = NULL;
	if (plugin_open("compute", name, search, &plugin, e))
		return e->name;
	*compute = (const struct cbtm_compute *)plugin;
	return 0;
}
