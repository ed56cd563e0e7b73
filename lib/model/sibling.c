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

/* What a finished run has: the parameters under their own names, and perhaps others beside them. */
struct offer {
	uint64_t step, last_step, best_step;
	bool best_kept, best_known; /* it looked for the best; there was one */
	bool measured;              /* it has facts of the parameters that it used */
	char beside[8];             /* "best", "last"; "": none */
};

struct search {
	const char *dir;
	const struct sibling_wanted *wanted;
	struct sibling_found *found;
	struct offer offer;
	char *folder; /* found */
};

static bool fact_u64(const struct manifest *m, const char *name, uint64_t *v)
{
	const char *json = manifest_fact_json(m, name);
	if (json)
		*v = strtoull(json, NULL, 10);
	return json != NULL;
}

static struct offer offer_of(const struct manifest *m)
{
	struct offer o = { 0 };
	const char *beside = manifest_fact_json(m, "beside");
	fact_u64(m, "step", &o.step);
	o.best_kept = fact_u64(m, "last_step", &o.last_step);
	if (!o.best_kept)
		o.last_step = o.step;
	o.best_known = fact_u64(m, "best_step", &o.best_step);
	o.measured = manifest_fact_json(m, "expert_load") != NULL;
	if (beside)
		snprintf(o.beside, sizeof o.beside, "%s", strcmp(beside, "\"best\"") ? "last" : "best");
	return o;
}

/* Where it has the parameters of a step: "": under their own names; NULL: nowhere. */
static const char *place_of(const struct offer *o, uint64_t step)
{
	if (step == o->step)
		return "";
	return (!strcmp(o->beside, "best") && step == o->best_step) ||
	               (!strcmp(o->beside, "last") && step == o->last_step)
	           ? o->beside
	           : NULL;
}

/* The steps of what is wanted of it; *other = *used: nothing beside. */
static void steps_of(const struct offer *o, const struct sibling_wanted *w, uint64_t *used,
                     uint64_t *other)
{
	bool best = w->use_best && o->best_known;
	*used = best ? o->best_step : o->last_step;
	*other = !w->keep_both || !o->best_known ? *used : best ? o->last_step : o->best_step;
}

static bool has_all(const struct offer *o, const struct sibling_wanted *w)
{
	uint64_t used, other;
	if ((w->use_best || w->keep_both) && !o->best_kept)
		return false;
	steps_of(o, w, &used, &other);
	return place_of(o, used) && place_of(o, other) && (used == o->step || !o->measured);
}

static void compare(struct search *s, const char *folder, const char *identity,
                    const struct manifest *m)
{
	struct cbtm_error ignored = { 0 };
	struct identity_difference d;
	if (identity_compare(identity, s->wanted->identity, folder, &d, &ignored))
		return;
	if (!d.n) {
		s->offer = offer_of(m);
		if (has_all(&s->offer, s->wanted))
			s->folder = mem_copy(folder, strlen(folder), &ignored);
	} else if (d.in_extent && !d.in_end && !d.constant) {
		snprintf(
			s->found->reason, sizeof s->found->reason,
			"%s is the same but for its length (%s): its learning rate falls from the first "
			"step on by that, so none of its steps is ours; schedule: constant with a cooldown "
			"can be made longer",
			folder, d.text);
	}
}

/* Reads the manifest alone: the part's bytes are checked when it is opened. */
static bool look(void *arg, const char *folder)
{
	struct search *s = arg;
	struct cbtm_error ignored = { 0 };
	struct manifest m;
	const char *identity;
	struct arena *a = arena_new(&ignored);
	char *path = path_printf(&ignored, "%s/part-00000.json", folder);
	char *sealed = path_printf(&ignored, "%s/DATASET.json", folder);
	if (a && path && sealed && strcmp(folder, s->dir) != 0 && file_exists(sealed) &&
	    !manifest_read(path, a, &m, &ignored) && !strcmp(m.kind, "checkpoint") &&
	    (identity = manifest_fact_json(&m, IDENTITY_FACT)))
		compare(s, folder, identity, &m);
	free(sealed);
	free(path);
	arena_free(a);
	return s->folder != NULL;
}

static int copy_column(const struct store *s, const struct store_column_info *info,
                       const char *name, struct store_writer *out, struct cbtm_error *e)
{
	struct store_reader *r = NULL;
	uint64_t done = store_rows(out, name);
	if (!info->rows || store_reader_open(s, info->name, &r, e))
		return e->name;
	if (info->shape == STORE_TENSOR &&
	    store_add_column(out, name, info->type, info->shape, info->width, e))
		goto done;
	while (done < info->rows) {
		const void *data;
		uint64_t rows;
		if (store_map_rows(r, done, &data, &rows, e) || store_append(out, name, data, rows, e))
			break;
		done += rows;
	}
	if (!e->name && info->shape == STORE_TENSOR)
		store_end_column(out, name, e);
done:
	store_reader_close(r);
	return e->name;
}

/* The name of a tensor without its place ("best.", "last."), and whether that place is `place`. */
static bool lies_in(const char *place, const char *column, const char **name)
{
	const char *found = !strncmp(column, "best.", 5) || !strncmp(column, "last.", 5) ? column : "";
	size_t n = *found ? 4 : 0;
	*name = *found ? column + 5 : column;
	return strlen(place) == n && !memcmp(place, found, n);
}

/* The tensors of a place, under their own names or, if `as` is another place, under that. */
static int copy_tensors(const struct store *s, const char *place, const char *as,
                        struct store_writer *out, struct cbtm_error *e)
{
	struct store_column_info info;
	char to[300];
	for (size_t i = 0; i < store_column_count(s) && !store_column_at(s, i, &info, e); i++) {
		const char *name;
		if (info.shape != STORE_TENSOR || !lies_in(place, info.name, &name))
			continue;
		snprintf(to, sizeof to, "%s%s%s", as, *as ? "." : "", name);
		if (copy_column(s, &info, to, out, e))
			break;
	}
	return e->name;
}

/* Facts that the identity says nothing of: which cluster it is, which of its parameters it has, and what its
 * sequences and its start handed down. */
static bool is_its_own(const char *name)
{
	static const char *const facts[] = {
		"cluster",   "clusters",          "step",      "tokens",     "passes",          "beside",
		"last_step", "best_step",         "best_loss", "vocabulary", "vocabulary_size", "eod",
		"bos",       HUGGINGFACE_IDS_FACT
	};
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
		if (!strcmp(name, facts[i]))
			return true;
	return false;
}

static int copy(const struct search *search, const struct store *s, struct store_writer *out,
                struct cbtm_error *e)
{
	const struct offer *o = &search->offer;
	struct store_column_info info;
	const char *name, *json;
	uint64_t used, other;
	steps_of(o, search->wanted, &used, &other);
	if (copy_tensors(s, place_of(o, used), "", out, e))
		return e->name;
	for (size_t i = 0; i < store_column_count(s) && !store_column_at(s, i, &info, e); i++)
		if (info.shape != STORE_TENSOR && copy_column(s, &info, info.name, out, e))
			return e->name;
	if (other != used)
		copy_tensors(s, place_of(o, other), used == o->last_step ? "best" : "last", out, e);
	for (size_t i = 0; !e->name && store_fact_at(s, i, &name, &json); i++)
		if (!is_its_own(name))
			store_set_json(out, name, json, e);
	return e->name;
}

int sibling_take_over(const char *dir, const struct sibling_wanted *wanted,
                      struct store_writer *out, struct sibling_found *found, struct cbtm_error *e)
{
	struct search search = { .dir = dir, .wanted = wanted, .found = found };
	struct cbtm_error why = { 0 };
	struct dataset *whole = NULL;
	struct store *s = NULL;
	*found = (struct sibling_found){ 0 };
	if (each_beside(dir, look, &search, e) || !search.folder)
		goto done;
	/* Opened before anything is written: a damaged one must not leave half of its rows in ours. */
	if (dataset_open(search.folder, store_kind_find("checkpoint"), &whole, &why) ||
	    dataset_part(whole, 0, &s, &why)) {
		log_message(LOG_WARNING, "%s would be the same run, but is damaged: %s", search.folder,
		            why.what);
	} else if (!copy(&search, s, out, e)) {
		found->found = true;
		found->last_step = search.offer.last_step;
		found->best_known = search.offer.best_known;
		found->best_step = search.offer.best_step;
		store_get_f64(s, "best_loss", &found->best_loss);
		log_message(LOG_INFO, "taken over from %s: the same model, sequences, start and steps",
		            search.folder);
	}
done:
	store_close(s);
	dataset_close(whole);
	free(search.folder);
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

/* Whether a folder's name is that of a state of one of n steps. */
static bool is_of(const char *name, const uint64_t *steps, size_t n)
{
	const char *number = strrchr(name, '-');
	for (size_t i = 0; i < n; i++)
		if (strtoull(number + 1, NULL, 10) == steps[i])
			return true;
	return false;
}

int sibling_forget(const char *dir, const uint64_t *steps, size_t n, struct cbtm_error *e)
{
	char **names = NULL;
	size_t there = 0;
	if (!file_exists(dir) || folder_list(dir, &names, &there, e))
		return e->name;
	for (size_t i = 0; i < there && !e->name; i++) {
		if (strncmp(names[i], PREFIX, strlen(PREFIX)) || is_of(names[i], steps, n))
			continue;
		char *path = path_join(dir, names[i], e);
		if (path)
			folder_remove(path, e);
		free(path);
	}
	folder_list_free(names, there);
	return e->name;
}
