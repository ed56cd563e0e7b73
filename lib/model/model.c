/* SPDX-License-Identifier: MIT */
#include "model/model.h"
#include "base/error.h"
#include "base/memory.h"
#include "model/checkpoint.h"
#include "model/emit.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Tokens that are worked on together unless the caller says otherwise. */
enum { BATCH_TOKENS = 4096 };

struct model {
	struct model_config config;
	uint64_t length; /* T */
	struct program program;
	uint32_t batch, eod, bos;
	uint32_t t_ids, t_targets, t_logprob; /* tensors */
	uint32_t *ids, *targets;
	float *logprob; /* each batch x T */
	char vocabulary[64];
};

static int read_facts(struct model *m, const struct store *s, struct cbtm_error *e)
{
	uint64_t eod, bos;
	const char *json = store_get_json(s, "model");
	if (!json)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s), "it has no fact \"model\"");
	if (model_config_parse(json, store_path(s), &m->config, e) ||
	    checkpoint_length(s, &m->config, &m->length, e) || checkpoint_fact(s, "eod", &eod, e))
		return e->name;
	if (eod >= m->config.vocabulary)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s), "its eod is not in the vocabulary");
	if (!store_get_u64(s, "bos", &bos))
		bos = eod;
	if (bos >= m->config.vocabulary)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s), "its bos is not in the vocabulary");
	m->eod = (uint32_t)eod;
	m->bos = (uint32_t)bos;
	store_get_text(s, "vocabulary", m->vocabulary, sizeof m->vocabulary);
	return 0;
}

static int program_make(struct model *m, const struct cbtm_compute *compute, const void *options,
                        struct cbtm_error *e)
{
	struct program *p = &m->program;
	struct emit_how how = { .batch = m->batch, .length = (uint32_t)m->length };
	p->names = emit_model(&m->config, &how, e);
	p->list = p->names ? list_finish(p->names, e) : NULL;
	if (!p->list)
		return e->name;
	p->compute = compute;
	p->options = options;
	m->t_ids = list_find(p->names, "ids");
	m->t_targets = list_find(p->names, "targets");
	m->t_logprob = list_find(p->names, "logprob");
	return compute->compile(options, p->list, &p->state, e);
}

int model_open(struct dataset *checkpoint, const struct cbtm_compute *compute, const void *options,
               uint32_t batch, struct model **model, struct cbtm_error *e)
{
	struct store *s = NULL;
	struct model *m = mem_zeroed(1, sizeof *m, "a model", e);
	if (!m)
		return e->name;
	int status = dataset_part(checkpoint, 0, &s, e);
	if (!status)
		status = read_facts(m, s, e);
	if (!status) {
		uint64_t fit = BATCH_TOKENS / m->length;
		m->batch = batch ? batch : fit ? (uint32_t)fit : 1;
		size_t n = (size_t)m->batch * m->length;
		m->ids = mem_zeroed(n, sizeof *m->ids, "a batch", e);
		m->targets = mem_zeroed(n, sizeof *m->targets, "a batch", e);
		m->logprob = mem_zeroed(n, sizeof *m->logprob, "a batch", e);
		status = e->name;
	}
	if (!status)
		status = program_make(m, compute, options, e);
	if (!status)
		status = checkpoint_read(&m->program, CBTM_ROLE_PARAMETER, s, e);
	store_close(s);
	if (status)
		model_close(m);
	else
		*model = m;
	return status;
}

void model_close(struct model *m)
{
	if (!m)
		return;
	program_close(&m->program);
	free(m->ids);
	free(m->targets);
	free(m->logprob);
	free(m);
}

const struct model_config *model_config(const struct model *m)
{
	return &m->config;
}

uint64_t model_length(const struct model *m)
{
	return m->length;
}

uint32_t model_eod(const struct model *m)
{
	return m->eod;
}

uint32_t model_bos(const struct model *m)
{
	return m->bos;
}

const char *model_vocabulary(const struct model *m)
{
	return m->vocabulary;
}

uint32_t model_batch(const struct model *m)
{
	return m->batch;
}

/* Puts one sequence into row b of the batch; what is not wanted, or not there, does not count. */
static int place(struct model *m, const struct model_sequence *s, uint32_t b, struct cbtm_error *e)
{
	size_t T = m->length;
	uint32_t *ids = m->ids + b * T, *targets = m->targets + b * T;
	if (s->n < 2 || s->n > T + 1)
		return error_set(e, CBTM_ERR_BAD_DATA, NULL,
		                 "a sequence of %zu tokens cannot be scored by a model of %zu", s->n, T);
	for (size_t t = 0; t < s->n; t++)
		if (s->ids[t] >= m->config.vocabulary)
			return error_set(e, CBTM_ERR_BAD_DATA, NULL,
			                 "a token %u is not in the model's vocabulary of %llu", s->ids[t],
			                 (unsigned long long)m->config.vocabulary);
	for (size_t t = 0; t < T; t++) {
		ids[t] = t + 1 < s->n ? s->ids[t] : m->eod;
		targets[t] = t + 1 < s->n && t >= s->first ? s->ids[t + 1] : CBTM_IGNORE;
	}
	return 0;
}

static int take_scores(const struct model *m, const struct model_sequence *s, uint32_t b,
                       struct cbtm_error *e)
{
	const float *logprob = m->logprob + b * m->length;
	for (size_t t = s->first; t + 1 < s->n; t++) {
		if (!isfinite(logprob[t]))
			return error_set(e, CBTM_ERR_BAD_DATA, NULL,
			                 "the model gives a probability that is not a number");
		s->logprob[t] = logprob[t];
	}
	return 0;
}

int model_score(struct model *m, const struct model_sequence *sequences, size_t n,
                struct cbtm_error *e)
{
	const struct program *p = &m->program;
	for (size_t i = 0; i < n; i += m->batch) {
		struct cbtm_scalars s = { .sequences = n - i < m->batch ? (uint32_t)(n - i) : m->batch };
		for (uint32_t b = 0; b < s.sequences; b++)
			if (place(m, &sequences[i + b], b, e))
				return e->name;
		if (p->compute->write(p->state, m->t_ids, m->ids, e) ||
		    p->compute->write(p->state, m->t_targets, m->targets, e) ||
		    p->compute->run(p->state, CBTM_FORWARD, &s, e) ||
		    p->compute->run(p->state, CBTM_SCORE, &s, e) ||
		    p->compute->read(p->state, m->t_logprob, m->logprob, e))
			return e->name;
		for (uint32_t b = 0; b < s.sequences; b++)
			if (take_scores(m, &sequences[i + b], b, e))
				return e->name;
	}
	return 0;
}
