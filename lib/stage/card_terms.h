/* SPDX-License-Identifier: MIT */
/* Top terms of centres: the features of an embedding that weigh most on each. */
#pragma once
#include <cbtm/embed.h>

struct card_term {
	const char *name; /* lives as long as the embedder's state */
	double weight;    /* as the plugin defines it, > 0 */
};
/*
 * term (k x most) and terms (k): of each centre (centre: k x d) the features of largest weight, ties
 * by name. The plugin has features and feature. One thread, as the plugin asks.
 */
int card_terms_rank(const struct cbtm_embed *embed, const void *embedder, const float *centre,
                    uint32_t k, size_t d, size_t most, struct card_term *term, size_t *terms,
                    struct cbtm_error *e);
