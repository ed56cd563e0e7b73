/* SPDX-License-Identifier: MIT */
/*
 * The vector of a growing prefix: the weighted sum of the words that are closed is kept, those of
 * the open tail, which may still change, are counted anew for each vector. Nothing is ever
 * subtracted, so nothing drifts.
 */
#include "tfidf.h"
#include <string.h>

struct context {
	const struct state *s;
	struct cbtm_prefix *prefix;
	double *closed, *sum; /* dims */
};

struct sink {
	const struct state *s;
	double *sum;
};

static int add_word(void *arg, const char *word, size_t n)
{
	struct sink *k = arg;
	uint32_t number = vocabulary_find(&k->s->words, word, n);
	if (number != NO_WORD)
		tfidf_add(k->s, number, k->s->idf[number], k->sum);
	return 0;
}

void *context_new(const void *state, struct cbtm_error *e)
{
	const struct state *s = state;
	struct context *c = host->take(1, sizeof *c, e);
	if (!c)
		return NULL;
	*c = (struct context){ .s = s, .prefix = host->prefix_new(e) };
	c->closed = host->take(s->dims, sizeof *c->closed, e);
	c->sum = host->take(s->dims, sizeof *c->sum, e);
	if (e->name) {
		context_free(c);
		return NULL;
	}
	context_reset(c, e);
	return c;
}

void context_free(void *context)
{
	struct context *c = context;
	if (!c)
		return;
	host->prefix_free(c->prefix);
	host->release(c->sum);
	host->release(c->closed);
	host->release(c);
}

int context_reset(void *context, struct cbtm_error *e)
{
	struct context *c = context;
	(void)e;
	for (size_t i = 0; i < c->s->dims; i++)
		c->closed[i] = 0;
	host->prefix_reset(c->prefix);
	return 0;
}

int context_add(void *context, const char *bytes, size_t n, struct cbtm_error *e)
{
	struct context *c = context;
	struct sink sink = { c->s, c->closed };
	return host->prefix_add(c->prefix, bytes, n, add_word, &sink, e);
}

int context_vector(void *context, float *vector, struct cbtm_error *e)
{
	struct context *c = context;
	struct sink sink = { c->s, c->sum };
	memcpy(c->sum, c->closed, c->s->dims * sizeof *c->sum);
	if (host->prefix_tail(c->prefix, add_word, &sink, e))
		return e->name;
	tfidf_normalise(c->sum, c->s->dims, vector);
	return 0;
}
