/* SPDX-License-Identifier: MIT */
#include "ensemble/results.h"
#include "base/json.h"
#include "base/memory.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LN2 0.693147180559945309417

int results_plan_make(size_t k, const double *temperatures, size_t n_temperatures,
                      const uint64_t *top_ks, size_t n_top_ks, struct results_plan *plan,
                      struct cbtm_error *e)
{
	size_t most = k + 4 + n_temperatures * (n_top_ks + 1);
	*plan = (struct results_plan){ mem_zeroed(most, sizeof *plan->mixtures, "mixtures", e), 0 };
	if (!plan->mixtures)
		return e->name;
	struct mixture *m = plan->mixtures;
	m[plan->n++] = (struct mixture){ .mode = MIXTURE_EXPERT, .expert = k };
	for (size_t j = 0; j < k; j++)
		m[plan->n++] = (struct mixture){ .mode = MIXTURE_EXPERT, .expert = j };
	if (k == 1)
		return 0;
	m[plan->n++] = (struct mixture){ .mode = MIXTURE_UNIFORM };
	m[plan->n++] = (struct mixture){ .mode = MIXTURE_BAYES };
	m[plan->n++] = (struct mixture){ .mode = MIXTURE_ORACLE };
	for (size_t i = 0; i <= n_top_ks; i++) {
		size_t top_k = i < n_top_ks ? top_ks[i] : 0; /* the last round: all */
		if (i < n_top_ks && (top_k == 0 || top_k >= k))
			continue;
		for (size_t t = 0; t < n_temperatures; t++)
			m[plan->n++] = (struct mixture){ MIXTURE_CONTEXT, temperatures[t], top_k, 0 };
	}
	return 0;
}

void results_plan_free(struct results_plan *plan)
{
	free(plan->mixtures);
	*plan = (struct results_plan){ NULL, 0 };
}

size_t results_choose(const struct results_plan *plan, const struct evaluation *v,
                      enum mixture_mode mode, size_t top_k)
{
	size_t best = SIZE_MAX;
	double least = INFINITY;
	for (size_t i = 0; i < plan->n; i++) {
		const struct mixture *m = plan->mixtures + i;
		if (m->mode != mode || (mode == MIXTURE_CONTEXT && m->top_k != top_k))
			continue;
		double nll = evaluation_total(v, i, SPLIT_VALID, UINT32_MAX).nll;
		if (best == SIZE_MAX || nll < least) {
			best = i;
			least = nll;
		}
	}
	return best;
}

size_t results_answer(const struct results_plan *plan, const struct evaluation *v, size_t k)
{
	if (k == 1)
		return 1;
	size_t best = SIZE_MAX;
	double least = INFINITY;
	for (size_t i = 0; i < plan->n; i++) {
		double nll = evaluation_total(v, i, SPLIT_VALID, UINT32_MAX).nll;
		if (plan->mixtures[i].mode == MIXTURE_CONTEXT && (best == SIZE_MAX || nll < least)) {
			best = i;
			least = nll;
		}
	}
	return best;
}

static int put_sum(struct buffer *b, const char *key, struct evaluation_sum sum, uint64_t bytes,
                   struct cbtm_error *e)
{
	json_put_key(b, key, e);
	json_put_open(b, '{', e);
	json_put_key(b, "nll", e);
	json_put_f64(b, sum.nll, e);
	json_put_key(b, "tokens", e);
	json_put_u64(b, sum.tokens, e);
	json_put_key(b, "perplexity", e);
	json_put_f64(b, evaluation_perplexity(sum), e);
	json_put_key(b, "bits_per_byte", e);
	json_put_f64(b, bytes ? sum.nll / LN2 / (double)bytes : 0, e);
	return json_put_close(b, '}', e);
}

static int put_mixture(struct buffer *b, const struct mixture *m, size_t index, size_t k,
                       const struct evaluation *v, struct cbtm_error *e)
{
	const char *mode = mixture_mode_names[m->mode];
	if (m->mode == MIXTURE_EXPERT && m->expert == k)
		mode = "seed";
	json_put_open(b, '{', e);
	json_put_key(b, "mode", e);
	json_put_string(b, mode, __builtin_strlen(mode), e);
	if (m->mode == MIXTURE_EXPERT && m->expert < k) {
		json_put_key(b, "expert", e);
		json_put_u64(b, m->expert, e);
	}
	if (m->mode == MIXTURE_CONTEXT) {
		json_put_key(b, "temperature", e);
		json_put_f64(b, m->temperature, e);
		json_put_key(b, "top_k", e);
		json_put_u64(b, m->top_k ? m->top_k : k, e);
	}
	for (enum split s = SPLIT_VALID; s <= SPLIT_TEST; s++)
		put_sum(b, split_names[s], evaluation_total(v, index, s, UINT32_MAX),
		        evaluation_bytes(v, s), e);
	json_put_key(b, "test_by_position", e);
	json_put_open(b, '[', e);
	for (size_t bucket = 0; bucket < POSITION_BUCKETS; bucket++) {
		struct evaluation_sum sum = evaluation_position(v, index, SPLIT_TEST, bucket);
		if (!sum.tokens)
			continue;
		json_put_open(b, '{', e);
		json_put_key(b, "from", e);
		json_put_u64(b, bucket ? (uint64_t)POSITION_FIRST << (bucket - 1) : 0, e);
		json_put_key(b, "tokens", e);
		json_put_u64(b, sum.tokens, e);
		json_put_key(b, "perplexity", e);
		json_put_f64(b, evaluation_perplexity(sum), e);
		json_put_close(b, '}', e);
	}
	json_put_close(b, ']', e);
	return json_put_close(b, '}', e);
}

static int put_model(struct buffer *b, const struct results_model *model, struct cbtm_error *e)
{
	json_put_open(b, '{', e);
	json_put_key(b, "tokens", e);
	json_put_u64(b, model->tokens, e);
	json_put_key(b, "steps", e);
	json_put_u64(b, model->steps, e);
	json_put_key(b, "parameters", e);
	json_put_u64(b, model->parameters, e);
	json_put_key(b, "documents", e);
	json_put_u64(b, model->documents, e);
	json_put_key(b, "repeats", e);
	json_put_f64(b, model->repeats, e);
	return json_put_close(b, '}', e);
}

/* Row i: expert i; column j: perplexity on the test documents of cluster j. */
static int put_matrix(struct buffer *b, const struct evaluation *v, size_t k, struct cbtm_error *e)
{
	uint64_t own_best = 0;
	json_put_key(b, "matrix", e);
	json_put_open(b, '[', e);
	for (size_t i = 0; i < k; i++) {
		json_put_open(b, '[', e);
		for (uint32_t j = 0; j < k; j++)
			json_put_f64(b, evaluation_perplexity(evaluation_total(v, 1 + i, SPLIT_TEST, j)), e);
		json_put_close(b, ']', e);
	}
	json_put_close(b, ']', e);
	for (uint32_t j = 0; j < k; j++) {
		double own = evaluation_total(v, 1 + j, SPLIT_TEST, j).nll;
		bool best = true;
		for (size_t i = 0; i < k; i++)
			best = best && (i == j || own < evaluation_total(v, 1 + i, SPLIT_TEST, j).nll);
		own_best += best;
	}
	json_put_key(b, "own_best", e);
	json_put_u64(b, own_best, e);
	json_put_key(b, "test_tokens_by_cluster", e);
	json_put_open(b, '[', e);
	for (uint32_t j = 0; j < k; j++)
		json_put_u64(b, evaluation_total(v, 0, SPLIT_TEST, j).tokens, e);
	return json_put_close(b, ']', e);
}

/* Each test document's loss under the system's answer: what paired comparisons need. */
static int put_documents(struct buffer *b, const struct evaluation *v, size_t answer,
                         struct cbtm_error *e)
{
	json_put_key(b, "test_documents", e);
	json_put_open(b, '[', e);
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
		json_put_key(b, "key", e);
		json_put_string(b, hex, 16, e);
		json_put_key(b, "tokens", e);
		json_put_u64(b, tokens, e);
		json_put_key(b, "cluster", e);
		json_put_u64(b, cluster, e);
		json_put_key(b, "nll", e);
		json_put_f64(b, evaluation_nll(v, answer, i), e);
		json_put_close(b, '}', e);
	}
	return json_put_close(b, ']', e);
}

/* For each top-k (0 = all) the mixture whose temperature valid chose. */
static int put_chosen(struct buffer *b, const struct results_plan *plan, const struct evaluation *v,
                      size_t k, struct cbtm_error *e)
{
	json_put_key(b, "chosen", e);
	json_put_open(b, '[', e);
	for (size_t i = 0; i < plan->n; i++) {
		const struct mixture *m = plan->mixtures + i;
		if (m->mode != MIXTURE_CONTEXT || results_choose(plan, v, m->mode, m->top_k) != i)
			continue;
		json_put_open(b, '{', e);
		json_put_key(b, "top_k", e);
		json_put_u64(b, m->top_k ? m->top_k : k, e);
		json_put_key(b, "mixture", e);
		json_put_u64(b, i, e);
		json_put_close(b, '}', e);
	}
	return json_put_close(b, ']', e);
}

int results_write(const struct results_plan *plan, const struct evaluation *v,
                  const struct results_facts *facts, struct buffer *out, struct cbtm_error *e)
{
	size_t k = facts->k, answer = results_answer(plan, v, k);
	json_put_open(out, '{', e);
	json_put_key(out, "clusters", e);
	json_put_u64(out, k, e);
	json_put_key(out, "seed", e);
	put_model(out, &facts->seed, e);
	json_put_key(out, "experts", e);
	json_put_open(out, '[', e);
	for (size_t j = 0; j < k; j++)
		put_model(out, facts->experts + j, e);
	json_put_close(out, ']', e);
	json_put_key(out, "mixtures", e);
	json_put_open(out, '[', e);
	for (size_t i = 0; i < plan->n; i++)
		put_mixture(out, plan->mixtures + i, i, k, v, e);
	json_put_close(out, ']', e);
	put_chosen(out, plan, v, k, e);
	json_put_key(out, "answer", e);
	json_put_u64(out, answer, e);
	put_matrix(out, v, k, e);
	put_documents(out, v, answer, e);
	json_put_close(out, '}', e);
	return e->name;
}
