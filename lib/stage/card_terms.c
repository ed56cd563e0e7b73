/* SPDX-License-Identifier: MIT */
#include "stage/card_terms.h"
#include "base/error.h"
#include "base/signals.h"
#include <string.h>

static bool goes_before(const struct card_term *a, const struct card_term *b)
{
	return a->weight != b->weight ? a->weight > b->weight : strcmp(a->name, b->name) < 0;
}

static void insert(struct card_term *list, size_t *n, size_t most, const struct card_term *term)
{
	size_t at = *n;
	while (at > 0 && goes_before(term, &list[at - 1]))
		at--;
	if (at == most)
		return;
	size_t after = (*n < most ? *n : most - 1) - at;
	memmove(list + at + 1, list + at, after * sizeof *list);
	list[at] = *term;
	*n += *n < most;
}

int card_terms_rank(const struct cbtm_embed *embed, const void *embedder, const float *centre,
                    uint32_t k, size_t d, size_t most, struct card_term *term, size_t *terms,
                    struct cbtm_error *e)
{
	size_t n = embed->features(embedder);
	memset(terms, 0, k * sizeof *terms);
	for (uint32_t j = 0; j < k; j++) {
		for (size_t i = 0; i < n; i++) {
			struct card_term x = { NULL, 0 };
			x.name = embed->feature(embedder, i, centre + j * d, &x.weight);
			if (!x.name)
				return error_set(e, CBTM_ERR_PLUGIN, embed->plugin.name, "feature %zu has no name",
				                 i);
			if (x.weight > 0)
				insert(term + j * most, &terms[j], most, &x);
		}
		if (signals_check(e))
			return e->name;
	}
	return 0;
}
