/* SPDX-License-Identifier: MIT */
#include "pipeline/plan.h"
#include "base/file.h"
#include "pipeline/job.h"
#include <stdlib.h>
#include <string.h>

struct row {
	const struct graph_dataset *first;
	uint32_t last_cluster;
	const char *name, *middle, *words;
};
struct table {
	struct arena *arena;
	struct row *row;
	size_t n, capacity;
	struct cbtm_error *e;
};

static const char *keep(struct table *t, struct buffer *b)
{
	const char *text =
		t->e->name ? NULL : arena_string(t->arena, b->data ? b->data : "", b->n, t->e);

	buffer_free(b);
	return text;
}

/* Clusters that follow each other and have the same words are one row. */
static int add(struct table *t, const struct graph_dataset *d, const char *middle,
               const char *words)
{
	struct row *last = t->n ? &t->row[t->n - 1] : NULL;

	if (!middle || !words)
		return t->e->name;
	if (last && last->first->task == d->task && d->cluster == last->last_cluster + 1 &&
	    !strcmp(last->middle, middle) && !strcmp(last->words, words)) {
		last->last_cluster = d->cluster;
		last->name = arena_printf(t->arena, t->e, "%s %u-%u", d->task->name, last->first->cluster,
		                          d->cluster);
		return t->e->name;
	}
	if (array_reserve(&t->row, &t->capacity, t->n + 1, sizeof *t->row, t->e))
		return t->e->name;
	t->row[t->n++] = (struct row){ d, d->cluster, d->name, middle, words };
	return 0;
}

static int print(struct table *t, struct buffer *out)
{
	size_t name = 0, middle = 0;

	for (size_t i = 0; i < t->n; i++) {
		size_t a = strlen(t->row[i].name), b = strlen(t->row[i].middle);
		name = a > name ? a : name;
		middle = b > middle ? b : middle;
	}
	for (size_t i = 0; i < t->n && !t->e->name; i++) {
		if (*t->row[i].words)
			buffer_printf(out, t->e, "  %-*s  %-*s  %s\n", (int)name, t->row[i].name, (int)middle,
			              t->row[i].middle, t->row[i].words);
		else
			buffer_printf(out, t->e, "  %-*s  %s\n", (int)name, t->row[i].name, t->row[i].middle);
	}
	free(t->row);
	*t = (struct table){ .arena = t->arena, .e = t->e };
	return t->e->name;
}

/* "dense, experts"; "all" if it is every one of several. */
static const char *systems_of(struct table *t, const struct graph *g, const struct graph_dataset *d)
{
	struct buffer b = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < g->systems; i++)
		n += graph_system_has(&g->system[i], d);
	if (n == g->systems && n > 1)
		return "all systems";
	n = 0;
	for (size_t i = 0; i < g->systems; i++)
		if (graph_system_has(&g->system[i], d))
			buffer_printf(&b, t->e, "%s%s", n++ ? ", " : "", g->system[i].system->name);
	return keep(t, &b);
}

static const char *reason_of(struct table *t, const struct run *run, const struct graph_dataset *d)
{
	struct buffer b = { 0 };

	if (d->forced)
		return "forced";
	record_reason(run_recorded(run, d), d, &b, t->e);
	if (run_may_take_over(run, d))
		buffer_text(&b, "; taken over if an earlier run is the same", t->e);
	return keep(t, &b);
}

int plan_print(struct run *run, struct buffer *out, struct cbtm_error *e)
{
	const struct graph *g = run->graph;
	struct table t = { .arena = g->arena, .e = e };
	size_t jobs = run_jobs(run, false), all = run_jobs(run, true);

	if (!jobs)
		return buffer_printf(out, e, "%s: nothing to do: all %zu tasks are done\n",
		                     run->pipeline->name, all);
	for (size_t i = 0; i < g->n; i++) {
		const struct graph_dataset *d = g->dataset[i];
		if (d->wanted && d->state != GRAPH_DONE &&
		    add(&t, d, systems_of(&t, g, d), reason_of(&t, run, d)))
			break;
	}
	if (!e->name)
		buffer_printf(out, e, "%s: %zu of %zu tasks are to run\n", run->pipeline->name, jobs, all);
	return print(&t, out);
}

/* "WORK/TASK/FINGERPRINT 0" lines of the driver that works there now. */
static bool is_running(const struct buffer *state, const struct graph_dataset *d)
{
	size_t n = strlen(d->dir);

	for (const char *line = state->data; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, d->dir, n) && line[n] == ' ')
			return true;
	}
	return false;
}

static const char *state_of(struct table *t, const struct run *run, const struct buffer *state,
                            const struct graph_dataset *d)
{
	struct buffer b = { 0 };

	if (d->state == GRAPH_DONE)
		return "fresh";
	if (is_running(state, d))
		return "running";
	buffer_printf(&b, t->e, "%s: %s", file_exists(d->dir) ? "partial" : "stale",
	              reason_of(t, run, d));
	return keep(t, &b);
}

int plan_status(struct run *run, struct buffer *out, struct cbtm_error *e)
{
	const struct graph *g = run->graph;
	bool busy = workspace_is_busy(&run->workspace);
	struct table t = { .arena = g->arena, .e = e };
	struct buffer state = { 0 };

	if (busy && file_exists(run->workspace.state) &&
	    file_read(run->workspace.state, 1 << 24, &state, e))
		goto done;
	for (size_t s = 0; s < g->systems && !e->name; s++) {
		buffer_printf(out, e, "%s%s:\n", s ? "\n" : "", g->system[s].system->name);
		for (size_t i = 0; i < g->system[s].n && !e->name; i++) {
			const struct graph_dataset *d = g->system[s].dataset[i];
			add(&t, d, state_of(&t, run, &state, d), "");
		}
		print(&t, out);
	}
	if (!e->name)
		buffer_printf(out, e, "\n%s: %zu of %zu tasks are to run%s\n", run->pipeline->name,
		              run_jobs(run, false), run_jobs(run, true),
		              busy ? "; a driver is running" : "");
done:
	buffer_free(&state);
	return e->name;
}

int plan_commands(struct run *run, const char *bin, unsigned threads, struct buffer *out,
                  struct cbtm_error *e)
{
	struct job_setting setting = { bin, threads, NULL, NULL };
	char **argv;

	for (size_t i = 0; i < run->graph->n; i++) {
		const struct graph_dataset *d = run->graph->dataset[i];
		if (d->wanted && d->state != GRAPH_DONE &&
		    (job_arguments(run->graph, d, JOB_ALL_PARTS, &setting, run->graph->arena, &argv, e) ||
		     job_print(argv, out, e) || buffer_text(out, "\n", e)))
			return e->name;
	}
	return 0;
}
