/* SPDX-License-Identifier: MIT */
/*
 * The inner loops of a scan: scores of a block of rows against all centres, in float, and the
 * clusters whose score is near a row's best. They only narrow down what math/scan.c then decides in
 * double, so each processor may round as it likes.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

#define SCAN_BLOCK 96 /* rows at once: their scores, vectors and a panel stay in the caches */
#define SCAN_PANEL 16 /* clusters of a panel: what the k of a packing are rounded up to */

/* Centres in panels: SCAN_PANEL offsets, then d times SCAN_PANEL coordinates. */
struct scan_packing {
	size_t d, k, width; /* width: k rounded up */
	float *panel;       /* width x (d + 1) */
	float *slack;       /* width: what a score may lack; NULL: nothing */
	float largest;      /* of |offset| */
};
/* offset (k) is what is taken from each product; slack (k) may be NULL. Free with
 * scan_packing_free. */
int scan_packing_make(struct scan_packing *p, const float *centre, size_t k, size_t d,
                      const double *offset, const double *slack, struct cbtm_error *e);
void scan_packing_free(struct scan_packing *p);

/* score (SCAN_BLOCK x width): x_i . c_j - offset_j of n <= SCAN_BLOCK rows, given by their addresses,
 * -infinity beyond k. square (SCAN_BLOCK): |x_i|^2. Rows of score and square beyond n hold anything. */
void scan_scores(const struct scan_packing *p, const float *const *row, size_t n, float *score,
                 float *square);

/* A row's largest score, its cluster (any of equal ones), and the largest of the others: -infinity if
 * k is 1. */
struct scan_best {
	float score, second;
	uint32_t cluster;
};
/* best (n): of n rows of finite scores. */
void scan_bests(const struct scan_packing *p, const float *score, size_t n, struct scan_best *best);

/* The clusters of one row's scores that, with their slack, are at least best - margin, ascending,
 * into cluster (width + SCAN_PANEL). Returns how many; 0 if no score is a number. */
size_t scan_select(const struct scan_packing *p, const float *score, float margin,
                   uint32_t *cluster);
