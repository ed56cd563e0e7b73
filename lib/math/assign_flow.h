/* SPDX-License-Identifier: MIT */
/*
 * The exact solution on the border: successive shortest paths (Ahuja, Magnanti and Orlin 1993,
 * section 9.7) on the k clusters. An arc a -> b costs what the cheapest group with flow in a pays
 * to move to b; potentials are the prices, so that reduced costs stay >= 0 and the flow optimal.
 */
#pragma once
#include "math/assign_border.h"
#include <stdbool.h>

/*
 * Fills b->flow, moves price (k) to an optimum of the border. *reachable = false if the candidates
 * leave no way to fill all clusters: the window is too small. capacity: of each cluster, in units.
 * near: moves dearer than this are only looked at when cheaper ones do not do: it costs or saves
 * time, and moves no result.
 */
int assign_flow(struct border *b, size_t k, uint64_t capacity, double near, double *price,
                bool *reachable, struct cbtm_error *e);

/* sum over entries of flow (v + price - the group's least): 0 at an optimum. In units. */
double flow_slack(const struct border *b, const double *price);
