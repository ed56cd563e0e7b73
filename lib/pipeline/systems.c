/* SPDX-License-Identifier: MIT */
#include "pipeline/systems.h"
#include <stdio.h>
#include <string.h>

enum { MOST_SYSTEMS = 1024, MOST_SWEPT = 16 };

struct reading {
	const char *file;
	struct arena *arena;
	struct system_settings *list;
	size_t n;
	struct problems *problems;
	struct cbtm_error *e;
};

bool system_name_is_valid(const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t n = strlen(name);

	return n && n <= 64 && *name != '.' && strspn(name, allowed) == n;
}

static int complain(struct reading *r, const struct yaml_node *at, const char *what)
{
	char where[512];

	yaml_where(at, r->file, where, sizeof where);
	return problems_add(r->problems, r->e, CBTM_ERR_CONFIG, where, "%s", what);
}

/* The entry to fill next. NULL: there are too many, or the name is taken or not valid. */
static struct system_settings *add(struct reading *r, const struct yaml_node *at, const char *name)
{
	if (!system_name_is_valid(name)) {
		complain(r, at, "systems: a name must be made of letters, digits, '-', '_' and '.'");
		return NULL;
	}
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->list[i].name, name)) {
			complain(r, at, "systems: two systems have this name");
			return NULL;
		}
	if (r->n == MOST_SYSTEMS) {
		complain(r, at, "there are more than 1024 systems");
		return NULL;
	}
	r->list[r->n] = (struct system_settings){ .name = name };
	return &r->list[r->n++];
}

static int read_system(struct reading *r, const struct yaml_node *node)
{
	const struct yaml_node *name = yaml_find(node, "name"), *set = yaml_find(node, "set");
	struct system_settings *s;

	if (node->type != YAML_MAP || !name || name->type != YAML_SCALAR || name->is_null)
		return complain(r, node, "systems: must be a map {name: ..., set: {cluster.k: ...}}");
	for (const struct yaml_node *child = node->first; child; child = child->next)
		if (child != name && child != set)
			complain(r, child, "systems: unknown key; a system has the keys name and set");
	s = add(r, name, name->text);
	if (!s || !set || set->is_null)
		return r->e->name;
	if (set->type != YAML_MAP)
		return complain(r, set, "systems: set must be a map of keys, as in {cluster.k: 1}");
	return layer_add_yaml(&s->layer, set, NULL, NULL, r->file, r->arena, r->problems, r->e);
}

/* "cluster.k" and "8" -> "k-8", joined to what stands there with "_". */
static const char *swept_name(struct reading *r, const char *before, const char *key,
                              const char *value)
{
	const char *dot = strrchr(key, '.');
	char *name = arena_printf(r->arena, r->e, "%s%s%s-%s", before ? before : "", before ? "_" : "",
	                          dot ? dot + 1 : key, value);

	for (char *c = name; c && *c; c++)
		if (*c == '/' || *c == ' ')
			*c = '-';
	return name;
}

/* All combinations of values: a counter with a digit a key, the last one fastest. */
static int combine(struct reading *r, const struct yaml_node *sweep)
{
	const struct yaml_node *key[MOST_SWEPT], *value[MOST_SWEPT];
	size_t keys = 0;

	for (const struct yaml_node *child = sweep->first; child && keys < MOST_SWEPT;
	     child = child->next, keys++) {
		if (child->type != YAML_LIST || !child->first)
			return complain(r, child, "sweep: must be a list of values");
		for (const struct yaml_node *v = child->first; v; v = v->next)
			if (v->type != YAML_SCALAR || v->is_null)
				return complain(r, v, "sweep: a value must be plain");
		key[keys] = child;
		value[keys] = child->first;
	}
	while (keys && !r->e->name) {
		const char *name = NULL;
		struct system_settings *s;
		size_t i;
		for (i = 0; i < keys; i++) {
			name = swept_name(r, name, key[i]->key, value[i]->text);
			if (!name)
				return r->e->name;
		}
		s = add(r, sweep, name);
		for (i = 0; s && i < keys; i++)
			if (layer_add_yaml(&s->layer, value[i], key[i]->key, NULL, r->file, r->arena,
			                   r->problems, r->e))
				return r->e->name;
		for (i = keys; i-- > 0;) {
			value[i] = value[i]->next;
			if (value[i])
				break;
			value[i] = key[i]->first;
			if (!i)
				return r->e->name;
		}
	}
	return r->e->name;
}

int systems_read(const struct yaml_node *root, const char *file, struct arena *a,
                 struct system_settings **list, size_t *n, struct problems *problems,
                 struct cbtm_error *e)
{
	const struct yaml_node *systems = yaml_find(root, "systems"), *sweep = yaml_find(root, "sweep");
	struct reading r = { .file = file, .arena = a, .problems = problems, .e = e };

	r.list = arena_take(a, MOST_SYSTEMS * sizeof *r.list, e);
	if (!r.list)
		return e->name;
	if (systems && !systems->is_null && systems->type != YAML_LIST)
		complain(&r, systems, "systems: must be a list of maps {name: ..., set: {...}}");
	else if (systems)
		for (const struct yaml_node *child = systems->first; child; child = child->next)
			read_system(&r, child);
	if (sweep && !sweep->is_null && sweep->type != YAML_MAP)
		complain(&r, sweep, "sweep: must be a map of lists, as in {cluster.k: [2, 4]}");
	else if (sweep)
		combine(&r, sweep);
	if (!r.n && !e->name)
		r.list[r.n++] = (struct system_settings){ .name = "main" };
	*list = r.list;
	*n = r.n;
	return e->name;
}
