/* SPDX-License-Identifier: MIT */
#include "pipeline/pipeline.h"
#include "base/file.h"
#include "base/nearest.h"
#include "base/param.h"
#include "pipeline/sources.h"
#include "pipeline/systems.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_FILE = 1 << 20 };
static const char *const top_keys[] = { "name",    "work",  "plugin_path", "devices",
	                                    "systems", "sweep", NULL };

/* State of one pipeline_load. */
struct loading {
	struct pipeline *p;
	const struct pipeline_request *request;
	struct config_reading reading;
	struct layer file, set; /* the first two layers of every system */
	struct cbtm_error *e;
};

size_t pipeline_stage(const struct pipeline *p, const struct cbtm_stage *stage)
{
	size_t i = 0;

	while (i < p->stages && p->registry[i] != stage)
		i++;
	return i;
}

static const char *folder_of(const char *file, struct arena *a, struct cbtm_error *e)
{
	const char *slash = strrchr(file, '/');

	if (!slash)
		return ".";
	return slash == file ? "/" : arena_string(a, file, (size_t)(slash - file), e);
}

/* "pipeline.yaml" -> "pipeline" */
static const char *stem_of(const char *file, struct arena *a, struct cbtm_error *e)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
	const char *dot = strrchr(base, '.');

	return arena_string(a, base, dot && dot > base ? (size_t)(dot - base) : strlen(base), e);
}

static int read_file(struct loading *l)
{
	struct buffer text = { 0 };
	struct yaml_node *root = NULL;

	if (!file_read_stream(l->request->file, LARGEST_FILE, &text, l->e))
		yaml_parse(text.data ? text.data : "", text.n, l->request->file, l->p->arena, &root,
		           l->reading.problems, l->e);
	buffer_free(&text);
	if (!l->e->name && !l->reading.problems->n && (!root || root->type != YAML_MAP))
		problems_add(l->reading.problems, l->e, CBTM_ERR_CONFIG, l->request->file,
		             "must be a map with a section for each stage");
	l->reading.root = root && root->type == YAML_MAP ? root : NULL;
	return l->e->name;
}

static bool is_stage(const struct pipeline *p, const char *name, size_t n)
{
	for (size_t i = 0; i < p->stages; i++)
		if (strlen(p->registry[i]->name) == n && !memcmp(p->registry[i]->name, name, n))
			return true;
	return false;
}

static int report_section(struct loading *l, const char *where, const char *key)
{
	const char *names[64], *near;
	size_t n = 0;

	for (size_t i = 0; i < l->p->stages && n < 32; i++)
		names[n++] = l->p->registry[i]->name;
	for (size_t i = 0; top_keys[i]; i++)
		names[n++] = top_keys[i];
	near = nearest_word(key, names, n);
	if (near)
		return problems_add(l->reading.problems, l->e, CBTM_ERR_CONFIG, where,
		                    "%s: unknown key; the nearest is %s", key, near);
	return problems_add(l->reading.problems, l->e, CBTM_ERR_CONFIG, where,
	                    "%s: unknown key: it is neither a stage nor one of name, work, "
	                    "plugin_path, devices, systems, sweep",
	                    key);
}

/* Keys of a layer that belong to no stage. */
static int check_sections(struct loading *l, const struct layer *layer)
{
	for (const struct setting *s = layer->first; s; s = s->next) {
		size_t n = strcspn(s->key, ".");
		char key[128];
		if (s->key[n] && is_stage(l->p, s->key, n))
			continue;
		snprintf(key, sizeof key, "%.*s", (int)n, s->key);
		if (is_stage(l->p, s->key, n))
			problems_add(l->reading.problems, l->e, CBTM_ERR_CONFIG, s->where,
			             "%s: must be a section with keys of the stage", key);
		else
			report_section(l, s->where, key);
		if (l->e->name)
			return l->e->name;
	}
	return 0;
}

/* A section without any leaf has no setting: its name is checked here. */
static int check_top(struct loading *l)
{
	char where[512];

	for (const struct yaml_node *n = l->reading.root->first; n; n = n->next) {
		const char *const *known = top_keys;
		while (*known && strcmp(*known, n->key) != 0)
			known++;
		yaml_where(n, l->request->file, where, sizeof where);
		if (!*known && !is_stage(l->p, n->key, strlen(n->key)) && report_section(l, where, n->key))
			return l->e->name;
	}
	return 0;
}

/* A plain text of the top level; `fallback` if it is not there. */
static const char *top_text(struct loading *l, const char *key, const char *fallback)
{
	const struct yaml_node *n = yaml_find(l->reading.root, key);
	char where[512];

	if (!n || n->is_null)
		return fallback;
	if (n->type == YAML_SCALAR && *n->text)
		return n->text;
	yaml_where(n, l->request->file, where, sizeof where);
	problems_add(l->reading.problems, l->e, CBTM_ERR_CONFIG, where, "%s: must be a text", key);
	return fallback;
}

/* A plain text, or a list of them. */
static int read_devices(struct loading *l)
{
	const struct yaml_node *n = yaml_find(l->reading.root, "devices");
	size_t many = 0;
	char where[512];

	if (!n || n->is_null)
		return 0;
	for (const struct yaml_node *item = n->first; item; item = item->next)
		many++;
	const char **v = arena_take(l->p->arena, (many + 1) * sizeof *v, l->e);
	l->p->devices.v = v;
	for (const struct yaml_node *item = n->type == YAML_LIST ? n->first : n; v && item;
	     item = item->next) {
		if (item->type != YAML_SCALAR || !*item->text) {
			yaml_where(item, l->request->file, where, sizeof where);
			return problems_add(l->reading.problems, l->e, CBTM_ERR_CONFIG, where,
			                    "devices: must be a list of numbers or names, or all");
		}
		v[l->p->devices.n++] = item->text;
		if (n->type != YAML_LIST)
			break;
	}
	return l->e->name;
}

static const char *relative(struct loading *l, const char *path)
{
	const char *folder = l->reading.folder;

	if (!path || *path == '/' || !strcmp(folder, "."))
		return path;
	return arena_printf(l->p->arena, l->e, "%s/%s", folder, path);
}

static int read_top(struct loading *l)
{
	struct pipeline *p = l->p;
	const struct yaml_node *name = yaml_find(l->reading.root, "name");
	char where[512];

	p->name = top_text(l, "name", stem_of(l->request->file, p->arena, l->e));
	if (p->name && !system_name_is_valid(p->name)) {
		yaml_where(name ? name : l->reading.root, l->request->file, where, sizeof where);
		problems_add(l->reading.problems, l->e, CBTM_ERR_CONFIG, where,
		             "name: \"%s\" must be made of letters, digits, '-', '_' and '.'", p->name);
	}
	p->work = relative(l, top_text(l, "work", "work"));
	if (l->request->work && *l->request->work)
		p->work = l->request->work;
	p->search.option = l->request->plugin_path;
	p->search.pipeline = relative(l, top_text(l, "plugin_path", NULL));
	return read_devices(l);
}

/* Every stage from n layers, into `config` (NULL: only to find problems). */
static int make_stages(struct loading *l, const struct layer *const *layers, size_t n,
                       struct stage_config *config)
{
	struct stage_config unused;

	for (size_t i = 0; i < l->p->stages; i++)
		if (config_make(&l->reading, l->p->registry[i], layers, n, config != NULL,
		                config ? &config[i] : &unused, l->e))
			return l->e->name;
	return 0;
}

/* cluster.k of a system: the option "k" of whichever stage has one; 1 if none has. */
static uint64_t clusters_of(const struct pipeline *p, const struct pipeline_system *s)
{
	for (size_t i = 0; i < p->stages; i++) {
		const struct cbtm_param *row = param_find(p->registry[i]->options, "k");
		if (row && row->type == CBTM_PARAM_COUNT)
			return *(const uint64_t *)((const char *)s->stage[i].options + row->offset);
	}
	return 1;
}

static int make_system(struct loading *l, const struct system_settings *from,
                       struct pipeline_system *to)
{
	const struct layer *layers[] = { &l->file, &l->set, &from->layer };
	size_t problems = l->reading.problems->n;

	to->name = from->name;
	to->stage = arena_take(l->p->arena, l->p->stages * sizeof *to->stage, l->e);
	if (!to->stage || check_sections(l, &from->layer) || make_stages(l, layers, 3, to->stage))
		return l->e->name;
	to->k = clusters_of(l->p, to);
	/* Checks between keys make sense only of values that are allowed. */
	if (l->reading.problems->n > problems)
		return 0;
	for (size_t i = 0; i < l->p->stages; i++) {
		struct cbtm_error found = { 0 };
		const struct cbtm_stage *stage = l->p->registry[i];
		if (stage->check && stage->check(to->stage[i].options, to->k, &found) &&
		    config_take_error(&l->reading, stage, layers, 3, NULL, &found, l->e))
			return l->e->name;
		if (stage->source && sources_plan(&l->p->sources, &to->stage[i], l->p->arena, &found) &&
		    config_take_error(&l->reading, stage, layers, 3, sources_key(stage), &found, l->e))
			return l->e->name;
	}
	return 0;
}

static int make_systems(struct loading *l)
{
	const struct layer *layers[] = { &l->file, &l->set };
	struct system_settings *list;
	size_t n;

	if (check_sections(l, &l->file) || check_sections(l, &l->set) ||
	    make_stages(l, layers, 1, NULL) || make_stages(l, layers, 2, NULL) ||
	    systems_read(l->reading.root, l->request->file, l->p->arena, &list, &n, l->reading.problems,
	                 l->e))
		return l->e->name;
	l->p->system = arena_take(l->p->arena, n * sizeof *l->p->system, l->e);
	for (size_t i = 0; l->p->system && i < n; i++)
		if (make_system(l, &list[i], &l->p->system[l->p->systems++]))
			return l->e->name;
	return l->e->name;
}

int pipeline_load(const struct pipeline_request *request, const struct cbtm_stage *const *registry,
                  struct pipeline **p, struct problems *problems, struct cbtm_error *e)
{
	struct loading l = { .request = request, .e = e };

	*p = l.p = mem_zeroed(1, sizeof *l.p, "a pipeline", e);
	if (!l.p)
		return e->name;
	l.p->arena = arena_new(e);
	if (!l.p->arena)
		return e->name;
	l.p->file = request->file;
	l.p->registry = registry;
	while (registry[l.p->stages])
		l.p->stages++;
	l.reading = (struct config_reading){ .folder = folder_of(request->file, l.p->arena, e),
		                                 .file = request->file,
		                                 .search = &l.p->search,
		                                 .arena = l.p->arena,
		                                 .problems = problems };
	if (read_file(&l) || !l.reading.root || read_top(&l) || check_top(&l) ||
	    layer_add_yaml(&l.file, l.reading.root, NULL, top_keys, request->file, l.p->arena, problems,
	                   e))
		return e->name;
	for (size_t i = 0; i < request->set.n; i++)
		if (layer_add_text(&l.set, request->set.v[i], l.p->arena, problems, e))
			return e->name;
	if (make_systems(&l))
		return e->name;
	return problems_sort(problems, request->file, e);
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	sources_free(p->sources);
	arena_free(p->arena);
	free(p);
}

int pipeline_refuse(const char *file, const struct problems *problems, struct cbtm_error *e)
{
	if (!problems->n)
		return 0;
	return error_set(e, problems->name, file, "%zu problem%s", problems->n,
	                 problems->n == 1 ? "" : "s");
}
