/* SPDX-License-Identifier: MIT */
/* What the loader knows of a kind of plugin: the size of its descriptor and what must be in it. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct plugin_function {
	const char *name; /* "transform" */
	size_t offset;    /* offsetof(struct cbtm_embed, transform); NULL name closes a table */
};

struct plugin_kind {
	const char *name; /* "embed": the folder's name and the descriptor's `kind` */
	size_t size;      /* sizeof of today's descriptor: shorter ones are filled up with NULL */
	const struct plugin_function *required; /* these must be there, not NULL */
	size_t needs; /* offset of the descriptor's `needs`; 0: plugins of this kind need no key */
};

extern const struct plugin_kind plugin_kind_embed, plugin_kind_cluster, plugin_kind_compute;
/* All kinds; ends with NULL. */
extern const struct plugin_kind *const plugin_kinds[];
const struct plugin_kind *plugin_kind_find(const char *name); /* NULL: unknown */
