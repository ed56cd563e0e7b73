/* SPDX-License-Identifier: MIT */
/* From flows of groups to whole points. */
#pragma once
#include "math/assign_border.h"

/*
 * Hands each group's flow out to its points, by key, and sets b->cluster of every border point.
 * Flows that run in circles are unwound first (all their costs tie), so at most k - 1 points are
 * split; each goes whole to one of its clusters, no cluster getting two: a cluster exceeds its
 * capacity by less than the heaviest point. *split: how many there were.
 */
int assign_round(const struct cbtm_balance *b, const struct assign_units *u, struct border *border,
                 const double *price, size_t *split, struct cbtm_error *e);
