/* SPDX-License-Identifier: MIT */
/*
 * YAML as a tree that knows where everything stands. One document of at most 1 MiB, 32 levels deep;
 * anchors, aliases, tags and keys that are no plain words are refused; a key may stand once in a
 * map. What a value means is left to its reader: scalars stay text ("no" is "no").
 */
#pragma once
#include "base/memory.h"
#include "pipeline/problems.h"

enum yaml_type { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_type type;
	const char *text;               /* SCALAR */
	bool is_null;                   /* SCALAR: nothing, "~" or "null", not quoted */
	struct yaml_node *first, *next; /* children of LIST and MAP, in order */
	const char *key;                /* in a MAP; else NULL */
	unsigned line, column;          /* of the key in a MAP, else of the node; from 1 */
};

/*
 * Parses text[0..n). *root lives in the arena; NULL if there is nothing, or the syntax is broken.
 * Duplicate keys and refused constructs are problems (all of them), broken syntax is one.
 */
int yaml_parse(const char *text, size_t n, const char *file, struct arena *a,
               struct yaml_node **root, struct problems *problems, struct cbtm_error *e);
/* The child of that key; NULL: none, or not a map. */
const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key);
/* "file:line:column" into buf. */
void yaml_where(const struct yaml_node *node, const char *file, char *buf, size_t n);
