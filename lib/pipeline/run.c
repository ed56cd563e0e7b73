/* SPDX-License-Identifier: MIT */
#include "pipeline/run.h"
#include "base/nearest.h"
#include "pipeline/reuse.h"
#include <string.h>

int run_open(const struct pipeline_request *request, const struct cbtm_stage *const *registry,
             struct run *run, struct cbtm_error *e)
{
	*run = (struct run){ .workspace.lock = -1 };
	if (pipeline_load(request, registry, &run->pipeline, &run->problems, e) ||
	    pipeline_refuse(request->file, &run->problems, e))
		return e->name;
	if (graph_make(run->pipeline, &run->graph, e) ||
	    workspace_paths(run->pipeline, run->graph->arena, &run->workspace, e))
		return e->name;
	return run_look(run, e);
}

int run_look(struct run *run, struct cbtm_error *e)
{
	record_free(&run->record);
	if (record_read(run->workspace.record, &run->record, e))
		return e->name;
	return graph_look(run->graph, e);
}

void run_close(struct run *run)
{
	workspace_unlock(&run->workspace);
	record_free(&run->record);
	graph_free(run->graph);
	pipeline_free(run->pipeline);
	problems_free(&run->problems);
}

/* The stage's number in the registry. */
static int find_stage(const struct run *run, const char *option, const char *name, size_t *number,
                      struct cbtm_error *e)
{
	const char *names[64], *near;
	size_t n = run->pipeline->stages;

	for (*number = 0; *number < n; ++*number) {
		names[*number] = run->pipeline->registry[*number]->name;
		if (!strcmp(names[*number], name))
			return 0;
	}
	near = nearest_word(name, names, n);
	return error_set(e, CBTM_ERR_USAGE, option, "there is no stage \"%s\"%s%s", name,
	                 near ? "; the nearest is " : "", near ? near : "");
}

static bool is_given(const char *name)
{
	return name && *name;
}

static void force(struct run *run, size_t stage)
{
	struct graph *g = run->graph;

	for (size_t i = 0; i < g->n; i++) {
		struct graph_dataset *d = g->dataset[i];
		if (pipeline_stage(run->pipeline, d->stage) != stage)
			continue;
		d->forced = true;
		d->state = GRAPH_MISSING;
		for (uint32_t j = 0; j < d->parts; j++)
			d->part[j].state = GRAPH_MISSING;
	}
}

static int check_inputs(const struct run *run, struct cbtm_error *e)
{
	const struct graph *g = run->graph;

	for (size_t i = 0; i < g->n; i++) {
		const struct graph_dataset *d = g->dataset[i];
		for (size_t k = 0; d->wanted && d->state != GRAPH_DONE && k < d->inputs; k++)
			for (size_t j = 0; j < d->input[k].n; j++) {
				const struct graph_dataset *from = d->input[k].from[j];
				if (from->wanted || from->state == GRAPH_DONE)
					continue;
				error_set(e, CBTM_ERR_MISSING_INPUT, from->name,
				          "is not done, and %s of stage %s needs it", d->name, d->stage->name);
				return error_hint(e, "run stage %s first", from->stage->name);
			}
	}
	return 0;
}

int run_select(struct run *run, const struct run_selection *s, struct cbtm_error *e)
{
	size_t first = 0, last = run->pipeline->stages, forced;

	if (is_given(s->from) && is_given(s->only))
		return error_set(e, CBTM_ERR_USAGE, "--from", "cannot stand beside --only");
	if (is_given(s->from) && find_stage(run, "--from", s->from, &first, e))
		return e->name;
	if (is_given(s->only)) {
		if (find_stage(run, "--only", s->only, &first, e))
			return e->name;
		last = first + 1;
	}
	if (is_given(s->force)) {
		if (find_stage(run, "--force", s->force, &forced, e))
			return e->name;
		force(run, forced);
	}
	for (size_t i = 0; i < run->graph->n; i++) {
		size_t stage = pipeline_stage(run->pipeline, run->graph->dataset[i]->stage);
		run->graph->dataset[i]->wanted = stage >= first && stage < last;
	}
	return check_inputs(run, e);
}

size_t run_jobs(const struct run *run, bool all)
{
	size_t n = 0;

	for (size_t i = 0; i < run->graph->n; i++) {
		const struct graph_dataset *d = run->graph->dataset[i];
		for (uint32_t j = 0; j < d->parts; j++)
			n += all || (d->wanted && d->state != GRAPH_DONE && d->part[j].state != GRAPH_DONE);
	}
	return n;
}

int run_note(struct run *run, const struct graph_dataset *d, struct cbtm_error *e)
{
	for (size_t i = 0; i < run->graph->systems; i++)
		if (graph_system_has(&run->graph->system[i], d) &&
		    record_set(&run->record, run->graph->system[i].system->name, d, e))
			return e->name;
	return 0;
}

const struct record_entry *run_recorded(const struct run *run, const struct graph_dataset *d)
{
	const struct record_entry *entry = NULL;

	for (size_t i = 0; i < run->graph->systems && !entry; i++)
		if (graph_system_has(&run->graph->system[i], d))
			entry = record_find(&run->record, run->graph->system[i].system->name, d->name);
	return entry;
}

bool run_may_take_over(const struct run *run, const struct graph_dataset *d)
{
	return !d->forced && record_inputs_changed(run_recorded(run, d), d) && reuse_by_content(d);
}
