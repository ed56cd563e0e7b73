/* SPDX-License-Identifier: MIT */
#include "model/trainer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "model/emit.h"
#include "model/identity.h"
#include "model/parameter.h"
#include "model/sibling.h"
#include "model/upcycle.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sequences of a validation: enough for a loss within about 1 %, at a step's cost. */
enum { VALID_SEQUENCES = 64 };

void trainer_close(struct trainer *r)
{
	program_close(&r->program);
	order_close(r->order);
	order_close(r->valid);
	store_close(r->sequences);
	run_state_free(&r->state);
	expert_load_free(&r->load);
	buffer_free(&r->identity);
	free(r->ids);
	free(r->targets);
}

/* ---------------------------------------------------------------- opening */

static int program_make(struct trainer *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	struct emit_how how = { .batch = r->B,
		                    .length = r->T,
		                    .train = true,
		                    .dropout = t->dropout > 0 || t->attention_dropout > 0,
		                    .embedding_dropout = t->embedding_dropout > 0,
		                    .checkpointing = t->checkpointing };
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
	if (upcycle_wanted(&r->t->config, s, e))
		upcycle_read(&r->program, &r->t->config, s, r->t->random_seed, e);
	else if (!e->name)
		checkpoint_read(&r->program, CBTM_ROLE_PARAMETER, s, e);
	store_close(s);
	return e->name;
}

/* A run of no step, from scratch, needs no sequence. */
static int open_orders(struct trainer *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	bool any = store_row_count(r->sequences, "ids"), valid = store_row_count(r->sequences, "valid");
	if ((any || schedule_end(&t->plan)) &&
	    order_open(r->sequences, "ids", t->random_seed, &r->order, e)) {
		if (!any && !t->start)
			error_hint(e, "tokenize.split.seed is the share of documents that train the seed; "
			              "train.seed.tokens: 0 begins from scratch, train.seed.import from a "
			              "checkpoint");
		return e->name;
	}
	if (valid && order_open(r->sequences, "valid", t->random_seed, &r->valid, e))
		return e->name;
	const struct order *o = r->order ? r->order : r->valid;
	if (!o || order_width(o) == (uint64_t)r->T + 1)
		return 0;
	return error_set(e, CBTM_ERR_BAD_DATA, dataset_dir(t->sequences),
	                 "its sequences have %llu tokens, the model's %u",
	                 (unsigned long long)order_width(o) - 1, r->T);
}

int trainer_open(struct trainer *r, const struct training *t, struct cbtm_error *e)
{
	uint64_t batch = t->plan.batch < t->micro_batch ? t->plan.batch : t->micro_batch;
	*r = (struct trainer){ .t = t, .B = (uint32_t)batch, .T = (uint32_t)t->length };
	if (dataset_part(t->sequences, 0, &r->sequences, e) || open_orders(r, e))
		return e->name;
	if (identity_print(t, r->sequences, &r->identity, e))
		return e->name;
	r->owner = (struct run_owner){ t->fingerprint, r->identity.data, schedule_stable(&t->plan),
		                           schedule_end(&t->plan), t->use_best || t->keep_both };
	return 0;
}

/* The furthest state that another run left and that is one of ours: of a constant rate before its cooldown, or of a
 * run that differs in nothing but where it ends. */
static int find_state(const struct trainer *r, char **path, uint64_t *step, struct cbtm_error *e)
{
	const uint64_t most[] = { r->owner.stable, r->owner.end };
	char family[17], *found;
	uint64_t there;
	*path = NULL;
	*step = 0;
	for (int whole = 0; whole < 2; whole++) {
		if (!most[whole])
			continue;
		if (identity_family(r->identity.data, whole, r->owner.best, family, e) ||
		    sibling_state(r->t->dir, family, most[whole], &found, &there, e))
			break;
		if (found && there > *step) {
			free(*path);
			*path = found;
			*step = there;
		} else {
			free(found);
		}
	}
	return e->name;
}

/* Takes it if it is further on than `step`. */
static int start_longer(struct trainer *r, uint64_t step, struct cbtm_error *e)
{
	char *path;
	uint64_t there;
	struct cbtm_error why = { 0 };
	if (find_state(r, &path, &there, e) || !path)
		goto done;
	if (there > step && resume_load_at(path, &r->owner, &r->program, &r->state, &why))
		log_message(LOG_WARNING, "%s is of no use: %s", path, why.what);
	else if (there > step)
		log_message(LOG_INFO, "%s goes on from %s, so far the same run", r->t->title, path);
done:
	free(path);
	return why.name == CBTM_ERR_MEMORY ? (int)error_copy(e, &why) : (int)e->name;
}

int trainer_start(struct trainer *r, struct cbtm_error *e)
{
	const struct training *t = r->t;
	uint64_t last;
	r->ids = mem_zeroed((size_t)r->B * r->T, sizeof *r->ids, "a batch", e);
	r->targets = mem_zeroed((size_t)r->B * r->T, sizeof *r->targets, "a batch", e);
	if (!r->ids || !r->targets || expert_load_make(&r->load, &t->config, e) || program_make(r, e) ||
	    resume_last(t->dir, &last, e) || start_longer(r, last, e))
		return e->name;
	if (!r->state.step && resume_load(t->dir, &r->owner, &r->program, &r->state, e))
		return e->name;
	r->state.history.mixes = r->load.layers > 0;
	if (r->state.step)
		log_message(LOG_INFO, "%s goes on behind step %llu", t->title,
		            (unsigned long long)r->state.step);
	else if (t->start ? start_from(r, e) : start_fresh(r, e))
		return e->name;
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
	    read_result(r, "loss", part, e) ||
	    expert_load_add(&r->load, &r->program, (uint64_t)s->sequences * r->T, e))
		return e->name;
	*loss += part[0];
	return 0;
}

/* The update was not made: the parameters are still those of the step before. */
static int refuse_values(const struct trainer *r, const struct curve_point *p, struct cbtm_error *e)
{
	return error_set(
		e, CBTM_ERR_NOT_FINITE, r->t->title,
		"step %llu: the loss is %g and its gradient's norm %g, at a learning rate of %g",
		(unsigned long long)p->step, fabs(p->loss), fabs(p->gradient_norm), p->lr);
}

int trainer_step(struct trainer *r, struct curve_point *point, struct cbtm_error *e)
{
	const struct training *t = r->t;
	double tokens = (double)t->plan.batch * r->T, norm[1];
	struct cbtm_scalars s = { .dropout = t->dropout,
		                      .dropout_attention = t->attention_dropout,
		                      .dropout_embedding = t->embedding_dropout,
		                      .loss_scale = 1 / tokens,
		                      .step = r->state.step + 1,
		                      .lr = schedule_lr(&t->plan, r->state.step + 1),
		                      .beta1 = t->beta1,
		                      .beta2 = t->beta2,
		                      .epsilon = t->epsilon,
		                      .weight_decay = t->weight_decay,
		                      .clip = t->clip,
		                      .capacity_factor = t->capacity_factor,
		                      .balance = t->balance_loss };
	expert_load_clear(&r->load);
	*point =
		(struct curve_point){ .step = s.step, .tokens = s.step * t->plan.batch * r->T, .lr = s.lr };
	for (uint64_t micro = 0; micro * r->B < t->plan.batch; micro++)
		if (accumulate(r, &s, micro, &point->loss, e))
			return e->name;
	point->loss /= tokens;
	if (run_section(r, CBTM_UPDATE, &s, e) || read_result(r, "norm", norm, e))
		return e->name;
	point->gradient_norm = norm[0];
	point->balance = expert_load_balance(&r->load);
	if (!isfinite(point->loss) || !isfinite(norm[0]))
		return refuse_values(r, point, e);
	r->state.step++;
	r->state.last = *point;
	return 0;
}

int trainer_validate(struct trainer *r, bool last, struct cbtm_error *e)
{
	uint64_t n = r->valid ? order_rows(r->valid) : 0, tokens;
	double sum = 0;
	n = n < VALID_SEQUENCES ? n : VALID_SEQUENCES;
	tokens = n * r->T;
	if (!n || (r->state.history.valids &&
	           r->state.history.valid[r->state.history.valids - 1].step == r->state.step))
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
	struct valid_point p = { r->state.step, sum / (double)tokens };
	if (!isfinite(p.loss))
		return error_set(e, CBTM_ERR_NOT_FINITE, r->t->title,
		                 "step %llu: the loss on validation data is %g", (unsigned long long)p.step,
		                 p.loss);
	if (r->owner.best && best_note(&r->state.best, &r->program, &p, last, e))
		return e->name;
	return history_add_valid(&r->state.history, p, e);
}

int trainer_measure(struct trainer *r, struct cbtm_error *e)
{
	struct order *o = r->valid && order_rows(r->valid) ? r->valid : r->order;
	uint64_t n = o ? order_rows(o) : 0;
	n = n < VALID_SEQUENCES ? n : VALID_SEQUENCES;
	expert_load_clear(&r->load);
	for (uint64_t i = 0; i < n; i += r->B) {
		struct cbtm_scalars s = { .sequences = n - i < r->B ? (uint32_t)(n - i) : r->B,
			                      .capacity_factor = r->t->capacity_factor };
		if (feed(r, o, i, s.sequences, e) || run_section(r, CBTM_FORWARD, &s, e) ||
		    expert_load_add(&r->load, &r->program, (uint64_t)s.sequences * r->T, e))
			break;
	}
	return e->name;
}
