/* SPDX-License-Identifier: MIT */
#include "model/upcycle.h"
#include "base/error.h"
#include "base/memory.h"
#include "model/parameter.h"
#include <stdlib.h>
#include <string.h>

bool upcycle_wanted(const struct model_config *c, const struct store *s, struct cbtm_error *e)
{
	struct model_config there;
	const char *json = store_get_json(s, "model");
	if (!c->moe.experts || !json || model_config_parse(json, store_path(s), &there, e))
		return false;
	return !there.moe.experts;
}

static bool is_router(const char *name)
{
	size_t n = strlen(name), k = strlen(".ffn.router.weight");
	return n > k && !strcmp(name + n - k, ".ffn.router.weight");
}

/* The index-th parameter's values, `v` of parameter_elements(). */
static int read_parameter(const struct parameter *p, size_t index, const struct store *s,
                          uint64_t random_seed, float *v, struct cbtm_error *e)
{
	uint64_t copies = p->grouped ? p->shape[0] : 1, n = parameter_elements(p) / copies;
	if (is_router(p->name)) {
		parameter_start(p, index, random_seed, v);
		return 0;
	}
	uint64_t rank = p->rank - p->grouped, width = rank > 1 ? p->shape[p->rank - 1] : 1;
	if (checkpoint_tensor(s, p->name, n, width, v, e))
		return e->name;
	for (uint64_t i = 1; i < copies; i++)
		memcpy(v + i * n, v, n * sizeof *v);
	return 0;
}

int upcycle_read(const struct program *p, const struct model_config *c, const struct store *s,
                 uint64_t random_seed, struct cbtm_error *e)
{
	size_t n;
	struct parameter *all = parameters_make(c, &n, e);
	for (size_t i = 0; all && i < n && !e->name; i++) {
		float *v = mem_aligned(parameter_elements(&all[i]), sizeof *v, all[i].name, e);
		if (v && !read_parameter(&all[i], i, s, random_seed, v, e))
			p->compute->write(p->state, list_find(p->names, all[i].name), v, e);
		free(v);
	}
	free(all);
	return e->name;
}
