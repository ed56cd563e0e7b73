/* SPDX-License-Identifier: MIT */
#include "ensemble/evaluation.h"
#include "base/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is kept of a document beside its sums. */
struct row {
	uint64_t key, tokens, bytes;
	uint32_t cluster;
	enum split split;
};

struct evaluation {
	struct evaluation_setup setup;
	struct row *rows;
	size_t n, row_capacity;
	double *nll; /* n x n_mixtures, row-major */
	size_t nll_capacity;
	struct evaluation_sum *position; /* n_mixtures x SPLIT_COUNT x POSITION_BUCKETS */
};

/* A batch on its way through the pool; each task fills its own rows. */
struct batch {
	struct evaluation *v;
	const struct evaluation_document *documents;
	struct evaluation_sum *buckets; /* n x n_mixtures x POSITION_BUCKETS */
};

size_t position_bucket(uint64_t position)
{
	size_t bucket = 0;
	for (uint64_t border = POSITION_FIRST; position >= border && bucket < POSITION_BUCKETS - 1;
	     border *= 2)
		bucket++;
	return bucket;
}

struct evaluation *evaluation_new(const struct evaluation_setup *setup, struct cbtm_error *e)
{
	struct evaluation *v = mem_zeroed(1, sizeof *v, "evaluation", e);
	if (!v)
		return NULL;
	v->setup = *setup;
	v->position = mem_zeroed(setup->n_mixtures * SPLIT_COUNT * POSITION_BUCKETS,
	                         sizeof *v->position, "evaluation", e);
	if (!v->position) {
		evaluation_free(v);
		return NULL;
	}
	return v;
}

void evaluation_free(struct evaluation *v)
{
	if (!v)
		return;
	free(v->rows);
	free(v->nll);
	free(v->position);
	free(v);
}

/* The distances of one document at each position; *known marks prefixes with known words. */
static int route(const struct evaluation_setup *s, const struct evaluation_document *document,
                 double *distance, uint8_t *known, struct cbtm_error *e)
{
	struct embed_context *context = embed_context_new(s->embed, s->embedder, e);
	if (!context)
		return e->name;
	struct route_text text = { document->ids, document->positions, s->symbol, s->symbol_size };
	route_document(&s->router, context, &text, s->route_every, distance, known, e);
	embed_context_free(context);
	return e->name;
}

static int evaluate_document(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	struct batch *b = arg;
	struct evaluation *v = b->v;
	const struct evaluation_setup *s = &v->setup;
	const struct evaluation_document *document = b->documents + i;
	size_t k = s->router.k, positions = document->positions;
	double *distance = mem_aligned(positions * k, sizeof *distance, "routes", e);
	uint8_t *known = mem_zeroed(positions, 1, "routes", e);
	double *out = mem_aligned(positions + 2 * k, sizeof *out, "routes", e);
	if (!distance || !known || !out || (s->embed && route(s, document, distance, known, e)))
		goto done;

	struct mixture_document one = { positions, document->logprob, distance, known,
		                            document->cluster };
	for (size_t m = 0; m < s->n_mixtures; m++) {
		struct evaluation_sum *buckets = b->buckets + (i * s->n_mixtures + m) * POSITION_BUCKETS;
		double nll = 0;
		mixture_log_probability(&s->router, &s->mixtures[m], &one, out + positions, out);
		for (size_t t = 0; t < positions; t++) {
			struct evaluation_sum *bucket = buckets + position_bucket(t);
			bucket->nll -= out[t];
			bucket->tokens++;
			nll -= out[t];
		}
		v->nll[(v->n + i) * s->n_mixtures + m] = nll;
	}
done:
	free(distance);
	free(known);
	free(out);
	return e->name;
}

int evaluation_add(struct evaluation *v, const struct evaluation_document *documents, size_t n,
                   struct cbtm_error *e)
{
	size_t m = v->setup.n_mixtures, cells;
	struct batch b = { v, documents, NULL };
	if (!size_mul(n, m * POSITION_BUCKETS, &cells))
		return error_set(e, CBTM_ERR_MEMORY, NULL, "%zu documents at once are too many", n);
	b.buckets = mem_zeroed(cells, sizeof *b.buckets, "evaluation", e);
	if (!b.buckets || array_reserve(&v->rows, &v->row_capacity, v->n + n, sizeof *v->rows, e) ||
	    array_reserve(&v->nll, &v->nll_capacity, (v->n + n) * m, sizeof *v->nll, e) ||
	    pool_run(v->setup.pool, n, evaluate_document, &b, e))
		goto done;

	for (size_t i = 0; i < n; i++) {
		const struct evaluation_document *d = documents + i;
		v->rows[v->n + i] = (struct row){ d->key, d->positions, d->bytes, d->cluster, d->split };
		for (size_t c = 0; c < m * POSITION_BUCKETS; c++) {
			const struct evaluation_sum *from = b.buckets + i * m * POSITION_BUCKETS + c;
			size_t mixture = c / POSITION_BUCKETS, bucket = c % POSITION_BUCKETS;
			struct evaluation_sum *to =
				v->position + (mixture * SPLIT_COUNT + d->split) * POSITION_BUCKETS + bucket;
			to->nll += from->nll;
			to->tokens += from->tokens;
		}
	}
	v->n += n;
done:
	free(b.buckets);
	return e->name;
}

size_t evaluation_documents(const struct evaluation *v)
{
	return v->n;
}

void evaluation_document(const struct evaluation *v, size_t i, uint64_t *key, enum split *split,
                         uint32_t *cluster, uint64_t *tokens, uint64_t *bytes)
{
	const struct row *row = v->rows + i;
	*key = row->key;
	*split = row->split;
	*cluster = row->cluster;
	*tokens = row->tokens;
	*bytes = row->bytes;
}

double evaluation_nll(const struct evaluation *v, size_t mixture, size_t document)
{
	return v->nll[document * v->setup.n_mixtures + mixture];
}

struct evaluation_sum evaluation_total(const struct evaluation *v, size_t mixture, enum split split,
                                       uint32_t cluster)
{
	struct evaluation_sum sum = { 0, 0 };
	bool all = cluster >= v->setup.router.k;
	for (size_t i = 0; i < v->n; i++)
		if (v->rows[i].split == split && (all || v->rows[i].cluster == cluster)) {
			sum.nll += evaluation_nll(v, mixture, i);
			sum.tokens += v->rows[i].tokens;
		}
	return sum;
}

uint64_t evaluation_count(const struct evaluation *v, enum split split, uint32_t cluster)
{
	uint64_t n = 0;
	bool all = cluster >= v->setup.router.k;
	for (size_t i = 0; i < v->n; i++)
		n += v->rows[i].split == split && (all || v->rows[i].cluster == cluster);
	return n;
}

uint64_t evaluation_bytes(const struct evaluation *v, enum split split)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < v->n; i++)
		bytes += v->rows[i].split == split ? v->rows[i].bytes : 0;
	return bytes;
}

struct evaluation_sum evaluation_position(const struct evaluation *v, size_t mixture,
                                          enum split split, size_t bucket)
{
	return v->position[(mixture * SPLIT_COUNT + split) * POSITION_BUCKETS + bucket];
}

double evaluation_perplexity(struct evaluation_sum s)
{
	return s.tokens ? exp(s.nll / (double)s.tokens) : 0;
}
