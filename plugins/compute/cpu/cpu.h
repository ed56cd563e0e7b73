/* SPDX-License-Identifier: MIT */
/*
 * The cpu plugin: fp32, vector kernels chosen by cpuid, threads by the host's pool.
 *
 * compile() cuts each section into regions: runs of neighbouring operations of one class, worked
 * on by one parallel loop. In a region of class ROWS a task takes a block of rows through all its
 * operations, so that a row stays in the cache from one attention to the next.
 *
 * Bits: a task's work depends on shapes and its number alone, and sums over tasks are taken in
 * their order. Each element of a matrix product is one chain of fused multiply-adds, k ascending,
 * wherever its row stands: a row's result does not depend on its neighbours.
 *
 * The kernels' code (the .h files that say "kernel") is compiled once for each instruction set,
 * by variant_*.c.
 */
#pragma once
#include <cbtm/compute.h>
#include <stdbool.h>

enum class {
	CLASS_ROWS,
	CLASS_WEIGHTS,
	CLASS_ATTENTION,
	CLASS_ATTENTION_GRADIENT,
	CLASS_HEAD_SCORE,
	CLASS_HEAD_LOSS,
	CLASS_EMBED_GRADIENT,
	CLASS_SUMS,
	CLASS_CLIP,
	CLASS_ADAMW,
	CLASS_COUNT
};

enum {
	BLOCK = 64,    /* rows (tokens) of a task of class ROWS, of the head, queries in attention */
	CHUNK = 16384, /* elements of a task of the optimizer and of sums of squares */
	K_BLOCK = 128, /* terms of a product that are summed before the sum goes to memory */
	WEIGHT_ROWS = 128,     /* rows of a weight's gradient that a task makes, at most */
	HEAD_COLUMNS = 128,    /* vocabulary that a task of the head's weight gradient takes */
	HEAD_FLOATS = 4 << 20, /* logits that are in memory at a time */
	PADDING = 64           /* floats behind every array: vectors may be read over its end */
};

struct tensor {
	enum cbtm_element element;
	uint64_t shape[4], elements;
	size_t columns; /* the last dimension */
	float *v;       /* F32 */
	double *f64;
	uint32_t *ids;
	/*
	 * A matrix n x k that products multiply with lies packed in panels of `panel` columns, zeros
	 * behind the last: by_row for x weight' ([n / panel][k][panel]), by_column for dy weight
	 * ([k / panel][n][panel]). Made anew when `stale`.
	 */
	float *by_row, *by_column;
	bool stale;
};

struct region {
	enum class class;
	uint32_t first, operations;
};

struct program {
	const struct variant *variant;
	uint32_t batch, T, tensors;
	struct tensor *tensor;
	struct cbtm_operation *operation;
	struct region *region;
	uint32_t regions, start[CBTM_SECTIONS + 1]; /* in regions */
	unsigned threads;
	float *scratch;        /* shared by the tasks of a region */
	float *thread_scratch; /* `threads` times thread_floats */
	size_t scratch_floats, thread_floats;
	double *partial; /* sums of squares by chunk */
};

/* A region under way. */
struct work {
	struct program *p;
	const struct cbtm_operation *op;
	uint32_t operations;
	const struct cbtm_scalars *scalars;
	size_t rows;        /* valid tokens */
	size_t from, count; /* head: the rows in hand; optimizer: unused */
};

typedef int region_function(struct work *w, struct cbtm_error *e);

struct variant {
	const char *name;
	unsigned panel; /* columns of a panel */
	region_function *region[CLASS_COUNT];
	void (*pack)(struct tensor *t);
};
extern const struct variant variant_avx512, variant_avx2, variant_base;

/* The kernels that the options ask for; NULL if this processor has them not. */
struct options {
	int kernels; /* index into the parameter's choices; 0: the best there are */
};
const struct variant *variant_choose(const struct options *o);

extern const struct cbtm_host *host;

static inline struct tensor *tensor_of(const struct program *p, uint32_t t)
{
	return t == CBTM_NONE ? NULL : &p->tensor[t];
}
static inline size_t blocks(size_t n, size_t size)
{
	return (n + size - 1) / size;
}
static inline size_t round_up(size_t n, size_t to)
{
	return blocks(n, to) * to;
}
static inline size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Rows of a gradient of n rows that a task makes: few tasks of small ones, much reuse in large. */
static inline size_t weight_rows(size_t n)
{
	return n < 512 ? 32 : WEIGHT_ROWS;
}

/* Rows of the head's logits that are in memory at a time: a multiple of BLOCK. */
static inline size_t head_rows(size_t vocabulary, size_t panel)
{
	size_t rows = HEAD_FLOATS / round_up(vocabulary, panel) / BLOCK * BLOCK;
	return rows ? rows : BLOCK;
}

/* Word (i mod 4) of block i / 4 of the dropout mask `number` (Philox 4x32-10). */
void philox(const uint32_t key[2], uint64_t block, uint32_t number, uint32_t out[4]);
