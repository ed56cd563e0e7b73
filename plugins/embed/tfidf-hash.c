/* SPDX-License-Identifier: MIT */
/*
 * tf-idf without a vocabulary and without an SVD: words are hashed into buckets (Weinberger et al.
 * 2009), and a bucket's direction is a row of random signs (Achlioptas 2003), made from the seed
 * and the bucket whenever it is wanted. fit() reads the documents once and only counts, for each
 * bucket, the documents that it is in. Cosines of vectors are those of tf-idf rows up to an error
 * whose standard deviation is at most sqrt(2 / dims) (Johnson and Lindenstrauss).
 *
 *   h(d) = normalised sum over words of idf(bucket) signs(bucket),  idf as tfidf-svd has it
 */
#include <cbtm/embed.h>
#include <math.h>
#include <string.h>

#define BATCH 1024 /* documents read at once */

static const struct cbtm_host *host;

struct options {
	uint64_t dims, buckets, random_seed;
};

static const struct cbtm_param params[] = {
	{ .name = "dims",
	  .type = CBTM_PARAM_COUNT,
	  .offset = offsetof(struct options, dims),
	  .default_text = "256",
	  .min = 1,
	  .max = 65536,
	  .help = "dimensions of a vector: cosines are off by about sqrt(2 / dims)" },
	{ .name = "buckets",
	  .type = CBTM_PARAM_COUNT,
	  .offset = offsetof(struct options, buckets),
	  .default_text = "1M",
	  .min = 1,
	  .max = 4e9,
	  .help = "buckets that words are hashed into; 8 bytes each" },
	{ .name = "random_seed",
	  .type = CBTM_PARAM_COUNT,
	  .offset = offsetof(struct options, random_seed),
	  .default_text = "1",
	  .help = "of the hash and of the random projection" },
	CBTM_PARAM_END
};

struct state {
	uint64_t dims, buckets, seed;
	double *idf; /* buckets */
};

static int init(const struct cbtm_host *table, struct cbtm_error *e)
{
	host = table;
	return e->name;
}

/* The last steps of Murmur3: any number becomes one that looks random. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
	return x ^ x >> 33;
}

static uint64_t bucket_of(const struct state *s, const char *word, size_t n)
{
	uint64_t hash = mix(s->seed), piece;
	for (; n >= 8; n -= 8, word += 8) {
		memcpy(&piece, word, 8);
		hash = mix(hash ^ piece) + 1;
	}
	piece = n;
	for (size_t i = 0; i < n; i++)
		piece = piece << 8 | (unsigned char)word[i];
	return mix(hash ^ piece) % s->buckets;
}

static void add_signs(const struct state *s, uint64_t bucket, double weight, double *sum)
{
	uint64_t bits = 0, key = mix(s->seed + 0x9e3779b97f4a7c15u) ^ bucket << 16;
	for (size_t i = 0; i < s->dims; i++, bits >>= 1) {
		if (i % 64 == 0)
			bits = mix(mix(key + i / 64) + 0x9e3779b97f4a7c15u);
		sum[i] += bits & 1 ? weight : -weight;
	}
}

static void normalise(const double *sum, size_t dims, float *vector)
{
	double square = 0;
	for (size_t i = 0; i < dims; i++)
		square += sum[i] * sum[i];
	for (size_t i = 0; i < dims; i++)
		vector[i] = square > 0 ? (float)(sum[i] / sqrt(square)) : 0;
}

/* ---------------------------------------------------------------- fit */

struct count {
	const struct state *s;
	uint32_t *last; /* buckets: the last document that has it, from 1 */
	uint32_t document;
};

static int count_word(void *arg, const char *word, size_t n)
{
	struct count *c = arg;
	uint64_t bucket = bucket_of(c->s, word, n);
	c->s->idf[bucket] += c->last[bucket] != c->document;
	c->last[bucket] = c->document;
	return 0;
}

static void release(void *state)
{
	struct state *s = state;
	if (!s)
		return;
	host->release(s->idf);
	host->release(s);
}

static struct state *make_state(uint64_t dims, uint64_t buckets, uint64_t seed,
                                struct cbtm_error *e)
{
	struct state *s = host->take(1, sizeof *s, e);
	if (!s)
		return NULL;
	*s = (struct state){ dims, buckets, seed, host->take(buckets, sizeof *s->idf, e) };
	if (s->idf)
		return s;
	release(s);
	return NULL;
}

static void *fit(const void *options, struct cbtm_documents *sample, struct cbtm_error *e)
{
	const struct options *o = options;
	struct state *s = make_state(o->dims, o->buckets, o->random_seed, e);
	struct cbtm_document *batch = host->take(BATCH, sizeof *batch, e);
	struct count c = { s, s ? host->take(s->buckets, sizeof *c.last, e) : NULL, 0 };
	uint64_t documents = 0;
	for (uint64_t i = 0; c.last && i < s->buckets; i++)
		s->idf[i] = c.last[i] = 0;
	for (size_t n = 1; !e->name && n;) {
		if (host->stop_requested() || sample->next(sample->arg, batch, BATCH, &n, e)) {
			host->error(e, CBTM_ERR_STOPPED, NULL, "stopped while counting words");
			break;
		}
		for (size_t i = 0; i < n; i++) {
			c.document = (uint32_t)++documents;
			host->words(batch[i].text, batch[i].text_size, count_word, &c);
		}
		host->progress(documents, sample->count, "documents");
	}
	for (uint64_t i = 0; !e->name && i < s->buckets; i++)
		s->idf[i] = log((1 + (double)documents) / (1 + s->idf[i])) + 1;
	host->release(c.last);
	host->release(batch);
	if (e->name) {
		release(s);
		return NULL;
	}
	return s;
}

static int save(const void *state, struct cbtm_state_writer *w, struct cbtm_error *e)
{
	const struct state *s = state;
	uint64_t sizes[3] = { s->dims, s->buckets, s->seed };
	if (host->state_put(w, "sizes", sizes, 3, 1, "u64", e))
		return e->name;
	return host->state_put(w, "idf", s->idf, s->buckets, 1, "f64", e);
}

static void *load(const void *options, struct cbtm_state_reader *r, struct cbtm_error *e)
{
	const void *sizes, *idf;
	size_t rows, columns, width;
	(void)options;
	if (host->state_get(r, "sizes", "u64", &sizes, &rows, &columns, e) ||
	    host->state_get(r, "idf", "f64", &idf, &columns, &width, e))
		return NULL;
	const uint64_t *size = sizes;
	if (rows != 3 || width != 1 || columns == 0 || size[1] != columns || size[0] == 0 ||
	    size[0] > 65536) {
		host->error(e, CBTM_ERR_BAD_STORE, "idf", "this array does not fit the sizes of the state");
		return NULL;
	}
	struct state *s = make_state(size[0], size[1], size[2], e);
	if (s)
		memcpy(s->idf, idf, columns * sizeof *s->idf);
	return s;
}

static size_t dims(const void *state)
{
	return ((const struct state *)state)->dims;
}

/* ---------------------------------------------------------------- vectors */

struct sink {
	const struct state *s;
	double *sum; /* dims */
};

static int add_word(void *arg, const char *word, size_t n)
{
	struct sink *k = arg;
	uint64_t bucket = bucket_of(k->s, word, n);
	add_signs(k->s, bucket, k->s->idf[bucket], k->sum);
	return 0;
}

static int transform(const void *state, const struct cbtm_document *documents, size_t n,
                     float *vectors, struct cbtm_error *e)
{
	const struct state *s = state;
	struct sink sink = { s, host->take(s->dims, sizeof *sink.sum, e) };
	for (size_t i = 0; sink.sum && i < n; i++) {
		memset(sink.sum, 0, s->dims * sizeof *sink.sum);
		host->words(documents[i].text, documents[i].text_size, add_word, &sink);
		normalise(sink.sum, s->dims, vectors + i * s->dims);
	}
	host->release(sink.sum);
	return e->name;
}

/* A growing prefix: the sum of the closed words, and behind it room for those of the tail too. */
struct context {
	const struct state *s;
	struct cbtm_prefix *prefix;
	double *closed; /* 2 dims */
};

static void context_free(void *context)
{
	struct context *c = context;
	if (!c)
		return;
	host->prefix_free(c->prefix);
	host->release(c->closed);
	host->release(c);
}

static int context_reset(void *context, struct cbtm_error *e)
{
	struct context *c = context;
	memset(c->closed, 0, c->s->dims * sizeof *c->closed);
	host->prefix_reset(c->prefix);
	return e->name;
}

static void *context_new(const void *state, struct cbtm_error *e)
{
	const struct state *s = state;
	struct context *c = host->take(1, sizeof *c, e);
	if (!c)
		return NULL;
	*c = (struct context){ s, host->prefix_new(e), host->take(2 * s->dims, sizeof(double), e) };
	if (e->name || context_reset(c, e)) {
		context_free(c);
		return NULL;
	}
	return c;
}

static int context_add(void *context, const char *bytes, size_t n, struct cbtm_error *e)
{
	struct context *c = context;
	struct sink sink = { c->s, c->closed };
	return host->prefix_add(c->prefix, bytes, n, add_word, &sink, e);
}

static int context_vector(void *context, float *vector, struct cbtm_error *e)
{
	struct context *c = context;
	struct sink sink = { c->s, c->closed + c->s->dims };
	memcpy(sink.sum, c->closed, c->s->dims * sizeof *sink.sum);
	if (host->prefix_tail(c->prefix, add_word, &sink, e))
		return e->name;
	normalise(sink.sum, c->s->dims, vector);
	return 0;
}

CBTM_EXPORT const struct cbtm_embed cbtm_plugin = {
	.plugin = { .abi = CBTM_ABI,
	            .size = sizeof cbtm_plugin,
	            .kind = "embed",
	            .name = "tfidf-hash",
	            .version = 1,
	            .description = "tf-idf of hashed words, random projection, unit length (one pass)",
	            .params = params,
	            .options_size = sizeof(struct options),
	            .init = init },
	.fit = fit,
	.free = release,
	.save = save,
	.load = load,
	.dims = dims,
	.transform = transform,
	.context_new = context_new,
	.context_free = context_free,
	.context_reset = context_reset,
	.context_add = context_add,
	.context_vector = context_vector,
};
