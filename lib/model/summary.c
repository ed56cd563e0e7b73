/* SPDX-License-Identifier: MIT */
#include "model/summary.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "model/checkpoint.h"
#include "model/history.h"
#include "model/identity.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int summary_read(const struct store *s, struct summary *out, struct cbtm_error *e)
{
	struct history h = { 0 };
	struct model_config c;
	*out = (struct summary){ .first = NAN,
		                     .last = NAN,
		                     .valid = NAN,
		                     .best = NAN,
		                     .first_balance = NAN,
		                     .last_balance = NAN };
	out->trained = store_get_json(s, IDENTITY_FACT) != NULL;
	store_get_u64(s, "step", &out->step);
	store_get_u64(s, "tokens", &out->tokens);
	if (checkpoint_config(s, &c, e) || history_read(&h, s, e))
		return e->name;
	out->parameters = model_config_parameters(&c);
	out->active = model_config_active(&c);
	if (h.curves) {
		out->steps = h.curve[h.curves - 1].step;
		out->first = h.curve[0].loss;
		out->last = h.curve[h.curves - 1].loss;
	}
	if (h.curves && h.mixes) {
		out->first_balance = h.curve[0].balance;
		out->last_balance = h.curve[h.curves - 1].balance;
	}
	for (size_t i = 0; i < h.valids; i++) {
		out->valid = h.valid[i].loss;
		if (i == 0 || h.valid[i].loss < out->best) {
			out->best = h.valid[i].loss;
			out->best_step = h.valid[i].step;
		}
	}
	history_free(&h);
	return 0;
}

/* The folder above; "" if there is none. */
static void go_up(char *path)
{
	char *slash = strrchr(path, '/');
	if (slash)
		*slash = 0;
	else
		*path = 0;
}

/* All of a folder that end in ".jsonl". */
static void read_logs(const char *folder, const struct store *s, struct summary *out)
{
	struct cbtm_error ignored = { 0 };
	char **names = NULL;
	size_t n = 0;
	if (file_exists(folder) && !folder_list(folder, &names, &n, &ignored))
		for (size_t i = 0; i < n; i++) {
			size_t length = strlen(names[i]);
			char *path = length > 6 && !strcmp(names[i] + length - 6, ".jsonl")
			                 ? path_join(folder, names[i], &ignored)
			                 : NULL;
			if (path)
				run_log_read(path, store_fingerprint(s), &out->log, &ignored);
			free(path);
		}
	folder_list_free(names, n);
}

int summary_find_log(const char *dir, const struct store *s, struct summary *out,
                     struct cbtm_error *e)
{
	struct cbtm_error ignored = { 0 };
	char real[PATH_MAX], **names = NULL;
	size_t n = 0;
	if (!realpath(dir, real))
		return error_errno(e, CBTM_ERR_IO, dir, "cannot find the folder");
	char *own = path_printf(e, "%s/log.jsonl", real), *runs = NULL;
	go_up(real);
	go_up(real);
	runs = path_printf(e, "%s/runs", real);
	if (own)
		run_log_read(own, store_fingerprint(s), &out->log, &ignored);
	if (runs && file_exists(runs) && !folder_list(runs, &names, &n, &ignored))
		for (size_t i = 0; i < n && !e->name; i++) {
			char *logs = path_printf(e, "%s/%s/logs", runs, names[i]);
			if (logs)
				read_logs(logs, s, out);
			free(logs);
		}
	folder_list_free(names, n);
	free(own);
	free(runs);
	return e->name;
}

static void put_real(struct buffer *out, const char *name, double v, struct cbtm_error *e)
{
	json_put_key(out, name, e);
	if (isnan(v))
		json_put_null(out, e);
	else
		json_put_f64(out, v, e);
}

int summary_print(const struct summary *s, struct buffer *out, struct cbtm_error *e)
{
	const struct {
		const char *name;
		uint64_t v;
	} counts[] = { { "steps", s->steps },
		           { "step", s->step },
		           { "tokens", s->tokens },
		           { "parameters", s->parameters },
		           { "active_parameters", s->active } };
	json_put_open(out, '{', e);
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		json_put_key(out, counts[i].name, e);
		json_put_u64(out, counts[i].v, e);
	}
	put_real(out, "first_loss", s->first, e);
	put_real(out, "last_loss", s->last, e);
	put_real(out, "valid_loss", s->valid, e);
	put_real(out, "best_valid_loss", s->best, e);
	json_put_key(out, "best_valid_step", e);
	if (isnan(s->best))
		json_put_null(out, e);
	else
		json_put_u64(out, s->best_step, e);
	if (!isnan(s->last_balance)) {
		put_real(out, "first_balance_loss", s->first_balance, e);
		put_real(out, "last_balance_loss", s->last_balance, e);
	}
	json_put_key(out, "log", e);
	run_log_print(&s->log, out, e);
	return json_put_close(out, '}', e);
}
