/* SPDX-License-Identifier: MIT */
#include "pipeline/estimate.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/room.h"
#include "pipeline/sources.h"
#include "store/dataset.h"
#include "store/split.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RESUME "resume-" /* begins the names of states to resume from */
enum {
	SLACK = 192 << 20
}; /* what a store's map is larger than the store, and programs and threads */

/* ---------------------------------------------------------------- what is known */

static int system_of(const struct pipeline *p, const struct pipeline_system *from, struct arena *a,
                     struct needs_system *s, struct cbtm_error *e)
{
	const void **options = arena_take(a, (p->stages + 1) * sizeof *options, e);
	const struct cbtm_plugin **plugin = arena_take(a, (p->stages + 1) * sizeof *plugin, e);
	const void **plugin_options = arena_take(a, (p->stages + 1) * sizeof *plugin_options, e);

	if (e->name)
		return e->name;
	for (size_t i = 0; i < p->stages; i++) {
		options[i] = from->stage[i].options;
		plugin[i] = from->stage[i].plugin;
		plugin_options[i] = from->stage[i].plugin_options;
	}
	*s = (struct needs_system){ p->registry, options, plugin, plugin_options };
	return 0;
}

/* Rows and tokens of what is done already; `ignored`: then they are estimated. */
static void count_dataset(const struct graph_dataset *d, struct needs_corpus *c)
{
	struct cbtm_error ignored = { 0 };
	struct dataset *s = NULL;
	char fact[32];

	if (d->state != GRAPH_DONE || dataset_open(d->dir, NULL, &s, &ignored))
		return;
	if (!strcmp(d->task->name, "documents") && !dataset_rows(s, "key", &c->documents, &ignored))
		c->exact_documents = true;
	if (!strcmp(d->task->name, "tokens")) {
		c->exact_tokens = true;
		for (int i = 0; i < SPLIT_COUNT; i++) {
			snprintf(fact, sizeof fact, "tokens.%s", split_names[i]);
			if (dataset_sum(s, fact, &c->tokens[i], &ignored))
				c->exact_tokens = false;
		}
	}
	dataset_close(s);
}

static int corpus_of(const struct graph_system *s, const struct pipeline *p, struct needs_corpus *c,
                     bool *exact, struct cbtm_error *e)
{
	*c = (struct needs_corpus){ 0 };
	for (size_t i = 0; i < p->stages; i++) {
		const struct stage_config *config = &s->system->stage[i];
		struct stage_amount amount = { .exact = true };
		if (!config->source || !config->stage->source->measure)
			continue;
		if (config->stage->source->measure(config->options, config->source->plan, &amount, e))
			return e->name;
		c->bytes = amount.bytes;
		c->documents = amount.documents;
		*exact &= amount.exact;
	}
	for (size_t i = 0; i < s->n; i++)
		count_dataset(s->dataset[i], c);
	return 0;
}

/* ---------------------------------------------------------------- sums */

/* Bytes of the files of a folder; *states: of those in folders of it that are gone in the end. */
static uint64_t bytes_there(const char *dir, uint64_t *states)
{
	struct cbtm_error ignored = { 0 };
	char **names = NULL;
	size_t n = 0;
	uint64_t all = 0, size, below = 0;
	struct stat is;

	if (!file_exists(dir) || folder_list(dir, &names, &n, &ignored))
		return 0;
	for (size_t i = 0; i < n; i++) {
		char *path = path_join(dir, names[i], &ignored);
		if (path && !stat(path, &is) && S_ISDIR(is.st_mode))
			size = bytes_there(path, &below);
		else if (!path || file_size(path, &size, &ignored))
			size = 0;
		if (path && states && !strncmp(names[i], RESUME, strlen(RESUME)))
			*states = needs_add(*states, size);
		else
			all = needs_add(all, size);
		free(path);
	}
	folder_list_free(names, n);
	return all;
}

static uint64_t without(uint64_t all, uint64_t there)
{
	return all - (there < all ? there : all);
}

static int add_dataset(struct estimate *t, const struct run *run, const struct graph_dataset *d,
                       const struct needs_system *s, const struct needs_corpus *c,
                       struct cbtm_error *e)
{
	struct estimate_row *row = &t->row[t->n];
	uint64_t there, states = 0;

	*row = (struct estimate_row){ .dataset = d, .may_be_taken_over = run_may_take_over(run, d) };
	if (needs_of(s, c, d->task, d->k, d->parts, &row->need, e) || !row->need.disk)
		return e->name;
	there = d->forced ? 0 : bytes_there(d->dir, &states);
	row->need.disk = without(row->need.disk, there);
	row->need.spare = without(row->need.spare, d->forced ? 0 : states);
	t->n++;
	return 0;
}

/* Datasets of one task that may run at once: of all systems. */
static void add_up(struct estimate *t, unsigned jobs)
{
	uint64_t spare = 0, map;

	for (size_t i = 0; i < t->n; i++) {
		const struct estimate_row *row = &t->row[i];
		uint64_t at_once = 0;
		t->disk = needs_add(t->disk, row->need.disk);
		if (row->may_be_taken_over && row->need.copy)
			t->spared = needs_add(t->spared, without(row->need.disk, row->need.copy));
		for (size_t j = 0; j < t->n; j++)
			if (t->row[j].dataset->task == row->dataset->task)
				at_once += t->row[j].dataset->parts;
		if (at_once > jobs)
			at_once = jobs;
		map = needs_add(SLACK, row->need.disk / row->dataset->parts);
		if (needs_add(row->need.memory, map) > t->addresses)
			t->addresses = needs_add(row->need.memory, map);
		if (needs_times(at_once, row->need.memory) > t->memory) {
			t->memory = needs_times(at_once, row->need.memory);
			t->largest = row->dataset;
			t->at_once = (unsigned)at_once;
		}
		if (needs_times(at_once, row->need.spare) > spare)
			spare = needs_times(at_once, row->need.spare);
	}
	t->disk = needs_add(t->disk, spare);
}

int estimate_make(const struct run *run, unsigned jobs, struct estimate *t, struct cbtm_error *e)
{
	const struct graph *g = run->graph;
	struct needs_system s;
	struct needs_corpus c;

	*t = (struct estimate){ .row = mem_zeroed(g->n, sizeof *t->row, "estimates", e),
		                    .exact_text = true };
	for (size_t i = 0; i < g->systems && !e->name; i++) {
		const struct graph_system *system = &g->system[i];
		if (system_of(g->pipeline, system->system, g->arena, &s, e) ||
		    corpus_of(system, g->pipeline, &c, &t->exact_text, e))
			break;
		for (size_t j = 0; j < system->n && !e->name; j++) {
			const struct graph_dataset *d = system->dataset[j];
			/* Shared ones count with their first system. */
			if (d->wanted && d->state != GRAPH_DONE && d->system == system->system)
				add_dataset(t, run, d, &s, &c, e);
		}
	}
	if (!e->name)
		add_up(t, jobs);
	return e->name;
}

void estimate_free(struct estimate *t)
{
	free(t->row);
	t->row = NULL;
}

/* ---------------------------------------------------------------- for people */

/* Clusters of one system that take the same. */
static bool is_like(const struct estimate_row *a, const struct estimate_row *b)
{
	return a->dataset->task == b->dataset->task && a->dataset->system == b->dataset->system &&
	       a->need.disk == b->need.disk && a->need.memory == b->need.memory;
}

int estimate_print(const struct estimate *t, bool each, struct buffer *out, struct cbtm_error *e)
{
	char disk[16], memory[16], least[16], count[64];
	size_t name = 0, n;

	for (size_t i = 0; i < t->n; i++)
		name = strlen(t->row[i].dataset->name) > name ? strlen(t->row[i].dataset->name) : name;
	if (each && t->n)
		buffer_printf(out, e, "expected (~: by measured ratios; else by counts and settings):\n");
	for (size_t i = 0; each && i < t->n && !e->name; i += n) {
		const struct estimate_row *row = &t->row[i];
		for (n = 1; i + n < t->n && is_like(row, &t->row[i + n]);)
			n++;
		number_human_bytes(row->need.disk, disk);
		number_human_bytes(row->need.memory, memory);
		snprintf(count, sizeof count, "  each of %zu", n);
		buffer_printf(
			out, e, "  %-*s  %c%8s on disk  ~%8s in memory%s%s%s\n", (int)name, row->dataset->name,
			row->need.exact ? ' ' : '~', disk, memory, row->dataset->systems > 1 ? "" : "  ",
			row->dataset->systems > 1 ? "" : row->dataset->system->name, n > 1 ? count : "");
	}
	if (!t->n || e->name)
		return e->name;
	number_human_bytes(t->disk, disk);
	number_human_bytes(t->memory, memory);
	number_human_bytes(t->disk - t->spared, least);
	snprintf(count, sizeof count, t->spared ? " (%s if earlier runs are taken over)" : "%.0s",
	         least);
	return buffer_printf(out, e, "in all about %s of disk%s, and %s of memory (%s, %u at once)%s\n",
	                     disk, count, memory, t->largest->task->name, t->at_once,
	                     t->exact_text ? "" : "; the corpus is packed, its size a guess");
}

static int refuse(enum cbtm_error_name name, const char *where, uint64_t need, uint64_t room,
                  const char *what, const char *hint, bool warn, struct cbtm_error *e)
{
	char need_text[16], room_text[16];

	number_human_bytes(need, need_text);
	number_human_bytes(room, room_text);
	if (warn) {
		log_message(LOG_WARNING, "%s: the run will take about %s of %s, and %s are free", where,
		            need_text, what, room_text);
		return 0;
	}
	error_set(e, name, where, "the run will take about %s of %s, and %s are free", need_text, what,
	          room_text);
	return error_hint(e, "%s, or start all the same with --anyway", hint);
}

int estimate_check(const struct estimate *t, const char *work, bool pause, bool anyway,
                   struct cbtm_error *e)
{
	uint64_t disk = room_on_disk(work), memory = room_in_memory();

	if (t->disk > disk && refuse(CBTM_ERR_DISK_FULL, work, t->disk, disk, "disk",
	                             "free some space, or choose another folder with --work",
	                             anyway || pause || t->disk - t->spared <= disk, e))
		return e->name;
	if (t->largest && t->memory > memory &&
	    refuse(CBTM_ERR_MEMORY, t->largest->task->name, t->memory, memory, "memory",
	           "run fewer tasks at once with --jobs, or smaller ones (train.micro_batch)", anyway,
	           e))
		return e->name;
	if (t->largest && t->addresses > room_for_maps())
		return refuse(CBTM_ERR_MEMORY, "ulimit -v", t->addresses, room_for_maps(),
		              "addresses a process", "raise the limit", anyway, e);
	return 0;
}
