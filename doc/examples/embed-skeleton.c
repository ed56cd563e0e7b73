/* SPDX-License-Identifier: MIT */
/*
 * A whole embedding plugin, to copy: a document's words counted in `dims` buckets. Build and use:
 *     cc -shared -fPIC $(pkg-config --cflags cbtm-plugin) -o embed-skeleton.so embed-skeleton.c
 *     cbtm run pipeline.yaml --set embed.plugin=embed-skeleton --plugin-path .
 */
#include <cbtm/embed.h>
#include <string.h>
static const struct cbtm_host *host; /* what cbtm lends: memory, words, errors, threads */
struct options {
	uint64_t dims;
};
static const struct cbtm_param params[] = {
	{ "dims", CBTM_PARAM_COUNT, 0, "64", 1, 65536, NULL, "buckets of words", 0, 0 }, CBTM_PARAM_END
};

static int init(const struct cbtm_host *h, struct cbtm_error *e)
{
	host = h;
	return e->name;
}

/* The state is the number of dims. A plugin that learns walks over sample->next here. */
static void *fit(const void *options, struct cbtm_documents *sample, struct cbtm_error *e)
{
	uint64_t *state = host->take(1, sizeof *state, e);
	(void)sample;
	if (state)
		*state = ((const struct options *)options)->dims;
	return state;
}

static void release(void *state)
{
	host->release(state);
}

static int save(const void *state, struct cbtm_state_writer *w, struct cbtm_error *e)
{
	return host->state_put(w, "dims", state, 1, 1, "u64", e);
}

static void *load(const void *options, struct cbtm_state_reader *r, struct cbtm_error *e)
{
	const void *dims;
	size_t rows, columns;
	uint64_t *state = host->take(1, sizeof *state, e);
	(void)options;
	if (state && !host->state_get(r, "dims", "u64", &dims, &rows, &columns, e))
		return memcpy(state, dims, sizeof *state);
	host->release(state);
	return NULL;
}

static size_t dims(const void *state)
{
	return *(const uint64_t *)state;
}

struct row {
	float *vector;
	uint64_t dims;
};
/* Called by host->words for each word; FNV-1a says which bucket is its own. */
static int count_word(void *arg, const char *word, size_t n)
{
	const struct row *row = arg;
	uint64_t hash = 14695981039346656037u;
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)word[i]) * 1099511628211u;
	row->vector[hash % row->dims] += 1;
	return 0;
}

static int transform(const void *state, const struct cbtm_document *documents, size_t n,
                     float *vectors, struct cbtm_error *e)
{
	size_t d = dims(state);
	(void)e;
	memset(vectors, 0, n * d * sizeof *vectors);
	for (size_t i = 0; i < n; i++) {
		struct row row = { vectors + i * d, d };
		host->words(documents[i].text, documents[i].text_size, count_word, &row);
	}
	host->normalise_rows(vectors, n, d);
	return e->name;
}

CBTM_EXPORT const struct cbtm_embed cbtm_plugin = {
	.plugin = { CBTM_ABI, sizeof(struct cbtm_embed), "embed", "embed-skeleton", 1,
	            "word counts in hashed buckets: an example to copy", params, sizeof(struct options),
	            init },
	.fit = fit,
	.free = release,
	.save = save,
	.load = load,
	.dims = dims,
	.transform = transform,
};
