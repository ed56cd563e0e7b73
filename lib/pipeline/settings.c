/* SPDX-License-Identifier: MIT */
#include "pipeline/settings.h"
#include "base/file.h"
#include "base/param.h"
#include <stdio.h>
#include <string.h>

/* What adding needs beside the node. */
struct adding {
	struct layer *layer;
	const char *file;
	struct arena *arena;
	struct problems *problems;
	struct cbtm_error *e;
};

static int append(struct adding *in, const char *key, const char *where, const char *text,
                  const char *const *item, size_t n)
{
	struct setting *s = arena_take(in->arena, sizeof *s, in->e);

	if (!s || !key || !where)
		return in->e->name;
	*s = (struct setting){ NULL, key, text, item, n, where };
	if (in->layer->last)
		in->layer->last->next = s;
	else
		in->layer->first = s;
	in->layer->last = s;
	return 0;
}

static int add_list(struct adding *in, const struct yaml_node *list, const char *key,
                    const char *where)
{
	const char **item;
	size_t n = 0;

	for (const struct yaml_node *child = list->first; child; child = child->next)
		n++;
	item = arena_take(in->arena, n * sizeof *item, in->e);
	if (!item)
		return in->e->name;
	n = 0;
	for (const struct yaml_node *child = list->first; child; child = child->next) {
		if (child->type != YAML_SCALAR || child->is_null) {
			char at[512];
			yaml_where(child, in->file, at, sizeof at);
			return problems_add(in->problems, in->e, CBTM_ERR_CONFIG, at,
			                    "%s: an item must be a plain value", key);
		}
		item[n++] = child->text;
	}
	return append(in, key, where, NULL, item, n);
}

static int add_node(struct adding *in, const struct yaml_node *node, const char *key)
{
	char at[512];
	const char *where;

	if (node->type == YAML_MAP) {
		for (const struct yaml_node *child = node->first; child; child = child->next) {
			const char *inner =
				key ? arena_printf(in->arena, in->e, "%s.%s", key, child->key) : child->key;
			if (!inner || add_node(in, child, inner))
				return in->e->name;
		}
		return 0;
	}
	yaml_where(node, in->file, at, sizeof at);
	where = arena_string(in->arena, at, strlen(at), in->e);
	if (!where)
		return in->e->name;
	if (node->type == YAML_LIST)
		return add_list(in, node, key, where);
	if (node->is_null && strchr(key, '.'))
		return problems_add(in->problems, in->e, CBTM_ERR_CONFIG, where, "%s: has no value", key);
	if (node->is_null)
		return 0; /* an empty section */
	return append(in, key, where, node->text, NULL, 0);
}

int layer_add_yaml(struct layer *l, const struct yaml_node *node, const char *prefix,
                   const char *const *except, const char *file, struct arena *a,
                   struct problems *problems, struct cbtm_error *e)
{
	struct adding in = { l, file, a, problems, e };

	if (prefix || !except)
		return add_node(&in, node, prefix);
	for (const struct yaml_node *child = node->first; child; child = child->next) {
		const char *const *x = except;
		while (*x && strcmp(*x, child->key) != 0)
			x++;
		if (!*x && add_node(&in, child, child->key))
			return e->name;
	}
	return 0;
}

int layer_add_text(struct layer *l, const char *assignment, struct arena *a,
                   struct problems *problems, struct cbtm_error *e)
{
	struct adding in = { l, NULL, a, problems, e };
	const char *equals = strchr(assignment, '=');
	size_t n = equals ? (size_t)(equals - assignment) : 0;

	if (!n || !memchr(assignment, '.', n))
		return problems_add(problems, e, CBTM_ERR_USAGE, "--set",
		                    "\"%s\" must be STAGE.KEY=VALUE, as in cluster.k=8", assignment);
	return append(&in, arena_string(a, assignment, n, e), "--set",
	              arena_string(a, equals + 1, strlen(equals + 1), e), NULL, 0);
}

const struct setting *layers_find(const struct layer *const *layers, size_t n, const char *key)
{
	const struct setting *found = NULL;

	for (size_t i = 0; i < n; i++)
		for (const struct setting *s = layers[i]->first; s; s = s->next)
			if (!strcmp(s->key, key))
				found = s;
	return found;
}

/* A path of the file is relative to the file's folder. */
static const char *place(const char *path, const char *folder, struct arena *a,
                         struct cbtm_error *e)
{
	if (!*path || *path == '/' || !strcmp(folder, "."))
		return path;
	return arena_printf(a, e, "%s/%s", folder, path);
}

static int place_all(struct cbtm_texts *list, const char *folder, struct arena *a,
                     struct cbtm_error *e)
{
	const char **v = arena_take(a, list->n * sizeof *v, e);

	if (!v)
		return e->name;
	for (size_t i = 0; i < list->n; i++) {
		v[i] = place(list->v[i], folder, a, e);
		if (!v[i])
			return e->name;
	}
	list->v = v;
	return 0;
}

int setting_apply(const struct setting *s, const struct cbtm_param *row, const char *folder,
                  void *options, struct arena *a, struct cbtm_error *e)
{
	void *at = (char *)options + row->offset;
	bool texts = row->type == CBTM_PARAM_TEXTS;
	char where[512];

	snprintf(where, sizeof where, "%s: %s", s->where, s->key);
	if (!s->text)
		param_parse_list(row, s->item, s->n, options, a, CBTM_ERR_CONFIG, where, e);
	else if (texts && *s->text != '[')
		param_parse_list(row, &s->text, 1, options, a, CBTM_ERR_CONFIG, where, e);
	else
		param_parse(row, s->text, options, a, CBTM_ERR_CONFIG, where, e);
	if (e->name || !(row->flags & CBTM_PARAM_PATH))
		return e->name;
	if (texts)
		return place_all(at, folder, a, e);
	if (row->type != CBTM_PARAM_TEXT)
		return 0;
	*(const char **)at = place(*(const char **)at, folder, a, e);
	if (!e->name && **(const char **)at && !file_exists(*(const char **)at))
		return error_set(e, CBTM_ERR_MISSING_INPUT, where, "there is no file %s",
		                 *(const char **)at);
	return e->name;
}
