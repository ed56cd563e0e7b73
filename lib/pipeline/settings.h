/* SPDX-License-Identifier: MIT */
/*
 * Settings: keys and values as they were written, in layers. Later layers win: the file's sections,
 * --set, a system's own `set`.
 */
#pragma once
#include "pipeline/yaml.h"
#include <cbtm/param.h>

struct setting {
	struct setting *next;
	const char *key;         /* "cluster.k", "train.seed.tokens" */
	const char *text;        /* the value; NULL: a list */
	const char *const *item; /* of a list */
	size_t n;
	const char *where; /* "pipeline.yaml:12:5", "--set" */
};
struct layer {
	struct setting *first, *last;
};

/* Adds every leaf below `node`, whose own key is `prefix` (NULL: none). `except` (may be NULL): keys
 * of the first level that are passed over, closed by NULL. */
int layer_add_yaml(struct layer *l, const struct yaml_node *node, const char *prefix,
                   const char *const *except, const char *file, struct arena *a,
                   struct problems *problems, struct cbtm_error *e);
/* Adds "key=value" of a command line. */
int layer_add_text(struct layer *l, const char *assignment, struct arena *a,
                   struct problems *problems, struct cbtm_error *e);
/* The last setting of that key in n layers; NULL: none. */
const struct setting *layers_find(const struct layer *const *layers, size_t n, const char *key);

/* Writes a setting's value into the options of its row; paths are made relative to `folder`.
 * An error's `where` is "where: key". */
int setting_apply(const struct setting *s, const struct cbtm_param *row, const char *folder,
                  void *options, struct arena *a, struct cbtm_error *e);
