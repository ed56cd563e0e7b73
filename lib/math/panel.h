/* SPDX-License-Identifier: MIT */
/*
 * Kernels on panels: matrices of PANEL columns, row-major, a cache line a row. Each element is
 * summed alone and in one order, so vectors of any width give the same bits.
 */
#pragma once
#include <stddef.h>

enum {
	PANEL = 16,    /* columns */
	PANEL_RUN = 64 /* rows that are summed before they go into a sum of sums */
};

/* c (PANEL x PANEL) += transpose of x (rows x PANEL) times y (rows x PANEL), in runs. */
typedef void panel_dots(const float *x, const float *y, size_t rows, float *c);
/* y (rows x PANEL) += x (rows x PANEL) times c (PANEL x PANEL). */
typedef void panel_add(const float *x, const float *c, size_t rows, float *y);

/* The variants that this processor has: *n of them, the fastest first, the portable one last. */
struct panel_variant {
	const char *name;
	panel_dots *dots;
	panel_add *add;
};
const struct panel_variant *panel_variants(size_t *n);
