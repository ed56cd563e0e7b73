/* SPDX-License-Identifier: MIT */
#include "stage/fingerprint.h"
#include "base/file.h"
#include "base/param.h"
#include "plugin/loader.h"
#include "stage/declaration.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct causes {
	struct arena *arena;
	struct stage_cause *list;
	size_t n, room;
	struct cbtm_error *e;
};

static size_t rows(const struct cbtm_param *table)
{
	size_t n = 0;

	while (table && table[n].name)
		n++;
	return n;
}

/* The room is counted beforehand, so that the list is one piece of the arena. */
static int add(struct causes *c, const char *name, const char *value)
{
	if (!name || !value)
		return c->e->name;
	if (c->n == c->room)
		return error_set(c->e, CBTM_ERR_INTERNAL, name, "a fingerprint has too many causes");
	c->list[c->n++] = (struct stage_cause){ name, value };
	return 0;
}

static int add_file(struct digest_stream *s, const char *folder, const char *name,
                    struct cbtm_error *e)
{
	char *file = path_join(folder, name, e);
	struct digest one;
	struct stat st;

	if (file && !stat(file, &st) && S_ISREG(st.st_mode) &&
	    !digest_file(file, 0, UINT64_MAX, &one, e)) {
		digest_text(s, name);
		digest_u64(s, one.high);
		digest_u64(s, one.low);
	}
	free(file);
	return e->name;
}

int stage_folder_digest(const char *path, struct digest *d, struct cbtm_error *e)
{
	struct digest_stream *s = digest_begin(e);
	char *manifest = path_join(path, "DATASET.json", e), **name = NULL;
	size_t n = 0;

	if (s && manifest && file_exists(manifest))
		add_file(s, path, "DATASET.json", e);
	else if (s && manifest && !folder_list(path, &name, &n, e))
		for (size_t i = 0; i < n && !e->name; i++)
			if (*name[i] != '.')
				add_file(s, path, name[i], e);
	if (!e->name)
		*d = digest_now(s);
	folder_list_free(name, n);
	free(manifest);
	digest_end(s);
	return e->name;
}

/* A file, or a folder of files, decides by its content, wherever it lies. */
static const char *file_cause(struct causes *c, const char *path)
{
	char hex[DIGEST_HEX];
	struct digest d;
	struct stat st;

	if (!path || !*path)
		return "";
	if (!stat(path, &st) && S_ISDIR(st.st_mode) ? stage_folder_digest(path, &d, c->e)
	                                            : digest_file(path, 0, UINT64_MAX, &d, c->e))
		return NULL;
	digest_hex(d, hex);
	return arena_string(c->arena, hex, strlen(hex), c->e);
}

/* "cpu 3": its version decides as that of the plugin itself does. */
static const char *compute_cause(struct causes *c, const char *name,
                                 const struct plugin_search *search)
{
	const struct cbtm_plugin *compute;

	if (plugin_describe("compute", name, search, &compute, c->e))
		return NULL;
	return arena_printf(c->arena, c->e, "%s %u", compute->name, compute->version);
}

static const char *value_cause(struct causes *c, const struct stage_identity *id,
                               const struct cbtm_param *row, const void *options)
{
	struct buffer text = { 0 };
	const char *value = NULL;

	if (row->type == CBTM_PARAM_TEXT && (row->flags & CBTM_PARAM_PATH))
		return file_cause(c, param_text(row, options));
	if (row->flags & CBTM_PARAM_COMPUTE)
		return compute_cause(c, param_text(row, options), id->search);
	if (!param_print(row, options, &text, c->e))
		value = arena_string(c->arena, text.data ? text.data : "", text.n, c->e);
	buffer_free(&text);
	return value;
}

static bool is_default(const struct cbtm_param *row, const char *value)
{
	return value && row->default_text && !strcmp(value, row->default_text);
}

static int add_params(struct causes *c, const struct stage_identity *id,
                      const struct cbtm_param *table, const void *options, bool of_plugin)
{
	for (const struct cbtm_param *p = table; p && p->name; p++) {
		const char *value;
		if (of_plugin ? p->flags & CBTM_PARAM_NO_RESULT
		              : !stage_param_decides(id->stage, id->task, p))
			continue;
		value = value_cause(c, id, p, options);
		if (p->flags & CBTM_PARAM_LATER && is_default(p, value))
			continue;
		if (add(c, arena_printf(c->arena, c->e, "%s.%s", id->stage->name, p->name), value))
			return c->e->name;
	}
	return 0;
}

static int add_inputs(struct causes *c, const struct stage_identity *id)
{
	char hex[DIGEST_HEX];

	for (size_t i = 0; i < id->n_inputs; i++) {
		digest_hex(id->inputs[i], hex);
		if (add(c, arena_printf(c->arena, c->e, "input.%s", id->input_names[i]),
		        arena_string(c->arena, hex, strlen(hex), c->e)))
			return c->e->name;
	}
	return 0;
}

static int add_task(struct causes *c, const struct stage_identity *id)
{
	if (add(c, "task", arena_printf(c->arena, c->e, "%s.%s", id->stage->name, id->task->name)) ||
	    add(c, "version", arena_printf(c->arena, c->e, "%u", id->task->version)))
		return c->e->name;
	if (id->task->each == EACH_CLUSTER &&
	    add(c, "cluster", arena_printf(c->arena, c->e, "%u", id->cluster)))
		return c->e->name;
	if (!id->task->plugin || !id->plugin)
		return 0;
	return add(c, "plugin",
	           arena_printf(c->arena, c->e, "%s %u", id->plugin->name, id->plugin->version));
}

int stage_causes(const struct stage_identity *id, struct arena *a, struct stage_cause **list,
                 size_t *n, struct cbtm_error *e)
{
	bool plugged = id->task->plugin && id->plugin;
	struct causes c = { .arena = a, .e = e };

	c.room =
		4 + rows(id->stage->options) + rows(plugged ? id->plugin->params : NULL) + id->n_inputs;
	c.list = arena_take(a, c.room * sizeof *c.list, e);
	if (!c.list || add_task(&c, id) || add_params(&c, id, id->stage->options, id->options, false) ||
	    (plugged && add_params(&c, id, id->plugin->params, id->plugin_options, true)) ||
	    add_inputs(&c, id))
		return e->name;
	*list = c.list;
	*n = c.n;
	return 0;
}

const char *stage_input_name(const struct stage_input *input, size_t j, struct arena *a,
                             struct cbtm_error *e)
{
	if (input->how != READS_ALL_CLUSTERS)
		return input->dataset;
	return arena_printf(a, e, "%s %zu", input->dataset, j);
}

int stage_causes_digest(const struct stage_cause *list, size_t n, struct digest *fingerprint,
                        struct cbtm_error *e)
{
	struct digest_stream *s = digest_begin(e);

	if (!s)
		return e->name;
	for (size_t i = 0; i < n; i++) {
		digest_text(s, list[i].name);
		digest_text(s, list[i].value);
	}
	*fingerprint = digest_now(s);
	digest_end(s);
	return 0;
}

int stage_fingerprint(const struct stage_identity *id, struct digest *fingerprint,
                      struct cbtm_error *e)
{
	struct arena *a = arena_new(e);
	struct stage_cause *list;
	size_t n;

	if (a && !stage_causes(id, a, &list, &n, e))
		stage_causes_digest(list, n, fingerprint, e);
	arena_free(a);
	return e->name;
}
