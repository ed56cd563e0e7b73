/* SPDX-License-Identifier: MIT */
#include "stage/folders.h"
#include "base/file.h"
#include "base/param.h"
#include "stage/declaration.h"
#include "store/dataset.h"
#include <stdlib.h>
#include <string.h>

static char *cluster_dir(const struct stage_command *c, const char *parent, uint32_t cluster,
                         struct cbtm_error *e)
{
	char name[STAGE_CLUSTER_FOLDER];

	stage_cluster_folder(cluster, name);
	return arena_printf(c->arena, e, "%s/%s", parent, name);
}

static bool has_clusters(const struct stage_command *c, const char *dir)
{
	struct cbtm_error ignored = { 0 };
	const char *first = cluster_dir(c, dir, 0, &ignored);

	return first && file_exists(first);
}

/* The option of a dataset, for messages: "--seed-scores". */
static const char *option_of(const struct stage_command *c, const char *dataset)
{
	struct cbtm_error ignored = { 0 };
	struct cbtm_param row = { .name = dataset };
	char name[96];
	const char *text;

	param_option_name(&row, name, sizeof name);
	text = arena_printf(c->arena, &ignored, "--%s", name);
	return text ? text : dataset;
}

/* What "clusters" of the first part in DIR is; 0 if nothing says so. */
static int clusters_fact(const char *dir, uint64_t *k, struct cbtm_error *e)
{
	struct dataset *d = NULL;
	struct store *s;

	*k = 0;
	if (!dataset_open(dir, NULL, &d, e) && dataset_parts(d) && !dataset_part(d, 0, &s, e)) {
		if (!store_get_u64(s, "clusters", k))
			*k = 0;
		store_close(s);
	}
	dataset_close(d);
	return e->name;
}

static int clusters_of_input(const struct stage_command *c, const struct stage_input *in,
                             uint64_t *k, struct cbtm_error *e)
{
	const struct stage_folder *f = stage_command_folder(c, in->dataset);
	const char *dir;

	if (!f || f->published || !f->dirs.n)
		return 0;
	if (in->how < READS_SAME_CLUSTER)
		return in->wanted == stage_if_clustered ? clusters_fact(f->dirs.v[0], k, e) : 0;
	dir = has_clusters(c, f->dirs.v[0]) ? cluster_dir(c, f->dirs.v[0], 0, e) : f->dirs.v[0];
	if (!dir || clusters_fact(dir, k, e))
		return e->name;
	return 0;
}

int stage_clusters(const struct stage_command *c, uint64_t *k, struct cbtm_error *e)
{
	const struct cbtm_param *row = param_find(c->stage->options, "k");

	*k = 0;
	if (c->frame.clusters_given)
		*k = c->frame.clusters;
	else if (row && row->type == CBTM_PARAM_COUNT)
		*k = *(const uint64_t *)((const char *)c->options + row->offset);
	for (const struct stage_task *t = c->stage->tasks; t->name && !*k; t++)
		for (const struct stage_input *in = t->reads; in->dataset && !*k; in++)
			if (clusters_of_input(c, in, k, e))
				return e->name;
	if (!*k)
		*k = 1;
	return 0;
}

static const struct stage_folder *given_folder(const struct stage_command *c, const char *dataset,
                                               struct cbtm_error *e)
{
	const struct stage_folder *f = stage_command_folder(c, dataset);

	if (f && f->dirs.n)
		return f;
	error_set(e, CBTM_ERR_USAGE, NULL, "%s is missing: the folder of the dataset %s",
	          option_of(c, dataset), dataset);
	return NULL;
}

static int refuse_count(const struct stage_command *c, const struct stage_folder *f, uint64_t k,
                        struct cbtm_error *e)
{
	return error_set(
		e, CBTM_ERR_USAGE, option_of(c, f->dataset),
		"gives %zu folders, but there are %llu clusters: repeat the option once a "
		"cluster, in order, or give the folder that holds cluster-000, cluster-001, ...",
		f->dirs.n, (unsigned long long)k);
}

/* The folder of one cluster out of those given. */
static const char *dir_of_cluster(const struct stage_command *c, const struct stage_folder *f,
                                  uint32_t cluster, uint64_t k, struct cbtm_error *e)
{
	if (f->dirs.n == 1 && has_clusters(c, f->dirs.v[0]))
		return cluster_dir(c, f->dirs.v[0], cluster, e);
	if (f->dirs.n == 1 && (k == 1 || c->frame.cluster_given))
		return f->dirs.v[0];
	if (f->dirs.n == k)
		return f->dirs.v[cluster];
	refuse_count(c, f, k, e);
	return NULL;
}

int stage_input_dirs(const struct stage_command *c, const struct stage_input *input,
                     uint32_t cluster, uint64_t k, const char ***dirs, size_t *n,
                     struct cbtm_error *e)
{
	const struct stage_folder *f = given_folder(c, input->dataset, e);

	*n = input->how == READS_ALL_CLUSTERS ? k : 1;
	*dirs = f ? arena_take(c->arena, *n * sizeof **dirs, e) : NULL;
	if (!*dirs)
		return e->name;
	if (input->how < READS_SAME_CLUSTER) {
		if (f->dirs.n != 1)
			return error_set(e, CBTM_ERR_USAGE, option_of(c, f->dataset), "takes one folder");
		(*dirs)[0] = f->dirs.v[0];
		return 0;
	}
	for (size_t i = 0; i < *n; i++) {
		uint32_t j = input->how == READS_ALL_CLUSTERS ? (uint32_t)i : cluster;
		(*dirs)[i] = dir_of_cluster(c, f, j, k, e);
		if (!(*dirs)[i])
			return e->name;
	}
	return 0;
}

const char *stage_output_dir(const struct stage_command *c, const struct stage_task *task,
                             uint32_t cluster, struct cbtm_error *e)
{
	const struct stage_folder *f = given_folder(c, task->name, e);

	if (!f)
		return NULL;
	if (f->dirs.n != 1) {
		error_set(e, CBTM_ERR_USAGE, option_of(c, f->dataset), "takes one folder, to write to");
		return NULL;
	}
	if (task->each != EACH_CLUSTER || c->frame.cluster_given)
		return f->dirs.v[0];
	return cluster_dir(c, f->dirs.v[0], cluster, e);
}
