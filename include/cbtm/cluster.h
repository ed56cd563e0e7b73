/* SPDX-License-Identifier: MIT */
/*
 * A clustering: vectors -> k centres, then each document -> a cluster. Centres are made by the
 * frame as the means of the fitted clusters' vectors when `fit` leaves them (random, metadata),
 * so every clustering can route.
 */
#pragma once
#include <cbtm/plugin.h>

/* What a clustering sees of n documents. All arrays are the caller's and die with the call. Zero
 * vectors come only to plugins with an assign() of their own; else the frame deals with them. */
struct cbtm_points {
	size_t n, d;
	const float *vector;                  /* n x d, row-major, unit or zero rows */
	const struct cbtm_document *document; /* n; text is NULL, meta and key are set */
	const uint64_t *tokens;               /* n: capacities are in tokens; NULL: in documents */
};

/* One step of a fit: an assignment of all points to the centres of the step before. */
struct cbtm_fit_step {
	uint64_t done, most; /* steps so far, this one included, and the most that can come: progress */
	uint64_t restart;    /* 0, 1, ...: which start this step belongs to */
	uint64_t moved;      /* points that changed their cluster */
	double objective;    /* sum of squared distances, by tokens if they are given */
	double gap;          /* duality gap of the assignment; 0 if none was solved */
	double split_loss;   /* what whole documents cost more than split ones (tokens) */
};

/* What the frame lends to fit() to tell its steps: they are logged and kept in the centres' store.
 * A fit without steps calls nothing. */
struct cbtm_fit_report {
	/* After each step, in order, on fit()'s thread. Returns 0, or the error that ends the fit. */
	int (*step)(struct cbtm_fit_report *report, const struct cbtm_fit_step *step,
	            struct cbtm_error *e);
};

struct cbtm_cluster {
	struct cbtm_plugin plugin;

	/*
	 * Fits k clusters. centre: k x d, filled unless *centres_made is set to 0: then the frame takes
	 * the means of `cluster` (n, always filled, each < k). `price` (k) may be filled for priced
	 * assignment, zeros otherwise. State is what assign needs besides the centres; may be NULL.
	 * Once a task; the pool may be used.
	 */
	int (*fit)(const void *options, const struct cbtm_points *points, size_t k, uint64_t seed,
	           float *centre, int *centres_made, double *price, uint32_t *cluster, void **state,
	           struct cbtm_fit_report *report, struct cbtm_error *e);
	void (*free)(void *state);
	int (*save)(const void *state, struct cbtm_state_writer *w,
	            struct cbtm_error *e); /* NULL: none */
	void *(*load)(const void *options, struct cbtm_state_reader *r, struct cbtm_error *e);

	/* cluster: n, out. Pure function of each row: no dependence on batch borders. NULL: the nearest
	 * centre (or argmin distance + price when `priced`), done by the frame. Any thread. */
	int (*assign)(const void *options, const void *state, const struct cbtm_points *points,
	              size_t k, uint64_t seed, uint32_t *cluster, struct cbtm_error *e);
};

/* Options of a clustering that repeats Lloyd's steps, and their rows; `most` is the default of iterations. */
struct cbtm_lloyd {
	uint64_t iterations, restarts;
	int init; /* enum cbtm_seeding */
};
/* clang-format off */
#define CBTM_LLOYD_ROWS(most) \
	{ "iterations", CBTM_PARAM_COUNT, offsetof(struct cbtm_lloyd, iterations), most, 1, 10000, NULL, \
	  "most steps of Lloyd's algorithm; it stops earlier when no document moves", 0, 0 }, \
	{ "init", CBTM_PARAM_CHOICE, offsetof(struct cbtm_lloyd, init), "kmeans++", 0, 0, CBTM_SEEDS_CHOICES, \
	  "which documents are the first centres", 0, 0 }, \
	{ "restarts", CBTM_PARAM_COUNT, offsetof(struct cbtm_lloyd, restarts), "1", 1, 1000, NULL, \
	  "fits from so many first centres; the one with the least objective is kept", 0, 0 }
/* clang-format on */
