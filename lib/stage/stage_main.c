/* SPDX-License-Identifier: MIT */
/* The body of every stage program: what stage/stage.h calls stage_main. */
#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/param.h"
#include "base/pool.h"
#include "base/progress.h"
#include "base/signals.h"
#include "base/steps.h"
#include "stage/command_line.h"
#include "stage/declaration.h"
#include "stage/folders.h"
#include "stage/host.h"
#include "stage/task.h"
#include <stdio.h>
#include <string.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

static void program_name(const struct cbtm_stage *stage, char name[64])
{
	snprintf(name, 64, "cbtm-%s", stage->name);
}

static const char *word_of(const struct stage_outcome *outcome, const struct cbtm_error *e)
{
	if (e->name)
		return e->name == CBTM_ERR_STOPPED ? "stopped" : "failed";
	return outcome->skipped ? "skipped" : "done";
}

static void event(const struct stage_task *task, uint32_t cluster, const char *word, double seconds)
{
	struct cbtm_error ignored = { 0 };
	struct buffer b = { 0 };

	if (!json_put_key(&b, "task", &ignored) &&
	    !json_put_string(&b, task->name, strlen(task->name), &ignored) &&
	    !json_put_key(&b, "cluster", &ignored) && !json_put_u64(&b, cluster, &ignored) &&
	    !json_put_key(&b, "seconds", &ignored) && !json_put_f64(&b, seconds, &ignored))
		log_event(word, b.data);
	buffer_free(&b);
}

/* Where the threads' seconds went. */
static void steps_event(const struct stage_task *task)
{
	struct cbtm_error ignored = { 0 };
	struct buffer b = { 0 };

	if (!json_put_key(&b, "task", &ignored) &&
	    !json_put_string(&b, task->name, strlen(task->name), &ignored) &&
	    !steps_members(&b, &ignored))
		log_event("steps", b.data);
	buffer_free(&b);
}

/* Without --log each dataset's folder has its own log.jsonl. */
static int open_log(const struct stage_command *c, const char *out_dir, struct cbtm_error *e)
{
	enum log_level least = c->frame.quiet ? LOG_WARNING : LOG_INFO;
	const char *path = c->frame.log;
	char name[64];

	program_name(c->stage, name);
	if (!*path) {
		if (folder_make(out_dir, e))
			return e->name;
		path = arena_printf(c->arena, e, "%s/log.jsonl", out_dir);
		if (!path)
			return e->name;
	}
	return log_open(name, path, least, c->frame.log_json, e);
}

/* One task of one cluster, and its line on stdout. */
static int do_one(struct stage_session *s, const struct stage_task *task, uint32_t cluster,
                  struct cbtm_error *e)
{
	const struct stage_command *c = s->command;
	struct stage_outcome outcome = { false, "" };
	const char *out_dir = stage_output_dir(c, task, cluster, e);
	double start = clock_seconds(), seconds;

	if (!out_dir || open_log(c, out_dir, e))
		return e->name;
	event(task, cluster, "started", 0);
	steps_clear();
	stage_task_do(s, task, cluster, &outcome, e);
	seconds = clock_seconds() - start;
	steps_event(task);
	event(task, cluster, word_of(&outcome, e), seconds);
	if (e->name) {
		char text[2048], name[64];
		program_name(c->stage, name);
		error_format(e, name, text, sizeof text);
		fprintf(stderr, "%s\n", text);
		s->reported = true;
	}
	printf("cbtm-%s: %s %s in %.1f s: %s\n", c->stage->name, task->name, word_of(&outcome, e),
	       seconds, outcome.path ? outcome.path : out_dir);
	fflush(stdout);
	return e->name;
}

/* A model that could not be trained says nothing about the others: they are still made. */
static bool is_its_own(const struct cbtm_error *e)
{
	return e->name == CBTM_ERR_NOT_FINITE || e->name == CBTM_ERR_DIVERGED;
}

static int do_clusters(struct stage_session *s, const struct stage_task *task, uint64_t first,
                       uint64_t end, struct cbtm_error *e)
{
	uint64_t failed = 0;

	for (uint64_t j = first; j < end; j++) {
		struct cbtm_error one = { 0 };
		if (!do_one(s, task, (uint32_t)j, &one))
			continue;
		failed++;
		error_copy(e, &one);
		if (!is_its_own(&one))
			return e->name;
	}
	if (failed && end - first > 1)
		printf("cbtm-%s: %s: %llu of %llu done, %llu failed\n", s->command->stage->name, task->name,
		       (unsigned long long)(end - first - failed), (unsigned long long)(end - first),
		       (unsigned long long)failed);
	return e->name;
}

static int do_task(struct stage_session *s, const struct stage_task *task, struct cbtm_error *e)
{
	const struct stage_frame *f = &s->command->frame;
	uint64_t first = 0, end = 1;

	if (task->each == EACH_CLUSTER) {
		first = f->cluster_given ? f->cluster : 0;
		end = f->cluster_given ? f->cluster + 1 : s->k;
		if (end > s->k)
			return error_set(e, CBTM_ERR_USAGE, "--cluster",
			                 "there are %llu clusters, counted from 0", (unsigned long long)s->k);
	} else if (f->cluster_given) {
		return error_set(e, CBTM_ERR_USAGE, "--cluster", "task %s has no clusters", task->name);
	}
	if (f->part_given && task->each != EACH_PART)
		return error_set(e, CBTM_ERR_USAGE, "--part", "task %s has no parts", task->name);
	return do_clusters(s, task, first, end, e);
}

/* Whether a task is to be done: the one that was named, or all that these options want, but for one
 * for people unasked for. */
static bool is_wanted(const struct stage_command *c, const struct stage_task *t, uint64_t k)
{
	if (*c->frame.task)
		return !strcmp(c->frame.task, t->name);
	if (stage_task_is_for_people(c->stage, t))
		return k > 1 && stage_command_folder(c, t->name)->dirs.n;
	return stage_task_is_wanted(c->stage, t, c->options, k);
}

/* Before the first task starts, so that a missing folder is not found out after an hour. */
static int check_folders(const struct stage_command *c, uint64_t k, struct cbtm_error *e)
{
	for (const struct stage_task *t = c->stage->tasks; t->name; t++) {
		if (!is_wanted(c, t, k))
			continue;
		if (!stage_output_dir(c, t, 0, e)) {
			if (!*c->frame.task)
				error_hint(e, "give a folder for every dataset, or choose a task with --task");
			return e->name;
		}
		for (const struct stage_input *in = t->reads; in->dataset; in++) {
			const struct stage_folder *f = stage_command_folder(c, in->dataset);
			if (f->dirs.n || !stage_input_is_wanted(in, c->options, k))
				continue;
			const char **dirs;
			size_t n;
			return stage_input_dirs(c, in, 0, k, &dirs, &n, e);
		}
	}
	return 0;
}

/* A stage that makes clusters is told by its own option k how many. */
static int check_clusters(const struct stage_command *c, uint64_t k, struct cbtm_error *e)
{
	const struct cbtm_param *row = param_find(c->stage->options, "k");

	if (!c->frame.clusters_given || !row || row->type != CBTM_PARAM_COUNT)
		return 0;
	uint64_t own = *(const uint64_t *)((const char *)c->options + row->offset);
	for (const struct stage_task *t = c->stage->tasks; t->name; t++)
		if (is_wanted(c, t, k) && stage_param_decides(c->stage, t, row) && own != k)
			return error_set(e, CBTM_ERR_USAGE, "--clusters",
			                 "is %llu, but --k, by which %s are made, is %llu",
			                 (unsigned long long)k, t->name, (unsigned long long)own);
	return 0;
}

/* Of tasks that use the plugin, before the first one starts. */
static int check_plugin(const struct stage_command *c, uint64_t k, struct cbtm_error *e)
{
	for (const struct stage_task *t = c->stage->tasks; t->name; t++)
		if (t->plugin && is_wanted(c, t, k))
			return stage_check_needs(c->stage, c->options, c->plugin, e);
	return 0;
}

/* A task that is wanted; `done`: bits of those that were done already. */
static int do_once(struct stage_session *s, const struct stage_task *task, uint64_t *done,
                   struct cbtm_error *e)
{
	uint64_t bit = UINT64_C(1) << stage_task_index(s->command->stage, task);

	if ((*done & bit) || !is_wanted(s->command, task, s->k))
		return 0;
	*done |= bit;
	return do_task(s, task, e);
}

/* What the task that is made along with `task` reads beside it. */
static int do_inputs(struct stage_session *s, const struct stage_task *task, uint64_t *done,
                     struct cbtm_error *e)
{
	const struct stage_command *c = s->command;
	const struct cbtm_stage *own[] = { c->stage, NULL };
	const struct stage_task *along = stage_task_along(c->stage, task, c->options, s->k);

	for (const struct stage_input *in = along->reads; in->dataset; in++) {
		const struct stage_task *from = stage_find_task(own, in->dataset, NULL);
		if (from && from != task && stage_input_is_wanted(in, c->options, s->k) &&
		    do_once(s, from, done, e))
			return e->name;
	}
	return 0;
}

/* What one thread does while another reads the source for the first time. */
struct before {
	struct stage_session *s;
	const struct stage_task *task;
	uint64_t *done;
	atomic_bool made; /* what the task reads beside the source */
};

static int one_before(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct before *b = arg;

	(void)thread;
	if (task)
		return stage_source_ahead(b->s, &b->made, e);
	do_inputs(b->s, b->task, b->done, e);
	atomic_store(&b->made, true);
	return e->name;
}

/* Before a task that makes another along. */
static int do_before(struct stage_session *s, const struct stage_task *task, uint64_t *done,
                     struct cbtm_error *e)
{
	const struct stage_command *c = s->command;
	const struct stage_task *along = stage_task_along(c->stage, task, c->options, s->k);
	struct before before = { .s = s, .task = task, .done = done };

	if (!along || !is_wanted(c, task, s->k) || !is_wanted(c, along, s->k))
		return 0;
	return pool_run(s->pool, stage_task_is_source(c->stage, task) ? 2 : 1, one_before, &before, e);
}

/* A named task that is no cluster's is given no options of those that are: they are not to be checked. */
static int check_options(const struct stage_command *c, uint64_t k, struct cbtm_error *e)
{
	for (const struct stage_task *t = c->stage->tasks; *c->frame.task && t->name; t++)
		if (!strcmp(c->frame.task, t->name) && t->each != EACH_CLUSTER)
			k = 1;
	return c->stage->check ? c->stage->check(c->options, k, e) : 0;
}

static int do_tasks(struct stage_session *s, struct cbtm_error *e)
{
	const struct stage_command *c = s->command;
	uint64_t done = 0;

	if (stage_clusters(c, &s->k, e) || check_folders(c, s->k, e) || check_clusters(c, s->k, e) ||
	    check_plugin(c, s->k, e) || check_options(c, s->k, e))
		return e->name;
	for (const struct stage_task *t = c->stage->tasks; t->name; t++)
		if (do_before(s, t, &done, e) || do_once(s, t, &done, e))
			return e->name;
	return 0;
}

static int run(struct stage_session *s, struct cbtm_error *e)
{
	const struct stage_command *c = s->command;
	static const enum store_verify verify[] = { STORE_VERIFY_FULL, STORE_VERIFY_ONCE,
		                                        STORE_VERIFY_SIZE };

	signals_install();
	store_set_verify(verify[c->frame.verify]);
	if (c->stage->heap)
		mem_keep_heap(c->stage->heap);
	s->pool = pool_new((unsigned)c->frame.threads, e);
	if (!s->pool)
		return e->name;
	host_start(s->pool);
	do_tasks(s, e);
	stage_session_end(s);
	host_start(NULL);
	pool_free(s->pool);
	return e->name;
}

static int print_help(const struct stage_command *c, struct cbtm_error *e)
{
	struct buffer text = { 0 };

	if (c->frame.version)
		printf("cbtm-%s %s\n", c->stage->name, PACKAGE_VERSION);
	else if (!stage_command_help(c, &text, e))
		fputs(text.data, stdout);
	buffer_free(&text);
	return e->name;
}

int stage_main(const struct cbtm_stage *stage, int argc, char **argv)
{
	struct cbtm_error e = { 0 };
	struct stage_command c;
	struct stage_session s = { .command = &c };
	char name[64], text[2048];
	bool reported = false;

	program_name(stage, name);
	if (stage_command_parse(stage, argc, argv, &c, &e))
		goto done;
	if (c.frame.help || c.frame.version) {
		print_help(&c, &e);
		goto done;
	}
	if (!log_open(name, NULL, c.frame.quiet ? LOG_WARNING : LOG_INFO, c.frame.log_json, &e))
		run(&s, &e);
	reported = s.reported;
done:
	if (e.name && !reported) {
		error_format(&e, name, text, sizeof text);
		fprintf(stderr, "%s\n", text);
	}
	log_close();
	stage_command_free(&c);
	if (fflush(stdout) && !e.name)
		return error_exit_status(CBTM_ERR_IO);
	return error_exit_status(e.name);
}
