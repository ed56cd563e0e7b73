/* SPDX-License-Identifier: MIT */
#include "model/hidden.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/signals.h"
#include "model/emit.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_TOKENS = 4096 }; /* worked on together unless the caller says otherwise */

/* A piece of a text in a row of the batch. */
struct window {
	const struct hidden_text *text;
	size_t from, n;
};

struct hidden {
	struct program program;
	uint64_t vocabulary, width, length;
	uint32_t batch, t_ids, t_hidden;
	uint32_t *ids;         /* batch x T */
	float *state;          /* batch x T x width */
	struct window *window; /* batch */
};

int hidden_new(const struct model_config *config, uint32_t batch, uint64_t length,
               const struct cbtm_compute *compute, const void *options, struct hidden **hidden,
               struct cbtm_error *e)
{
	struct hidden *h = mem_zeroed(1, sizeof *h, "a model", e);
	if (!h)
		return e->name;
	uint64_t fit = BATCH_TOKENS / length;
	h->batch = batch ? batch : fit ? (uint32_t)fit : 1;
	h->length = length;
	h->width = config->width;
	h->vocabulary = config->vocabulary;
	struct emit_how how = { .batch = h->batch, .length = (uint32_t)length, .hidden = true };
	struct program *p = &h->program;
	size_t tokens = h->batch * (size_t)length;
	h->ids = mem_zeroed(tokens, sizeof *h->ids, "a batch", e);
	h->state = mem_aligned(tokens, h->width * sizeof *h->state, "a batch", e);
	h->window = mem_zeroed(h->batch, sizeof *h->window, "a batch", e);
	if (e->name || !(p->names = emit_model(config, &how, e)) ||
	    !(p->list = list_finish(p->names, e)))
		goto done;
	p->options = options;
	h->t_ids = list_find(p->names, "ids");
	h->t_hidden = list_find(p->names, "norm.output");
	if (!compute->compile(options, p->list, &p->state, e))
		p->compute = compute;
done:
	if (e->name)
		hidden_free(h);
	else
		*hidden = h;
	return e->name;
}

void hidden_free(struct hidden *h)
{
	if (!h)
		return;
	program_close(&h->program);
	free(h->window);
	free(h->state);
	free(h->ids);
	free(h);
}

const struct program *hidden_program(const struct hidden *h)
{
	return &h->program;
}

/* What stands behind a window is computed and not looked at; attention is causal. */
static int place(struct hidden *h, const struct window *w, uint32_t row, struct cbtm_error *e)
{
	uint32_t *ids = h->ids + row * h->length;
	for (size_t i = 0; i < h->length; i++) {
		ids[i] = i < w->n ? w->text->ids[w->from + i] : 0;
		if (ids[i] >= h->vocabulary)
			return error_set(e, CBTM_ERR_BAD_DATA, NULL,
			                 "a token %u is not in the model's vocabulary of %llu", ids[i],
			                 (unsigned long long)h->vocabulary);
	}
	h->window[row] = *w;
	return 0;
}

static int run_batch(struct hidden *h, uint32_t rows, struct cbtm_error *e)
{
	const struct program *p = &h->program;
	struct cbtm_scalars s = { .sequences = rows };
	if (rows == 0)
		return 0;
	if (p->compute->write(p->state, h->t_ids, h->ids, e) ||
	    p->compute->run(p->state, CBTM_FORWARD, &s, e) ||
	    p->compute->read(p->state, h->t_hidden, h->state, e))
		return e->name;
	for (uint32_t r = 0; r < rows; r++) {
		const struct window *w = &h->window[r];
		const float *state = h->state + r * h->length * h->width;
		for (size_t t = 0; t < w->n; t++)
			for (size_t i = 0; i < h->width; i++)
				w->text->sum[i] += (double)state[t * h->width + i];
		for (size_t i = 0; i < h->width; i++)
			if (!isfinite(w->text->sum[i]))
				return error_set(e, CBTM_ERR_BAD_DATA, NULL,
				                 "the model gives a hidden state that is not a number");
	}
	return signals_check(e);
}

int hidden_sums(struct hidden *h, const struct hidden_text *texts, size_t n, struct cbtm_error *e)
{
	uint32_t rows = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t from = 0; from < texts[i].n; from += h->length) {
			size_t left = texts[i].n - from;
			struct window w = { &texts[i], from, left < h->length ? left : h->length };
			if (place(h, &w, rows++, e))
				return e->name;
			if (rows < h->batch)
				continue;
			if (run_batch(h, rows, e))
				return e->name;
			rows = 0;
		}
	return run_batch(h, rows, e);
}
