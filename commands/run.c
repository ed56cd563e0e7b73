/* SPDX-License-Identifier: MIT */
/* cbtm run: a pipeline from its source files to the comparison of its systems. */
#include "base/file.h"
#include "base/processors.h"
#include "commands/command.h"
#include "commands/inspect.h"
#include "commands/pipeline.h"
#include "ensemble/report.h"
#include "pipeline/driver.h"
#include "pipeline/estimate.h"
#include "pipeline/plan.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
	struct pipeline_options pipeline;
	struct run_selection select;
	uint64_t jobs, threads;
	struct cbtm_texts devices;
	int dry_run, quiet, full_disk, anyway;
};
static const struct cbtm_param options[] = {
	PIPELINE_ROWS(struct options),
	{ "from", CBTM_PARAM_TEXT, offsetof(struct options, select.from), "", 0, 0, NULL,
	  "this stage and those behind it", 0, 0 },
	{ "only", CBTM_PARAM_TEXT, offsetof(struct options, select.only), "", 0, 0, NULL,
	  "this stage alone", 0, 0 },
	{ "force", CBTM_PARAM_TEXT, offsetof(struct options, select.force), "", 0, 0, NULL,
	  "this stage again, even if it is done", 0, 0 },
	{ "jobs", CBTM_PARAM_COUNT, offsetof(struct options, jobs), "0", 0, 1024, NULL,
	  "tasks at the same time; 0: one a processor", 0, 0 },
	{ "threads", CBTM_PARAM_COUNT, offsetof(struct options, threads), "0", 0, 4096, NULL,
	  "threads that they share; 0: one a processor", 0, 0 },
	{ "devices", CBTM_PARAM_TEXTS, offsetof(struct options, devices), "[]", 0, 0, NULL,
	  "device of a task that computes, instead of the file's; may be repeated; all", 0, 0 },
	{ "full_disk", CBTM_PARAM_CHOICE, offsetof(struct options, full_disk), "stop", 0, 0,
	  "stop|pause", "what becomes of a task that finds the disk full: it fails, or waits for room",
	  0, 0 },
	{ "anyway", CBTM_PARAM_BOOL, offsetof(struct options, anyway), "false", 0, 0, NULL,
	  "start though the estimate is that the disk or memory will not do", 0, 0 },
	{ "dry_run", CBTM_PARAM_BOOL, offsetof(struct options, dry_run), "false", 0, 0, NULL,
	  "only say what would run, and why", 0, 0 },
	{ "quiet", CBTM_PARAM_BOOL, offsetof(struct options, quiet), "false", 0, 0, NULL,
	  "print failures and the last line only", 0, 0 },
	CBTM_PARAM_END
};

static int dry_run(struct run *r, unsigned jobs, struct cbtm_error *e)
{
	struct estimate estimate = { 0 };
	struct buffer out = { 0 };

	if (!plan_print(r, &out, e) && !estimate_make(r, jobs, &estimate, e) &&
	    !estimate_print(&estimate, true, &out, e))
		fputs(out.data, stdout);
	estimate_free(&estimate);
	buffer_free(&out);
	return e->name;
}

/* The folder of a system's cluster cards; NULL: none. */
static const char *cards_of(const struct graph_system *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->dataset[i]->task->kind, "cards") && s->dataset[i]->state == GRAPH_DONE)
			return s->dataset[i]->dir;
	return NULL;
}

/* The table of all systems, if every one of them has its results. */
static int report(struct run *run, bool quiet, struct cbtm_error *e)
{
	const struct graph *g = run->graph;
	struct report_system *list = mem_zeroed(g->systems, sizeof *list, "systems", e);
	struct buffer table = { 0 };

	for (size_t i = 0; list && i < g->systems; i++) {
		const struct graph_dataset *last = g->system[i].last;
		if (last->state != GRAPH_DONE || strcmp(last->task->kind, "results") != 0)
			goto done;
		list[i] =
			(struct report_system){ g->system[i].system->name, last->dir, cards_of(&g->system[i]) };
	}
	if (!list || report_write(list, g->systems, run->workspace.results, &table, e))
		goto done;
	for (size_t i = 0; !quiet && i < g->systems && !e->name; i++) {
		char *folder = path_join(run->workspace.run, list[i].name, e);
		if (folder)
			report_sources(folder, list[i].name, i == 0, e);
		free(folder);
	}
	if (!quiet && !e->name)
		printf("\n%s\nresults:  %s\ndatasets: %s/SYSTEM/\nlogs:     %s/\n",
		       table.data ? table.data : "", run->workspace.results, run->workspace.run,
		       run->workspace.logs);
done:
	buffer_free(&table);
	free(list);
	return e->name;
}

static int run(const void *values, char **arguments, int n, struct cbtm_error *e)
{
	const struct options *o = values;
	struct run r;
	char bin[PATH_MAX];
	struct local_setting setting = { bin,
		                             o->jobs ? (unsigned)o->jobs : processors_available(),
		                             o->threads ? (unsigned)o->threads : processors_available(),
		                             o->quiet,
		                             o->full_disk != 0,
		                             { 0 },
		                             o->anyway != 0 };

	if (pipeline_open(&o->pipeline, arguments, n, &r, e) || run_select(&r, &o->select, e) ||
	    pipeline_bin(bin, sizeof bin, e) ||
	    devices_choose(o->devices.n ? &o->devices : &r.pipeline->devices, r.graph->arena,
	                   &setting.devices, e))
		goto done;
	if (o->dry_run)
		dry_run(&r, setting.jobs, e);
	else if (!driver_run(&r, &setting, e))
		report(&r, o->quiet, e);
done:
	run_close(&r);
	return e->name;
}

const struct command command_run = {
	.name = "run",
	.sentence = "Run a pipeline: what is done already is kept, the rest is done",
	.arguments = "[PIPELINE]",
	.options = options,
	.options_size = sizeof(struct options),
	.example = "cbtm run pipeline.yaml",
	.run = run,
};
