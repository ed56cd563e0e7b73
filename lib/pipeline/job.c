/* SPDX-License-Identifier: MIT */
#include "pipeline/job.h"
#include "base/param.h"
#include "stage/declaration.h"
#include <stdlib.h>
#include <string.h>

struct line {
	struct arena *arena;
	char **word;
	size_t n, capacity;
	struct cbtm_error *e;
};

static int add(struct line *l, char *word)
{
	if (!word || array_reserve(&l->word, &l->capacity, l->n + 1, sizeof *l->word, l->e))
		return l->e->name;
	l->word[l->n++] = word;
	return 0;
}

static const char *option_of(struct line *l, const char *name)
{
	struct cbtm_param row = { .name = name };
	char option[128];

	param_option_name(&row, option, sizeof option);
	return arena_string(l->arena, option, strlen(option), l->e);
}

static int add_option(struct line *l, const char *name, const char *value)
{
	const char *option = option_of(l, name);

	if (!option)
		return l->e->name;
	return add(l, arena_printf(l->arena, l->e, "--%s=%s", option, value));
}

static int add_number(struct line *l, const char *name, uint64_t value)
{
	return add(l, arena_printf(l->arena, l->e, "--%s=%llu", name, (unsigned long long)value));
}

/* True if the row has its default value: then it need not be said. */
static bool is_default(struct line *l, const struct cbtm_param *row, const char *text)
{
	struct cbtm_param alone[2] = { *row, CBTM_PARAM_END };
	struct buffer b = { 0 };
	uint64_t value[4] = { 0 };
	bool same;

	if (row->flags & CBTM_PARAM_REQUIRED)
		return false;
	alone[0].offset = 0;
	if (param_defaults(alone, value, l->arena, l->e) || param_print(&alone[0], value, &b, l->e))
		return false;
	same = !strcmp(b.data ? b.data : "", text);
	buffer_free(&b);
	return same;
}

static int add_row(struct line *l, const struct cbtm_param *row, const void *options)
{
	struct buffer b = { 0 };

	if (row->type == CBTM_PARAM_TEXTS) {
		const struct cbtm_texts *list = (const void *)((const char *)options + row->offset);
		for (size_t i = 0; i < list->n; i++)
			if (add_option(l, row->name, list->v[i]))
				return l->e->name;
		return list->n || is_default(l, row, "[]") ? 0 : add_option(l, row->name, "[]");
	}
	if (!param_print(row, options, &b, l->e) && !is_default(l, row, b.data ? b.data : ""))
		add_option(l, row->name, b.data ? b.data : "");
	buffer_free(&b);
	return l->e->name;
}

/* What the task uses, and what the program demands. */
static int add_options(struct line *l, const struct graph_dataset *d)
{
	unsigned bit = stage_task_index(d->stage, d->task);
	const struct stage_config *c = d->config;

	for (const struct cbtm_param *row = d->stage->options; row && row->name; row++) {
		bool used = !row->used_by || (row->used_by >> bit & 1);
		if ((used || (row->flags & CBTM_PARAM_REQUIRED)) && add_row(l, row, c->options))
			return l->e->name;
	}
	for (const struct cbtm_param *row = c->plugin && d->task->plugin ? c->plugin->params : NULL;
	     row && row->name; row++)
		if (add_row(l, row, c->plugin_options))
			return l->e->name;
	return 0;
}

/* The folders of what is made along: where an input is not there yet, the program leaves it. */
static int add_along(struct line *l, const struct graph_dataset *d)
{
	const struct graph_dataset *along = d->along;

	if (add_option(l, along->task->name, along->dir))
		return l->e->name;
	for (size_t i = 0; i < along->inputs; i++)
		for (size_t j = 0; j < along->input[i].n; j++)
			if (along->input[i].from[j] != d &&
			    add_option(l, along->input[i].input->dataset, along->input[i].from[j]->dir))
				return l->e->name;
	return 0;
}

static int add_folders(struct line *l, const struct graph_dataset *d)
{
	if (add_option(l, d->task->name, d->dir))
		return l->e->name;
	for (size_t i = 0; i < d->inputs; i++)
		for (size_t j = 0; j < d->input[i].n; j++)
			if (add_option(l, d->input[i].input->dataset, d->input[i].from[j]->dir))
				return l->e->name;
	return d->along ? add_along(l, d) : 0;
}

/* One list in place of three, in the order of plugin/search.h. */
static int add_plugin_path(struct line *l, const struct plugin_search *s)
{
	const char *option = s->option && *s->option ? s->option : NULL;
	const char *variable = getenv("CBTM_PLUGIN_PATH");

	if (!s->pipeline || !*s->pipeline)
		return option ? add_option(l, "plugin_path", option) : 0;
	variable = variable && *variable ? variable : NULL;
	return add(l, arena_printf(l->arena, l->e, "--plugin-path=%s%s%s%s%s", option ? option : "",
	                           option ? ":" : "", variable ? variable : "", variable ? ":" : "",
	                           s->pipeline));
}

int job_arguments(const struct graph *g, const struct graph_dataset *d, uint32_t part,
                  const struct job_setting *setting, struct arena *a, char ***argv,
                  struct cbtm_error *e)
{
	struct line l = { .arena = a, .e = e };

	add(&l, arena_printf(a, e, "%s/cbtm-%s", setting->bin, d->stage->name));
	add_option(&l, "task", d->task->name);
	if (d->task->each == EACH_PART && part != JOB_ALL_PARTS)
		add_number(&l, "part", part);
	if (d->task->each == EACH_CLUSTER)
		add_number(&l, "cluster", d->cluster);
	add_number(&l, "clusters", d->k);
	if (e->name || add_folders(&l, d) || add_options(&l, d) ||
	    add_plugin_path(&l, &g->pipeline->search))
		goto done;
	add_number(&l, "threads", setting->threads);
	if (setting->verify)
		add_option(&l, "verify", setting->verify);
	if (setting->log)
		add_option(&l, "log", setting->log);
	add_number(&l, "wait", 60);
	*argv = arena_take(a, (l.n + 1) * sizeof **argv, e);
	if (*argv && !e->name)
		memcpy(*argv, l.word, l.n * sizeof **argv);
done:
	free(l.word);
	return e->name;
}

static bool needs_quotes(const char *word)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:=,+@%";

	return !*word || strspn(word, plain) != strlen(word);
}

int job_print(char *const *argv, struct buffer *out, struct cbtm_error *e)
{
	for (size_t i = 0; argv[i]; i++) {
		if (i && buffer_text(out, " ", e))
			return e->name;
		if (!needs_quotes(argv[i])) {
			buffer_text(out, argv[i], e);
			continue;
		}
		buffer_text(out, "'", e);
		for (const char *c = argv[i]; *c; c++)
			if (buffer_text(out, *c == '\'' ? "'\\'" : "", e) || buffer_add(out, c, 1, e))
				return e->name;
		buffer_text(out, "'", e);
	}
	return e->name;
}

const char *job_name(const struct graph *g, const struct graph_dataset *d, uint32_t part,
                     struct arena *a, struct cbtm_error *e)
{
	const char *system = d->systems == g->systems ? "" : d->system->name;
	const char *dot = *system ? "." : "";

	if (d->task->each == EACH_PART)
		return arena_printf(a, e, "%s%s%s-part-%u", system, dot, d->task->name, part);
	if (d->task->each == EACH_CLUSTER)
		return arena_printf(a, e, "%s%s%s-cluster-%u", system, dot, d->task->name, d->cluster);
	return arena_printf(a, e, "%s%s%s", system, dot, d->task->name);
}
