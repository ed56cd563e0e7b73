/* SPDX-License-Identifier: MIT */
#include "tfidf.h"
#include <string.h>

enum { AHEAD = 6 }; /* words: rows of V lie anywhere */

const struct cbtm_host *host;

static const struct cbtm_param params[] = {
	{ .name = "dims",
	  .type = CBTM_PARAM_COUNT,
	  .offset = offsetof(struct options, dims),
	  .default_text = "100",
	  .min = 1,
	  .max = 4096,
	  .help = "dimensions of a vector: singular vectors that are kept" },
	{ .name = "min_df",
	  .type = CBTM_PARAM_REAL,
	  .offset = offsetof(struct options, min_df),
	  .default_text = "1",
	  .min = 0,
	  .max = 4e9,
	  .help = "drop words of fewer documents; below 1: of a smaller share of them" },
	{ .name = "max_df",
	  .type = CBTM_PARAM_REAL,
	  .offset = offsetof(struct options, max_df),
	  .default_text = "1",
	  .min = 0,
	  .max = 4e9,
	  .help = "drop words of a larger share of the documents; above 1: of more documents" },
	{ .name = "max_features",
	  .type = CBTM_PARAM_COUNT,
	  .offset = offsetof(struct options, max_features),
	  .default_text = "0",
	  .min = 0,
	  .max = 4e9,
	  .help = "keep only so many words, the most frequent in all, equals by text; 0: all" },
	{ .name = "random_seed",
	  .type = CBTM_PARAM_COUNT,
	  .offset = offsetof(struct options, random_seed),
	  .default_text = "1",
	  .help = "of the randomized SVD" },
	CBTM_PARAM_END
};

static int init(const struct cbtm_host *table, struct cbtm_error *e)
{
	(void)e;
	host = table;
	tfidf_choose();
	return 0;
}

static size_t dims(const void *state)
{
	return ((const struct state *)state)->dims;
}

static int transform(const void *state, const struct cbtm_document *documents, size_t n,
                     float *vectors, struct cbtm_error *e)
{
	const struct state *s = state;
	struct counts c = { 0 };
	double *sum = host->take(s->dims, sizeof *sum, e);
	for (size_t i = 0; sum && i < n; i++) {
		if (counts_make(&c, &s->words, documents[i].text, documents[i].text_size, e))
			break;
		for (size_t j = 0; j < s->dims; j++)
			sum[j] = 0;
		for (size_t t = 0; t < c.n; t++) {
			if (t + AHEAD < c.n)
				tfidf_fetch(s, (uint32_t)(c.key[t + AHEAD] >> 32));
			tfidf_add(s, (uint32_t)(c.key[t] >> 32),
			          (double)(uint32_t)c.key[t] * s->idf[c.key[t] >> 32], sum);
		}
		tfidf_normalise(sum, s->dims, vectors + i * s->dims);
	}
	counts_free(&c);
	host->release(sum);
	return e->name;
}

static int save(const void *state, struct cbtm_state_writer *w, struct cbtm_error *e)
{
	const struct state *s = state;
	size_t words = s->words.words;
	if (host->state_put(w, "documents", &s->documents, 1, 1, "u64", e) ||
	    host->state_put(w, "terms", s->words.text, s->words.bytes, 1, "u8", e) ||
	    host->state_put(w, "idf", s->idf, words, 1, "f64", e) ||
	    host->state_put(w, "singular", s->singular, s->dims, 1, "f64", e))
		return e->name;
	return host->state_put(w, "v", s->v, words, s->dims, "f32", e);
}

/* A copy of an array of the store, whose reader ends; NULL and an error if its shape is wrong. */
static void *read_array(struct cbtm_state_reader *r, const char *name, const char *type,
                        size_t element, size_t rows, size_t *columns, struct cbtm_error *e)
{
	const void *data;
	size_t n, width;
	if (host->state_get(r, name, type, &data, &n, &width, e))
		return NULL;
	if (n != rows || (columns ? width == 0 : width != 1)) {
		host->error(e, CBTM_ERR_BAD_STORE, name, "this array does not fit the others of the state");
		return NULL;
	}
	void *copy = host->take(n, width * element, e);
	if (copy && n)
		memcpy(copy, data, n * width * element);
	if (columns)
		*columns = width;
	return copy;
}

static int read_terms(struct cbtm_state_reader *r, struct vocabulary *v, struct cbtm_error *e)
{
	const void *data;
	size_t bytes, width;
	if (host->state_get(r, "terms", "u8", &data, &bytes, &width, e))
		return e->name;
	const char *text = data;
	if (width != 1 || bytes == 0 || text[bytes - 1])
		return host->error(e, CBTM_ERR_BAD_STORE, "terms", "the words do not end");
	for (const char *word = text; word < text + bytes && !e->name; word += strlen(word) + 1) {
		if (*word == 0)
			return host->error(e, CBTM_ERR_BAD_STORE, "terms", "a word is empty");
		vocabulary_add(v, word, strlen(word), e);
	}
	return e->name;
}

static void *load(const void *options, struct cbtm_state_reader *r, struct cbtm_error *e)
{
	uint64_t *documents = NULL;
	struct state *s = host->take(1, sizeof *s, e);
	(void)options;
	if (!s)
		return NULL;
	*s = (struct state){ .dims = 0 };
	if (!(documents = read_array(r, "documents", "u64", sizeof *documents, 1, NULL, e)) ||
	    read_terms(r, &s->words, e) ||
	    !(s->idf = read_array(r, "idf", "f64", sizeof *s->idf, s->words.words, NULL, e)) ||
	    !(s->v = read_array(r, "v", "f32", sizeof *s->v, s->words.words, &s->dims, e)) ||
	    !(s->singular = read_array(r, "singular", "f64", sizeof *s->singular, s->dims, NULL, e))) {
		tfidf_free(s);
		s = NULL;
	} else {
		s->documents = *documents;
	}
	host->release(documents);
	return s;
}

static size_t features(const void *state)
{
	return ((const struct state *)state)->words.words;
}

/* What the word contributes to a text's likeness to `vector`: idf V_word . vector. */
static const char *feature(const void *state, size_t index, const float *vector, double *weight)
{
	const struct state *s = state;
	double sum = 0;
	for (size_t i = 0; i < s->dims; i++)
		sum += (double)s->v[index * s->dims + i] * vector[i];
	*weight = s->idf[index] * sum;
	return s->words.text + s->words.word[index].offset;
}

CBTM_EXPORT const struct cbtm_embed cbtm_plugin = {
	.plugin = { .abi = CBTM_ABI,
	            .size = sizeof cbtm_plugin,
	            .kind = "embed",
	            .name = "tfidf-svd",
	            .version = 4,
	            .description =
	                "tf-idf of words, truncated SVD, unit length (the paper's embedding)",
	            .params = params,
	            .options_size = sizeof(struct options),
	            .init = init },
	.fit = tfidf_fit,
	.free = tfidf_free,
	.save = save,
	.load = load,
	.dims = dims,
	.transform = transform,
	.context_new = context_new,
	.context_free = context_free,
	.context_reset = context_reset,
	.context_add = context_add,
	.context_vector = context_vector,
	.features = features,
	.feature = feature,
};
