/* SPDX-License-Identifier: MIT */
#include "pipeline/graph.h"
#include "pipeline/sources.h"
#include "stage/declaration.h"
#include "store/dataset.h"
#include <stdlib.h>
#include <string.h>

/* A task of a system while it is planned: 1 dataset, or k. */
struct slot {
	struct graph_dataset **dataset;
	size_t n;
	enum { SLOT_NEW, SLOT_BEGUN, SLOT_DONE } state;
};
struct planning {
	struct graph *g;
	struct graph_system *to;
	const struct pipeline_system *system;
	struct slot **slot; /* [stage][task] */
	struct cbtm_error *e;
};

static size_t count_tasks(const struct cbtm_stage *stage)
{
	size_t n = 0;

	while (stage->tasks[n].name)
		n++;
	return n;
}

static int plan_task(struct planning *p, const struct cbtm_stage *stage,
                     const struct stage_task *task, struct slot **slot);

/* The datasets that one input comes from. */
static int plan_input(struct planning *p, struct graph_dataset *d, const struct stage_input *in)
{
	const struct cbtm_stage *stage;
	const struct stage_task *task = stage_find_task(p->g->pipeline->registry, in->dataset, &stage);
	struct graph_input *to = &d->input[d->inputs];
	bool clustered = in->how >= READS_SAME_CLUSTER;
	struct slot *from;

	if (!task)
		return error_set(p->e, CBTM_ERR_INTERNAL, d->task->name,
		                 "reads %s, which no stage publishes", in->dataset);
	if (clustered != (task->each == EACH_CLUSTER))
		return error_set(p->e, CBTM_ERR_INTERNAL, d->task->name,
		                 "reads %s in another way than it is published", in->dataset);
	if (plan_task(p, stage, task, &from))
		return p->e->name;
	to->input = in;
	to->from = from->dataset + (in->how == READS_SAME_CLUSTER ? d->cluster : 0);
	to->n = in->how == READS_ALL_CLUSTERS ? from->n : 1;
	d->inputs++;
	return 0;
}

/* Fingerprints and names of the inputs: of a part, or (part = UINT32_MAX) of the whole dataset. */
static int identify(struct planning *p, const struct graph_dataset *d, uint32_t part,
                    struct stage_identity *id)
{
	struct arena *a = p->g->arena;
	struct digest *digests;
	const char **names;
	size_t n = 0;

	*id = (struct stage_identity){ .stage = d->stage,
		                           .task = d->task,
		                           .options = d->config->options,
		                           .plugin = d->config->plugin,
		                           .plugin_options = d->config->plugin_options,
		                           .search = &p->g->pipeline->search,
		                           .cluster = d->cluster };
	for (size_t i = 0; i < d->inputs; i++)
		n += d->input[i].n;
	digests = arena_take(a, (n + 1) * sizeof *digests, p->e);
	names = arena_take(a, (n + 1) * sizeof *names, p->e);
	if (!digests || !names)
		return p->e->name;
	id->inputs = digests;
	id->input_names = names;
	for (size_t i = 0; i < d->inputs; i++) {
		const struct graph_input *in = &d->input[i];
		for (size_t j = 0; j < in->n; j++, id->n_inputs++) {
			bool one = in->input->how == READS_SAME_PART && part != UINT32_MAX;
			digests[id->n_inputs] =
				one ? in->from[j]->part[part].fingerprint : in->from[j]->fingerprint;
			names[id->n_inputs] = stage_input_name(in->input, j, a, p->e);
			if (!names[id->n_inputs])
				return p->e->name;
		}
	}
	if (stage_task_is_source(d->stage, d->task)) {
		const struct config_source *s = d->config->source;
		digests[id->n_inputs] =
			part == UINT32_MAX ? dataset_fingerprint_of(s->digest, s->parts) : s->digest[part];
		names[id->n_inputs++] = "source";
	}
	return 0;
}

static int count_parts(struct planning *p, struct graph_dataset *d)
{
	d->parts = 1;
	if (stage_task_is_source(d->stage, d->task)) {
		if (sources_digest(d->config->source, p->g->arena, p->e))
			return p->e->name;
		d->parts = d->config->source->parts;
		return 0;
	}
	if (d->task->each != EACH_PART)
		return 0;
	for (size_t i = 0; i < d->inputs; i++)
		if (d->input[i].input->how == READS_SAME_PART)
			d->parts = d->input[i].from[0]->parts;
	return 0;
}

static int fingerprint(struct planning *p, struct graph_dataset *d)
{
	struct stage_identity id;
	struct stage_cause *cause;
	struct digest *of_parts;
	char hex[DIGEST_HEX];

	if (count_parts(p, d))
		return p->e->name;
	d->part = arena_take(p->g->arena, d->parts * sizeof *d->part, p->e);
	of_parts = arena_take(p->g->arena, d->parts * sizeof *of_parts, p->e);
	if (!d->part || !of_parts)
		return p->e->name;
	for (uint32_t i = 0; i < d->parts; i++) {
		if (identify(p, d, i, &id) || stage_fingerprint(&id, &of_parts[i], p->e))
			return p->e->name;
		d->part[i].fingerprint = of_parts[i];
	}
	d->fingerprint = dataset_fingerprint_of(of_parts, d->parts);
	if (identify(p, d, UINT32_MAX, &id) || stage_causes(&id, p->g->arena, &cause, &d->causes, p->e))
		return p->e->name;
	d->cause = cause;
	digest_hex(d->fingerprint, hex);
	d->dir =
		arena_printf(p->g->arena, p->e, "%s/%s/%.16s", p->g->pipeline->work, d->task->name, hex);
	return p->e->name;
}

/* The graph's own dataset of that task and fingerprint, else d becomes it. */
static struct graph_dataset *share(struct planning *p, struct graph_dataset *d)
{
	struct graph *g = p->g;

	for (size_t i = 0; i < g->n; i++) {
		if (g->dataset[i]->task != d->task || strcmp(g->dataset[i]->dir, d->dir) != 0)
			continue;
		if (digest_equal(g->dataset[i]->fingerprint, d->fingerprint))
			return g->dataset[i];
		error_set(p->e, CBTM_ERR_INTERNAL, d->dir, "stands for two fingerprints");
		return NULL;
	}
	if (array_reserve(&g->dataset, &g->capacity, g->n + 1, sizeof *g->dataset, p->e))
		return NULL;
	g->dataset[g->n++] = d;
	return d;
}

/* What the task that is made along reads beside this one comes first in the graph. */
static int plan_before(struct planning *p, const struct cbtm_stage *stage,
                       const struct stage_task *task, const void *options)
{
	const struct stage_task *along = stage_task_along(stage, task, options, p->system->k);
	struct slot *slot;

	for (const struct stage_input *in = along ? along->reads : NULL; in && in->dataset; in++) {
		const struct cbtm_stage *of;
		const struct stage_task *from = stage_find_task(p->g->pipeline->registry, in->dataset, &of);
		if (from && from != task && stage_input_is_wanted(in, options, p->system->k) &&
		    plan_task(p, of, from, &slot))
			return p->e->name;
	}
	return 0;
}

/* Lets the jobs of what d reads by parts make d along, if theirs is to do so. */
static void set_along(const struct planning *p, struct graph_dataset *d)
{
	for (size_t i = 0; i < d->inputs; i++) {
		struct graph_dataset *from = d->input[i].from[0];
		if (d->input[i].input->how == READS_SAME_PART && !from->along && from->stage == d->stage &&
		    stage_task_along(d->stage, from->task, d->config->options, p->system->k) == d->task)
			from->along = d;
	}
}

static struct graph_dataset *plan_dataset(struct planning *p, const struct cbtm_stage *stage,
                                          const struct stage_task *task, uint32_t cluster)
{
	struct graph_dataset *d = arena_take(p->g->arena, sizeof *d, p->e);

	if (!d)
		return NULL;
	*d = (struct graph_dataset){ .stage = stage,
		                         .task = task,
		                         .config = &p->system->stage[pipeline_stage(p->g->pipeline, stage)],
		                         .system = p->system,
		                         .cluster = cluster,
		                         .k = p->system->k,
		                         .wanted = true };
	d->name = task->each == EACH_CLUSTER
	              ? arena_printf(p->g->arena, p->e, "%s %u", task->name, cluster)
	              : task->name;
	for (const struct stage_input *in = task->reads; in->dataset; in++)
		if (stage_input_is_wanted(in, d->config->options, d->k) && plan_input(p, d, in))
			return NULL;
	if (!d->name || plan_before(p, stage, task, d->config->options) || fingerprint(p, d))
		return NULL;
	d = share(p, d);
	if (d)
		set_along(p, d);
	return d;
}

static int plan_task(struct planning *p, const struct cbtm_stage *stage,
                     const struct stage_task *task, struct slot **slot)
{
	struct slot *s = &p->slot[pipeline_stage(p->g->pipeline, stage)][stage_task_index(stage, task)];

	*slot = s;
	if (s->state == SLOT_DONE)
		return 0;
	if (s->state == SLOT_BEGUN)
		return error_set(p->e, CBTM_ERR_INTERNAL, task->name, "depends on itself");
	s->state = SLOT_BEGUN;
	s->n = task->each == EACH_CLUSTER ? p->system->k : 1;
	s->dataset = arena_take(p->g->arena, s->n * sizeof(struct graph_dataset *), p->e);
	if (!s->dataset)
		return p->e->name;
	for (size_t i = 0; i < s->n; i++) {
		s->dataset[i] = plan_dataset(p, stage, task, (uint32_t)i);
		if (!s->dataset[i])
			return p->e->name;
	}
	s->state = SLOT_DONE;
	p->to->n += s->n;
	return 0;
}

/* Everything that the system was found to need, inputs first: stages and tasks are in that order. */
static int list_system(struct planning *p)
{
	const struct pipeline *pl = p->g->pipeline;
	size_t n = p->to->n;

	p->to->dataset = arena_take(p->g->arena, n * sizeof(struct graph_dataset *), p->e);
	if (!p->to->dataset)
		return p->e->name;
	p->to->n = 0;
	for (size_t i = 0; i < pl->stages; i++)
		for (size_t t = 0; pl->registry[i]->tasks[t].name; t++)
			for (size_t j = 0; p->slot[i][t].state == SLOT_DONE && j < p->slot[i][t].n; j++)
				p->to->dataset[p->to->n++] = p->slot[i][t].dataset[j];
	return 0;
}

/* Of systems with clusters what people look at, which nobody reads: early, while others train. */
static int plan_for_people(struct planning *p)
{
	const struct pipeline *pl = p->g->pipeline;
	struct slot *slot;

	for (size_t i = 0; p->system->k > 1 && i < pl->stages; i++)
		for (const struct stage_task *t = pl->registry[i]->tasks; t->name; t++)
			if (stage_task_is_for_people(pl->registry[i], t) &&
			    plan_task(p, pl->registry[i], t, &slot))
				return p->e->name;
	return 0;
}

static int plan_system(struct graph *g, const struct pipeline_system *system,
                       struct graph_system *to, struct cbtm_error *e)
{
	const struct pipeline *pl = g->pipeline;
	struct planning p = { .g = g, .to = to, .system = system, .e = e };
	const struct cbtm_stage *last = pl->registry[pl->stages - 1];
	struct slot *slot;

	to->system = system;
	p.slot = arena_take(g->arena, pl->stages * sizeof *p.slot, e);
	if (!p.slot)
		return e->name;
	for (size_t i = 0; i < pl->stages; i++) {
		p.slot[i] = arena_take(g->arena, (count_tasks(pl->registry[i]) + 1) * sizeof **p.slot, e);
		if (!p.slot[i])
			return e->name;
	}
	if (plan_for_people(&p) || plan_task(&p, last, &last->tasks[count_tasks(last) - 1], &slot))
		return e->name;
	to->last = slot->dataset[0];
	return list_system(&p);
}

bool graph_system_has(const struct graph_system *s, const struct graph_dataset *d)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->dataset[i] == d)
			return true;
	return false;
}

int graph_make(const struct pipeline *p, struct graph **graph, struct cbtm_error *e)
{
	struct graph *g = *graph = mem_zeroed(1, sizeof *g, "a graph", e);

	if (!g)
		return e->name;
	g->pipeline = p;
	g->arena = arena_new(e);
	if (!g->arena)
		return e->name;
	g->system = arena_take(g->arena, p->systems * sizeof *g->system, e);
	for (size_t i = 0; g->system && i < p->systems; i++, g->systems++)
		if (plan_system(g, &p->system[i], &g->system[i], e))
			return e->name;
	for (size_t i = 0; i < g->n; i++)
		for (size_t s = 0; s < g->systems; s++)
			g->dataset[i]->systems += graph_system_has(&g->system[s], g->dataset[i]);
	return e->name;
}

void graph_free(struct graph *g)
{
	if (!g)
		return;
	free(g->dataset);
	arena_free(g->arena);
	free(g);
}

int graph_look(struct graph *g, struct cbtm_error *e)
{
	for (size_t i = 0; i < g->n && !e->name; i++) {
		struct graph_dataset *d = g->dataset[i];
		uint32_t missing = 0;
		d->state = dataset_is_complete(d->dir, d->fingerprint) ? GRAPH_DONE : GRAPH_MISSING;
		for (uint32_t j = 0; j < d->parts; j++) {
			bool done =
				d->state == GRAPH_DONE || dataset_has_part(d->dir, j, d->part[j].fingerprint);
			d->part[j].state = done ? GRAPH_DONE : GRAPH_MISSING;
			missing += !done;
		}
		/* All parts are there, but a kill came before DATASET.json: the last one's job writes it. */
		if (d->state != GRAPH_DONE && !missing)
			d->part[d->parts - 1].state = GRAPH_MISSING;
	}
	return e->name;
}

const char *graph_link_name(struct graph *g, const struct graph_dataset *d, struct cbtm_error *e)
{
	if (d->task->each != EACH_CLUSTER)
		return d->task->name;
	return arena_printf(g->arena, e, "%s-cluster-%u", d->task->name, d->cluster);
}
