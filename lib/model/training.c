/* SPDX-License-Identifier: MIT */
#include "model/training.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/signals.h"
#include "model/emit.h"
#include "model/order.h"
#include "model/parameter.h"
#include "model/resume.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sequences of a validation: enough for a loss within about 1 %, at a step's cost. */
enum { VALID_SEQUENCES = 64 };

struct trainer {
	const struct training *t;
	struct program program;
	struct store *sequences;     /* the dataset's only part */
	struct order *order, *valid; /* valid: NULL if there are none */
	struct history history;
	uint32_t *ids, *targets; /* B x T */
	uint32_t B, T;
	uint64_t step;        /* steps done */
	double saved, logged; /* when: seconds */
	uint64_t logged_step;
};

static void trainer_close(struct trainer *r)
{
	program_close(&r->program);
	order_close(r->order);
	order_close(r->valid);
	store_close(r->sequences);
	history_free(&r->history);
	free(r->ids);
	free(r->targets);
}

/* ---------------------------------------------------------------- opening */

static int program_make(struct trainer *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	struct emit_how how = {
		.batch = r->B, .length = r->T, .train = true, .dropout = t->dropout > 0
	};
	struct program *p = &r->program;
	p->names = emit_model(&t->config, &how, e);
	p->list = p->names ? list_finish(p->names, e) : NULL;
	if (!p->list)
		return e->name;
	p->compute = t->compute;
	p->options = t->compute_options;
	return t->compute->compile(t->compute_options, p->list, &p->state, e);
}

static int start_fresh(struct trainer *r, struct cbtm_error *e)
{
	size_t n;
	struct parameter *p = parameters_make(&r->t->config, &n, e);
	for (size_t i = 0; p && i < n && !e->name; i++) {
		float *v = mem_aligned(parameter_elements(&p[i]), sizeof *v, p[i].name, e);
		if (v) {
			parameter_start(&p[i], i, r->t->random_seed, v);
			r->t->compute->write(r->program.state, list_find(r->program.names, p[i].name), v, e);
		}
		free(v);
	}
	free(p);
	return e->name;
}

static int start_from(struct trainer *r, struct cbtm_error *e)
{
	struct store *s = NULL;
	if (dataset_part(r->t->start, 0, &s, e))
		return e->name;
	int status = checkpoint_read(&r->program, CBTM_ROLE_PARAMETER, s, e);
	store_close(s);
	return status;
}

static int trainer_open(struct trainer *r, const struct training *t, struct cbtm_error *e)
{
	uint64_t batch = t->plan.batch < t->micro_batch ? t->plan.batch : t->micro_batch;
	*r = (struct trainer){ .t = t, .B = (uint32_t)batch, .T = (uint32_t)t->length };
	if (dataset_part(t->sequences, 0, &r->sequences, e) ||
	    order_open(r->sequences, "ids", t->random_seed, &r->order, e))
		return e->name;
	if (store_row_count(r->sequences, "valid") &&
	    order_open(r->sequences, "valid", t->random_seed, &r->valid, e))
		return e->name;
	if (order_width(r->order) != (uint64_t)r->T + 1)
		return error_set(e, CBTM_ERR_BAD_DATA, dataset_dir(t->sequences),
		                 "its sequences have %llu tokens, the model's %u",
		                 (unsigned long long)order_width(r->order) - 1, r->T);
	r->ids = mem_zeroed((size_t)r->B * r->T, sizeof *r->ids, "a batch", e);
	r->targets = mem_zeroed((size_t)r->B * r->T, sizeof *r->targets, "a batch", e);
	if (!r->ids || !r->targets || program_make(r, e))
		return e->name;
	if (resume_load(t->dir, t->fingerprint, &r->step, &r->program, &r->history, e))
		return e->name;
	if (r->step)
		log_message(LOG_INFO, "%s goes on behind step %llu", t->title, (unsigned long long)r->step);
	else if (t->start ? start_from(r, e) : start_fresh(r, e))
		return e->name;
	r->saved = r->logged = clock_seconds();
	r->logged_step = r->step;
	return 0;
}

/* ---------------------------------------------------------------- a step */

/* Hands n sequences, from number `first` on, to the program: T inputs, the same shifted by one. */
static int feed(struct trainer *r, struct order *o, uint64_t first, uint32_t n,
                struct cbtm_error *e)
{
	const struct program *p = &r->program;
	for (uint32_t b = 0; b < n; b++) {
		const uint32_t *ids;
		if (order_read(o, first + b, &ids, e))
			return e->name;
		for (uint32_t t = 0; t <= r->T; t++)
			if (ids[t] >= r->t->config.vocabulary)
				return error_set(e, CBTM_ERR_BAD_DATA, dataset_dir(r->t->sequences),
				                 "a token %u is not in the model's vocabulary of %llu", ids[t],
				                 (unsigned long long)r->t->config.vocabulary);
		memcpy(r->ids + (size_t)b * r->T, ids, r->T * sizeof *ids);
		memcpy(r->targets + (size_t)b * r->T, ids + 1, r->T * sizeof *ids);
	}
	if (p->compute->write(p->state, list_find(p->names, "ids"), r->ids, e))
		return e->name;
	return p->compute->write(p->state, list_find(p->names, "targets"), r->targets, e);
}

static int run_section(struct trainer *r, enum cbtm_section section, const struct cbtm_scalars *s,
                       struct cbtm_error *e)
{
	return r->program.compute->run(r->program.state, section, s, e);
}

static int read_result(struct trainer *r, const char *name, double *v, struct cbtm_error *e)
{
	return r->program.compute->read(r->program.state, list_find(r->program.names, name), v, e);
}

/* Forward and backward of micro-batch `micro` of a step; adds to *loss (a sum over tokens). */
static int accumulate(struct trainer *r, struct cbtm_scalars *s, uint64_t micro, double *loss,
                      struct cbtm_error *e)
{
	const struct training *t = r->t;
	uint64_t done = micro * r->B, left = t->plan.batch - done;
	double part[2];
	uint32_t key[4];
	random_block(random_key(t->random_seed, RANDOM_DROPOUT), s->step, (uint32_t)micro, key);
	s->dropout_key[0] = key[0];
	s->dropout_key[1] = key[1];
	s->sequences = left < r->B ? (uint32_t)left : r->B;
	if (feed(r, r->order, (s->step - 1) * t->plan.batch + done, s->sequences, e) ||
	    run_section(r, CBTM_FORWARD, s, e) || run_section(r, CBTM_BACKWARD, s, e) ||
	    read_result(r, "loss", part, e))
		return e->name;
	*loss += part[0];
	return 0;
}

static int train_step(struct trainer *r, struct curve_point *point, struct cbtm_error *e)
{
	const struct training *t = r->t;
	double tokens = (double)t->plan.batch * r->T, norm[1];
	struct cbtm_scalars s = { .dropout = t->dropout,
		                      .loss_scale = 1 / tokens,
		                      .step = r->step + 1,
		                      .lr = schedule_lr(&t->plan, r->step + 1),
		                      .beta1 = t->beta1,
		                      .beta2 = t->beta2,
		                      .epsilon = t->epsilon,
		                      .weight_decay = t->weight_decay,
		                      .clip = t->clip };
	*point =
		(struct curve_point){ .step = s.step, .tokens = s.step * t->plan.batch * r->T, .lr = s.lr };
	for (uint64_t micro = 0; micro * r->B < t->plan.batch; micro++)
		if (accumulate(r, &s, micro, &point->loss, e))
			return e->name;
	point->loss /= tokens;
	if (run_section(r, CBTM_UPDATE, &s, e) || read_result(r, "norm", norm, e))
		return e->name;
	point->gradient_norm = norm[0];
	if (!isfinite(point->loss) || !isfinite(norm[0]))
		return error_set(e, CBTM_ERR_NOT_FINITE, t->title,
		                 "the loss or its gradient is not a finite number at step %llu",
		                 (unsigned long long)s.step);
	r->step++;
	return 0;
}

/* The mean loss on the first sequences of "valid". */
static int validate(struct trainer *r, struct cbtm_error *e)
{
	uint64_t n = r->valid ? order_rows(r->valid) : 0, tokens;
	double sum = 0;
	n = n < VALID_SEQUENCES ? n : VALID_SEQUENCES;
	tokens = n * r->T;
	if (!n || (r->history.valids && r->history.valid[r->history.valids - 1].step == r->step))
		return 0;
	float *logprob = mem_aligned((size_t)r->B * r->T, sizeof *logprob, "scores", e);
	uint32_t result = list_find(r->program.names, "logprob");
	for (uint64_t i = 0; logprob && !e->name && i < n; i += r->B) {
		struct cbtm_scalars s = { .sequences = n - i < r->B ? (uint32_t)(n - i) : r->B };
		if (feed(r, r->valid, i, s.sequences, e) || run_section(r, CBTM_FORWARD, &s, e) ||
		    run_section(r, CBTM_SCORE, &s, e) ||
		    r->program.compute->read(r->program.state, result, logprob, e))
			break;
		for (size_t k = 0; k < (size_t)s.sequences * r->T; k++)
			sum -= logprob[k];
	}
	free(logprob);
	if (e->name)
		return e->name;
	struct valid_point p = { r->step, sum / (double)tokens };
	return history_add_valid(&r->history, p, e);
}

/* ---------------------------------------------------------------- the run */

/* The point as an event of the log, with the rate since the last one. */
static int log_point(struct trainer *r, const struct curve_point *p, struct cbtm_error *e)
{
	double now = clock_seconds(), seconds = now - r->logged;
	uint64_t tokens = (p->step - r->logged_step) * r->t->plan.batch * r->T;
	struct buffer b = { 0 };
	if (!json_put_key(&b, "task", e) && !json_put_string(&b, r->t->title, strlen(r->t->title), e) &&
	    !json_put_key(&b, "step", e) && !json_put_u64(&b, p->step, e) &&
	    !json_put_key(&b, "tokens", e) && !json_put_u64(&b, p->tokens, e) &&
	    !json_put_key(&b, "loss", e) && !json_put_f64(&b, p->loss, e) &&
	    !json_put_key(&b, "lr", e) && !json_put_f64(&b, p->lr, e) &&
	    !json_put_key(&b, "gradient_norm", e) && !json_put_f64(&b, p->gradient_norm, e) &&
	    !json_put_key(&b, "tokens_per_second", e) &&
	    !json_put_f64(&b, seconds > 0 ? (double)tokens / seconds : 0, e))
		log_event("step", b.data);
	buffer_free(&b);
	r->logged = now;
	r->logged_step = p->step;
	return e->name;
}

static int report(struct trainer *r, const struct curve_point *p, struct cbtm_error *e)
{
	char text[64];
	snprintf(text, sizeof text, "loss %.3f", p->loss);
	progress_set(p->tokens, text);
	if (p->step % r->t->log_every && p->step != r->t->plan.steps)
		return 0;
	return log_point(r, p, e) ? (int)e->name : history_add(&r->history, *p, e);
}

static int train(struct trainer *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	while (r->step < t->plan.steps) {
		struct curve_point point;
		if (train_step(r, &point, e) || report(r, &point, e))
			return e->name;
		if (t->valid_every && r->step % t->valid_every == 0 && validate(r, e))
			return e->name;
		if (fault_point("train.step", e))
			return e->name;
		bool stop = signals_stop_requested();
		if (stop || clock_seconds() - r->saved >= (double)t->checkpoint_every) {
			if (resume_save(t->dir, t->fingerprint, r->step, &r->program, &r->history, e))
				return e->name;
			r->saved = clock_seconds();
		}
		if (stop && signals_check(e))
			return e->name;
	}
	return validate(r, e);
}

static int copy_fact(const struct trainer *r, const char *name, struct cbtm_error *e)
{
	const char *json = store_get_json(r->sequences, name);
	return json ? store_set_json(r->t->out, name, json, e) : 0;
}

static int publish(struct trainer *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	static const char *const copied[] = { "vocabulary", "vocabulary_size", "eod", "bos" };
	struct buffer model = { 0 };
	double seen = (double)r->step * (double)t->plan.batch;
	int status = model_config_print(&t->config, &model, e);
	if (!status &&
	    !(checkpoint_write(&r->program, CBTM_ROLE_PARAMETER, t->out, e) ||
	      history_write(&r->history, t->out, e) || store_set_json(t->out, "model", model.data, e) ||
	      store_set_u64(t->out, "step", r->step, e) ||
	      store_set_u64(t->out, "tokens", r->step * t->plan.batch * r->T, e) ||
	      store_set_u64(t->out, "batch", t->plan.batch, e) ||
	      store_set_f64(t->out, "passes", seen / (double)order_rows(r->order), e) ||
	      store_set_u64(t->out, "length", r->T, e)))
		for (size_t i = 0; !e->name && i < sizeof copied / sizeof copied[0]; i++)
			copy_fact(r, copied[i], e);
	if (!e->name)
		store_commit(t->out, "done", 4, e);
	buffer_free(&model);
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

int training_run(const struct training *t, struct cbtm_error *e)
{
	struct trainer r = { 0 };
	const void *cursor;
	size_t n;
	if (store_cursor(t->out, &cursor, &n, e))
		return e->name;
	if (!n) {
		if (!trainer_open(&r, t, e)) {
			progress_start(t->title, t->plan.steps * t->plan.batch * r.T, "tokens");
			if (!train(&r, e))
				publish(&r, e);
			progress_finish();
		}
		trainer_close(&r);
	}
	if (!e->name)
		resume_remove(t->dir, e);
	return e->name;
}
