/* SPDX-License-Identifier: MIT */
/* A slow, plain solver of the transportation problem, and points to solve it for. */
#pragma once
#include <cbtm/host.h>

/*
 * The least cost of shipping supply[i] units of each of n rows into k clusters of `capacity` each,
 * at cost[i * k + j] a unit: Bellman-Ford augmentations on the whole graph. Units are few.
 */
double oracle_transport(size_t n, size_t k, const double *cost, const uint64_t *supply,
                        uint64_t capacity);

/* Points of a kind: what goes wrong differs. x: n x d. */
enum oracle_points { POINTS_RANDOM, POINTS_CLUSTERED, POINTS_GRID, POINTS_DUPLICATES, POINTS_SAME };
void oracle_points(enum oracle_points kind, size_t n, size_t d, uint64_t seed, float *x);
