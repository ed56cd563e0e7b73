/* SPDX-License-Identifier: MIT */
#include "model/training.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "model/huggingface.h"
#include "model/identity.h"
#include "model/journal.h"
#include "model/pace.h"
#include "model/saving.h"
#include "model/sibling.h"
#include "model/trainer.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
	const struct training *t;
	struct trainer trainer;
	struct journal journal;
	struct pace pace;
	struct saving saving;
	double waited;   /* seconds for the one under way */
	bool kept;       /* there is a resume checkpoint, or will be */
	uint64_t *state; /* the steps whose states are left to other runs */
	size_t states;
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

static int validate(struct run *r, bool last, struct cbtm_error *e)
{
	struct history *h = &r->trainer.state.history;
	double begin = clock_seconds();
	size_t before = h->valids;
	if (trainer_validate(&r->trainer, last, e) || h->valids == before)
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
	double begin, end, whole;
	if (!path || finish_save(r, true, e)) {
		free(path);
		return e->name;
	}
	begin = clock_seconds();
	if (saving_begin(&r->saving, r->t->dir, path, stable ? r->state : NULL, r->states, &k->owner,
	                 &k->program, &k->state, patience, &whole, e))
		return e->name;
	end = clock_seconds();
	if (whole > 0)
		pace_gave_up(&r->pace, begin, end, whole);
	else if (r->saving.running)
		pace_saved(&r->pace, begin, end);
	r->kept |= !stable && !(whole > 0);
	r->waited = end - begin;
	journal_rest(&r->journal, end - begin);
	return 0;
}

static int save_resume(struct run *r, double patience, struct cbtm_error *e)
{
	return save(r, resume_path(r->t->dir, r->trainer.state.step, e), false, patience, e);
}

/* Where the cooldown begins, or a constant rate ends: a longer run goes on from there. Where a run is cut, one that
 * is cut later goes on; and where it is asked for. */
static int find_states(struct run *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	size_t asked = t->keep_tokens ? t->keep_tokens->n : 0;
	double step = (double)t->plan.batch * (double)t->length;
	r->state = mem_zeroed(asked + 2, sizeof *r->state, "states", e);
	if (!r->state)
		return e->name;
	if (t->keep_stable && schedule_stable(&t->plan))
		r->state[r->states++] = schedule_stable(&t->plan);
	if (t->keep_stable && t->plan.cut)
		r->state[r->states++] = t->plan.cut;
	for (size_t i = 0; i < asked; i++)
		r->state[r->states++] = (uint64_t)round((double)t->keep_tokens->v[i] / step);
	return 0;
}

static bool is_left(const struct run *r, uint64_t step)
{
	for (size_t i = 0; step && i < r->states; i++)
		if (r->state[i] == step)
			return true;
	return false;
}

static int save_state(struct run *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	uint64_t step = r->trainer.state.step;
	char family[17];
	if (!is_left(r, step) ||
	    identity_family(r->trainer.identity.data, step > schedule_stable(&t->plan),
	                    r->trainer.owner.best, family, e))
		return e->name;
	return save(r, sibling_state_path(t->dir, family, step, e), true, 0, e);
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
	/* The last one is validated at the end, without a copy of the best parameters, unless others go on from it. */
	if (t->valid_every && point.step % t->valid_every == 0 &&
	    (point.step < schedule_end(&t->plan) || is_left(r, point.step)) && validate(r, false, e))
		return e->name;
	return fault_point("train.step", e);
}

/* The last step is on the curve and validated wherever it falls. What is saved is from before: it is
 * the state of a longer run, too. */
static int end(struct run *r, struct cbtm_error *e)
{
	struct run_state *s = &r->trainer.state;
	if ((s->step % r->t->log_every && note(r, &s->last, e)) || validate(r, true, e))
		return e->name;
	best_end(&s->best, s->step);
	return 0;
}

/* Where every step is saved, one waits for the other. */
static bool is_due(const struct run *r, double now)
{
	uint64_t above = r->trainer.state.watch.above;
	if (above) /* what is kept on the way into an explosion is of little use */
		return above == 1 && !r->kept;
	return pace_due(&r->pace, now) && (!r->saving.running || !r->t->checkpoint_every);
}

/* On the way out the last step is saved, unless the save that is under way is enough. */
static int stop(struct run *r, struct cbtm_error *e)
{
	double asked = clock_seconds();
	bool under_way = r->saving.running && !r->saving.left;
	if (finish_save(r, true, e))
		return e->name;
	double took = r->saving.end - r->saving.begin;
	if (under_way && !pace_another(clock_seconds() - asked, took))
		log_message(LOG_INFO, "the state behind step %llu is kept; saving another took %.0f s more",
		            (unsigned long long)r->saving.step, took);
	else if (save_resume(r, 0, e) || finish_save(r, true, e))
		return e->name;
	return signals_check(e);
}

static int train(struct run *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	const struct run_state *state = &r->trainer.state;
	if (save_state(r, e))
		return e->name;
	while (state->step < schedule_end(&t->plan)) {
		if (step(r, e) || finish_save(r, false, e) || save_state(r, e))
			return e->name;
		if (signals_stop_requested())
			return stop(r, e);
		double now = clock_seconds();
		/* What must be kept on the way into an explosion may take what it takes. */
		double patience = state->watch.above ? 0 : pace_patience(&r->pace, now);
		if (is_due(r, now) && save_resume(r, patience, e))
			return e->name;
	}
	return end(r, e) ? (int)e->name : finish_save(r, true, e);
}

static int copy_fact(const struct trainer *r, const char *name, struct cbtm_error *e)
{
	const char *json = store_get_json(r->sequences, name);
	return json ? store_set_json(r->t->out, name, json, e) : 0;
}

/* The vocabulary is that of the sequences. What stands before a text is the policy of the checkpoint that a model
 * is branched from, whatever its sequences look like; one that begins here knows the end of documents alone. */
static int inherit(const struct trainer *r, struct cbtm_error *e)
{
	static const char *const copied[] = { "vocabulary", "vocabulary_size", "eod" };
	static const char *const facts[] = { "bos", HUGGINGFACE_IDS_FACT };
	struct store *from = NULL;
	uint64_t eod;
	for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
		if (copy_fact(r, copied[i], e))
			return e->name;
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

/* Which parameters are published: under their own names those of step `used`; `beside` them, if any. */
static int publish_steps(const struct trainer *r, uint64_t used, uint64_t last_step,
                         const char *beside, struct cbtm_error *e)
{
	const struct training *t = r->t;
	double seen = (double)used * (double)t->plan.batch;
	double rows = r->order ? (double)order_rows(r->order) : 1; /* none: nothing was seen */
	store_set_u64(t->out, "step", used, e);
	store_set_u64(t->out, "tokens", used * t->plan.batch * r->T, e);
	store_set_f64(t->out, "passes", seen / rows, e);
	if (!r->owner.best)
		return e->name;
	store_set_u64(t->out, "last_step", last_step, e);
	if (r->state.best.known) {
		store_set_u64(t->out, "best_step", r->state.best.step, e);
		store_set_f64(t->out, "best_loss", r->state.best.loss, e);
	}
	if (beside)
		store_set_text(t->out, "beside", beside, e);
	return e->name;
}

static int publish(struct trainer *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	struct buffer model = { 0 };
	struct best *best = &r->state.best;
	bool swapped = t->use_best && best->v; /* then the program holds the best ones */
	const char *beside = !t->keep_both || !best->v ? NULL : swapped ? "last" : "best";
	char prefix[8];
	snprintf(prefix, sizeof prefix, "%s.", beside ? beside : "");
	int status = model_config_print(&t->config, &model, e);
	if (!status &&
	    !(checkpoint_write(&r->program, CBTM_ROLE_PARAMETER, t->out, e) ||
	      history_write(&r->state.history, t->out, e) ||
	      (beside && best_append(best, &r->program, prefix, t->out, e)) ||
	      publish_steps(r, swapped ? best->step : r->state.step, r->state.step, beside, e) ||
	      store_set_json(t->out, IDENTITY_FACT, r->identity.data, e) ||
	      store_set_json(t->out, "model", model.data, e) ||
	      store_set_u64(t->out, "batch", t->plan.batch, e) ||
	      store_set_u64(t->out, "length", r->T, e) || inherit(r, e)))
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
	/* With the moments, and the best ones. */
	uint64_t bytes = (r->trainer.owner.best ? 4 : 3) * 4 * model_config_parameters(&t->config);
	journal_start(&r->journal, t->title, t->fingerprint, journal_flops(&t->config, r->trainer.T),
	              step);
	pace_start(&r->pace, (double)t->checkpoint_every, bytes, clock_seconds());
	progress_start(t->title, schedule_end(&t->plan) * t->plan.batch * r->trainer.T, "tokens");
}

/* What a sibling had is ours: which of its parameters are where, and what our start hands down. */
static int publish_found(struct trainer *r, const struct sibling_found *f, struct cbtm_error *e)
{
	bool best = r->t->use_best && f->best_known,
		 two = f->best_known && f->best_step != f->last_step;
	r->state.best = (struct best){ NULL, f->best_step, f->best_loss, f->best_known };
	if (!publish_steps(r, best ? f->best_step : f->last_step, f->last_step,
	                   !r->t->keep_both || !two ? NULL
	                   : best                   ? "last"
	                                            : "best",
	                   e) &&
	    !inherit(r, e))
		store_commit(r->t->out, "done", 4, e);
	return e->name;
}

/* True if a run beside this one has the result already; it is copied. */
static bool taken_over(struct run *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	struct sibling_wanted wanted = { r->trainer.identity.data, t->use_best, t->keep_both };
	struct sibling_found found;
	uint64_t last;
	if (resume_last(t->dir, &last, e) || last ||
	    sibling_take_over(t->dir, &wanted, t->out, &found, e))
		return false;
	if (*found.reason)
		log_message(LOG_INFO, "%s", found.reason);
	if (found.found)
		publish_found(&r->trainer, &found, e);
	return found.found;
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
		    !find_states(&r, e) && !trainer_start(&r.trainer, e)) {
			start(&r);
			if (!train(&r, e))
				(void)((t->use_best && best_swap(&r.trainer.state.best, &r.trainer.program, e)) ||
				       publish_load(&r.trainer, e) || publish(&r.trainer, e));
			else if (e->name == CBTM_ERR_NOT_FINITE || e->name == CBTM_ERR_DIVERGED)
				explain(&r, e);
			progress_finish();
			saving_end(&r.saving, &why); /* of a run that failed: it has said why */
		}
		trainer_close(&r.trainer);
		free(r.state);
	}
	if (!e->name)
		resume_remove(t->dir, e);
	return e->name;
}
