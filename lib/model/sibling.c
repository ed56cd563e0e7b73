/* SPDX-License-Identifier: MIT */
#include "model/sibling.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "model/huggingface.h"
#include "model/identity.h"
#include "store/dataset.h"
#include "store/manifest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "stable-"

/* ---------------------------------------------------------------- folders */

/* The folder above: "." for a name alone. */
static char *above(const char *dir, struct cbtm_error *e)
{
	size_t n = strlen(dir);
	while (n > 1 && dir[n - 1] == '/')
		n--;
	while (n && dir[n - 1] != '/')
		n--;
	return n ? mem_copy(dir, n, e) : mem_copy(".", 1, e);
}

/* Calls visit with each folder beside dir, dir too, until one says that it is enough. */
static int each_beside(const char *dir, bool (*visit)(void *arg, const char *folder), void *arg,
                       struct cbtm_error *e)
{
	char *base = above(dir, e), **names = NULL;
	size_t n = 0;
	bool enough = false;
	if (base && file_exists(base) && !folder_list(base, &names, &n, e))
		for (size_t i = 0; i < n && !enough && !e->name; i++) {
			char *folder = path_join(base, names[i], e);
			enough = folder && visit(arg, folder);
			free(folder);
		}
	folder_list_free(names, n);
	free(base);
	return e->name;
}

/* ---------------------------------------------------------------- finished runs */

struct wanted {
	const char *dir, *identity;
	char *folder; /* found */
	char *reason;
	size_t size;
};

static void compare(struct wanted *w, const char *folder, const char *identity)
{
	struct cbtm_error ignored = { 0 };
	struct identity_difference d;
	if (identity_compare(identity, w->identity, folder, &d, &ignored))
		return;
	if (!d.n)
		w->folder = mem_copy(folder, strlen(folder), &ignored);
	else if (d.in_extent && !d.constant)
		snprintf(
			w->reason, w->size,
			"%s is the same but for its length (%s): its learning rate falls from the first "
			"step on by that, so none of its steps is ours; schedule: constant with a cooldown "
			"can be made longer",
			folder, d.text);
}

/* Reads the manifest alone: the part's bytes are checked when it is opened. */
static bool look(void *arg, const char *folder)
{
	struct wanted *w = arg;
	struct cbtm_error ignored = { 0 };
	struct manifest m;
	struct arena *a = arena_new(&ignored);
	char *path = path_printf(&ignored, "%s/part-00000.json", folder);
	char *sealed = path_printf(&ignored, "%s/DATASET.json", folder);
	if (a && path && sealed && strcmp(folder, w->dir) != 0 && file_exists(sealed) &&
	    !manifest_read(path, a, &m, &ignored) && !strcmp(m.kind, "checkpoint"))
		for (size_t i = 0; i < m.n_facts; i++)
			if (!strcmp(m.facts[i].name, IDENTITY_FACT))
				compare(w, folder, m.facts[i].json);
	free(sealed);
	free(path);
	arena_free(a);
	return w->folder != NULL;
}

static int copy_column(const struct store *s, const struct store_column_info *info,
                       struct store_writer *out, struct cbtm_error *e)
{
	struct store_reader *r = NULL;
	uint64_t done = store_rows(out, info->name);
	if (!info->rows || store_reader_open(s, info->name, &r, e))
		return e->name;
	if (info->shape == STORE_TENSOR &&
	    store_add_column(out, info->name, info->type, info->shape, info->width, e))
		goto done;
	while (done < info->rows) {
		const void *data;
		uint64_t rows;
		if (store_map_rows(r, done, &data, &rows, e) ||
		    store_append(out, info->name, data, rows, e))
			break;
		done += rows;
	}
done:
	store_reader_close(r);
	return e->name;
}

/* Facts that the identity says nothing of: which cluster it is, and what its start handed down. */
static bool is_its_own(const char *name)
{
	static const char *const facts[] = { "cluster", "clusters", "bos", HUGGINGFACE_IDS_FACT };
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
		if (!strcmp(name, facts[i]))
			return true;
	return false;
}

static int copy(const char *folder, struct store_writer *out, struct cbtm_error *e)
{
	struct dataset *d = NULL;
	struct store *s = NULL;
	struct store_column_info info;
	const char *name, *json;
	if (!dataset_open(folder, store_kind_find("checkpoint"), &d, e))
		dataset_part(d, 0, &s, e);
	for (size_t i = 0; s && !e->name && i < store_column_count(s); i++)
		if (!store_column_at(s, i, &info, e))
			copy_column(s, &info, out, e);
	for (size_t i = 0; s && !e->name && store_fact_at(s, i, &name, &json); i++)
		if (!is_its_own(name))
			store_set_json(out, name, json, e);
	store_close(s);
	dataset_close(d);
	return e->name;
}

int sibling_take_over(const char *dir, const char *identity, struct store_writer *out, bool *found,
                      char *reason, size_t size, struct cbtm_error *e)
{
	struct wanted w = { .dir = dir, .identity = identity, .reason = reason, .size = size };
	*found = false;
	*reason = 0;
	if (each_beside(dir, look, &w, e) || !w.folder)
		goto done;
	struct cbtm_error why = { 0 };
	struct dataset *whole = NULL;
	struct store *s = NULL;
	/* Opened once beforehand: a damaged one must not leave half of its rows in ours. */
	if (!dataset_open(w.folder, store_kind_find("checkpoint"), &whole, &why))
		dataset_part(whole, 0, &s, &why);
	store_close(s);
	dataset_close(whole);
	if (why.name) {
		log_message(LOG_WARNING, "%s would be the same run, but is damaged: %s", w.folder,
		            why.what);
	} else if (!copy(w.folder, out, e)) {
		*found = true;
		log_message(LOG_INFO, "taken over from %s: the same model, sequences, start and steps",
		            w.folder);
	}
done:
	free(w.folder);
	return e->name;
}

/* ---------------------------------------------------------------- states */

struct states {
	const char *family;
	uint64_t most, step;
	char *path; /* the longest yet */
};

static bool look_for_states(void *arg, const char *folder)
{
	struct states *s = arg;
	struct cbtm_error ignored = { 0 };
	char **names = NULL, begins[64];
	size_t n = 0, length;
	length = (size_t)snprintf(begins, sizeof begins, PREFIX "%.32s-", s->family);
	if (folder_list(folder, &names, &n, &ignored))
		return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t step;
		if (strncmp(names[i], begins, length) != 0)
			continue;
		step = strtoull(names[i] + length, NULL, 10);
		char *path =
			step > s->step && step <= s->most ? path_join(folder, names[i], &ignored) : NULL;
		char *sealed = path ? path_printf(&ignored, "%s/part-00000.json", path) : NULL;
		if (sealed && file_exists(sealed)) {
			free(s->path);
			s->path = path;
			s->step = step;
			path = NULL;
		}
		free(sealed);
		free(path);
	}
	folder_list_free(names, n);
	return false;
}

int sibling_state(const char *dir, const char *family, uint64_t most, char **path, uint64_t *step,
                  struct cbtm_error *e)
{
	struct states s = { .family = family, .most = most };
	each_beside(dir, look_for_states, &s, e);
	*path = s.path;
	*step = s.step;
	return e->name;
}

char *sibling_state_path(const char *dir, const char *family, uint64_t step, struct cbtm_error *e)
{
	return path_printf(e, "%s/" PREFIX "%s-%012llu", dir, family, (unsigned long long)step);
}

int sibling_forget(const char *dir, const char *path, struct cbtm_error *e)
{
	char **names = NULL;
	size_t n = 0;
	if (!file_exists(dir) || folder_list(dir, &names, &n, e))
		return e->name;
	for (size_t i = 0; i < n && !e->name; i++) {
		char *one = strncmp(names[i], PREFIX, strlen(PREFIX)) ? NULL : path_join(dir, names[i], e);
		if (one && strcmp(one, path) != 0)
			folder_remove(one, e);
		free(one);
	}
	folder_list_free(names, n);
	return e->name;
}
