/* SPDX-License-Identifier: MIT */
/* A descriptor that ends before transform(). */
#include <cbtm/embed.h>
#include <stdlib.h>

static void *fit(const void *options, struct cbtm_documents *sample, struct cbtm_error *e)
{
	(void)options, (void)sample, (void)e;
	abort();
}

static int save(const void *state, struct cbtm_state_writer *w, struct cbtm_error *e)
{
	(void)state, (void)w, (void)e;
	abort();
}

static void *load(const void *options, struct cbtm_state_reader *r, struct cbtm_error *e)
{
	(void)options, (void)r, (void)e;
	abort();
}

static size_t dims(const void *state)
{
	(void)state;
	abort();
}

CBTM_EXPORT const struct cbtm_embed cbtm_plugin = {
	.plugin = { .abi = CBTM_ABI,
	            .size = offsetof(struct cbtm_embed, transform),
	            .kind = "embed",
	            .name = "too-short",
	            .version = 1,
	            .description = "ends before transform" },
	.fit = fit,
	.free = free,
	.save = save,
	.load = load,
	.dims = dims,
};
