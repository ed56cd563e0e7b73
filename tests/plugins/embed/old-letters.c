/* SPDX-License-Identifier: MIT */
/*
 * An embedding of 26 letters without an incremental form, with a descriptor from before there was
 * one. Its init() counts calls in the dims of an empty state.
 */
#include <cbtm/embed.h>
#include <math.h>
#include <stdlib.h>

static size_t inits;

static int init(const struct cbtm_host *host, struct cbtm_error *e)
{
	(void)e;
	inits += host->abi == CBTM_ABI;
	return 0;
}

static void *fit(const void *options, struct cbtm_documents *sample, struct cbtm_error *e)
{
	(void)options, (void)sample, (void)e;
	return calloc(1, 1);
}

static int save(const void *state, struct cbtm_state_writer *w, struct cbtm_error *e)
{
	(void)state, (void)w, (void)e;
	return 0;
}

static void *load(const void *options, struct cbtm_state_reader *r, struct cbtm_error *e)
{
	(void)options, (void)r, (void)e;
	return calloc(1, 1);
}

static size_t dims(const void *state)
{
	return state ? 27 : inits;
}

/* Counts of a to z, and of U+FFFD. */
static int transform(const void *state, const struct cbtm_document *documents, size_t n,
                     float *vectors, struct cbtm_error *e)
{
	(void)state, (void)e;
	for (size_t i = 0; i < n; i++) {
		float *v = vectors + 27 * i, square = 0;
		for (size_t j = 0; j < 27; j++)
			v[j] = 0;
		for (size_t t = 0; t < documents[i].text_size; t++) {
			unsigned char c = (unsigned char)documents[i].text[t];
			if (c >= 'a' && c <= 'z')
				v[c - 'a']++;
			v[26] += c == 0xEF;
		}
		for (size_t j = 0; j < 27; j++)
			square += v[j] * v[j];
		for (size_t j = 0; square > 0 && j < 27; j++)
			v[j] /= sqrtf(square);
	}
	return 0;
}

static void *context_new(const void *state, struct cbtm_error *e)
{
	(void)state, (void)e;
	abort();
}

CBTM_EXPORT const struct cbtm_embed cbtm_plugin = {
	.plugin = { .abi = CBTM_ABI,
	            .size = offsetof(struct cbtm_embed, context_new),
	            .kind = "embed",
	            .name = "old-letters",
	            .version = 3,
	            .description = "letters",
	            .init = init },
	.fit = fit,
	.free = free,
	.save = save,
	.load = load,
	.dims = dims,
	.transform = transform,
	/* What lies behind the declared size is not there for the loader. */
	.context_new = context_new,
};
