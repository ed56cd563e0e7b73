/* SPDX-License-Identifier: MIT */
#include "oracle.h"
#include "base/random.h"
#include <math.h>
#include <stdlib.h>

double oracle_transport(size_t n, size_t k, const double *cost, const uint64_t *supply,
                        uint64_t capacity)
{
	/* Nodes: rows, clusters. A row with supply left starts a path, a cluster with room ends it. */
	uint64_t *flow = calloc(n * k, sizeof *flow), *left = malloc(n * sizeof *left);
	uint64_t *room = malloc(k * sizeof *room);
	double *distance = malloc((n + k) * sizeof *distance), total = 0;
	size_t *parent = malloc((n + k) * sizeof *parent);
	for (size_t i = 0; i < n; i++)
		left[i] = supply[i];
	for (size_t j = 0; j < k; j++)
		room[j] = capacity;
	for (;;) {
		for (size_t i = 0; i < n + k; i++) {
			distance[i] = i < n && left[i] ? 0 : INFINITY;
			parent[i] = SIZE_MAX;
		}
		for (int changed = 1; changed;) {
			changed = 0;
			for (size_t i = 0; i < n; i++) {
				for (size_t j = 0; j < k; j++) {
					double c = cost[i * k + j];
					if (distance[i] + c < distance[n + j] - 1e-13) {
						distance[n + j] = distance[i] + c;
						parent[n + j] = i;
						changed = 1;
					}
					if (flow[i * k + j] && distance[n + j] - c < distance[i] - 1e-13) {
						distance[i] = distance[n + j] - c;
						parent[i] = n + j;
						changed = 1;
					}
				}
			}
		}
		size_t end = SIZE_MAX;
		for (size_t j = 0; j < k; j++)
			if (room[j] && distance[n + j] < INFINITY &&
			    (end == SIZE_MAX || distance[n + j] < distance[n + end]))
				end = j;
		if (end == SIZE_MAX)
			break;
		uint64_t amount = room[end];
		size_t at = n + end;
		for (; parent[at] != SIZE_MAX; at = parent[at])
			if (at < n && flow[at * k + parent[at] - n] < amount)
				amount = flow[at * k + parent[at] - n];
		amount = left[at] < amount ? left[at] : amount;
		left[at] -= amount;
		room[end] -= amount;
		for (at = n + end; parent[at] != SIZE_MAX; at = parent[at]) {
			if (at < n)
				flow[at * k + parent[at] - n] -= amount;
			else
				flow[parent[at] * k + at - n] += amount;
		}
	}
	for (size_t i = 0; i < n * k; i++)
		total += (double)flow[i] * cost[i];
	free(parent), free(distance), free(room), free(left), free(flow);
	return total;
}

void oracle_points(enum oracle_points kind, size_t n, size_t d, uint64_t seed, float *x)
{
	struct random_key key = random_key(seed, RANDOM_TEST);
	for (size_t i = 0; i < n; i++) {
		size_t centre = random_below(key, i, 1000, 3), copy = random_below(key, i, 1001, n / 3 + 1);
		for (size_t j = 0; j < d; j++) {
			double own = random_normal(key, i, (uint32_t)j);
			double shared = random_normal(key, 100000 + centre, (uint32_t)j);
			double value = kind == POINTS_CLUSTERED    ? 3 * shared + own
			               : kind == POINTS_GRID       ? floor(2 * own)
			               : kind == POINTS_DUPLICATES ? random_normal(key, copy, (uint32_t)j)
			               : kind == POINTS_SAME       ? 1
			                                           : own;
			x[i * d + j] = (float)value;
		}
	}
}
