/* SPDX-License-Identifier: MIT */
/* A descriptor that ends before transform(). */
#include <cbtm/embed.h>
#include <stdlib.h>

static void *fit(const void *options, struct cbtm_documents *sample, struct cbtm_error *e)
{
	(void)options, (void)sample, (void)e;
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
	.save = (int (*)(const void *, struct cbtm_state_writer *, struct cbtm_error *))fit,
	.load = (void *(*)(const void *, struct cbtm_state_reader *, struct cbtm_error *))fit,
	.dims = (size_t(*)(const void *))fit,
};
