/* SPDX-License-Identifier: MIT */
#include "model/resume.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "model/identity.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "resume-"
#define LAST "last.point"
enum { KEPT = 2 };

void run_state_free(struct run_state *s)
{
	history_free(&s->history);
	best_free(&s->best);
	*s = (struct run_state){ 0 };
}

/* Removes all but the `keep` newest; names are padded, so that they sort by step. */
static int keep_newest(const char *dir, size_t keep, struct cbtm_error *e)
{
	char **names = NULL;
	size_t n = 0, found = 0;
	if (!file_exists(dir))
		return 0;
	if (folder_list(dir, &names, &n, e))
		return e->name;
	for (size_t i = n; i-- > 0 && !e->name;) {
		if (strncmp(names[i], PREFIX, strlen(PREFIX)) || found++ < keep)
			continue;
		char *path = path_join(dir, names[i], e);
		if (path)
			folder_remove(path, e);
		free(path);
	}
	folder_list_free(names, n);
	return e->name;
}

/* ---------------------------------------------------------------- saving */

/* The last step's point: its two counts are exact as f64. Of a mixture with its balance. */
static int write_last(const struct run_state *s, struct store_writer *w, struct cbtm_error *e)
{
	const struct curve_point *p = &s->last;
	double v[] = {
		(double)p->step, (double)p->tokens, p->loss, p->lr, p->gradient_norm, p->balance
	};
	if (store_add_column(w, LAST, STORE_F64, STORE_FIXED, s->history.mixes ? 6 : 5, e))
		return e->name;
	return store_append(w, LAST, v, 1, e);
}

/*
 * The best parameters, then parameters and moments, in the order of their names: none is written twice.
 * *whole: what all of it would have taken, in seconds, if it took longer than `patience` and was
 * given up.
 */
static int write_tensors(const struct program *p, const struct best *best, double patience,
                         double begin, struct store_writer *w, double *whole, struct cbtm_error *e)
{
	uint64_t all = 0, done = 0;
	size_t n;
	uint32_t *order = checkpoint_order(p->list, CBTM_ROLE_PARAMETER, CBTM_ROLE_MOMENT, &n, e);
	for (size_t i = 0; order && i < n; i++) {
		const struct cbtm_tensor *t = &p->list->tensor[order[i]];
		uint64_t elements = tensor_elements(t);
		all += elements;
		if (best->v && t->role == CBTM_ROLE_PARAMETER)
			done += elements;
	}
	all += done;
	if (order)
		best_write(best, p, w, e);
	for (size_t i = 0; order && i < n && !e->name && !checkpoint_write_tensor(p, order[i], w, e);
	     i++) {
		double took = clock_seconds() - begin;
		done += tensor_elements(&p->list->tensor[order[i]]);
		if (patience > 0 && done < all && took > patience) {
			*whole = took * (double)all / (double)done;
			break;
		}
	}
	free(order);
	return e->name;
}

static int write_state(const struct run_owner *owner, const struct program *p,
                       const struct run_state *state, struct store_writer *w, struct cbtm_error *e)
{
	if (history_write(&state->history, w, e) || watch_write(&state->watch, w, e) ||
	    write_last(state, w, e) || store_set_u64(w, "step", state->step, e) ||
	    store_set_json(w, IDENTITY_FACT, owner->identity, e) ||
	    store_set_text(w, "variant", p->compute->variant(p->options), e))
		return e->name;
	return fault_point("train.resume", e);
}

/* Whether the part is there whole; its files are what a killed process left half-written, else. */
static bool is_sealed(const char *path)
{
	struct cbtm_error ignored = { 0 };
	char *part = path_join(path, "part-00000.json", &ignored);
	bool sealed = part && file_exists(part);
	free(part);
	return sealed;
}

int resume_write(const char *path, const struct run_owner *owner, const struct program *p,
                 const struct run_state *state, double patience, struct store_writer **w,
                 double *whole, struct cbtm_error *e)
{
	double begin = clock_seconds();
	*w = NULL;
	*whole = 0;
	/* Half-written, it is of no use: its rows would be gone on behind. */
	if ((!is_sealed(path) && folder_remove(path, e)) ||
	    store_create(path, 0, store_kind_find("checkpoint"), owner->fingerprint, w, e))
		return e->name;
	if (!*w) /* sealed already: the same step of the same task */
		return 0;
	if (!write_tensors(p, &state->best, patience, begin, *w, whole, e) && !*whole &&
	    !write_state(owner, p, state, *w, e))
		return 0;
	store_abandon(*w);
	*w = NULL;
	return e->name ? (int)e->name : folder_remove(path, e);
}

int resume_seal(const char *path, struct store_writer *w, uint64_t *bytes, struct cbtm_error *e)
{
	char *store = path_join(path, "part-00000.lmdb", e);
	if (!store)
		store_leave(w);
	else if (!store_seal(w, e))
		file_size(store, bytes, e);
	free(store);
	return e->name;
}

int resume_keep(const char *dir, struct cbtm_error *e)
{
	return fault_point("train.rotate", e) ? (int)e->name : keep_newest(dir, KEPT, e);
}

char *resume_path(const char *dir, uint64_t step, struct cbtm_error *e)
{
	return path_printf(e, "%s/" PREFIX "%012llu", dir, (unsigned long long)step);
}

/* ---------------------------------------------------------------- loading */

static int read_last(struct curve_point *p, const struct store *s, struct cbtm_error *e)
{
	struct store_reader *r = NULL;
	struct store_column_info info;
	double v[6] = { 0 };
	if (!store_column_find(s, LAST, &info) || info.type != STORE_F64 ||
	    (info.width != 5 && info.width != 6) || info.rows != 1)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s), "it has no last step");
	if (!store_reader_open(s, LAST, &r, e) && !store_read_rows(r, 0, 1, v, e))
		*p = (struct curve_point){ (uint64_t)v[0], (uint64_t)v[1], v[2], v[3], v[4], v[5] };
	store_reader_close(r);
	return e->name;
}

/* Whether the state is one of the owner's run, or of one that is the same up to there. */
static int check_owner(const struct store *s, const char *path, const struct run_owner *owner,
                       uint64_t step, struct cbtm_error *e)
{
	const char *there = store_get_json(s, IDENTITY_FACT);
	struct identity_difference d;
	if (!there)
		return error_set(e, CBTM_ERR_BAD_STORE, path, "it does not say whose it is");
	if (identity_compare(there, owner->identity, path, &d, e) || !d.n)
		return e->name;
	if (d.in_extent && d.constant && step <= d.stable && step <= owner->stable)
		return 0;
	if (d.in_end && step <= d.end && step <= owner->end)
		return 0;
	error_set(e, CBTM_ERR_CONFIG, path, "training was begun with other settings: %s", d.text);
	return error_hint(e, "give the settings that it was begun with, or another folder; or remove "
	                     "this one to begin anew");
}

/* A run that did not want the best parameters has not kept them. */
static int check_best(const char *path, const struct run_owner *owner, struct run_state *state,
                      struct cbtm_error *e)
{
	if (!owner->best)
		best_free(&state->best);
	if (!owner->best || state->best.known || !state->history.valids)
		return 0;
	error_set(e, CBTM_ERR_CONFIG, path,
	          "training was begun without keeping the parameters of the best validation");
	return error_hint(e,
	                  "set train.keep: used and train.use: last; or remove this one to begin anew");
}

static int load(const struct store *s, const char *path, const struct run_owner *owner,
                const struct program *p, struct run_state *state, struct cbtm_error *e)
{
	char variant[64] = "";
	const char *now = p->compute->variant(p->options);
	if (checkpoint_read(p, CBTM_ROLE_PARAMETER, s, e) ||
	    checkpoint_read(p, CBTM_ROLE_MOMENT, s, e) || history_read(&state->history, s, e) ||
	    watch_read(&state->watch, s, e) || read_last(&state->last, s, e) ||
	    best_read(&state->best, p, s, e) || check_best(path, owner, state, e))
		return e->name;
	store_get_text(s, "variant", variant, sizeof variant);
	if (strcmp(variant, now))
		log_message(LOG_WARNING,
		            "%s was made by the kernels \"%s\"; this processor goes on with \"%s\": the "
		            "last bits will differ from an undisturbed run",
		            path, variant, now);
	return 0;
}

int resume_load_at(const char *path, const struct run_owner *owner, const struct program *p,
                   struct run_state *state, struct cbtm_error *e)
{
	struct store *s = NULL;
	uint64_t step;
	if (!store_open(path, 0, store_kind_find("checkpoint"), &s, e) &&
	    !checkpoint_fact(s, "step", &step, e) && !check_owner(s, path, owner, step, e) &&
	    !load(s, path, owner, p, state, e))
		state->step = step;
	else
		run_state_free(state);
	store_close(s);
	return e->name;
}

int resume_load(const char *dir, const struct run_owner *owner, const struct program *p,
                struct run_state *state, struct cbtm_error *e)
{
	char **names = NULL;
	size_t n = 0;
	if (!file_exists(dir))
		return 0;
	if (folder_list(dir, &names, &n, e))
		return e->name;
	for (size_t i = n; i-- > 0 && !state->step && !e->name;) {
		if (strncmp(names[i], PREFIX, strlen(PREFIX)))
			continue;
		struct cbtm_error why = { 0 };
		char *path = path_join(dir, names[i], e);
		if (path && resume_load_at(path, owner, p, state, &why)) {
			bool refused = why.name == CBTM_ERR_MEMORY || why.name == CBTM_ERR_CONFIG;
			if (!refused)
				log_message(is_sealed(path) ? LOG_WARNING : LOG_DEBUG, "%s is discarded: %s", path,
				            why.what);
			if (refused)
				error_copy(e, &why);
			else
				folder_remove(path, e);
		}
		free(path);
	}
	folder_list_free(names, n);
	return e->name;
}

int resume_last(const char *dir, uint64_t *step, struct cbtm_error *e)
{
	char **names = NULL;
	size_t n = 0;
	*step = 0;
	if (!file_exists(dir) || folder_list(dir, &names, &n, e))
		return e->name;
	for (size_t i = n; i-- > 0 && !*step;)
		if (!strncmp(names[i], PREFIX, strlen(PREFIX)))
			*step = strtoull(names[i] + strlen(PREFIX), NULL, 10);
	folder_list_free(names, n);
	return 0;
}

int resume_remove(const char *dir, struct cbtm_error *e)
{
	return keep_newest(dir, 0, e);
}
