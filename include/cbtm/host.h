/* SPDX-License-Identifier: MIT */
/*
 * The host table: what cbtm lends to a plugin, which links nothing of ours. init() receives it
 * once, before any other function, and may keep the pointer for ever. Functions are only ever
 * appended; `size` says how many there are. All of them may be called from any thread unless
 * said otherwise. All matrices are row-major, all floats are finite.
 */
#pragma once
#include <cbtm/error.h>
#include <cbtm/param.h>

struct cbtm_pool;         /* threads; opaque */
struct cbtm_state_writer; /* where save() puts a plugin's state; opaque */
struct cbtm_state_reader;
struct cbtm_prefix; /* a growing text; opaque */
struct cbtm_model;  /* a language model with its vocabulary; opaque */
struct cbtm_sums;   /* sums of clusters; opaque */

/* A document as a plugin sees it. Pointers are the caller's and die with the call. */
struct cbtm_document {
	uint64_t key;     /* hash of its id: the base of split, random numbers, ties */
	const char *text; /* valid UTF-8, `text_size` bytes, not NUL-terminated */
	size_t text_size;
	const char *meta; /* JSON object of its metadata, or "{}" */
	size_t meta_size;
};

/* A rewindable stream of documents: the sample that fit() sees. */
struct cbtm_documents {
	uint64_t count; /* documents in the stream */
	void *arg;
	/* Fills up to `max` documents, valid until the next call; sets *n (0 at the end). */
	int (*next)(void *arg, struct cbtm_document *out, size_t max, size_t *n, struct cbtm_error *e);
	int (*rewind)(void *arg, struct cbtm_error *e);
};

/* A sparse matrix in compressed rows: row i holds columns[start[i] .. start[i+1]), ascending. */
struct cbtm_sparse {
	size_t rows, columns;
	const uint64_t *start; /* rows + 1 */
	const uint32_t *column;
	const float *value;
};

/* How the first centres of a clustering are chosen among the points. */
enum cbtm_seeding {
	CBTM_SEEDS_KMEANSPP, /* k-means++, greedy (Arthur and Vassilvitskii 2007) */
	CBTM_SEEDS_RANDOM,   /* k random rows */
	CBTM_SEEDS_FARTHEST  /* a random row, then the row farthest from all chosen (Gonzalez 1985) */
};
#define CBTM_SEEDS_CHOICES "kmeans++|random|farthest" /* the same order, for a plugin's row */

/* Called for each word of a text, in order: its UTF-8 bytes, lower-cased. Non-zero stops. */
typedef int cbtm_word_function(void *arg, const char *word, size_t n);

/* The balanced assignment problem of one Lloyd step (doc: lib/math/assign.h). */
struct cbtm_balance {
	size_t n, d, k;
	const float *x;         /* n x d vectors */
	const float *centre;    /* k x d */
	const uint64_t *weight; /* n weights (tokens), or NULL: documents */
	const uint64_t *key;    /* n document keys: ties */
	double *price;          /* k, in: start (zeros are fine), out: the optimum's */
	uint32_t *cluster;      /* n, out; in, if window > 0: the last call's (saves time only) */
	double objective;       /* out: sum of squared distances */
	double gap;             /* out: (primal - dual) / max(primal, n s), float64 */
	double split_loss;      /* out: loss of rounding the at most k-1 split documents (weights) */
	double window;          /* in: 0, or what the last call of a series gave: saves time only;
	                         * out: how far the prices moved */
};

/* How a model is run. */
struct cbtm_model_use {
	const char *compute;   /* the compute plugin: "cpu" */
	const char *precision; /* its parameter `precision`; "": its default */
	uint64_t length;       /* tokens that it sees at once; 0: as many as it was trained on */
	uint64_t batch;        /* so many times that are run together; 0: a good number */
};

struct cbtm_host {
	uint32_t abi;  /* CBTM_ABI */
	uint32_t size; /* sizeof of the host's table */

	/* Log and errors. */
	void (*log)(int level, const char *message); /* 0 debug, 1 info, 2 warning */
	int (*error)(struct cbtm_error *e, enum cbtm_error_name name, const char *where,
	             const char *what);
	int (*stop_requested)(void); /* long loops: return a STOPPED error when true */
	void (*progress)(uint64_t done, uint64_t total, const char *unit);

	/* Memory: 64-byte aligned, not zeroed; NULL and an error. Freed by release (NULL is fine). */
	void *(*take)(size_t n, size_t size, struct cbtm_error *e);
	void (*release)(void *p);

	/* Threads: runs task(arg, 0..n-1, thread) and waits; within a task there, as thread 0. */
	struct cbtm_pool *(*pool)(void);
	unsigned (*pool_threads)(const struct cbtm_pool *p);
	int (*pool_run)(struct cbtm_pool *p, size_t n,
	                int (*task)(void *arg, size_t i, unsigned thread, struct cbtm_error *e),
	                void *arg, struct cbtm_error *e);

	/* Random numbers: pure functions of (seed, stream, key, index). */
	double (*random_unit)(uint64_t seed, uint32_t stream, uint64_t key, uint32_t index);
	double (*random_normal)(uint64_t seed, uint32_t stream, uint64_t key, uint32_t index);

	/* The word analyser of the paper: scikit-learn's \w\w+ words, lower-cased; numbers and
	 * English stop words dropped. Returns what the function returned last. */
	int (*words)(const char *text, size_t n, cbtm_word_function *each, void *arg);

	/* Sparse algebra. Truncated SVD of `a` (block Lanczos from random vectors, doc:
	 * lib/math/svd.h): the first `d` right singular vectors v (columns x d) and singular values
	 * s (d), falling; zeros beyond the rank. */
	int (*svd)(const struct cbtm_sparse *a, size_t d, uint64_t seed, float *v, double *s,
	           struct cbtm_error *e);
	/* y (rows x d) = a (rows x columns) * v (columns x d). */
	int (*sparse_times_dense)(const struct cbtm_sparse *a, const float *v, size_t d, float *y,
	                          struct cbtm_error *e);
	/* Scales each of n rows of length d to unit L2 norm; zero rows stay zero and are counted. */
	size_t (*normalise_rows)(float *x, size_t n, size_t d);

	/* Clustering. */
	int (*balanced_assign)(struct cbtm_balance *problem, struct cbtm_error *e);
	/* k rows of x as first centres, into centre (k x d). */
	int (*seed_centres)(enum cbtm_seeding how, const float *x, size_t n, size_t d, size_t k,
	                    uint64_t seed, float *centre, struct cbtm_error *e);

	/* State: named arrays, kept in a store. element: 1 bytes, 4 float, 8 double, of rows x columns.
	 * Names are unique, lower case. read gives a pointer that lives as long as the reader. */
	int (*state_put)(struct cbtm_state_writer *w, const char *name, const void *data, size_t rows,
	                 size_t columns, const char *type /* "u8", "u32", "u64", "f32", "f64" */,
	                 struct cbtm_error *e);
	int (*state_get)(struct cbtm_state_reader *r, const char *name, const char *type,
	                 const void **data, size_t *rows, size_t *columns, struct cbtm_error *e);

	/* The halves of Lloyd's algorithm. cluster (n): argmin_j ||x_i - c_j||^2 + price_j, ties to the
	 * lower j; price (k) may be NULL. distance (n) to that centre, squared; may be NULL. */
	int (*assign_nearest)(const float *x, size_t n, size_t d, const float *centre, size_t k,
	                      const double *price, uint32_t *cluster, double *distance,
	                      struct cbtm_error *e);
	/* centre (k x d): each cluster's mean, by weight (n) if given; one without weight stays. */
	int (*means)(const float *x, size_t n, size_t d, const uint64_t *weight,
	             const uint32_t *cluster, size_t k, float *centre, struct cbtm_error *e);
	/* assign_nearest in a series of steps, faster (Hamerly's bounds), to the bit the same. before:
	 * the centres of the call before (k x d), NULL at the first; bound (n x 2), cluster (n) are kept
	 * by the caller from call to call. */
	int (*assign_bounded)(const float *x, size_t n, size_t d, const float *centre,
	                      const float *before, size_t k, float *bound, uint32_t *cluster,
	                      struct cbtm_error *e);

	/* The words of a text that grows by bytes, cut anywhere (for the context functions of an
	 * embedding): prefix_add hands out each word once when no further byte can change it,
	 * prefix_tail those that are still open, as if the text ended here. Together they are words()
	 * of the text so far, decoded with U+FFFD for what is invalid or unfinished. A prefix belongs
	 * to one thread at a time. */
	struct cbtm_prefix *(*prefix_new)(struct cbtm_error *e); /* NULL and an error */
	void (*prefix_free)(struct cbtm_prefix *p);              /* NULL is fine */
	void (*prefix_reset)(struct cbtm_prefix *p);
	int (*prefix_add)(struct cbtm_prefix *p, const char *bytes, size_t n, cbtm_word_function *each,
	                  void *arg, struct cbtm_error *e);
	int (*prefix_tail)(struct cbtm_prefix *p, cbtm_word_function *each, void *arg,
	                   struct cbtm_error *e);

	/* The sums of each cluster's points, kept from step to step: only points that changed sides are
	 * looked at. sums_new: n points (n x d; they stay as they are) with weights (n, or NULL), in none
	 * of k clusters yet; NULL and an error. sums_move: to cluster[i] < k; *moved: how many were
	 * elsewhere. sums_means: like means. sums_objective: the weighted sum of squared distances to
	 * the centres (k x d). A sums object belongs to one thread at a time. */
	struct cbtm_sums *(*sums_new)(const float *x, size_t n, size_t d, const uint64_t *weight,
	                              size_t k, struct cbtm_error *e);
	void (*sums_free)(struct cbtm_sums *s); /* NULL is fine */
	int (*sums_move)(struct cbtm_sums *s, const uint32_t *cluster, size_t *moved,
	                 struct cbtm_error *e);
	void (*sums_means)(const struct cbtm_sums *s, float *centre);
	double (*sums_objective)(const struct cbtm_sums *s, const float *centre);

	/*
	 * The language model that the stage lends (`embed.model: seed`), for fit(); NULL and a CONFIG error
	 * if it lends none. model_save puts it, vocabulary and all, into the plugin's state, from which
	 * model_load makes it again: an embedder needs nothing else. Freed by model_close (NULL is fine).
	 */
	struct cbtm_model *(*model_open)(const struct cbtm_model_use *use, struct cbtm_error *e);
	int (*model_save)(struct cbtm_model *m, struct cbtm_state_writer *w, struct cbtm_error *e);
	struct cbtm_model *(*model_load)(const struct cbtm_model_use *use, struct cbtm_state_reader *r,
	                                 struct cbtm_error *e);
	void (*model_close)(struct cbtm_model *m);
	/* Numbers of a hidden state. */
	size_t (*model_width)(const struct cbtm_model *m);
	/*
	 * mean (n x width): the last hidden states (behind the last norm) of each document, the mean over
	 * all its tokens; zeros if it has none. A text longer than `length` tokens is cut into windows,
	 * none of which sees another. A document's mean depends on its text alone. From any thread, one
	 * call at a time (others wait); it shares out its work unless it is called within a task.
	 */
	int (*model_means)(struct cbtm_model *m, const struct cbtm_document *documents, size_t n,
	                   double *mean, struct cbtm_error *e);
};
