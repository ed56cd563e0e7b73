/* SPDX-License-Identifier: MIT */
/* cbtm report: systems that were evaluated, side by side. */
#include "ensemble/report.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "commands/command.h"
#include "commands/inspect.h"
#include "commands/pipeline.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct options {
	int json;
};

static const struct cbtm_param options[] = {
	{ "json", CBTM_PARAM_BOOL, offsetof(struct options, json), "false", 0, 0, NULL,
	  "print everything as JSON, not the table", 0, 0 },
	CBTM_PARAM_END,
};

#define MOST_JSON (1u << 30) /* of a run's results.json */

/* The systems to report, in order; names and folders live in the arena. */
struct systems {
	struct arena *arena;
	struct report_system *v;
	size_t n, capacity;
};

static int add(struct systems *s, const char *name, const char *results, const char *cards,
               struct cbtm_error *e)
{
	if (!name || array_reserve(&s->v, &s->capacity, s->n + 1, sizeof *s->v, e))
		return e->name;
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].name, name))
			return error_set(e, CBTM_ERR_USAGE, name, "two systems have this name");
	s->v[s->n++] = (struct report_system){ name, results, cards };
	return 0;
}

/* The folder of a system's dataset, NULL if it is not complete. */
static const char *dataset_of(struct systems *s, const char *run, const char *system,
                              const char *name, struct cbtm_error *e)
{
	char *dir = arena_printf(s->arena, e, "%s/%s/%s", run, system, name);
	char *seal = dir ? arena_printf(s->arena, e, "%s/DATASET.json", dir) : NULL;
	return seal && file_exists(seal) ? dir : NULL;
}

/* A run's system SYSTEM, if its results or cards are there: they lie in RUN/SYSTEM/. */
static int add_of_run(struct systems *s, const char *run, const char *prefix, const char *system,
                      struct cbtm_error *e)
{
	const char *results = dataset_of(s, run, system, "results", e);
	const char *cards = dataset_of(s, run, system, "cards", e);
	char *name = arena_printf(s->arena, e, "%s%s", prefix, system);
	if (!name || e->name)
		return e->name;
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].name, name))
			return 0;
	return results || cards ? add(s, name, results, cards, e) : 0;
}

/* The systems in the order of the run's last results.json, which is that of the pipeline. */
static int add_in_order(struct systems *s, const char *run, const char *prefix,
                        struct cbtm_error *e)
{
	struct buffer text = { 0 };
	struct json root, list, one, name;
	size_t cursor = 0, n;
	const char *bytes;
	struct json_parser *parser = json_parser_new(e);
	char *path = arena_printf(s->arena, e, "%s/results.json", run);
	if (!parser || !path || !file_exists(path) || file_read(path, MOST_JSON, &text, e) ||
	    json_parse(parser, text.data, text.n, path, &root, e) ||
	    !json_member(root, "systems", &list))
		goto done;
	while (!e->name && json_next(list, &cursor, NULL, NULL, &one))
		if (json_member(one, "name", &name) && json_string(name, &bytes, &n)) {
			char *system = arena_string(s->arena, bytes, n, e);
			if (system && !strchr(system, '/'))
				add_of_run(s, run, prefix, system, e);
		}
done:
	json_parser_free(parser);
	buffer_free(&text);
	return e->name;
}

/* k-2 before k-16: numbers in names by their value. */
static int by_name(const void *left, const void *right)
{
	const char *a = *(char *const *)left, *b = *(char *const *)right;
	while (*a && *b) {
		size_t n = strspn(a, "0123456789"), m = strspn(b, "0123456789");
		int order = n && m && n != m ? (n > m) - (n < m) : 0;
		if (order || *a != *b)
			return order ? order : (unsigned char)*a - (unsigned char)*b;
		a++, b++;
	}
	return (*a != 0) - (*b != 0);
}

static int add_run(struct systems *s, const char *run, const char *prefix, struct cbtm_error *e)
{
	char **names = NULL;
	size_t n = 0, before = s->n;
	if (add_in_order(s, run, prefix, e) || folder_list(run, &names, &n, e))
		return e->name;
	if (!e->name && n)
		qsort(names, n, sizeof *names, by_name);
	for (size_t i = 0; i < n && !add_of_run(s, run, prefix, names[i], e); i++)
		continue;
	folder_list_free(names, n);
	if (!e->name && s->n == before) {
		error_set(e, CBTM_ERR_MISSING_INPUT, run, "no system here has results or cards yet");
		error_hint(e, "run the pipeline, or name systems: dense=FOLDER experts=FOLDER");
	}
	return e->name;
}

/* A pipeline's file stands for its run; any other path for itself. NULL: an error. */
static char *run_of(struct systems *s, const char *argument, struct cbtm_error *e)
{
	struct pipeline_options as_it_is = { 0 };
	char *file = arena_string(s->arena, argument, strlen(argument), e), *folder = NULL;
	struct stat is;
	struct run r;
	if (!file || stat(file, &is) || !S_ISREG(is.st_mode))
		return file;
	if (!pipeline_open(&as_it_is, &file, 1, &r, e))
		folder = arena_string(s->arena, r.workspace.run, strlen(r.workspace.run), e);
	run_close(&r);
	if (folder && !file_exists(folder)) {
		error_set(e, CBTM_ERR_MISSING_INPUT, folder, "%s has not been run", argument);
		return NULL;
	}
	return folder;
}

static int add_argument(struct systems *s, const char *argument, bool alone, struct cbtm_error *e)
{
	const char *equals = strchr(argument, '=');
	if (equals && equals > argument) {
		char *name = arena_string(s->arena, argument, (size_t)(equals - argument), e);
		return add(s, name, equals + 1, NULL, e);
	}
	char *run = run_of(s, argument, e);
	if (!run)
		return e->name;
	for (size_t end = strlen(run); end > 1 && run[end - 1] == '/';)
		run[--end] = 0;
	const char *slash = strrchr(run, '/'), *base = slash ? slash + 1 : run;
	char *prefix = arena_printf(s->arena, e, "%s/", base);
	if (prefix)
		add_run(s, run, alone ? "" : prefix, e);
	return e->name;
}

/* Where a system's datasets lie; NULL: its results are a dataset alone. */
static char *folder_of(struct systems *s, size_t i, struct cbtm_error *e)
{
	const char *one = s->v[i].results_dir ? s->v[i].results_dir : s->v[i].cards_dir,
			   *slash = strrchr(one, '/');
	return slash ? arena_string(s->arena, one, (size_t)(slash - one), e) : NULL;
}

static int add_training(struct systems *s, struct training_report *r, struct cbtm_error *e)
{
	for (size_t i = 0; i < s->n && !e->name; i++) {
		char *folder = folder_of(s, i, e);
		if (folder)
			training_report_add(r, folder, s->v[i].name, e);
	}
	return e->name;
}

static int run(const void *given, char **arguments, int n, struct cbtm_error *e)
{
	const struct options *o = given;
	struct systems s = { .arena = arena_new(e) };
	struct training_report training = { .json = o->json != 0 };
	struct buffer text = { 0 };
	if (!s.arena)
		goto done;
	if (n == 0) {
		error_set(e, CBTM_ERR_USAGE, NULL,
		          "name a run's folder, its pipeline's file, or NAME=FOLDER of each system");
		goto done;
	}
	for (int i = 0; i < n; i++)
		if (add_argument(&s, arguments[i], n == 1, e))
			goto done;
	if (report_make(s.v, s.n, o->json ? &text : NULL, o->json ? NULL : &text, e) ||
	    add_training(&s, &training, e))
		goto done;
	if (o->json) {
		text.n -= strlen("}\n"); /* one more member */
		json_put_key(&text, "training", e);
		buffer_printf(&text, e, "[%s]}\n", training.out.data ? training.out.data : "");
	} else if (training.out.n) {
		buffer_printf(&text, e, "\n%s", training.out.data);
	}
	fwrite(text.data, 1, text.n, stdout);
	for (size_t i = 0; i < s.n && !o->json && !e->name; i++) {
		char *folder = folder_of(&s, i, e);
		if (folder)
			report_sources(folder, s.v[i].name, i == 0, e);
	}
done:
	training_report_free(&training);
	buffer_free(&text);
	free(s.v);
	arena_free(s.arena);
	return e->name;
}

const struct command command_report = {
	.name = "report",
	.sentence = "Compare systems that were evaluated: a table, or JSON",
	.arguments = "RUN_FOLDER | PIPELINE | NAME=RESULTS_FOLDER...",
	.options = options,
	.options_size = sizeof(struct options),
	.example = "cbtm report work/runs/quickstart",
	.run = run,
};
