/* SPDX-License-Identifier: MIT */
/*
 * The border of a balanced assignment: points that more than one cluster may take, as groups
 * of points with the same candidates and costs (duplicates). All others are settled.
 */
#pragma once
#include "base/pool.h"
#include "math/scan.h"
#include <cbtm/host.h>

/* The problem in whole units: supplies and the capacity are integers whose sums agree. */
struct assign_units {
	uint64_t scale;    /* supply of a point = weight x scale */
	uint64_t capacity; /* of each cluster; k x capacity = all supplies + free */
	uint64_t free;     /* seats that stay empty: a group of its own at cost 0 */
	double each;       /* mean supply of a point */
};
/* BAD_DATA if the weights' sum times k passes 63 bits. */
int assign_units_make(const struct cbtm_balance *b, struct assign_units *u, struct cbtm_error *e);

struct border {
	size_t groups, entries, points;
	size_t *start;        /* groups + 1: entries of a group */
	uint32_t *cluster;    /* entries; ascending in a group */
	double *v;            /* entries: cost */
	uint64_t *flow;       /* entries: supply that lies there */
	uint64_t *supply;     /* groups */
	uint64_t *key;        /* groups: of the first point: ties */
	size_t *member_start; /* groups + 1 */
	size_t *member;       /* points: rows of x, by key, then row */
	uint64_t *base;       /* k: supply of the settled points */
};

/* Which clusters a point may take: those within the window or half windows (math/scan.h). */
struct border_reach {
	const double *price, *half; /* k, or NULL */
	double window;
	size_t step; /* point r of b is row r x step of b->x; 0: 1 */
};
/* Scans all points: cluster[i] of settled points is set, the others are grouped. */
int border_make(struct pool *pool, const struct cbtm_balance *b, const struct assign_units *u,
                const struct border_reach *reach, struct border *out, struct cbtm_error *e);
void border_free(struct border *b);
