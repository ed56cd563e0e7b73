/* SPDX-License-Identifier: MIT */
#include "ensemble/results.h"
#include "base/json.h"
#include <stdio.h>
#include <string.h>

#define LN2 0.693147180559945309417

static void put_count(struct buffer *b, const char *key, uint64_t v, struct cbtm_error *e)
{
	json_put_key(b, key, e);
	json_put_u64(b, v, e);
}

static void put_real(struct buffer *b, const char *key, double v, struct cbtm_error *e)
{
	json_put_key(b, key, e);
	json_put_f64(b, v, e);
}

static void put_text(struct buffer *b, const char *key, const char *text, struct cbtm_error *e)
{
	json_put_key(b, key, e);
	json_put_string(b, text, strlen(text), e);
}

static void put_open(struct buffer *b, const char *key, char bracket, struct cbtm_error *e)
{
	json_put_key(b, key, e);
	json_put_open(b, bracket, e);
}

/* What no token stands behind is null, not a number. */
static void put_perplexity(struct buffer *b, struct evaluation_sum sum, struct cbtm_error *e)
{
	if (sum.tokens)
		json_put_f64(b, evaluation_perplexity(sum), e);
	else
		json_put_null(b, e);
}

static void put_sum(struct buffer *b, const char *key, struct evaluation_sum sum, uint64_t bytes,
                    struct cbtm_error *e)
{
	put_open(b, key, '{', e);
	put_real(b, "nll", sum.nll, e);
	put_count(b, "tokens", sum.tokens, e);
	json_put_key(b, "perplexity", e);
	put_perplexity(b, sum, e);
	json_put_key(b, "bits_per_byte", e);
	if (bytes)
		json_put_f64(b, sum.nll / LN2 / (double)bytes, e);
	else
		json_put_null(b, e);
	json_put_close(b, '}', e);
}

static void put_positions(struct buffer *b, const struct evaluation *v, size_t mixture,
                          struct cbtm_error *e)
{
	put_open(b, "test_by_position", '[', e);
	for (size_t bucket = 0; bucket < POSITION_BUCKETS; bucket++) {
		struct evaluation_sum sum = evaluation_position(v, mixture, SPLIT_TEST, bucket);
		if (!sum.tokens)
			continue;
		json_put_open(b, '{', e);
		put_count(b, "from", bucket ? (uint64_t)POSITION_FIRST << (bucket - 1) : 0, e);
		put_count(b, "tokens", sum.tokens, e);
		put_real(b, "perplexity", evaluation_perplexity(sum), e);
		json_put_close(b, '}', e);
	}
	json_put_close(b, ']', e);
}

static void put_mixture(struct buffer *b, const struct mixture_plan *plan, size_t index,
                        const struct evaluation *v, struct cbtm_error *e)
{
	const struct mixture *m = plan->mixtures + index;
	bool seed = m->mode == MIXTURE_EXPERT && m->expert == plan->k;
	json_put_open(b, '{', e);
	put_text(b, "mode", seed ? "seed" : mixture_mode_names[m->mode], e);
	if (m->mode == MIXTURE_EXPERT && !seed)
		put_count(b, "expert", m->expert, e);
	if (m->mode == MIXTURE_CONTEXT) {
		put_real(b, "temperature", m->temperature, e);
		put_count(b, "top_k", m->top_k ? m->top_k : plan->k, e);
	}
	for (enum split s = SPLIT_VALID; s <= SPLIT_TEST; s++)
		put_sum(b, split_names[s], evaluation_total(v, index, s, UINT32_MAX),
		        evaluation_bytes(v, s), e);
	put_positions(b, v, index, e);
	json_put_close(b, '}', e);
}

static void put_model(struct buffer *b, const struct results_model *model, struct cbtm_error *e)
{
	json_put_open(b, '{', e);
	put_count(b, "tokens", model->tokens, e);
	put_count(b, "steps", model->steps, e);
	put_count(b, "parameters", model->parameters, e);
	json_put_key(b, "passes", e);
	if (model->passes >= 0)
		json_put_f64(b, model->passes, e);
	else
		json_put_null(b, e);
	json_put_close(b, '}', e);
}

static void put_facts(struct buffer *b, const struct results_facts *facts, struct cbtm_error *e)
{
	put_count(b, "clusters", facts->k, e);
	put_text(b, "window", facts->window, e);
	put_count(b, "length", facts->length, e);
	put_count(b, "route_every", facts->route_every, e);
	json_put_key(b, "seed", e);
	put_model(b, &facts->seed, e);
	put_open(b, "experts", '[', e);
	for (size_t j = 0; j < facts->k; j++)
		put_model(b, facts->experts + j, e);
	json_put_close(b, ']', e);
	put_open(b, "shares", '[', e);
	for (size_t j = 0; j < facts->k; j++)
		json_put_f64(b, facts->share[j], e);
	json_put_close(b, ']', e);
}

static void put_held_out(struct buffer *b, const struct evaluation *v, struct cbtm_error *e)
{
	put_open(b, "held_out", '{', e);
	for (enum split s = SPLIT_VALID; s <= SPLIT_TEST; s++) {
		put_open(b, split_names[s], '{', e);
		put_count(b, "documents", evaluation_count(v, s, UINT32_MAX), e);
		put_count(b, "tokens", evaluation_total(v, 0, s, UINT32_MAX).tokens, e);
		put_count(b, "bytes", evaluation_bytes(v, s), e);
		json_put_close(b, '}', e);
	}
	json_put_close(b, '}', e);
}

/* Row i: expert i; column j: perplexity on the test documents of cluster j. */
static void put_matrix(struct buffer *b, const struct evaluation *v, size_t k, struct cbtm_error *e)
{
	uint64_t own_best = 0;
	put_open(b, "matrix", '[', e);
	for (size_t i = 0; i < k; i++) {
		json_put_open(b, '[', e);
		for (uint32_t j = 0; j < k; j++)
			put_perplexity(b, evaluation_total(v, 1 + i, SPLIT_TEST, j), e);
		json_put_close(b, ']', e);
	}
	json_put_close(b, ']', e);
	for (uint32_t j = 0; j < k; j++) {
		struct evaluation_sum own = evaluation_total(v, 1 + j, SPLIT_TEST, j);
		bool best = own.tokens > 0;
		for (size_t i = 0; i < k; i++)
			best = best && (i == j || own.nll < evaluation_total(v, 1 + i, SPLIT_TEST, j).nll);
		own_best += best;
	}
	put_count(b, "own_best", own_best, e);
	put_open(b, "test_by_cluster", '[', e);
	for (uint32_t j = 0; j < k; j++) {
		json_put_open(b, '{', e);
		put_count(b, "documents", evaluation_count(v, SPLIT_TEST, j), e);
		put_count(b, "tokens", evaluation_total(v, 0, SPLIT_TEST, j).tokens, e);
		json_put_close(b, '}', e);
	}
	json_put_close(b, ']', e);
}

/* Each test document's loss under the system's answer: what paired comparisons need. */
static void put_documents(struct buffer *b, const struct evaluation *v, size_t answer,
                          struct cbtm_error *e)
{
	put_open(b, "test_documents", '[', e);
	for (size_t i = 0; i < evaluation_documents(v); i++) {
		uint64_t key, tokens, bytes;
		enum split split;
		uint32_t cluster;
		char hex[17];
		evaluation_document(v, i, &key, &split, &cluster, &tokens, &bytes);
		if (split != SPLIT_TEST)
			continue;
		snprintf(hex, sizeof hex, "%016llx", (unsigned long long)key);
		json_put_open(b, '{', e);
		put_text(b, "key", hex, e);
		put_count(b, "cluster", cluster, e);
		put_count(b, "tokens", tokens, e);
		put_count(b, "bytes", bytes, e);
		put_real(b, "nll", evaluation_nll(v, answer, i), e);
		json_put_close(b, '}', e);
	}
	json_put_close(b, ']', e);
}

/* For each top-k the mixture whose temperature valid chose; then the answer. */
static void put_chosen(struct buffer *b, const struct mixture_plan *plan,
                       const struct evaluation *v, size_t answer, struct cbtm_error *e)
{
	json_put_key(b, "chosen_on", e);
	if (evaluation_count(v, SPLIT_VALID, UINT32_MAX))
		json_put_string(b, "valid", 5, e);
	else
		json_put_null(b, e);
	put_open(b, "chosen", '[', e);
	for (size_t i = 0; i < plan->n; i++) {
		const struct mixture *m = plan->mixtures + i;
		if (m->mode != MIXTURE_CONTEXT || plan_choose(plan, v, m->top_k) != i)
			continue;
		json_put_open(b, '{', e);
		put_count(b, "top_k", m->top_k ? m->top_k : plan->k, e);
		put_count(b, "mixture", i, e);
		json_put_close(b, '}', e);
	}
	json_put_close(b, ']', e);
	put_count(b, "answer", answer, e);
}

int results_write(const struct mixture_plan *plan, const struct evaluation *v,
                  const struct results_facts *facts, struct buffer *out, struct cbtm_error *e)
{
	size_t answer = plan_answer(plan, v);
	json_put_open(out, '{', e);
	put_facts(out, facts, e);
	put_held_out(out, v, e);
	put_open(out, "mixtures", '[', e);
	for (size_t i = 0; i < plan->n; i++)
		put_mixture(out, plan, i, v, e);
	json_put_close(out, ']', e);
	put_chosen(out, plan, v, answer, e);
	put_matrix(out, v, facts->k, e);
	put_documents(out, v, answer, e);
	json_put_close(out, '}', e);
	return e->name;
}
