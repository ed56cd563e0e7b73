/* SPDX-License-Identifier: MIT */
/*
 * The mean of a language model's last hidden states over the tokens of a document, at unit length.
 * The model is the one that the stage lends (embed.model), and goes into the state.
 */
#include <cbtm/embed.h>
#include <math.h>
#include <string.h>

static const struct cbtm_host *host;

struct options {
	const char *compute, *precision;
	uint64_t length, batch;
};

static const struct cbtm_param params[] = {
	{ "compute", CBTM_PARAM_TEXT, offsetof(struct options, compute), "cpu", 0, 0, NULL,
	  "compute plugin that runs the model", CBTM_PARAM_COMPUTE, 0 },
	{ "precision", CBTM_PARAM_TEXT, offsetof(struct options, precision), "fp32", 0, 0, NULL,
	  "the compute plugin's precision; empty: its default", 0, 0 },
	{ "length", CBTM_PARAM_COUNT, offsetof(struct options, length), "0", 0, 1e6, NULL,
	  "tokens that the model sees at once, longer documents in windows; 0: as it was trained", 0,
	  0 },
	{ "batch", CBTM_PARAM_COUNT, offsetof(struct options, batch), "0", 0, 65536, NULL,
	  "windows that are run together; 0: a good number", CBTM_PARAM_NO_RESULT, 0 },
	CBTM_PARAM_END
};

static int init(const struct cbtm_host *table, struct cbtm_error *e)
{
	host = table;
	if (table->size < offsetof(struct cbtm_host, model_means) + sizeof table->model_means)
		return table->error(e, CBTM_ERR_PLUGIN, "lm-hidden",
		                    "this cbtm is too old: it lends no models");
	return 0;
}

static struct cbtm_model_use use_of(const struct options *o)
{
	return (struct cbtm_model_use){ o->compute, o->precision, o->length, o->batch };
}

/* The state is the model: nothing is learnt from documents. */
static void *fit(const void *options, struct cbtm_documents *sample, struct cbtm_error *e)
{
	struct cbtm_model_use use = use_of(options);
	(void)sample;
	return host->model_open(&use, e);
}

static void free_state(void *state)
{
	host->model_close(state);
}

static int save(const void *state, struct cbtm_state_writer *w, struct cbtm_error *e)
{
	return host->model_save((struct cbtm_model *)(uintptr_t)state, w, e);
}

static void *load(const void *options, struct cbtm_state_reader *r, struct cbtm_error *e)
{
	struct cbtm_model_use use = use_of(options);
	return host->model_load(&use, r, e);
}

static size_t dims(const void *state)
{
	return host->model_width(state);
}

static int transform(const void *state, const struct cbtm_document *documents, size_t n,
                     float *vectors, struct cbtm_error *e)
{
	size_t d = dims(state);
	double *mean = host->take(n, d * sizeof *mean, e);
	if (!mean || host->model_means((struct cbtm_model *)(uintptr_t)state, documents, n, mean, e))
		goto done;
	for (size_t i = 0; i < n; i++) {
		double square = 0;
		for (size_t j = 0; j < d; j++)
			square += mean[i * d + j] * mean[i * d + j];
		for (size_t j = 0; j < d; j++)
			vectors[i * d + j] = square > 0 ? (float)(mean[i * d + j] / sqrt(square)) : 0;
	}
done:
	host->release(mean);
	return e->name;
}

CBTM_EXPORT const struct cbtm_embed cbtm_plugin = {
	.plugin = { .abi = CBTM_ABI,
	            .size = sizeof cbtm_plugin,
	            .kind = "embed",
	            .name = "lm-hidden",
	            .version = 1,
	            .description = "mean of a language model's last hidden states, unit length",
	            .params = params,
	            .options_size = sizeof(struct options),
	            .init = init },
	.fit = fit,
	.free = free_state,
	.save = save,
	.load = load,
	.dims = dims,
	.transform = transform,
	.transform_together = transform,
	.needs = "model",
};
