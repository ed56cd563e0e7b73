/* SPDX-License-Identifier: MIT */
#include "fake.h"
#include "base/file.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct read_options {
	struct cbtm_texts input;
	uint64_t size;
	int loud;
	const char *table;
};
#define READ(field) offsetof(struct read_options, field)
static const struct cbtm_param read_rows[] = {
	{ "input", CBTM_PARAM_TEXTS, READ(input), NULL, 0, 0, NULL, "files",
	  CBTM_PARAM_REQUIRED | CBTM_PARAM_PATH, 1 },
	{ "letters.size", CBTM_PARAM_COUNT, READ(size), "10", 1, 100, NULL, "letters", 0, 2 },
	{ "loud", CBTM_PARAM_BOOL, READ(loud), "false", 0, 0, NULL, "noise", CBTM_PARAM_NO_RESULT, 0 },
	{ "table", CBTM_PARAM_TEXT, READ(table), "", 0, 0, NULL, "a file", CBTM_PARAM_PATH, 2 },
	CBTM_PARAM_END
};
struct group_options {
	uint64_t k;
};
static const struct cbtm_param group_rows[] = {
	{ "k", CBTM_PARAM_COUNT, 0, "2", 1, 20, NULL, "clusters", 0, 0 }, CBTM_PARAM_END
};
struct make_options {
	double weight;
	struct cbtm_counts steps;
	const char *fail;
};
#define MAKE(field) offsetof(struct make_options, field)
static const struct cbtm_param make_rows[] = {
	{ "weight", CBTM_PARAM_REAL, MAKE(weight), "0.5", 0, 1, NULL, "a weight", 0, 1 },
	{ "steps", CBTM_PARAM_COUNTS, MAKE(steps), "[1, 2]", 1, 9, NULL, "steps", 0, 2 },
	{ "fail", CBTM_PARAM_TEXT, MAKE(fail), "", 0, 0, NULL, "the cluster whose thing fails",
	  CBTM_PARAM_NO_RESULT, 1 },
	CBTM_PARAM_END
};

static int plan(const void *options, void **plan, uint32_t *parts, struct cbtm_error *e)
{
	const struct read_options *o = options;

	for (size_t i = 0; i < o->input.n; i++)
		if (!file_exists(o->input.v[i]))
			return error_set(e, CBTM_ERR_MISSING_INPUT, o->input.v[i], "is not there");
	*plan = (void *)options;
	*parts = (uint32_t)o->input.n;
	return 0;
}
static int digest(void *plan, uint32_t part, struct digest *d, struct cbtm_error *e)
{
	return digest_file(((const struct read_options *)plan)->input.v[part], 0, UINT64_MAX, d, e);
}
static void free_plan(void *plan)
{
	(void)plan;
}
static const struct stage_source source = { plan, digest, free_plan, NULL, NULL };

/* Row 0: the task, its number, and how many datasets it read. */
static int make(struct stage_run *r, struct cbtm_error *e)
{
	struct buffer b = { 0 };
	size_t n = 0;

	for (const struct stage_input *in = r->task->reads; in->dataset; in++)
		n += stage_input_count(r, in->dataset);
	if (!buffer_printf(&b, e, "%s %u of %zu inputs", r->task->name, r->part + r->cluster, n))
		store_append_row(r->out, "results", b.data, b.n, e);
	buffer_free(&b);
	return e->name;
}
static int make_thing(struct stage_run *r, struct cbtm_error *e)
{
	const struct make_options *o = r->options;
	char cluster[16];

	snprintf(cluster, sizeof cluster, "%u", r->cluster);
	if (!strcmp(o->fail, cluster))
		return error_set(e, CBTM_ERR_NOT_FINITE, "thing", "fails because it was told to");
	return make(r, e);
}

static const struct stage_task read_tasks[] = { { .name = "pages",
	                                              .kind = "results",
	                                              .sentence = "read files",
	                                              .version = 1,
	                                              .each = EACH_PART,
	                                              .run = make },
	                                            { .name = "letters",
	                                              .kind = "results",
	                                              .sentence = "count letters",
	                                              .version = 1,
	                                              .each = EACH_ONCE,
	                                              .reads = { { "pages", READS_ALL, NULL } },
	                                              .run = make },
	                                            { .name = "copies",
	                                              .kind = "results",
	                                              .sentence = "copy pages",
	                                              .version = 1,
	                                              .each = EACH_PART,
	                                              .reads = { { "pages", READS_SAME_PART, NULL },
	                                                         { "letters", READS_ALL, NULL } },
	                                              .run = make },
	                                            { 0 } };
static const struct stage_task group_tasks[] = { { .name = "groups",
	                                               .kind = "results",
	                                               .sentence = "group copies",
	                                               .version = 1,
	                                               .each = EACH_ONCE,
	                                               .reads = { { "copies", READS_ALL, NULL } },
	                                               .run = make },
	                                             { 0 } };
static const struct stage_task make_tasks[] = {
	{ .name = "thing",
	  .kind = "results",
	  .sentence = "make a thing",
	  .version = 1,
	  .each = EACH_CLUSTER,
	  .reads = { { "letters", READS_ALL, NULL }, { "groups", READS_ALL, stage_if_clustered } },
	  .run = make_thing },
	{ .name = "total",
	  .kind = "results",
	  .sentence = "add up",
	  .version = 1,
	  .each = EACH_ONCE,
	  .reads = { { "thing", READS_ALL_CLUSTERS, NULL },
	             { "groups", READS_ALL, stage_if_clustered } },
	  .run = make },
	{ 0 }
};
static int check_make(const void *options, uint64_t k, struct cbtm_error *e)
{
	const struct make_options *o = options;

	if (o->weight * (double)k > 10)
		return error_set(e, CBTM_ERR_CONFIG, "weight", "times k must be at most 10");
	return 0;
}

const struct cbtm_stage fake_read = { .name = "read",
	                                  .sentence = "Read something.",
	                                  .options = read_rows,
	                                  .options_size = sizeof(struct read_options),
	                                  .source = &source,
	                                  .tasks = read_tasks,
	                                  .example = "cbtm-read --input a.txt" };
const struct cbtm_stage fake_group = { .name = "group",
	                                   .sentence = "Group something.",
	                                   .options = group_rows,
	                                   .options_size = sizeof(struct group_options),
	                                   .tasks = group_tasks,
	                                   .example = "cbtm-group --k 3" };
const struct cbtm_stage fake_make = { .name = "make",
	                                  .sentence = "Make something.",
	                                  .options = make_rows,
	                                  .options_size = sizeof(struct make_options),
	                                  .tasks = make_tasks,
	                                  .check = check_make,
	                                  .example = "cbtm-make --weight 1" };
const struct cbtm_stage *const fake_registry[] = { &fake_read, &fake_group, &fake_make, NULL };

bool fake_is_stage(int argc, char **argv, int *status)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];

	for (size_t i = 0; fake_registry[i]; i++) {
		if (strncmp(name, "cbtm-", 5) != 0 || strcmp(name + 5, fake_registry[i]->name) != 0)
			continue;
		*status = stage_main(fake_registry[i], argc, argv);
		return true;
	}
	return false;
}

static void give_up(const char *what)
{
	perror(what);
	abort();
}

void fake_programs(const char *folder)
{
	struct cbtm_error e = { 0 };
	char exe[4096], path[4200];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

	if (n < 0 || folder_make(folder, &e))
		give_up(folder);
	exe[n] = 0;
	for (size_t i = 0; fake_registry[i]; i++) {
		snprintf(path, sizeof path, "%s/cbtm-%s", folder, fake_registry[i]->name);
		if (symlink(exe, path) != 0)
			give_up(path);
	}
}

void fake_file(const char *folder, const char *name, const char *text)
{
	char path[4200];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		give_up(path);
}

void fake_pipeline(const char *folder, const char *text)
{
	fake_file(folder, "a.txt", "first\n");
	fake_file(folder, "b.txt", "second\n");
	fake_file(folder, "pipeline.yaml",
	          text ? text
	               : "name: fake\n"
	                 "read: {input: [a.txt, b.txt], letters: {size: 20}}\n"
	                 "make: {weight: 0.25}\n"
	                 "systems:\n"
	                 "  - {name: one, set: {group.k: 1}}\n"
	                 "  - {name: two}\n");
}

int fake_open(const char *folder, const char *const *set, struct run *run, struct cbtm_error *e)
{
	static char file[4200];
	struct pipeline_request request = { .file = file };
	static const char *const none[] = { NULL };

	snprintf(file, sizeof file, "%s/pipeline.yaml", folder);
	request.set.v = set ? set : none;
	while (request.set.v[request.set.n])
		request.set.n++;
	return run_open(&request, fake_registry, run, e);
}

int fake_call(const char *folder, const struct cbtm_stage *stage, const char *const *words)
{
	int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), argc = 1, status;
	char path[4200], *argv[64] = { (char *)"program" };

	snprintf(path, sizeof path, "%s/out", folder);
	fflush(stdout);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (fd < 0 || out < 0 || err < 0)
		give_up(path);
	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	status = stage_main(stage, argc, argv);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(fd);
	close(out);
	close(err);
	return status;
}

const char *fake_read_file(const char *folder, const char *name)
{
	static char text[65536];
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	char path[4200];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	text[0] = 0;
	if (!file_read(path, sizeof text - 1, &b, &e) && b.n) {
		memcpy(text, b.data, b.n);
		text[b.n] = 0;
	}
	buffer_free(&b);
	return text;
}
