/* SPDX-License-Identifier: MIT */
#include "pipeline/config.h"
#include "base/nearest.h"
#include "base/param.h"
#include "plugin/loader.h"
#include "stage/declaration.h"
#include <stdio.h>
#include <string.h>

enum { MOST_KEYS = 256 };

/* What stands behind "stage." in a key; NULL: the key is another stage's. */
static const char *own_key(const struct cbtm_stage *stage, const char *key)
{
	size_t n = strlen(stage->name);

	return !strncmp(key, stage->name, n) && key[n] == '.' ? key + n + 1 : NULL;
}

static size_t add_names(const struct cbtm_param *table, const char **names, size_t n)
{
	for (; table && table->name && n < MOST_KEYS; table++)
		names[n++] = table->name;
	return n;
}

/* "seed" of keys seed.tokens and seed.batch: names up to four of them. */
static bool name_section(const char *const *names, size_t n, const char *key, char *text,
                         size_t size)
{
	size_t used = 0, length = strlen(key), listed = 0;

	for (size_t i = 0; i < n && listed < 4; i++) {
		if (strncmp(names[i], key, length) != 0 || names[i][length] != '.')
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%s", listed ? ", " : "",
		                         names[i] + length + 1);
		listed++;
		if (used >= size)
			break;
	}
	return listed > 0;
}

static int report_unknown(const struct config_reading *r, const struct stage_config *c,
                          const struct setting *s, const char *key, struct cbtm_error *e)
{
	const char *names[MOST_KEYS], *near;
	const struct cbtm_param *row;
	size_t n = add_names(c->stage->options, names, 0);
	char inner[256], where[512];

	if (c->plugin)
		n = add_names(c->plugin->params, names, n);
	snprintf(where, sizeof where, "%s: %s", s->where, s->key);
	if (name_section(names, n, key, inner, sizeof inner))
		return problems_add(r->problems, e, CBTM_ERR_CONFIG, where, "is a section with the keys %s",
		                    inner);
	near = nearest_word(key, names, n);
	row = near ? NULL : param_nearest(c->stage->options, key);
	if (!near && row)
		near = row->name;
	if (near)
		return problems_add(r->problems, e, CBTM_ERR_CONFIG, where,
		                    "unknown key; the nearest is %s.%s", c->stage->name, near);
	if (c->plugin)
		return problems_add(r->problems, e, CBTM_ERR_CONFIG, where,
		                    "unknown key: neither the stage %s nor its plugin %s has one like it",
		                    c->stage->name, c->plugin->name);
	return problems_add(r->problems, e, CBTM_ERR_CONFIG, where,
	                    "unknown key: the stage %s has none like it", c->stage->name);
}

/* Finds the plugin that the settings name. A missing one is a problem, not an error. */
static int find_plugin(const struct config_reading *r, const struct layer *const *layers, size_t n,
                       struct stage_config *c, struct cbtm_error *e)
{
	const struct cbtm_stage *stage = c->stage;
	const char *kind = stage_plugin_kind(stage), *key, *name;
	const struct cbtm_param *row = param_find(stage->options, stage->plugin_param);
	const struct setting *s;
	struct cbtm_error found = { 0 };

	if (!row || row->type != CBTM_PARAM_TEXT || !kind)
		return error_set(e, CBTM_ERR_INTERNAL, stage->name, "has no option %s for its plugin",
		                 stage->plugin_param);
	key = arena_printf(r->arena, e, "%s.%s", stage->name, stage->plugin_param);
	if (!key)
		return e->name;
	s = layers_find(layers, n, key);
	if (s && setting_apply(s, row, r->folder, c->options, r->arena, &found))
		return problems_take(r->problems, &found, e);
	name = param_text(row, c->options);
	if (plugin_describe(kind, name, r->search, &c->plugin, &found))
		return config_take_error(r, stage, layers, n, stage->plugin_param, &found, e);
	c->plugin_options = arena_take(r->arena, c->plugin->options_size, e);
	if (c->plugin_options && c->plugin->params)
		param_defaults(c->plugin->params, c->plugin_options, r->arena, e);
	return e->name;
}

static int apply(const struct config_reading *r, struct stage_config *c, const struct setting *s,
                 const char *key, bool last_layer, struct cbtm_error *e)
{
	const struct cbtm_param *row = param_find(c->stage->options, key);
	struct cbtm_error found = { 0 };
	void *options = c->options;

	if (!row && c->plugin) {
		row = param_find(c->plugin->params, key);
		options = c->plugin_options;
	}
	if (row) {
		setting_apply(s, row, r->folder, options, r->arena, &found);
		return problems_take(r->problems, &found, e);
	}
	/* Whose keys these are cannot be told while the plugin is missing. */
	if (!last_layer || (c->stage->plugin_param && !c->plugin))
		return 0;
	return report_unknown(r, c, s, key, e);
}

static int check_required(const struct config_reading *r, const struct stage_config *c,
                          const struct cbtm_param *table, const struct layer *const *layers,
                          size_t n, struct cbtm_error *e)
{
	const struct yaml_node *section = yaml_find(r->root, c->stage->name);
	char where[512], at[512], allowed[256], key[128];

	yaml_where(section ? section : r->root, r->file, at, sizeof at);
	for (; table && table->name; table++) {
		if (!(table->flags & CBTM_PARAM_REQUIRED))
			continue;
		snprintf(key, sizeof key, "%s.%s", c->stage->name, table->name);
		if (layers_find(layers, n, key))
			continue;
		param_allowed(table, allowed, sizeof allowed);
		snprintf(where, sizeof where, "%.380s: %s", at, key);
		if (problems_add(r->problems, e, CBTM_ERR_CONFIG, where, "is missing: %s (%s)", table->help,
		                 allowed))
			return e->name;
	}
	return 0;
}

/* What the plugin asks for: a key of the stage, and the compute plugins that its own keys name. */
static int check_plugin(const struct config_reading *r, const struct stage_config *c,
                        const struct layer *const *layers, size_t n, struct cbtm_error *e)
{
	const struct cbtm_param *row = c->plugin->params;
	const struct cbtm_plugin *compute;
	struct cbtm_error found = { 0 };

	if (stage_check_needs(c->stage, c->options, c->plugin, &found) &&
	    config_take_error(r, c->stage, layers, n, NULL, &found, e))
		return e->name;
	for (; row && row->name; row++) {
		memset(&found, 0, sizeof found);
		if ((row->flags & CBTM_PARAM_COMPUTE) &&
		    plugin_describe("compute", param_text(row, c->plugin_options), r->search, &compute,
		                    &found) &&
		    config_take_error(r, c->stage, layers, n, row->name, &found, e))
			return e->name;
	}
	return 0;
}

int config_make(const struct config_reading *r, const struct cbtm_stage *stage,
                const struct layer *const *layers, size_t n, bool final,
                struct stage_config *config, struct cbtm_error *e)
{
	*config = (struct stage_config){ .stage = stage };
	config->options = arena_take(r->arena, stage->options_size, e);
	if (!config->options || param_defaults(stage->options, config->options, r->arena, e))
		return e->name;
	if (stage->plugin_param && find_plugin(r, layers, n, config, e))
		return e->name;
	for (size_t i = 0; i < n; i++)
		for (const struct setting *s = layers[i]->first; s; s = s->next) {
			const char *key = own_key(stage, s->key);
			if (key && apply(r, config, s, key, i + 1 == n, e))
				return e->name;
		}
	if (!final)
		return 0;
	if (check_required(r, config, stage->options, layers, n, e))
		return e->name;
	if (!config->plugin)
		return 0;
	if (check_required(r, config, config->plugin->params, layers, n, e))
		return e->name;
	return check_plugin(r, config, layers, n, e);
}

int config_take_error(const struct config_reading *r, const struct cbtm_stage *stage,
                      const struct layer *const *layers, size_t n, const char *key,
                      struct cbtm_error *found, struct cbtm_error *e)
{
	const struct yaml_node *section = yaml_find(r->root, stage->name);
	const struct setting *s;
	char full[256], where[512], at[256];

	if (!key || !*key) {
		key = found->where;
	} else if (found->where[0]) {
		char what[sizeof found->what];
		snprintf(what, sizeof what, "%.200s: %.300s", found->where, found->what);
		memcpy(found->what, what, sizeof what);
	}
	if (own_key(stage, key))
		key = own_key(stage, key);
	snprintf(full, sizeof full, "%s.%.200s", stage->name, key);
	s = layers_find(layers, n, full);
	yaml_where(section ? section : r->root, r->file, at, sizeof at);
	snprintf(where, sizeof where, "%.250s: %s", s ? s->where : at, full);
	memcpy(found->where, where, sizeof where);
	return problems_take(r->problems, found, e);
}
