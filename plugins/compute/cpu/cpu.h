/* SPDX-License-Identifier: MIT */
/*
 * The cpu plugin: fp32, or bf16 products with fp32 sums, by vector kernels chosen by cpuid; threads
 * by the host's pool.
 *
 * compile() cuts each section into regions: runs of neighbouring operations of one class, worked
 * on by one parallel loop. In a region of class ROWS a task takes a block of rows through all its
 * operations, so that a row stays in the cache from one attention to the next; in a region of class
 * GROUPS a block of an expert's grouped rows. plan.c decides in which forms activations exist, and lays those into one memory by their lives.
 *
 * Bits: a task's work depends on shapes and its number alone, and sums over tasks are taken in
 * their order. Each element of a matrix product is one chain of fused multiply-adds, k ascending,
 * wherever its row stands: a row's result does not depend on its neighbours.
 *
 * Precision bf16 ("mixed"): operands of products are rounded to bf16; sums, parameters, gradients,
 * moments, the residual stream and its gradient, norms and softmax are fp32.
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
	CLASS_ROUTE,
	CLASS_GROUPS,
	CLASS_COUNT
};

/* An operation of our own: makes the bf16 forms of out[0] where its producer did not. */
enum { OP_FORMS = CBTM_OP_COUNT, OP_COUNT };

enum {
	BLOCK = 64,    /* rows (tokens) of a task of class ROWS, of the head, queries in attention */
	CHUNK = 16384, /* elements of a task of the optimizer */
	SUM_FLOATS = 65536,     /* about, elements of a task of sums of squares: whole rows */
	SQUARE_LANES = 8,       /* a row's squares are summed in so many lanes, in double precision */
	K_BLOCK = 128,          /* terms of a product that are summed before the sum goes to memory */
	PACK_ROWS = 32,         /* rows of a matrix that are packed at a time */
	PAST_CACHES = 64 << 20, /* bytes of packs, of gradients, that no cache is expected to hold */
	PACK_TOKENS = 2048,     /* tokens of a step from which on two packs of a matrix pay */
	WEIGHT_ROWS = 128,      /* rows of a weight's gradient that a task makes, at most */
	HEAD_COLUMNS = 128,     /* vocabulary that a task of the head's weight gradient takes */
	HEAD_FLOATS = 4 << 20,  /* logits that are in memory at a time */
	SLICE = 512,            /* mixed: vocabulary that the head takes at a time */
	SLICE_ROW = SLICE + 32, /* from row to row of it: rows do not crowd in few sets */
	HEAD_BYTES = 16 << 20,  /* mixed: e (mixed_head.h) that is in memory at a time, but */
	HEAD_ROWS = 512,        /* at least of so many rows */
	MIXED_WIDTH = 128,      /* width from which on precision auto takes bf16 */
	LINE = 64 / sizeof(float), /* floats of a line of the cache */
	TURN_FLOATS = 16384,       /* mixed: a piece of a matrix that is turned (mixed_turn.h) */
	HUGE_PAGE = 2 << 20,       /* bytes */
	PADDING = 64               /* floats behind every array: vectors may be read over its end */
};

/* An expert's grouped rows are blocks of their own. */
_Static_assert(CBTM_GROUP_ROWS % BLOCK == 0, "blocks of grouped rows");

enum { FORM_F32 = 1, FORM_ROWS = 2, FORM_PAIRS = 4 };

struct tensor {
	enum cbtm_element element;
	enum cbtm_role role;
	uint64_t shape[4], elements;
	size_t columns; /* the last dimension */
	float *v;       /* F32; NULL for an activation that exists in bf16 alone */
	double *f64;
	uint32_t *ids;
	/*
	 * A matrix n x k that products multiply with lies packed in panels of `panel` columns, zeros
	 * behind the last: by_row for x weight' ([n / panel][k][panel]), by_column for dy weight
	 * ([k / panel][n][panel]). In bf16 the inner index lies in pairs: [n / 32][k / 2][32][2] and
	 * [k / 32][n / 2][32][2], the latter unless the program is `turned`. Made anew when `stale`. Those of experts (groups x n x k) are packed one
	 * by one, by_row_size or by_column_size numbers each.
	 */
	float *by_row, *by_column;
	uint16_t *by_row16, *by_column16;
	size_t groups, by_row_size, by_column_size;
	bool past_caches; /* written past the caches: all of its kind together do not fit there */
	/*
	 * A gradient or moment that is zero whatever its memory holds: what changes it next writes over
	 * it, a task its own part, and other operations find zeros (run). So AdamW need not clear
	 * gradients, nor what writes them read.
	 */
	bool blank;
	/*
	 * Mixed: the sum of the squares of each row of a matrix' gradient, made where the row is written;
	 * a negative one is not known. So the norm need not read the gradient again.
	 */
	double *squares;
	/*
	 * An activation in bf16: rows, `stride` from one to the next, zeros behind the columns: the left
	 * side of products. Pairs of tokens in panels, [columns / 32][tokens / 2][32][2], `pair_panel` from
	 * one to the next: both sides of a weight's gradient. Rows that no other region needs are
	 * `local`: a block of them at local_offset (bf16 numbers) of a thread's scratch.
	 */
	unsigned forms;
	uint16_t *rows, *pairs;
	size_t stride, pair_panel, local_offset;
	bool local, stale;
	size_t offset[3]; /* of v, rows, pairs of an activation in the program's memory, in floats */
};

struct region {
	enum class class;
	uint32_t first, operations;
	size_t scratch; /* floats into the program's memory */
};

struct program {
	const struct variant *variant;
	uint32_t batch, T, tensors;
	struct tensor *tensor;
	struct cbtm_operation *operation;
	struct region *region;
	uint32_t operations, regions, start[CBTM_SECTIONS + 1]; /* in regions */
	unsigned threads;
	float *memory;         /* activations and scratch shared by the tasks of a region */
	float *thread_scratch; /* `threads` times thread_floats: local rows, then the operation's own */
	size_t memory_floats, local_floats, thread_floats;
	double *partial;             /* sums of squares by task; losses by block */
	bool timed;                  /* option timings */
	bool turned;                 /* mixed: matrices are packed by rows alone (mixed_turn.h) */
	double seconds[CLASS_COUNT]; /* spent so far */
	size_t rows;                 /* valid in the last run */
	uint64_t runs;               /* of the section UPDATE */
	struct later *later;         /* NULL: updates are done at once */
};

/* A region under way. */
struct work {
	struct program *p;
	const struct cbtm_operation *op;
	uint32_t operations;
	const struct cbtm_scalars *scalars;
	float *scratch;              /* the region's */
	size_t rows;                 /* valid tokens */
	size_t from, count;          /* head: the rows in hand */
	const struct region *region; /* of FORWARD; NULL: of another section */
	const float *scale; /* ADAMW: the clip's, where its tensor no longer holds it; or NULL */
	unsigned stride;    /* ADAMW: tasks from one of a thread to its next, likely */
};

/* The rows [r0, r1) of one operation, by one task. */
struct rows {
	const struct work *w;
	const struct cbtm_operation *op;
	size_t r0, r1;
	unsigned thread;
	size_t group;           /* expert whose rows these are */
	float *sums;            /* NORM_GRADIENT: this block's 2 d */
	const uint32_t *choice; /* DISPATCH: by grouped row, the choice that it holds */
};

typedef int region_function(struct work *w, struct cbtm_error *e);
typedef int update_function(void *work, size_t task, unsigned thread, struct cbtm_error *e);

/* Memory that will be read soon: streams that go on side by side. */
enum { AHEAD_STREAMS = 4, AHEAD_BYTES = 64 };
struct ahead {
	const char *p[AHEAD_STREAMS];
	size_t at, n; /* bytes of each */
};
static inline void fetch(struct ahead *ahead, size_t lines)
{
	for (; ahead && lines && ahead->at < ahead->n; lines--, ahead->at += AHEAD_BYTES)
		for (size_t i = 0; i < AHEAD_STREAMS; i++)
			__builtin_prefetch(ahead->p[i] + ahead->at, 1);
}

struct variant {
	const char *name;
	bool mixed;
	unsigned panel; /* columns of a panel */
	region_function *region[CLASS_COUNT];
	update_function *update; /* a task of the region ADAMW */
	void (*rows[OP_COUNT])(const struct rows *x);
	/* Packs of rows [PACK_ROWS i, PACK_ROWS (i + 1)); scratch: PACK_ROWS rows of floats. `ahead` is
	 * fetched on the way; NULL: nothing. */
	void (*pack)(struct tensor *t, size_t i, float *scratch, struct ahead *ahead);
	/* bf16 forms of rows [r0, r0 + m), r0 a multiple of BLOCK. */
	void (*forms)(const struct tensor *t, size_t r0, size_t m);
};
extern const struct variant variant_avx512, variant_avx2, variant_base, variant_mixed;

struct options {
	int kernels;   /* index into the parameter's choices; 0: the best there are */
	int precision; /* likewise */
	int timings;
	int packs; /* likewise: bf16 packs of a matrix */
};
enum { PACKS_AUTO, PACKS_ONE, PACKS_TWO };
/* The kernels that the options ask for, for a model of this width; NULL: this processor has them
 * not. */
const struct variant *variant_choose(const struct options *o, size_t width);

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
static inline bool packs(const struct tensor *t)
{
	return t->by_row || t->by_column || t->by_row16 || t->by_column16;
}
/* Of a tensor: rows of one matrix; PACK_ROWS of them at a time, of all. */
static inline size_t matrix_rows(const struct tensor *t)
{
	return t->elements / t->columns / t->groups;
}
static inline size_t pack_tasks(const struct tensor *t)
{
	return t->groups * blocks(matrix_rows(t), PACK_ROWS);
}

/* Tasks of an update: rows of a matrix that is packed, whole chunks of others. */
static inline size_t update_tasks(const struct tensor *t)
{
	return packs(t) ? pack_tasks(t) : blocks(t->elements, CHUNK);
}

/* Columns of ROUTE's `load`. */
enum { LOAD_FIRST_ROW, LOAD_ROWS, LOAD_CHOICES, LOAD_FIRST_CHOICES, LOAD_GATES, LOAD };
/* The tensor of an operation on grouped rows that says which are whose; CBTM_NONE for others. */
static inline uint32_t load_of(const struct cbtm_operation *op)
{
	if (op->kind == CBTM_OP_DISPATCH || op->kind == CBTM_OP_GROUP_WEIGHT)
		return op->in[2];
	bool groups = op->kind == CBTM_OP_GROUP_LINEAR || op->kind == CBTM_OP_GROUP_INPUT;
	return groups ? op->in[3] : CBTM_NONE;
}
/* The lanes of a row's squares, in order. */
static inline double square_sum(const double lanes[SQUARE_LANES])
{
	double sum = lanes[0];
	for (size_t j = 1; j < SQUARE_LANES; j++)
		sum += lanes[j];
	return sum;
}
/* Rows of a tensor that a task sums, a multiple of 4; how many tasks. */
static inline size_t sum_rows(const struct tensor *t)
{
	return round_up(blocks(SUM_FLOATS, t->columns), 4);
}
static inline size_t sum_tasks(const struct tensor *t)
{
	return blocks(t->elements / t->columns, sum_rows(t));
}

static inline float *thread_scratch(const struct work *w, unsigned thread)
{
	return w->p->thread_scratch + thread * w->p->thread_floats;
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

/* The same in mixed precision: passes of about equal size. */
static inline size_t mixed_head_rows(size_t vocabulary, size_t tokens)
{
	size_t rows = HEAD_BYTES / 2 / round_up(vocabulary, PACK_ROWS);
	size_t passes = blocks(tokens, rows > HEAD_ROWS ? rows : HEAD_ROWS);
	return round_up(blocks(tokens, passes), BLOCK);
}

/* plan.c: forms, operations of our own, regions, memory; allocates none of it. */
int plan_make(struct program *p, const struct cbtm_list *list, struct cbtm_error *e);

/* later.c: room for an update that goes on beside the next forward pass, if the lists' last region of
 * UPDATE is ADAMW; free with later_free (NULL is fine). */
int later_make(struct program *p, struct cbtm_error *e);
void later_free(struct later *l);
void later_begin(struct later *l, const struct cbtm_scalars *scalars);
bool later_pending(const struct later *l); /* NULL: false */
int later_finish(struct later *l, struct cbtm_error *e);
/* Updates what a region is about to read. */
int later_need(struct later *l, const struct region *r, struct cbtm_error *e);
/* The parallel loop of a region: n tasks, and a share of an update that is pending. */
int run_beside(struct work *w, size_t n, update_function *task, struct cbtm_error *e);

/* n elements and the padding, zeroed. */
void *take(size_t n, size_t size, struct cbtm_error *e);

/* Word (i mod 4) of block i / 4 of the dropout mask `number` (Philox 4x32-10). */
void philox(const uint32_t key[2], uint64_t block, uint32_t number, uint32_t out[4]);
