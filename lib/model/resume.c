/* SPDX-License-Identifier: MIT */
#include "model/resume.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "resume-"
enum { KEPT = 2 };

void run_state_free(struct run_state *s)
{
	history_free(&s->history);
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

static int save(const char *path, struct digest fingerprint, const struct program *p,
                const struct run_state *state, struct cbtm_error *e)
{
	struct store_writer *w = NULL;
	if (store_create(path, 0, store_kind_find("checkpoint"), fingerprint, &w, e))
		return e->name;
	if (!w) /* sealed already: the same step of the same task */
		return 0;
	if (checkpoint_write(p, CBTM_ROLE_PARAMETER, w, e) ||
	    checkpoint_write(p, CBTM_ROLE_MOMENT, w, e) || history_write(&state->history, w, e) ||
	    watch_write(&state->watch, w, e) || store_set_u64(w, "step", state->step, e) ||
	    store_set_text(w, "variant", p->compute->variant(p->options), e) ||
	    fault_point("train.resume", e)) {
		store_leave(w);
		return e->name;
	}
	return store_seal(w, e);
}

int resume_save(const char *dir, struct digest fingerprint, const struct program *p,
                const struct run_state *state, uint64_t *bytes, struct cbtm_error *e)
{
	char *path = path_printf(e, "%s/" PREFIX "%012llu", dir, (unsigned long long)state->step);
	int status = path ? 0 : e->name;
	/* What a killed process left half-written is of no use: its rows would be gone on behind. */
	char *part = path_printf(e, "%s/part-00000.json", path ? path : "");
	char *store = path_printf(e, "%s/part-00000.lmdb", path ? path : "");
	if (!status && part && !file_exists(part))
		status = folder_remove(path, e);
	if (!status)
		status = save(path, fingerprint, p, state, e);
	if (!status && store && bytes)
		status = file_size(store, bytes, e);
	if (!status)
		status = keep_newest(dir, KEPT, e);
	free(store);
	free(part);
	free(path);
	return status ? status : (int)e->name;
}

static int load(const char *path, struct digest fingerprint, const struct program *p,
                struct run_state *state, struct cbtm_error *e)
{
	struct store *s = NULL;
	char variant[64] = "";
	if (store_open(path, 0, store_kind_find("checkpoint"), &s, e))
		return e->name;
	int status = 0;
	if (!digest_equal(store_fingerprint(s), fingerprint))
		status = error_set(e, CBTM_ERR_BAD_STORE, path, "it belongs to another configuration");
	if (!status)
		status = checkpoint_fact(s, "step", &state->step, e);
	if (!status)
		status = checkpoint_read(p, CBTM_ROLE_PARAMETER, s, e);
	if (!status)
		status = checkpoint_read(p, CBTM_ROLE_MOMENT, s, e);
	if (!status)
		status = history_read(&state->history, s, e);
	if (!status)
		status = watch_read(&state->watch, s, e);
	store_get_text(s, "variant", variant, sizeof variant);
	const char *now = p->compute->variant(p->options);
	if (!status && strcmp(variant, now))
		log_message(LOG_WARNING,
		            "%s was made by the kernels \"%s\"; this processor goes on with \"%s\": the "
		            "last bits will differ from an undisturbed run",
		            path, variant, now);
	store_close(s);
	return status;
}

int resume_load(const char *dir, struct digest fingerprint, const struct program *p,
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
		if (path && load(path, fingerprint, p, state, &why)) {
			log_message(LOG_DEBUG, "%s is discarded: %s", path, why.what);
			run_state_free(state);
			if (why.name == CBTM_ERR_MEMORY)
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
