/* SPDX-License-Identifier: MIT */
#include "model/training.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/signals.h"
#include "model/huggingface.h"
#include "model/identity.h"
#include "model/journal.h"
#include "model/pace.h"
#include "model/saving.h"
#include "model/sibling.h"
#include "model/trainer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
	const struct training *t;
	struct trainer trainer;
	struct journal journal;
	struct pace pace;
	struct saving saving;
	double waited; /* seconds for the one under way */
	bool kept;     /* there is a resume checkpoint, or will be */
};

/* ---------------------------------------------------------------- the run */

static int note(struct run *r, const struct curve_point *p, struct cbtm_error *e)
{
	if (journal_step(&r->journal, p, &r->trainer.load, r->t->plan.batch * r->trainer.T, e))
		return e->name;
	return history_add(&r->trainer.state.history, *p, e);
}

static int report(struct run *r, const struct curve_point *p, struct cbtm_error *e)
{
	char text[64];
	snprintf(text, sizeof text, "loss %.3f", p->loss);
	progress_set(p->tokens, text);
	return p->step % r->t->log_every ? 0 : note(r, p, e);
}

static int validate(struct run *r, struct cbtm_error *e)
{
	struct history *h = &r->trainer.state.history;
	double begin = clock_seconds();
	size_t before = h->valids;
	if (trainer_validate(&r->trainer, e) || h->valids == before)
		return e->name;
	journal_rest(&r->journal, clock_seconds() - begin);
	return journal_valid(&r->journal, &h->valid[h->valids - 1], clock_seconds() - begin, e);
}

/* What became of the save under way: with `wait`, or when it is done. */
static int finish_save(struct run *r, bool wait, struct cbtm_error *e)
{
	struct saving *s = &r->saving;
	double begin = clock_seconds(), end;
	if (!s->running || (!wait && !saving_is_done(s)))
		return 0;
	if (saving_end(s, e))
		return e->name;
	end = clock_seconds();
	pace_waited(&r->pace, end - begin);
	journal_rest(&r->journal, end - begin);
	struct journal_saved saved = { s->step, s->bytes, s->end - s->begin, r->waited + end - begin,
		                           pace_share(&r->pace, end) };
	return journal_save(&r->journal, &saved, e);
}

/* Begins to save the state as the store `path`, which it frees: a resume checkpoint, or what a longer run
 * goes on from. */
static int save(struct run *r, char *path, bool stable, double patience, struct cbtm_error *e)
{
	struct trainer *k = &r->trainer;
	double begin, end, written;
	if (!path || finish_save(r, true, e)) {
		free(path);
		return e->name;
	}
	begin = clock_seconds();
	if (saving_begin(&r->saving, r->t->dir, path, stable, &k->owner, &k->program, &k->state,
	                 patience, &written, e))
		return e->name;
	end = clock_seconds();
	if (written < 1)
		pace_gave_up(&r->pace, begin, end, written);
	else if (r->saving.running)
		pace_saved(&r->pace, begin, end);
	r->kept |= !stable && written == 1;
	r->waited = end - begin;
	journal_rest(&r->journal, end - begin);
	return 0;
}

static int save_resume(struct run *r, double patience, struct cbtm_error *e)
{
	return save(r, resume_path(r->t->dir, r->trainer.state.step, e), false, patience, e);
}

/* Where the cooldown begins, or a constant rate ends: a longer run goes on from there. */
static int save_stable(struct run *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	char family[17];
	if (!t->keep_stable || !r->trainer.state.step ||
	    r->trainer.state.step != schedule_stable(&t->plan) ||
	    identity_family(r->trainer.identity.data, family, e))
		return e->name;
	return save(r, sibling_state_path(t->dir, family, r->trainer.state.step, e), true, 0, e);
}

/* What is left to look at, and what a person may try. A step that is not finite was not taken: where
 * nothing is kept yet, what was before it is. */
static int explain(struct run *r, struct cbtm_error *e)
{
	uint64_t step = 0;
	char left[96] = "no resume checkpoint was made";
	struct cbtm_error ignored = { 0 };
	if (!r->kept && e->name == CBTM_ERR_NOT_FINITE)
		save_resume(r, 0, &ignored);
	finish_save(r, true, &ignored);
	if (!resume_last(r->t->dir, &step, &ignored) && r->kept)
		snprintf(left, sizeof left, "the state behind step %llu is kept", (unsigned long long)step);
	return error_hint(
		e, "%s; try a lower lr, a longer warmup, a smaller clip or precision: fp32%s", left,
		e->name == CBTM_ERR_DIVERGED ? "; explode_factor: 0 lets such a run go on" : "");
}

static int watch(struct run *r, const struct curve_point *p, struct cbtm_error *e)
{
	const struct training *t = r->t;
	struct watch *w = &r->trainer.state.watch;
	if (!watch_add(w, p->loss, t->explode_factor, t->explode_steps))
		return 0;
	return error_set(e, CBTM_ERR_DIVERGED, t->title,
	                 "step %llu: the loss is %g; for %llu steps it was more than %g times %g, the "
	                 "median of those before",
	                 (unsigned long long)p->step, p->loss, (unsigned long long)w->above,
	                 t->explode_factor, watch_median(w));
}

static int step(struct run *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	struct curve_point point;
	if (trainer_step(&r->trainer, &point, e) || watch(r, &point, e) || report(r, &point, e))
		return e->name;
	if (t->valid_every && point.step % t->valid_every == 0 && validate(r, e))
		return e->name;
	return fault_point("train.step", e);
}

/* The last step is on the curve and validated wherever it falls. What is saved is from before: it is
 * the state of a longer run, too. */
static int end(struct run *r, struct cbtm_error *e)
{
	const struct run_state *s = &r->trainer.state;
	if (s->step % r->t->log_every && note(r, &s->last, e))
		return e->name;
	return validate(r, e);
}

/* Where every step is saved, one waits for the other. */
static bool is_due(const struct run *r, double now)
{
	uint64_t above = r->trainer.state.watch.above;
	if (above) /* what is kept on the way into an explosion is of little use */
		return above == 1 && !r->kept;
	return pace_due(&r->pace, now) && (!r->saving.running || !r->t->checkpoint_every);
}

static int train(struct run *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	const struct run_state *state = &r->trainer.state;
	if (save_stable(r, e))
		return e->name;
	while (state->step < t->plan.steps) {
		if (step(r, e) || finish_save(r, false, e) || save_stable(r, e))
			return e->name;
		double now = clock_seconds();
		bool stop = signals_stop_requested(), due = is_due(r, now);
		/* What must be kept, on the way out or into an explosion, may take what it takes. */
		double patience = stop || state->watch.above ? 0 : pace_patience(&r->pace, now);
		if ((stop || due) && save_resume(r, patience, e))
			return e->name;
		if (stop && (finish_save(r, true, e) || signals_check(e)))
			return e->name;
	}
	return end(r, e) ? (int)e->name : finish_save(r, true, e);
}

static int copy_fact(const struct trainer *r, const char *name, struct cbtm_error *e)
{
	const char *json = store_get_json(r->sequences, name);
	return json ? store_set_json(r->t->out, name, json, e) : 0;
}

/* What stands before a text is the policy of the checkpoint that a model is branched from, whatever its
 * sequences look like; one that begins here knows the end of documents alone. */
static int inherit(const struct trainer *r, struct cbtm_error *e)
{
	static const char *const facts[] = { "bos", HUGGINGFACE_IDS_FACT };
	struct store *from = NULL;
	uint64_t eod;
	if (r->t->start && dataset_part(r->t->start, 0, &from, e))
		return e->name;
	for (size_t i = 0; from && i < sizeof facts / sizeof facts[0]; i++) {
		const char *json = store_get_json(from, facts[i]);
		if (json && store_set_json(r->t->out, facts[i], json, e))
			break;
	}
	if (!from && store_get_u64(r->sequences, "eod", &eod))
		store_set_u64(r->t->out, "bos", eod, e);
	store_close(from);
	return e->name;
}

static int publish(const struct trainer *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	static const char *const copied[] = { "vocabulary", "vocabulary_size", "eod" };
	struct buffer model = { 0 };
	uint64_t step = r->state.best.v ? r->state.best.step : r->state.step;
	double seen = (double)step * (double)t->plan.batch;
	int status = model_config_print(&t->config, &model, e);
	if (!status && !(checkpoint_write(&r->program, CBTM_ROLE_PARAMETER, t->out, e) ||
	                 history_write(&r->state.history, t->out, e) ||
	                 store_set_json(t->out, IDENTITY_FACT, r->identity.data, e) ||
	                 store_set_json(t->out, "model", model.data, e) ||
	                 store_set_u64(t->out, "step", step, e) ||
	                 store_set_u64(t->out, "tokens", step * t->plan.batch * r->T, e) ||
	                 store_set_u64(t->out, "batch", t->plan.batch, e) ||
	                 store_set_f64(t->out, "passes", seen / (double)order_rows(r->order), e) ||
	                 store_set_u64(t->out, "length", r->T, e)))
		for (size_t i = 0; !e->name && i < sizeof copied / sizeof copied[0]; i++)
			copy_fact(r, copied[i], e);
	if (!e->name && !inherit(r, e))
		store_commit(t->out, "done", 4, e);
	buffer_free(&model);
	return e->name;
}

/* The fact "expert_load". */
static int publish_load(struct trainer *r, struct cbtm_error *e)
{
	struct buffer b = { 0 };
	if (r->load.layers && !trainer_measure(r, e) && !json_put_open(&b, '{', e) &&
	    !expert_load_print(&r->load, &b, e) && !json_put_close(&b, '}', e))
		store_set_json(r->t->out, "expert_load", b.data, e);
	buffer_free(&b);
	return e->name;
}

static int check_vocabulary(const struct training *t, const struct store *start,
                            const struct store *sequences, struct cbtm_error *e)
{
	uint64_t length;
	const char *a = store_get_json(start, "vocabulary"),
			   *b = store_get_json(sequences, "vocabulary");
	if (checkpoint_fact(sequences, "length", &length, e))
		return e->name;
	if (a && b && strcmp(a, b))
		return error_set(e, CBTM_ERR_BAD_DATA, dataset_dir(t->sequences),
		                 "its ids are of the vocabulary %s, the checkpoint's of %s", b, a);
	if (length == t->length)
		return 0;
	error_set(e, CBTM_ERR_BAD_DATA, dataset_dir(t->sequences),
	          "its sequences have %llu tokens, the checkpoint's %llu", (unsigned long long)length,
	          (unsigned long long)t->length);
	return error_hint(e, "shard.length is that of the sequences; train.seed.length that of an "
	                     "imported checkpoint");
}

int training_branch(struct training *t, uint64_t *clusters, uint64_t *tokens, uint64_t *tokens_all,
                    struct cbtm_error *e)
{
	struct store *start = NULL, *sequences = NULL;
	if (!dataset_part(t->start, 0, &start, e) && !dataset_part(t->sequences, 0, &sequences, e)) {
		const char *model = store_get_json(start, "model");
		if (!model)
			error_set(e, CBTM_ERR_BAD_STORE, store_path(start), "it has no fact \"model\"");
		else if (!model_config_parse(model, store_path(start), &t->config, e) &&
		         !checkpoint_length(start, &t->config, &t->length, e) &&
		         !checkpoint_fact(sequences, "clusters", clusters, e) &&
		         !checkpoint_fact(sequences, "tokens", tokens, e) &&
		         !checkpoint_fact(sequences, "tokens_all", tokens_all, e))
			check_vocabulary(t, start, sequences, e);
	}
	if (!e->name && !*tokens_all)
		error_set(e, CBTM_ERR_EMPTY_CORPUS, dataset_dir(t->sequences),
		          "there are no tokens to branch on");
	store_close(start);
	store_close(sequences);
	return e->name;
}

static void start(struct run *r)
{
	const struct training *t = r->t;
	uint64_t step = r->trainer.state.step;
	r->kept = step > 0;
	uint64_t bytes = 3 * 4 * model_config_parameters(&t->config); /* with the moments */
	journal_start(&r->journal, t->title, t->fingerprint, journal_flops(&t->config, r->trainer.T),
	              step);
	pace_start(&r->pace, (double)t->checkpoint_every, bytes, clock_seconds());
	progress_start(t->title, t->plan.steps * t->plan.batch * r->trainer.T, "tokens");
}

/* True if a run beside this one has the result already; it is copied. */
static bool taken_over(struct run *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	char reason[512];
	uint64_t last;
	bool found = false;
	if (resume_last(t->dir, &last, e) || last ||
	    sibling_take_over(t->dir, r->trainer.identity.data, t->out, &found, reason, sizeof reason,
	                      e))
		return false;
	if (*reason)
		log_message(LOG_INFO, "%s", reason);
	if (found && !inherit(&r->trainer, e))
		store_commit(t->out, "done", 4, e);
	return found;
}

int training_run(const struct training *t, struct cbtm_error *e)
{
	struct run r = { .t = t };
	struct cbtm_error why = { 0 };
	const void *cursor;
	size_t n;
	if (store_cursor(t->out, &cursor, &n, e))
		return e->name;
	if (!n) {
		if (!trainer_open(&r.trainer, t, e) && !taken_over(&r, e) && !e->name &&
		    !trainer_start(&r.trainer, e)) {
			start(&r);
			if (!train(&r, e))
				(void)(best_restore(&r.trainer.state.best, &r.trainer.program, e) ||
				       publish_load(&r.trainer, e) || publish(&r.trainer, e));
			else if (e->name == CBTM_ERR_NOT_FINITE || e->name == CBTM_ERR_DIVERGED)
				explain(&r, e);
			progress_finish();
			saving_end(&r.saving, &why); /* of a run that failed: it has said why */
		}
		trainer_close(&r.trainer);
	}
	if (!e->name)
		resume_remove(t->dir, e);
	return e->name;
}
