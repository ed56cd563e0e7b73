/* SPDX-License-Identifier: MIT */
#include "stage/task.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/signals.h"
#include "base/steps.h"
#include "plugin/loader.h"
#include "stage/declaration.h"
#include "stage/folders.h"
#include "stage/inputs.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUSY_SECONDS 0.2 /* between two looks at a part that another process writes */

/* `made`: the one that is not there yet; NULL: all are. */
static int open_inputs(struct stage_session *s, const struct stage_task *task, uint32_t cluster,
                       const struct stage_task *made, struct stage_inputs **inputs,
                       struct cbtm_error *e)
{
	const struct stage_command *c = s->command;
	struct stage_place place[STAGE_INPUTS];
	size_t n = 0;

	for (const struct stage_input *in = task->reads; in->dataset; in++) {
		if (!stage_input_is_wanted(in, c->options, s->k))
			continue;
		place[n].input = in;
		if (stage_input_dirs(c, in, cluster, s->k, &place[n].dirs, &place[n].n, e))
			return e->name;
		if (made && !strcmp(made->name, in->dataset))
			place[n].dirs = NULL;
		n++;
	}
	return stage_inputs_open(c->stage, place, n, &c->search, inputs, e);
}

static int open_plugin(struct stage_session *s, const struct stage_task *task, struct cbtm_error *e)
{
	const struct stage_command *c = s->command;

	if (!task->plugin || s->plugin)
		return 0;
	return plugin_open(c->plugin->kind, c->plugin->name, &c->search, &s->plugin, e);
}

static int plan_source(struct stage_session *s, struct cbtm_error *e)
{
	const struct stage_command *c = s->command;

	if (s->source)
		return 0;
	return c->stage->source->plan(c->options, &s->source, &s->source_parts, e);
}

/* How many parts the task has. */
static int count_parts(struct stage_session *s, struct stage_run *run, struct cbtm_error *e)
{
	const struct stage_command *c = s->command;

	run->parts = 1;
	if (stage_task_is_source(c->stage, run->task)) {
		if (plan_source(s, e))
			return e->name;
		run->source = s->source;
		run->parts = s->source_parts;
	} else if (run->task->each == EACH_PART && stage_inputs_parts(run->inputs, &run->parts, e)) {
		return e->name;
	}
	if (c->frame.part_given && c->frame.part >= run->parts)
		return error_set(e, CBTM_ERR_USAGE, "--part", "there are %u parts, counted from 0",
		                 run->parts);
	return 0;
}

static int source_digest(struct stage_session *s, uint32_t part, struct digest *d,
                         struct cbtm_error *e)
{
	if (s->has_ahead && s->ahead_part == part) {
		*d = s->ahead;
		return 0;
	}
	return s->command->stage->source->digest(s->source, part, d, e);
}

int stage_source_ahead(struct stage_session *s, const atomic_bool *enough, struct cbtm_error *e)
{
	const struct stage_command *c = s->command;

	s->ahead_part = 0;
	if (plan_source(s, e) || source_digest(s, 0, &s->ahead, e))
		return e->name;
	s->has_ahead = true;
	if (c->stage->source->ahead && !c->frame.part_given)
		c->stage->source->ahead(c->options, s->source, 0, enough);
	return 0;
}

static int compute_fingerprint(struct stage_session *s, struct stage_run *run, struct cbtm_error *e)
{
	const struct stage_command *c = s->command;
	struct stage_identity id = { .stage = c->stage,
		                         .task = run->task,
		                         .options = c->options,
		                         .plugin = c->plugin,
		                         .plugin_options = c->plugin_options,
		                         .search = &c->search,
		                         .cluster = run->cluster };
	struct digest *digests;
	const char **names;

	if (stage_inputs_digests(run->inputs, run->part, c->arena, &digests, &names, &id.n_inputs, e))
		return e->name;
	id.inputs = digests;
	id.input_names = names;
	if (run->source) {
		if (source_digest(s, run->part, &digests[id.n_inputs], e))
			return e->name;
		names[id.n_inputs++] = "source";
	}
	return stage_fingerprint(&id, &run->fingerprint, e);
}

/* A process that was left behind by a killed driver still ends its transaction: wait for it. */
static int create_part(struct stage_session *s, struct stage_run *run, struct cbtm_error *e)
{
	const struct store_kind *kind = store_kind_find(run->task->kind);
	double last = clock_seconds() + (double)s->command->frame.wait;
	struct timespec pause = { 0, (long)(BUSY_SECONDS * 1e9) };

	if (!kind)
		return error_set(e, CBTM_ERR_INTERNAL, run->task->name, "publishes the unknown kind %s",
		                 run->task->kind);
	for (;;) {
		struct cbtm_error now = { 0 };
		run->out = NULL;
		if (store_create(run->out_dir, run->part, kind, run->fingerprint, &run->out, &now) !=
		        CBTM_ERR_BUSY ||
		    clock_seconds() >= last)
			return error_copy(e, &now);
		if (signals_check(e))
			return e->name;
		nanosleep(&pause, NULL);
	}
}

/* ---------------------------------------------------------------- what is made along */

/* Whether all folders that the task along needs were given. */
static bool has_folders(const struct stage_session *s, const struct stage_task *along)
{
	const struct stage_command *c = s->command;
	const struct stage_folder *f = stage_command_folder(c, along->name);

	for (const struct stage_input *in = along->reads; f && f->dirs.n && in->dataset; in++)
		if (stage_input_is_wanted(in, c->options, s->k))
			f = stage_command_folder(c, in->dataset);
	return f && f->dirs.n;
}

/* A task that is done alone is not told the options of others: there what lies in the folders
 * decides. Where all are done, what is trained on all parts is not there yet, or out of date. */
static const struct stage_task *task_along(const struct stage_session *s,
                                           const struct stage_task *task)
{
	const struct stage_command *c = s->command;

	return *c->frame.task ? stage_task_together(c->stage, task)
	                      : stage_task_along(c->stage, task, c->options, s->k);
}

/* *along: what to make along with `run`, whose parts are counted; its `out` is NULL. That an input
 * is not there is no error: the task itself will tell. */
static int open_along(struct stage_session *s, struct stage_run *run, struct stage_run *along,
                      struct cbtm_error *e)
{
	const struct stage_command *c = s->command;
	const struct stage_task *task = task_along(s, run->task);
	struct cbtm_error ignored = { 0 };

	*along = *run;
	along->task = NULL;
	along->inputs = NULL;
	along->source = NULL;
	if (!task || !has_folders(s, task) ||
	    open_inputs(s, task, run->cluster, run->task, &along->inputs, &ignored))
		return 0;
	along->task = task;
	along->plugin = NULL;
	along->out_dir = stage_output_dir(c, task, run->cluster, e);
	return along->out_dir ? folder_make(along->out_dir, e) : (int)e->name;
}

/* run->along: its part, unless it is there or another process has it. */
static int begin_along(struct stage_session *s, struct stage_run *run, struct stage_run *along,
                       struct cbtm_error *e)
{
	struct cbtm_error now = { 0 };

	run->along = NULL;
	along->out = NULL;
	if (!along->task)
		return 0;
	along->part = run->part;
	stage_inputs_made(along->inputs, run->task->name, run->fingerprint);
	if (compute_fingerprint(s, along, e))
		return e->name;
	if (store_create(along->out_dir, along->part, store_kind_find(along->task->kind),
	                 along->fingerprint, &along->out, &now) == CBTM_ERR_BUSY)
		return 0;
	if (now.name || !along->out)
		return error_copy(e, &now);
	run->along = along;
	return store_use_pool(along->out, along->pool, e);
}

/* ---------------------------------------------------------------- a task */

static int run_part(struct stage_session *s, struct stage_run *run, struct stage_run *along,
                    struct cbtm_error *e)
{
	const void *cursor;
	size_t n = 0;

	if (store_use_pool(run->out, run->pool, e) || begin_along(s, run, along, e))
		return e->name;
	if (!store_cursor(run->out, &cursor, &n, e) && n)
		log_message(LOG_INFO, "%s: going on behind the last commit of part %u", run->task->name,
		            run->part);
	if (e->name || fault_point("stage.run", e) || run->task->run(run, e) ||
	    fault_point("stage.seal", e))
		return e->name ? (int)e->name
		               : (int)error_set(e, CBTM_ERR_INTERNAL, run->task->name,
		                                "failed without saying why");
	return 0;
}

/* A part, and what was made along with it. */
struct sealing {
	struct store_writer *out[2];
};

static int seal_one(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct sealing *s = arg;
	struct store_writer *out = s->out[task];

	(void)thread;
	s->out[task] = NULL;
	return store_seal(out, e);
}

/* Side by side: much of it is waiting for the disk, which is counted once. */
static int seal(struct stage_session *s, struct stage_run *run, struct cbtm_error *e)
{
	struct sealing both = { { run->out, run->along ? run->along->out : NULL } };
	size_t n = run->along ? 2 : 1;
	double start = clock_seconds(), sync = steps_seconds(STEP_SYNC);

	pool_run(run->pool, n, seal_one, &both, e);
	sync = steps_seconds(STEP_SYNC) - sync;
	steps_add(STEP_SYNC, sync / (double)n - sync);
	steps_add(STEP_SEAL, clock_seconds() - start - sync / (double)n);
	store_leave(both.out[0]);
	store_leave(both.out[1]);
	if (run->along && !e->name)
		s->made_along |= UINT64_C(1) << stage_task_index(s->command->stage, run->along->task);
	return e->name;
}

static int do_part(struct stage_session *s, struct stage_run *run, struct stage_run *along,
                   bool *skipped, struct cbtm_error *e)
{
	if (signals_check(e) || compute_fingerprint(s, run, e) || create_part(s, run, e))
		return e->name;
	if (!run->out)
		return 0;
	*skipped = false;
	if (run_part(s, run, along, e)) {
		store_leave(run->out);
		store_leave(along->out);
		return e->name;
	}
	return seal(s, run, e);
}

/* A corpus without a document is a mistake in the input or in the names of its fields. */
static int check_not_empty(struct stage_session *s, const struct stage_run *run,
                           struct cbtm_error *e)
{
	for (uint32_t i = 0; i < run->parts; i++) {
		struct store_column_info info;
		struct store *part;

		if (store_open(run->out_dir, i, NULL, &part, e))
			return e->name;
		int status = store_column_at(part, 0, &info, e);
		store_close(part);
		if (status || info.rows)
			return status;
	}
	return error_set(e, CBTM_ERR_EMPTY_CORPUS, run->out_dir,
	                 "%s found no document in the %u parts of the input", s->command->stage->name,
	                 run->parts);
}

static int do_parts(struct stage_session *s, struct stage_run *run, bool *skipped,
                    struct cbtm_error *e)
{
	const struct stage_frame *f = &s->command->frame;
	uint32_t first = f->part_given ? (uint32_t)f->part : 0;
	uint32_t end = f->part_given ? first + 1 : run->parts;
	struct digest *fingerprint = mem_zeroed(run->parts, sizeof *fingerprint, "parts", e);
	struct stage_run along = { 0 };

	if (!fingerprint || open_along(s, run, &along, e))
		goto done;
	for (run->part = first; run->part < end; run->part++) {
		if (do_part(s, run, &along, skipped, e))
			goto done;
		fingerprint[run->part] = run->fingerprint;
	}
	if (!f->part_given && run->source && check_not_empty(s, run, e))
		goto done;
	if (!f->part_given && !fault_point("stage.dataset", e))
		dataset_seal(run->out_dir, store_kind_find(run->task->kind), fingerprint, run->parts, e);
done:
	stage_inputs_close(along.inputs);
	free(fingerprint);
	return e->name;
}

int stage_task_do(struct stage_session *s, const struct stage_task *task, uint32_t cluster,
                  struct stage_outcome *outcome, struct cbtm_error *e)
{
	const struct stage_command *c = s->command;
	struct stage_run run = { .stage = c->stage,
		                     .task = task,
		                     .options = c->options,
		                     .cluster = cluster,
		                     .clusters = (uint32_t)s->k,
		                     .pool = s->pool,
		                     .kept = &s->kept,
		                     .plugin_options = c->plugin_options };

	outcome->skipped = true;
	outcome->path = run.out_dir = stage_output_dir(c, task, cluster, e);
	if (!run.out_dir || folder_make(run.out_dir, e) || open_plugin(s, task, e) ||
	    open_inputs(s, task, cluster, NULL, &run.inputs, e) || count_parts(s, &run, e))
		goto done;
	run.plugin = task->plugin ? s->plugin : NULL;
	if (c->frame.part_given) {
		outcome->path =
			arena_printf(c->arena, e, "%s/part-%05u.lmdb", run.out_dir, (unsigned)c->frame.part);
		if (!outcome->path)
			goto done;
	}
	do_parts(s, &run, &outcome->skipped, e);
	if (s->made_along >> stage_task_index(c->stage, task) & 1)
		outcome->skipped = false;
done:
	stage_inputs_close(run.inputs);
	return e->name;
}

void stage_keep(struct stage_run *r, void *what, void (*forget)(void *what))
{
	struct stage_kept now = { what, forget, r->fingerprint };

	if (r->kept && r->kept->what)
		r->kept->forget(r->kept->what);
	if (r->kept)
		*r->kept = now;
	else
		forget(what);
}

void *stage_kept(const struct stage_run *r, struct digest fingerprint)
{
	return r->kept && digest_equal(r->kept->fingerprint, fingerprint) ? r->kept->what : NULL;
}

void stage_session_end(struct stage_session *s)
{
	if (s->kept.what)
		s->kept.forget(s->kept.what);
	s->kept.what = NULL;
	if (s->source)
		s->command->stage->source->free(s->source);
	s->source = NULL;
}
