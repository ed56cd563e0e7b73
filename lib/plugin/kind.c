/* SPDX-License-Identifier: MIT */
#include "plugin/kind.h"
#include <string.h>

const struct plugin_kind *const plugin_kinds[] = { &plugin_kind_embed, &plugin_kind_cluster,
	                                               &plugin_kind_compute, NULL };

const struct plugin_kind *plugin_kind_find(const char *name)
{
	for (const struct plugin_kind *const *k = plugin_kinds; *k; k++)
		if (!strcmp((*k)->name, name))
			return *k;
	return NULL;
}
