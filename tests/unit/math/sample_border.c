/* SPDX-License-Identifier: MIT */
#include "math/sample_border.h"
#include "base/random.h"
#include <math.h>
#include <stdlib.h>

void sample_border_make(struct sample_border *s, size_t n, size_t k, uint64_t heaviest,
                        uint64_t seed)
{
	struct random_key key = random_key(seed, RANDOM_TEST);
	struct cbtm_error e = { 0 };
	struct border_reach reach = { .price = s->price, .window = INFINITY };
	*s = (struct sample_border){ .b = { .n = n, .d = 2, .k = k } };
	for (size_t i = 0; i < 2 * n; i++)
		s->x[i] = (float)random_normal(key, i, 0);
	for (size_t i = 0; i < 2 * k; i++)
		s->centre[i] = (float)random_normal(key, i, 1) / 2;
	for (size_t i = 0; i < n; i++) {
		s->weight[i] = heaviest ? 1 + random_below(key, i, 2, heaviest) : 1;
		s->key[i] = i;
	}
	s->b.x = s->x;
	s->b.centre = s->centre;
	s->b.weight = heaviest ? s->weight : NULL;
	s->b.key = s->key;
	s->b.price = s->price;
	s->b.cluster = s->cluster;
	if (assign_units_make(&s->b, &s->units, &e) ||
	    border_make(NULL, &s->b, &s->units, &reach, &s->border, &e))
		abort();
}
