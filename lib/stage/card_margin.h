/* SPDX-License-Identifier: MIT */
/*
 * How close clusters are: the nearest other centre of each document, and of each centre.
 */
#pragma once
#include "base/pool.h"
#include <stddef.h>
#include <stdint.h>

enum { CARD_NEIGHBOURS = 64 }; /* other clusters of which a cluster's documents are told apart */

struct card_neighbour {
	uint32_t cluster;
	double distance;  /* of the two centres */
	uint64_t nearest; /* documents of whose other centres this is the nearest */
};
struct card_overlap {
	uint64_t documents; /* measured */
	uint64_t nearer;    /* of these: another centre is nearer than the own one */
	uint64_t elsewhere; /* the nearest other centre is none of the neighbours */
	double margin;      /* sum of distance to the nearest other centre - distance to the own one */
};

struct card_margin {
	uint32_t k;
	size_t d, neighbours; /* min(k - 1, CARD_NEIGHBOURS) */
	const float *centre;  /* k x d; the caller's */
	struct pool *pool;
	struct card_neighbour
		*neighbour;               /* k x neighbours, the nearest first, ties: the lower number */
	struct card_overlap *overlap; /* k */
	struct card_waiting *waiting;
};
/* Distances are Euclidean. Free with card_margin_free, also after an error. */
int card_margin_make(struct card_margin *m, struct pool *pool, const float *centre, uint32_t k,
                     size_t d, struct cbtm_error *e);
void card_margin_free(struct card_margin *m);
/* A document with vector x (d, copied) and squared distance to its own centre. */
int card_margin_add(struct card_margin *m, uint32_t cluster, const float *x, float distance,
                    struct cbtm_error *e);
/* Brings the figures up to date: call it at the end. */
int card_margin_finish(struct card_margin *m, struct cbtm_error *e);
