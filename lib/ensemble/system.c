/* SPDX-License-Identifier: MIT */
#include "ensemble/system.h"
#include "base/log.h"
#include "base/memory.h"
#include "ensemble/held_out.h"
#include "ensemble/match.h"
#include "ensemble/results.h"
#include "model/config.h"
#include <stdlib.h>
#include <string.h>

/* What the mixtures need beside scores; all of it is ours. */
struct tables {
	float *centre; /* k x d */
	double *share; /* k */
	size_t d;
	struct arena *arena;
	const char **symbol;
	size_t *symbol_size;
	size_t vocabulary;
	struct results_model seed, *experts;
};

static void tables_free(struct tables *t)
{
	free(t->centre);
	free(t->share);
	free(t->symbol);
	free(t->symbol_size);
	free(t->experts);
	arena_free(t->arena);
}

static int load_symbols(struct dataset *vocabulary, struct tables *t, struct cbtm_error *e)
{
	struct store *s = NULL;
	struct store_reader *r = NULL, *special = NULL;
	if (dataset_part(vocabulary, 0, &s, e) || store_reader_open(s, "symbol", &r, e) ||
	    store_reader_open(s, "special", &special, e) || !(t->arena = arena_new(e)))
		goto done;
	t->vocabulary = (size_t)store_row_count(s, "symbol");
	t->symbol = mem_zeroed(t->vocabulary, sizeof *t->symbol, "vocabulary", e);
	t->symbol_size = mem_zeroed(t->vocabulary, sizeof *t->symbol_size, "vocabulary", e);
	for (size_t i = 0; t->symbol && t->symbol_size && i < t->vocabulary; i++) {
		const void *data, *flag;
		uint64_t n, one;
		if (store_read_row(special, i, &flag, &one, e) || store_read_row(r, i, &data, &n, e))
			break;
		n = *(const uint8_t *)flag ? 0 : n; /* a special token stands for no text */
		t->symbol[i] = arena_string(t->arena, data, (size_t)n, e);
		t->symbol_size[i] = (size_t)n;
		if (!t->symbol[i])
			break;
	}
done:
	store_reader_close(special);
	store_reader_close(r);
	store_close(s);
	return e->name;
}

static int load_centres(struct dataset *centres, size_t k, struct tables *t, struct cbtm_error *e)
{
	struct store *s = NULL;
	struct store_reader *r = NULL;
	struct store_column_info info;
	if (dataset_part(centres, 0, &s, e))
		goto done;
	if (!store_column_find(s, "centre", &info) || info.rows != k) {
		error_set(e, CBTM_ERR_BAD_DATA, store_path(s), "centres of %zu clusters were expected", k);
		goto done;
	}
	t->d = (size_t)info.width;
	t->centre = mem_aligned(k * t->d, sizeof *t->centre, "centres", e);
	if (t->centre && !store_reader_open(s, "centre", &r, e))
		store_read_rows(r, 0, k, t->centre, e);
done:
	store_reader_close(r);
	store_close(s);
	return e->name;
}

/* What a checkpoint's facts say of its training. */
static int load_model(struct dataset *checkpoint, struct results_model *m, struct cbtm_error *e)
{
	struct store *s = NULL;
	if (dataset_part(checkpoint, 0, &s, e))
		return e->name;
	struct model_config config;
	const char *model = store_get_json(s, "model");
	if (!model || !store_get_u64(s, "tokens", &m->tokens) || !store_get_u64(s, "step", &m->steps))
		error_set(e, CBTM_ERR_BAD_DATA, store_path(s), "has no facts model, tokens and step");
	else if (!model_config_parse(model, store_path(s), &config, e))
		m->parameters = model_config_parameters(&config);
	if (!store_get_f64(s, "passes", &m->passes))
		m->passes = -1;
	store_close(s);
	return e->name;
}

static int load_tables(const struct system_datasets *in, struct tables *t, struct cbtm_error *e)
{
	t->share = mem_zeroed(in->k, sizeof *t->share, "clusters", e);
	t->experts = mem_zeroed(in->k, sizeof *t->experts, "experts", e);
	if (!t->share || !t->experts || load_symbols(in->vocabulary, t, e) ||
	    load_model(in->seed, &t->seed, e))
		return e->name;
	for (size_t j = 0; j < in->k; j++)
		if (load_model(in->experts[j], &t->experts[j], e))
			return e->name;
	if (in->k == 1)
		return 0;
	if (!in->centres || !in->assignments || !in->embed)
		return error_set(e, CBTM_ERR_USAGE, NULL,
		                 "%zu experts need an embedder, centres and assignments", in->k);
	if (load_centres(in->centres, in->k, t, e))
		return e->name;
	if (in->embed->dims(in->embedder) != t->d)
		return error_set(e, CBTM_ERR_BAD_DATA, dataset_dir(in->centres),
		                 "centres have %zu dimensions, the embedder %zu", t->d,
		                 in->embed->dims(in->embedder));
	return 0;
}

/* The experts' scores, then the seed's: mixture index k of EXPERT is the seed. */
static struct dataset **all_scores(const struct system_datasets *in, struct cbtm_error *e)
{
	struct dataset **scores = mem_zeroed(in->k + 1, sizeof *scores, "scores", e);
	if (!scores)
		return NULL;
	memcpy(scores, in->scores, in->k * sizeof *scores);
	scores[in->k] = in->seed_scores;
	return scores;
}

int system_evaluate(const struct system_datasets *in, struct buffer *out, struct cbtm_error *e)
{
	struct tables t = { 0 };
	struct mixture_plan plan = { 0 };
	struct match_window window;
	struct evaluation *v = NULL;
	struct dataset **scores = all_scores(in, e);
	if (!scores || match_datasets(in, &window, e) || load_tables(in, &t, e) ||
	    plan_make(in->k, in->temperature.v, in->temperature.n, in->top_k.v, in->top_k.n, &plan, e))
		goto done;
	struct held_out held = { in->tokens,    in->k > 1 ? in->assignments : NULL,
		                     scores,        in->k + 1,
		                     t.symbol_size, t.vocabulary };
	if (held_out_shares(&held, in->k, t.share, e))
		goto done;
	struct evaluation_setup setup = { .router = { t.centre, t.share, in->k, t.d },
		                              .embed = in->k > 1 ? in->embed : NULL,
		                              .embedder = in->embedder,
		                              .symbol = t.symbol,
		                              .symbol_size = t.symbol_size,
		                              .route_every = in->route_every,
		                              .mixtures = plan.mixtures,
		                              .n_mixtures = plan.n,
		                              .pool = in->pool };
	v = evaluation_new(&setup, e);
	if (v && !held_out_evaluate(&held, v, e)) {
		struct results_facts facts = { in->k,       t.seed,        t.experts,      t.share,
			                           window.name, window.length, in->route_every };
		if (in->k > 1 && evaluation_count(v, SPLIT_VALID, UINT32_MAX) == 0)
			log_message(LOG_WARNING, "no valid documents: the first temperature is taken, with all "
			                         "experts");
		results_write(&plan, v, &facts, out, e);
	}
done:
	evaluation_free(v);
	plan_free(&plan);
	tables_free(&t);
	free(scores);
	return e->name;
}
