/* SPDX-License-Identifier: MIT */
/* An embedding for tests: a text's vector is its numbers of 'a' and of 'b', normalised. It learns
 * nothing and has no incremental form. */
#include <cbtm/embed.h>
#include <stddef.h>

enum { DIMS = 2 };
static const struct cbtm_host *host;
static char state; /* there is none, but NULL would be an error */

static int init(const struct cbtm_host *h, struct cbtm_error *e)
{
	host = h;
	return e->name;
}

static void *fit(const void *options, struct cbtm_documents *sample, struct cbtm_error *e)
{
	(void)options, (void)sample, (void)e;
	return &state;
}

static void *load(const void *options, struct cbtm_state_reader *r, struct cbtm_error *e)
{
	(void)options, (void)r, (void)e;
	return &state;
}

static void release(void *s)
{
	(void)s;
}

static int save(const void *s, struct cbtm_state_writer *w, struct cbtm_error *e)
{
	(void)s, (void)w;
	return e->name;
}

static size_t dims(const void *s)
{
	(void)s;
	return DIMS;
}

static int transform(const void *s, const struct cbtm_document *documents, size_t n, float *vectors,
                     struct cbtm_error *e)
{
	(void)s;
	for (size_t i = 0; i < n; i++) {
		float *v = vectors + i * DIMS;
		v[0] = v[1] = 0;
		for (size_t c = 0; c < documents[i].text_size; c++) {
			v[0] += documents[i].text[c] == 'a';
			v[1] += documents[i].text[c] == 'b';
		}
	}
	host->normalise_rows(vectors, n, DIMS);
	return e->name;
}

CBTM_EXPORT const struct cbtm_embed cbtm_plugin = {
	.plugin = { CBTM_ABI, sizeof(struct cbtm_embed), "embed", "letters", 1,
	            "numbers of the letters a and b: for tests", NULL, 0, init },
	.fit = fit,
	.free = release,
	.save = save,
	.load = load,
	.dims = dims,
	.transform = transform,
};
