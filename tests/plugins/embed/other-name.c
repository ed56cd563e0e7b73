/* SPDX-License-Identifier: MIT */
/* Calls itself by another name than its file's; init() must not be reached. */
#include <cbtm/plugin.h>
#include <stdlib.h>

static int init(const struct cbtm_host *host, struct cbtm_error *e)
{
	(void)host, (void)e;
	abort();
}

CBTM_EXPORT const struct cbtm_plugin cbtm_plugin = { .abi = CBTM_ABI,
	                                                 .size = sizeof cbtm_plugin,
	                                                 .kind = "embed",
	                                                 .name = "tfidf-svd",
	                                                 .version = 1,
	                                                 .description = "an impostor",
	                                                 .init = init };
