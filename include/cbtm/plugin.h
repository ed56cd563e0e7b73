/* SPDX-License-Identifier: MIT */
/*
 * What every plugin exports: one constant descriptor under the symbol cbtm_plugin, whose first
 * member is a struct cbtm_plugin. The kind says which larger struct it is: struct cbtm_embed
 * (<cbtm/embed.h>), struct cbtm_cluster (<cbtm/cluster.h>), struct cbtm_compute.
 *
 * Everything else in a plugin is static. A plugin links nothing of cbtm: it gets the host table.
 */
#pragma once
#include <cbtm/error.h>
#include <cbtm/host.h>
#include <cbtm/param.h>

#define CBTM_ABI 1u

struct cbtm_plugin {
	uint32_t abi;            /* CBTM_ABI */
	uint32_t size;           /* sizeof of the whole descriptor; an older, shorter one still loads */
	const char *kind;        /* "embed", "cluster", "compute" */
	const char *name;        /* the file's name without .so: "tfidf-svd" */
	uint32_t version;        /* goes up when results change: part of the fingerprint */
	const char *description; /* one line */
	const struct cbtm_param *params; /* ends with CBTM_PARAM_END; NULL: none */
	size_t options_size; /* sizeof of the struct that params' offsets point into; 0: none */
	/* Called once, after the checks and before all else, on the main thread. `host` lives on. */
	int (*init)(const struct cbtm_host *host, struct cbtm_error *e);
};

#if defined(__GNUC__)
#define CBTM_EXPORT __attribute__((visibility("default")))
#else
#define CBTM_EXPORT
#endif
