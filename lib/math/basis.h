/* SPDX-License-Identifier: MIT */
/*
 * A growing set of long vectors (each of n elements), kept as panels of PANEL columns, and
 * projections on it: what a Krylov method with full orthogonalisation needs. Products are cut into
 * chunks of rows that depend on n alone and are summed in order: the same bits for any threads.
 */
#pragma once
#include "base/pool.h"
#include "math/panel.h"

struct basis {
	struct pool *pool;
	size_t n, panels;
	float **panel; /* each n x PANEL */
	size_t room;
};

/* Frees what the basis holds. */
void basis_free(struct basis *b);
/* A further panel, which the caller fills; NULL and an error. */
float *basis_append(struct basis *b, struct cbtm_error *e);
/* c ((panels - from) * PANEL x PANEL) = transpose of the panels from `from` on times y (n x PANEL). */
int basis_project(const struct basis *b, size_t from, const float *y, float *c,
                  struct cbtm_error *e);
/* y (n x PANEL) -= the panels from `from` on times c ((panels - from) * PANEL x PANEL). */
int basis_subtract(const struct basis *b, size_t from, const float *c, float *y,
                   struct cbtm_error *e);
/* All vectors times c (panels * PANEL x w), into y: ceil(w / PANEL) panels one behind the other, zeros
 * behind column w. */
int basis_combine(const struct basis *b, const float *c, size_t w, float *y, struct cbtm_error *e);
