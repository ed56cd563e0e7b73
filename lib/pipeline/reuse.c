/* SPDX-License-Identifier: MIT */
#include "pipeline/reuse.h"
#include "base/file.h"
#include "store/dataset.h"
#include <stdlib.h>
#include <string.h>

/* The part of a complete dataset that has this fingerprint; UINT32_MAX: none. */
static uint32_t find_part(const struct dataset *from, struct digest fingerprint, uint32_t likely)
{
	uint32_t n = dataset_parts(from);

	if (likely < n && digest_equal(dataset_part_fingerprint(from, likely), fingerprint))
		return likely;
	for (uint32_t i = 0; i < n; i++)
		if (digest_equal(dataset_part_fingerprint(from, i), fingerprint))
			return i;
	return UINT32_MAX;
}

static int link_from(struct graph_dataset *d, const char *folder, size_t *linked,
                     struct cbtm_error *e)
{
	struct cbtm_error ignored = { 0 };
	struct dataset *from = NULL;

	/* A folder that is damaged or not complete has nothing for us, and is no error of this run. */
	dataset_open(folder, store_kind_find(d->task->kind), &from, &ignored);
	for (uint32_t i = 0; i < d->parts && !e->name; i++) {
		struct graph_part *part = &d->part[i];
		uint32_t j = i;
		if (part->state != GRAPH_MISSING || dataset_has_part(d->dir, i, part->fingerprint))
			continue;
		if (from)
			j = find_part(from, part->fingerprint, i);
		else if (!dataset_has_part(folder, i, part->fingerprint))
			j = UINT32_MAX;
		if (j == UINT32_MAX || folder_make(d->dir, e) || dataset_link_part(folder, j, d->dir, i, e))
			continue;
		part->state = GRAPH_DONE;
		++*linked;
	}
	dataset_close(from);
	return e->name;
}

int reuse_parts(struct graph_dataset *d, size_t *linked, struct cbtm_error *e)
{
	char *task = mem_copy(d->dir, strlen(d->dir), e), **names = NULL;
	const char *own = strrchr(d->dir, '/') + 1;
	size_t n = 0, missing = 0;

	for (uint32_t i = 0; i < d->parts; i++)
		missing += d->part[i].state == GRAPH_MISSING;
	if (!task || !missing || d->task->each != EACH_PART || d->searched || d->forced)
		goto done;
	d->searched = true;
	task[own - d->dir - 1] = 0;
	if (!file_exists(task) || folder_list(task, &names, &n, e))
		goto done;
	for (size_t i = 0; i < n && !e->name; i++) {
		char *folder = path_join(task, names[i], e);
		if (folder && strcmp(names[i], own) != 0)
			link_from(d, folder, linked, e);
		free(folder);
	}
done:
	folder_list_free(names, n);
	free(task);
	return e->name;
}

bool reuse_by_content(const struct graph_dataset *d)
{
	struct cbtm_error ignored = { 0 };
	char *task = mem_copy(d->dir, strlen(d->dir), &ignored), **names = NULL;
	size_t n = 0;
	bool found = false;

	if (!task || strcmp(d->task->kind, "checkpoint") != 0 || d->state == GRAPH_DONE ||
	    file_exists(d->dir))
		goto done;
	task[strrchr(d->dir, '/') - d->dir] = 0;
	if (!file_exists(task) || folder_list(task, &names, &n, &ignored))
		goto done;
	for (size_t i = 0; i < n && !found; i++) {
		char *seal = path_printf(&ignored, "%s/%s/DATASET.json", task, names[i]);
		found = seal && file_exists(seal);
		free(seal);
	}
done:
	folder_list_free(names, n);
	free(task);
	return found;
}
