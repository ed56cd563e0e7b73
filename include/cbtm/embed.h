/* SPDX-License-Identifier: MIT */
/*
 * An embedding: documents -> vectors, one function fitted on train documents, then applied to
 * every document and, for routing, to every prefix of a document.
 *
 * State is the plugin's own, behind void *. All calls on one state come from one thread at a
 * time, except `transform` and the context functions, which may run on several threads at once
 * on the same (const) state. Results must not depend on threads or batch borders.
 */
#pragma once
#include <cbtm/plugin.h>

struct cbtm_embed {
	struct cbtm_plugin plugin;

	/* Learns from `sample` (train documents only; several passes by rewind). `options` points to
	 * the checked options struct and lives as long as the state. Once a task. NULL on error. */
	void *(*fit)(const void *options, struct cbtm_documents *sample, struct cbtm_error *e);
	/* Frees a state of fit or load; NULL is fine. */
	void (*free)(void *state);

	/* The state to and from a store. Once each. What save wrote, load reads back, bit for bit. */
	int (*save)(const void *state, struct cbtm_state_writer *w, struct cbtm_error *e);
	void *(*load)(const void *options, struct cbtm_state_reader *r, struct cbtm_error *e);

	/* Number of dimensions d of a vector. */
	size_t (*dims)(const void *state);
	/* vectors: n x d, row-major, the caller's; unit L2 norm, or a zero vector for a document
	 * without any known feature. Called once a batch, from any thread. */
	int (*transform)(const void *state, const struct cbtm_document *documents, size_t n,
	                 float *vectors, struct cbtm_error *e);

	/*
	 * The incremental form for routing; all four NULL if there is none (then prefixes are embedded
	 * from scratch). A context belongs to one thread. context_add gets the next bytes of the text,
	 * cut anywhere (inside words, inside UTF-8 characters); context_vector writes the vector (d)
	 * of the whole prefix: equal to transform of the prefix decoded as UTF-8 with invalid or
	 * unfinished sequences replaced by U+FFFD, up to rounding.
	 */
	void *(*context_new)(const void *state, struct cbtm_error *e);
	void (*context_free)(void *context);
	int (*context_reset)(void *context, struct cbtm_error *e);
	int (*context_add)(void *context, const char *bytes, size_t n, struct cbtm_error *e);
	int (*context_vector)(void *context, float *vector, struct cbtm_error *e);

	/* For people: the index-th feature's name (a word) and its weight on a vector (d): top terms
	 * of a centre. NULL if features have no names. Names live as long as the state. */
	size_t (*features)(const void *state);
	const char *(*feature)(const void *state, size_t index, const float *vector, double *weight);

	/* `transform` for a plugin that shares out the work itself (or is given it by the host's model):
	 * called instead of it for a whole batch at a time, on the main thread. NULL: there is none. */
	int (*transform_together)(const void *state, const struct cbtm_document *documents, size_t n,
	                          float *vectors, struct cbtm_error *e);

	/* A key of the stage embed without which fit() cannot be: "model" if it calls the host's
	 * model_open. A pipeline that leaves it as it is by default is refused. NULL: there is none. */
	const char *needs;
};
