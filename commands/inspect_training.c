/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "commands/inspect.h"
#include "model/summary.h"
#include "store/dataset.h"
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a store, whose folder has its log or lies in a work folder with those of its runs. */
static int summarise(const struct store *s, struct summary *m, struct cbtm_error *e)
{
	const char *path = store_path(s), *slash = strrchr(path, '/');
	char *dir = slash ? mem_copy(path, (size_t)(slash - path), e) : mem_copy(".", 1, e);
	if (dir && !summary_read(s, m, e))
		summary_find_log(*dir ? dir : "/", s, m, e);
	free(dir);
	return e->name;
}

static double share(double part, double all)
{
	return all > 0 ? 100 * part / all : 0;
}

/* Seconds of the run: training, validation, waiting for saves. */
static double run_seconds(const struct run_log *l)
{
	return l->seconds + l->validating + l->waited;
}

void inspect_training(const struct store *s)
{
	struct cbtm_error e = { 0 };
	struct summary m;
	char tokens[16], rate[16], flops[16], memory[16], time[16], bytes[16];
	const struct run_log *l = &m.log;
	if (summarise(s, &m, &e) || !m.trained)
		return;
	number_human((double)m.tokens, tokens);
	printf("  trained for %" PRIu64 " steps; published: step %" PRIu64 ", %s tokens\n", m.steps,
	       m.step, tokens);
	if (m.active != m.parameters) {
		char all[16], active[16];
		number_human((double)m.parameters, all);
		number_human((double)m.active, active);
		printf("  parameters: %s, of which %s work on a token\n", all, active);
	}
	if (!isnan(m.last))
		printf("  loss: %.4f at the first point, %.4f at the last\n", m.first, m.last);
	if (!isnan(m.valid))
		printf("  validation: %.4f at the end, %.4f at the best, step %" PRIu64 "\n", m.valid,
		       m.best, m.best_step);
	if (!isnan(m.last_balance))
		printf("  balance loss: %.4f at the first point, %.4f at the last\n", m.first_balance,
		       m.last_balance);
	if (!l->points) {
		printf("  its log is not here: taken over, moved, or cleaned away\n");
		return;
	}
	number_human(run_log_rate(l), rate);
	number_human(l->seconds > 0 ? l->flops / l->seconds : 0, flops);
	number_human_bytes(l->peak_memory, memory);
	number_human_seconds(run_seconds(l), time);
	number_human_bytes(l->save_bytes, bytes);
	printf("  log: %s tokens/s, %s FLOP/s, %s at the most, %s\n", rate, flops, memory, time);
	if (l->saves)
		printf("  saved %" PRIu64
		       " times, %s, %.2f s each until on the disk; training waited %.2f s, "
		       "%.2f %% of the time\n",
		       l->saves, bytes, l->saving / (double)l->saves, l->waited,
		       share(l->waited, run_seconds(l)));
}

int inspect_training_json(const struct store *s, struct buffer *out, struct cbtm_error *e)
{
	struct cbtm_error why = { 0 };
	struct summary m;
	return summarise(s, &m, &why) ? json_put_null(out, e) : summary_print(&m, out, e);
}

/* ---------------------------------------------------------------- all models of systems */

/* "seed", "dense" for its only model, "experts 3". */
static char *title_of(const char *system, const char *name, bool alone, struct cbtm_error *e)
{
	static const char cluster[] = "expert-cluster-";
	if (strncmp(name, cluster, strlen(cluster)) != 0)
		return mem_copy(name, strlen(name), e);
	return alone ? mem_copy(system, strlen(system), e)
	             : path_printf(e, "%s %s", system, name + strlen(cluster));
}

static void print_row(const char *title, const struct summary *m, struct buffer *out,
                      struct cbtm_error *e)
{
	char tokens[16], rate[16] = "-", flops[16] = "-", memory[16] = "-", time[16] = "-", bytes[16];
	char valid[16] = "-", best[32] = "-", saves[40] = "-";
	const struct run_log *l = &m->log;
	number_human((double)m->tokens, tokens);
	if (!isnan(m->valid)) {
		snprintf(valid, sizeof valid, "%.4f", m->valid);
		snprintf(best, sizeof best, "%.4f@%" PRIu64, m->best, m->best_step);
	}
	if (l->points) {
		number_human(run_log_rate(l), rate);
		number_human(l->seconds > 0 ? l->flops / l->seconds : 0, flops);
		number_human_bytes(l->peak_memory, memory);
		number_human_seconds(run_seconds(l), time);
	}
	if (l->saves) {
		number_human_bytes(l->save_bytes, bytes);
		snprintf(saves, sizeof saves, "%" PRIu64 " x %s", l->saves, bytes);
	}
	buffer_printf(out, e, "%-15.15s%6" PRIu64 "%7s%8s%12s%9s%7s%8s%8s%14s", title, m->steps, tokens,
	              valid, best, rate, flops, memory, time, saves);
	if (l->saves)
		buffer_printf(out, e, "%5.1f%%", share(l->waited, run_seconds(l)));
	buffer_text(out, "\n", e);
	if (!isnan(m->last_balance))
		buffer_printf(out, e, "  balance loss %.4f at the first point, %.4f at the last\n",
		              m->first_balance, m->last_balance);
}

static void print_member(const char *system, const char *name, const struct summary *m,
                         struct buffer *out, struct cbtm_error *e)
{
	json_put_open(out, '{', e);
	json_put_key(out, "system", e);
	json_put_string(out, system, strlen(system), e);
	json_put_key(out, "dataset", e);
	json_put_string(out, name, strlen(name), e);
	json_put_key(out, "training", e);
	summary_print(m, out, e);
	json_put_close(out, '}', e);
}

/* Whether the folder was seen before: systems share their seed, and equal experts. */
static bool is_new(struct training_report *r, const char *dir, struct cbtm_error *e)
{
	char real[PATH_MAX];
	if (!realpath(dir, real))
		return false;
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->seen[i], real))
			return false;
	if (array_reserve(&r->seen, &r->capacity, r->n + 1, sizeof *r->seen, e))
		return false;
	r->seen[r->n] = mem_copy(real, strlen(real), e);
	return r->seen[r->n] != NULL && ++r->n;
}

static int add_model(struct training_report *r, const char *folder, const char *system,
                     const char *name, bool alone, struct cbtm_error *e)
{
	struct dataset *d = NULL;
	struct store *s = NULL;
	struct summary m;
	char *dir = path_join(folder, name, e), *seal = dir ? path_join(dir, "DATASET.json", e) : NULL;
	char *title = title_of(system, name, alone, e);
	if (title && seal && file_exists(seal) && is_new(r, dir, e) &&
	    !dataset_open(dir, NULL, &d, e) && !dataset_part(d, 0, &s, e) &&
	    !strcmp(store_kind_of(s)->name, "checkpoint") && !summarise(s, &m, e) && m.trained) {
		if (!r->json && !r->out.n)
			buffer_printf(&r->out, e, "%-15s%6s%7s%8s%12s%9s%7s%8s%8s%14s%6s\n", "training",
			              "steps", "tokens", "valid", "best@step", "tokens/s", "FLOP/s", "memory",
			              "time", "saves", "wait");
		if (r->json)
			print_member(system, name, &m, &r->out, e);
		else
			print_row(title, &m, &r->out, e);
	}
	store_close(s);
	dataset_close(d);
	free(title);
	free(seal);
	free(dir);
	return e->name;
}

/* expert-cluster-2 before expert-cluster-16. */
static int by_length(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	size_t n = strlen(x), m = strlen(y);
	return n != m && !strncmp(x, y, 7) ? (n > m) - (n < m) : strcmp(x, y);
}

static bool is_model(const char *name)
{
	return !strcmp(name, "seed") || !strncmp(name, "expert", 6);
}

int training_report_add(struct training_report *r, const char *folder, const char *system,
                        struct cbtm_error *e)
{
	char **names = NULL;
	size_t n = 0, models = 0;
	if (!file_exists(folder) || folder_list(folder, &names, &n, e))
		return e->name;
	if (n)
		qsort(names, n, sizeof *names, by_length);
	for (size_t i = 0; i < n; i++)
		models += !strncmp(names[i], "expert", 6);
	for (int seed = 1; seed >= 0; seed--)
		for (size_t i = 0; i < n && !e->name; i++)
			if (is_model(names[i]) && seed == !strcmp(names[i], "seed"))
				add_model(r, folder, system, names[i], models == 1, e);
	folder_list_free(names, n);
	return e->name;
}

void training_report_free(struct training_report *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->seen[i]);
	free(r->seen);
	buffer_free(&r->out);
	*r = (struct training_report){ 0 };
}
