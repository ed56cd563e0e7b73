/* SPDX-License-Identifier: MIT */
#include "pipeline/driver.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/progress.h"
#include "base/signals.h"
#include "pipeline/estimate.h"
#include "pipeline/plan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Datasets that are complete are in the record, whoever completed them. */
static int note_done(struct run *run, struct cbtm_error *e)
{
	for (size_t i = 0; i < run->graph->n; i++)
		if (run->graph->dataset[i]->state == GRAPH_DONE && run_note(run, run->graph->dataset[i], e))
			return e->name;
	return record_write(&run->record, run->workspace.record, e);
}

static int on_complete(void *arg, struct graph_dataset *d, struct cbtm_error *e)
{
	struct run *run = arg;

	if (run_note(run, d, e))
		return e->name;
	return record_write(&run->record, run->workspace.record, e);
}

static int remove_forced(struct run *run, struct cbtm_error *e)
{
	for (size_t i = 0; i < run->graph->n; i++)
		if (run->graph->dataset[i]->forced && folder_remove(run->graph->dataset[i]->dir, e))
			return e->name;
	return 0;
}

/* What is to do and what it will take; an error if there is not so much. */
static int begin(struct run *run, const struct local_setting *setting, struct cbtm_error *e)
{
	struct buffer out = { 0 };
	struct estimate estimate = { 0 };

	if (!estimate_make(run, setting->jobs, &estimate, e) && !setting->quiet &&
	    !plan_print(run, &out, e) && !estimate_print(&estimate, false, &out, e)) {
		fputs(out.data, stdout);
		fflush(stdout);
	}
	if (!e->name)
		estimate_check(&estimate, run->pipeline->work, setting->pause, setting->anyway, e);
	estimate_free(&estimate);
	buffer_free(&out);
	return e->name;
}

static int summarise(struct run *run, const struct local_report *r, double seconds,
                     struct cbtm_error *e)
{
	size_t waiting = r->jobs - r->done - r->failed;
	char time[16], rest[64] = "";

	number_human_seconds(seconds, time);
	if (waiting)
		snprintf(rest, sizeof rest, ", %zu not started", waiting);
	if (r->failed) {
		error_set(e, r->failure, NULL, "%zu of %zu tasks done, %zu failed: %s%s", r->done, r->jobs,
		          r->failed, r->failures, rest);
		return error_hint(e, "see the logs in %.180s; then run the same command again",
		                  run->workspace.logs);
	}
	if (r->stopped)
		return error_set(e, CBTM_ERR_STOPPED, NULL, "%zu of %zu tasks done, then stopped", r->done,
		                 r->jobs);
	if (r->jobs)
		printf("%s: %zu of %zu tasks done in %s\n", run->pipeline->name, r->done, r->jobs, time);
	return 0;
}

int driver_run(struct run *run, const struct local_setting *setting, struct cbtm_error *e)
{
	double start = clock_seconds();
	struct local_report r = { 0 };
	struct cbtm_error record = { 0 };

	if (workspace_lock(&run->workspace, e) ||
	    log_open("cbtm", run->workspace.log, setting->quiet ? LOG_WARNING : LOG_INFO, false, e) ||
	    workspace_link(&run->workspace, run->graph, e) || begin(run, setting, e) ||
	    remove_forced(run, e))
		return e->name;
	signals_install();
	local_run(run->graph, &run->workspace, setting, on_complete, run, &r, e);
	note_done(run, &record);
	if (e->name || error_copy(e, &record))
		return e->name;
	return summarise(run, &r, clock_seconds() - start, e);
}
