/* SPDX-License-Identifier: MIT */
/* The plugin: compiling a list into regions, and running them. */
#include "cpu.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

const struct cbtm_host *host;

enum { NEW_RUNS = 2 }; /* that find memory new: not timed */

static bool in_memory(const struct tensor *t)
{
	return t->role == CBTM_ROLE_ACTIVATION && t->element == CBTM_F32;
}

static void report_times(const struct program *p)
{
	static const char *const names[CLASS_COUNT] = {
		[CLASS_ROWS] = "rows",
		[CLASS_WEIGHTS] = "weight gradients",
		[CLASS_ATTENTION] = "attention",
		[CLASS_ATTENTION_GRADIENT] = "attention gradient",
		[CLASS_HEAD_SCORE] = "head score",
		[CLASS_HEAD_LOSS] = "head loss",
		[CLASS_EMBED_GRADIENT] = "embedding gradient",
		[CLASS_SUMS] = "gradient norm",
		[CLASS_CLIP] = "clip",
		[CLASS_ADAMW] = "adamw",
		[CLASS_ROUTE] = "routing",
		[CLASS_GROUPS] = "experts' rows",
	};
	for (int c = 0; c < CLASS_COUNT; c++) {
		char line[96];
		snprintf(line, sizeof line, "%-20s %9.3f ms a step", names[c],
		         p->seconds[c] * 1e3 / (double)(p->runs > NEW_RUNS ? p->runs - NEW_RUNS : 1));
		if (p->seconds[c] > 0)
			host->log(1, line);
	}
}

static void program_free(void *program)
{
	struct program *p = program;
	if (!p)
		return;
	if (p->timed)
		report_times(p);
	for (uint32_t i = 0; p->tensor && i < p->tensors; i++) {
		struct tensor *t = &p->tensor[i];
		if (!in_memory(t)) {
			host->release(t->v);
			host->release(t->rows);
			host->release(t->pairs);
		}
		host->release(t->f64);
		host->release(t->ids);
		host->release(t->by_row);
		host->release(t->by_column);
		host->release(t->by_row16);
		host->release(t->by_column16);
		host->release(t->squares);
	}
	host->release(p->tensor);
	host->release(p->operation);
	host->release(p->region);
	host->release(p->memory);
	host->release(p->thread_scratch);
	host->release(p->partial);
	later_free(p->later);
	host->release(p);
}

/* take() without zeros. */
static void *take_unset(size_t n, size_t size, struct cbtm_error *e)
{
	void *p = host->take(n + PADDING, size, e);
	size_t bytes = (n + PADDING) * size, before = -(uintptr_t)p % HUGE_PAGE;
	if (p && bytes >= before + HUGE_PAGE)
		madvise((char *)p + before, (bytes - before) / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
	return p;
}

void *take(size_t n, size_t size, struct cbtm_error *e)
{
	void *p = take_unset(n, size, e);
	return p ? memset(p, 0, (n + PADDING) * size) : NULL;
}

static void tensor_describe(struct tensor *t, const struct cbtm_tensor *from)
{
	t->element = from->element;
	t->role = from->role;
	memcpy(t->shape, from->shape, sizeof t->shape);
	t->elements = from->shape[0] * from->shape[1] * from->shape[2] * from->shape[3];
	t->columns = from->shape[from->rank - 1];
	t->groups = 1;
	t->stale = true;
	t->blank =
		t->element == CBTM_F32 && (t->role == CBTM_ROLE_GRADIENT || t->role == CBTM_ROLE_MOMENT);
}

/* A tensor that cbtm sees has memory of its own, an activation a place in the program's. */
static int tensor_make(struct program *p, struct tensor *t, struct cbtm_error *e)
{
	if (in_memory(t)) {
		if (t->forms & FORM_F32)
			t->v = p->memory + t->offset[0];
		if (t->forms & FORM_ROWS && !t->local)
			t->rows = (uint16_t *)(p->memory + t->offset[1]);
		if (t->forms & FORM_PAIRS)
			t->pairs = (uint16_t *)(p->memory + t->offset[2]);
		t->local_offset *= 2; /* floats -> bf16 numbers */
		t->stale = false;
		return 0;
	}
	size_t rows = round_up(t->elements / t->columns, BLOCK);
	if (t->element == CBTM_F32)
		t->v = (t->blank ? take_unset : take)(t->elements, sizeof *t->v, e);
	else if (t->element == CBTM_F64)
		t->f64 = take(t->elements, sizeof *t->f64, e);
	else
		t->ids = take(t->elements, sizeof *t->ids, e);
	if (t->forms & FORM_ROWS)
		t->rows = take(rows * t->stride, sizeof *t->rows, e);
	if (t->forms & FORM_PAIRS)
		t->pairs = take(t->pair_panel * blocks(t->columns, PACK_ROWS), sizeof *t->pairs, e);
	return e->name;
}

/* Room for the packed forms in which an operation needs its weight. */
static int packs_make(struct program *p, const struct cbtm_operation *op, struct cbtm_error *e)
{
	bool group = op->kind == CBTM_OP_GROUP_LINEAR || op->kind == CBTM_OP_GROUP_INPUT;
	bool by_row = op->kind == CBTM_OP_LINEAR || op->kind == CBTM_OP_HEAD_SCORE ||
	              op->kind == CBTM_OP_HEAD_LOSS || op->kind == CBTM_OP_GROUP_LINEAR;
	bool by_column = op->kind == CBTM_OP_LINEAR_INPUT || op->kind == CBTM_OP_HEAD_LOSS ||
	                 op->kind == CBTM_OP_GROUP_INPUT;
	if (!by_row && !by_column)
		return 0;
	by_row |= p->turned;
	by_column &= !p->turned;
	bool mixed = p->variant->mixed;
	struct tensor *t = &p->tensor[op->in[1]];
	t->groups = group ? t->shape[0] : 1;
	size_t k = t->columns, n = matrix_rows(t), panel = p->variant->panel;
	t->by_row_size = round_up(n, panel) * (mixed ? round_up(k, 2) : k);
	t->by_column_size = round_up(k, panel) * (mixed ? round_up(n, 2) : n);
	if (by_row && mixed && !t->by_row16)
		t->by_row16 = take(t->groups * t->by_row_size, sizeof *t->by_row16, e);
	if (by_column && mixed && !t->by_column16)
		t->by_column16 = take(t->groups * t->by_column_size, sizeof *t->by_column16, e);
	if (by_row && !mixed && !t->by_row)
		t->by_row = take(t->groups * t->by_row_size, sizeof *t->by_row, e);
	if (by_column && !mixed && !t->by_column)
		t->by_column = take(t->groups * t->by_column_size, sizeof *t->by_column, e);
	return e->name;
}

/* bf16 packs and gradients are written line by line, so they can go past the caches. */
static void choose_stores(struct program *p)
{
	size_t packed = 0, gradients = 0;
	for (uint32_t i = 0; i < p->tensors; i++) {
		const struct tensor *t = &p->tensor[i];
		packed += (t->by_row16 ? t->by_row_size : 0) * t->groups * sizeof *t->by_row16;
		packed += (t->by_column16 ? t->by_column_size : 0) * t->groups * sizeof *t->by_column16;
		gradients += t->role == CBTM_ROLE_GRADIENT ? t->elements * sizeof *t->v : 0;
	}
	for (uint32_t i = 0; i < p->tensors; i++) {
		bool gradient = p->tensor[i].role == CBTM_ROLE_GRADIENT;
		p->tensor[i].past_caches = (gradient ? gradients : packed) > PAST_CACHES;
	}
}

/* Sums in double precision: some rows of a gradient, and the loss of a block. */
static int partial_make(struct program *p, struct cbtm_error *e)
{
	size_t sums = 2 * blocks((size_t)p->batch * p->T, BLOCK);
	for (uint32_t i = 0; i < p->operations; i++)
		if (p->operation[i].kind == CBTM_OP_SQUARE_SUM)
			sums += sum_tasks(tensor_of(p, p->operation[i].in[0]));
	p->partial = take(sums, sizeof *p->partial, e);
	return e->name;
}

static void forget_squares(struct tensor *t)
{
	for (size_t r = 0; t->squares && r < t->elements / t->columns; r++)
		t->squares[r] = -1;
}

/* The output whose rows' squares an operation makes, too; -1: none. */
static int squared_output(const struct program *p, const struct cbtm_operation *op)
{
	if (!p->variant->mixed)
		return -1;
	if (op->kind == CBTM_OP_LINEAR_WEIGHT || op->kind == CBTM_OP_GROUP_WEIGHT)
		return 0;
	return op->kind == CBTM_OP_HEAD_LOSS ? 2 : -1;
}

/* Room for them, if the list wants their sums. */
static int squares_make(struct program *p, struct cbtm_error *e)
{
	for (uint32_t i = 0; i < p->operations; i++) {
		int out = squared_output(p, &p->operation[i]);
		if (out < 0 || p->operation[i].out[out] == CBTM_NONE)
			continue;
		struct tensor *t = &p->tensor[p->operation[i].out[out]];
		bool wanted = false;
		for (uint32_t o = 0; o < p->operations; o++)
			wanted |= p->operation[o].kind == CBTM_OP_SQUARE_SUM &&
			          tensor_of(p, p->operation[o].in[0]) == t;
		if (wanted && !t->squares)
			t->squares = take(t->elements / t->columns, sizeof *t->squares, e);
		if (e->name)
			return e->name;
		forget_squares(t);
	}
	return 0;
}

/* Scratch for each of the pool's threads. */
static int threads_make(struct program *p, struct cbtm_error *e)
{
	unsigned threads = host->pool_threads(host->pool());
	if (threads <= p->threads)
		return 0;
	host->release(p->thread_scratch);
	p->threads = threads;
	p->thread_scratch = take(threads * p->thread_floats, sizeof *p->thread_scratch, e);
	return e->name;
}

/*
 * Whether one pack is better: both of all matrices together would outgrow the caches, and a step has so
 * few tokens that turning pieces of one (mixed_turn.h) for all of them costs less than packing another.
 */
static bool large(const struct program *p)
{
	size_t numbers = 0;
	if ((size_t)p->batch * p->T >= PACK_TOKENS)
		return false;
	for (uint32_t i = 0; i < p->tensors; i++)
		numbers += p->tensor[i].role == CBTM_ROLE_PARAMETER ? p->tensor[i].elements : 0;
	return 2 * sizeof(uint16_t) * numbers > PAST_CACHES;
}

/* The width of a list's model: of the rows that its matrices take, the least. */
static size_t width_of(const struct cbtm_list *list)
{
	size_t width = 0;
	for (uint32_t i = 0; i < list->start[CBTM_SECTIONS]; i++) {
		const struct cbtm_operation *op = &list->operation[i];
		bool product = op->kind == CBTM_OP_LINEAR || op->kind == CBTM_OP_HEAD_SCORE ||
		               op->kind == CBTM_OP_GROUP_LINEAR;
		if (!product)
			continue;
		const struct cbtm_tensor *weight = &list->tensor[op->in[1]];
		size_t k = weight->shape[weight->rank - 1];
		width = !width || k < width ? k : width;
	}
	return width;
}

static int program_fill(struct program *p, const struct cbtm_list *list, int packs,
                        struct cbtm_error *e)
{
	uint32_t operations = list->start[CBTM_SECTIONS];
	p->batch = list->batch;
	p->T = list->length;
	p->tensors = list->tensors;
	p->tensor = take(list->tensors, sizeof *p->tensor, e);
	p->operation = take(2 * (size_t)operations, sizeof *p->operation, e);
	p->region = take(2 * (size_t)operations, sizeof *p->region, e);
	if (e->name)
		return e->name;
	for (uint32_t i = 0; i < list->tensors; i++)
		tensor_describe(&p->tensor[i], &list->tensor[i]);
	p->turned = p->variant->mixed && (packs == PACKS_ONE || (packs == PACKS_AUTO && large(p)));
	for (uint32_t i = 0; i < operations; i++)
		if ((unsigned)list->operation[i].kind >= CBTM_OP_COUNT)
			return host->error(e, CBTM_ERR_PLUGIN, "cpu", "unknown operation");
	if (plan_make(p, list, e))
		return e->name;
	p->memory = take(p->memory_floats, sizeof *p->memory, e);
	for (uint32_t i = 0; i < p->tensors && !e->name; i++)
		tensor_make(p, &p->tensor[i], e);
	for (uint32_t i = 0; i < operations && !e->name; i++)
		packs_make(p, &list->operation[i], e);
	choose_stores(p);
	if (!e->name && !partial_make(p, e) && !squares_make(p, e))
		later_make(p, e);
	return e->name;
}

static int compile(const void *options, const struct cbtm_list *list, void **program,
                   struct cbtm_error *e)
{
	const struct options *o = options;
	const struct variant *variant = variant_choose(o, width_of(list));
	if (!variant && o &&
	    variant_choose(&(struct options){ .kernels = o->kernels, .precision = 1 }, 0))
		return host->error(e, CBTM_ERR_PLUGIN, "precision",
		                   "bf16 needs a processor with AVX-512 BF16, and its kernels; fp32 runs "
		                   "everywhere");
	if (!variant)
		return host->error(e, CBTM_ERR_PLUGIN, "kernels", "this processor does not have them");
	struct program *p = take(1, sizeof *p, e);
	if (!p)
		return e->name;
	p->variant = variant;
	p->timed = o && o->timings;
	if (program_fill(p, list, o ? o->packs : PACKS_AUTO, e))
		program_free(p);
	else
		*program = p;
	return e->name;
}

static size_t bytes_of(const struct tensor *t, void **data)
{
	*data = t->v ? (void *)t->v : t->f64 ? (void *)t->f64 : (void *)t->ids;
	return t->elements * (t->element == CBTM_F64 ? sizeof(double) : sizeof(float));
}

/* Updates are done in full before what they change is read or written. */
static int finish(struct program *p, struct cbtm_error *e);

static bool changed_by_updates(const struct tensor *t)
{
	return t->role == CBTM_ROLE_PARAMETER || t->role == CBTM_ROLE_GRADIENT ||
	       t->role == CBTM_ROLE_MOMENT;
}

static int tensor_write(void *program, uint32_t tensor, const void *data, struct cbtm_error *e)
{
	void *to;
	struct tensor *t = &((struct program *)program)->tensor[tensor];
	size_t n = bytes_of(t, &to);
	if (changed_by_updates(t) && finish(program, e))
		return e->name;
	if (!to)
		return host->error(e, CBTM_ERR_INTERNAL, "cpu", "an activation cannot be written");
	memcpy(to, data, n);
	t->stale = true;
	t->blank = false;
	forget_squares(t);
	return 0;
}

static int tensor_read(void *program, uint32_t tensor, void *data, struct cbtm_error *e)
{
	void *from;
	const struct tensor *t = &((struct program *)program)->tensor[tensor];
	size_t n = bytes_of(t, &from);
	if (changed_by_updates(t) && finish(program, e))
		return e->name;
	if (!from)
		return host->error(e, CBTM_ERR_INTERNAL, "cpu", "an activation cannot be read");
	if (t->blank)
		memset(data, 0, n);
	else
		memcpy(data, from, n);
	return 0;
}

/* ---------------------------------------------------------------- running */

/* Rows of a tensor that have forms: the valid ones, as the last of these may share a pair with one
 * behind; of grouped rows all. */
static size_t rows_with_forms(const struct program *p, const struct tensor *t)
{
	size_t rows = t->elements / t->columns;
	return rows == (size_t)p->batch * p->T ? p->rows : rows;
}

/* Tasks that bring the other forms of what cbtm has written up to date. */
static size_t refresh_tasks(const struct program *p, const struct tensor *t)
{
	if (!t->stale)
		return 0;
	if (packs(t))
		return pack_tasks(t);
	return t->rows || t->pairs ? blocks(rows_with_forms(p, t), BLOCK) : 0;
}

static int task_refresh(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)e;
	struct program *p = arg;
	struct tensor *t = p->tensor;
	for (; i >= refresh_tasks(p, t); t++)
		i -= refresh_tasks(p, t);
	if (packs(t))
		p->variant->pack(t, i, p->thread_scratch + thread * p->thread_floats + p->local_floats,
		                 NULL);
	else
		p->variant->forms(t, i * BLOCK, least(BLOCK, rows_with_forms(p, t) - i * BLOCK));
	return 0;
}

static int refresh(struct program *p, size_t rows, struct cbtm_error *e)
{
	size_t tasks = 0;
	for (uint32_t i = 0; i < p->tensors; i++) {
		struct tensor *t = &p->tensor[i];
		t->stale |= rows != p->rows && !in_memory(t) && (t->rows || t->pairs);
	}
	p->rows = rows;
	for (uint32_t i = 0; i < p->tensors; i++)
		tasks += refresh_tasks(p, &p->tensor[i]);
	if (tasks && host->pool_run(host->pool(), tasks, task_refresh, p, e))
		return e->name;
	for (uint32_t i = 0; i < p->tensors; i++)
		p->tensor[i].stale = false;
	return 0;
}

/* The output of an operation whose tasks write over it if it is blank. */
static bool writes_over(const struct cbtm_operation *op, unsigned i)
{
	if (op->kind == CBTM_OP_LINEAR_WEIGHT || op->kind == CBTM_OP_GROUP_WEIGHT)
		return i == 0;
	return (op->kind == CBTM_OP_HEAD_LOSS && i == 2) || (op->kind == CBTM_OP_ADAMW && i > 1);
}

/* Blank tensors become zeros for operations that need such; or, behind a region, are written. */
static void settle(struct program *p, const struct region *r, bool behind)
{
	for (uint32_t o = 0; o < r->operations; o++) {
		const struct cbtm_operation *op = &p->operation[r->first + o];
		for (unsigned i = 0; i < 12; i++) {
			struct tensor *t = tensor_of(p, i < 8 ? op->in[i] : op->out[i - 8]);
			if (!t || !t->blank || (!behind && p->rows && i >= 8 && writes_over(op, i - 8)))
				continue;
			if (!behind)
				memset(t->v, 0, t->elements * sizeof *t->v);
			t->blank = false;
		}
		if (behind && op->kind == CBTM_OP_ADAMW)
			p->tensor[op->out[1]].blank = true;
	}
}

/* Behind a region: squares of rows that changed, and that it did not make, are not known. */
static void settle_squares(struct program *p, const struct region *r)
{
	for (uint32_t o = 0; o < r->operations; o++) {
		const struct cbtm_operation *op = &p->operation[r->first + o];
		for (int i = 0; i < 4; i++) {
			struct tensor *t = tensor_of(p, op->out[i]);
			if (!t || !t->squares || i == squared_output(p, op))
				continue;
			if (op->kind != CBTM_OP_EMBED_GRADIENT || i != 0)
				forget_squares(t);
			else
				for (size_t n = 0; n < p->rows; n++)
					t->squares[p->tensor[op->in[0]].ids[n]] = -1;
		}
	}
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int finish(struct program *p, struct cbtm_error *e)
{
	if (!later_pending(p->later))
		return 0;
	const struct region *r = &p->region[p->start[CBTM_UPDATE + 1] - 1];
	double start = p->timed ? seconds() : 0;
	if (threads_make(p, e) || later_finish(p->later, e))
		return e->name;
	settle(p, r, true);
	settle_squares(p, r);
	if (p->timed)
		p->seconds[CLASS_ADAMW] += seconds() - start;
	return 0;
}

static int run_region(struct program *p, const struct region *r, bool forward,
                      const struct cbtm_scalars *scalars, struct cbtm_error *e)
{
	struct work w = { .p = p,
		              .op = &p->operation[r->first],
		              .operations = r->operations,
		              .scalars = scalars,
		              .scratch = p->memory + r->scratch,
		              .rows = p->rows,
		              .region = forward ? r : NULL };
	double start = p->timed ? seconds() : 0;
	if (forward && later_pending(p->later)) {
		if (later_need(p->later, r, e))
			return e->name;
		if (p->timed) {
			p->seconds[CLASS_ADAMW] += seconds() - start;
			start = seconds();
		}
	}
	settle(p, r, false);
	if (p->later && r->class == CLASS_ADAMW) {
		later_begin(p->later, scalars);
		return 0;
	}
	if (p->variant->region[r->class](&w, e))
		return e->name;
	settle(p, r, true);
	settle_squares(p, r);
	if (p->timed)
		p->seconds[r->class] += seconds() - start;
	return 0;
}

static int run(void *program, enum cbtm_section section, const struct cbtm_scalars *scalars,
               struct cbtm_error *e)
{
	struct program *p = program;
	bool forward = section == CBTM_FORWARD;
	size_t rows = (size_t)scalars->sequences * p->T;
	if ((!forward && finish(p, e)) || threads_make(p, e) || refresh(p, rows, e))
		return e->name;
	for (uint32_t r = p->start[section]; r < p->start[section + 1]; r++)
		if (run_region(p, &p->region[r], forward, scalars, e))
			return e->name;
	if (section == CBTM_UPDATE && p->runs++ < NEW_RUNS)
		memset(p->seconds, 0, sizeof p->seconds);
	return forward ? finish(p, e) : 0;
}

static const char *variant_name(const void *options)
{
	const struct variant *v = variant_choose(options, SIZE_MAX);
	return v ? v->name : "none";
}

static int init(const struct cbtm_host *h, struct cbtm_error *e)
{
	(void)e;
	host = h;
	return 0;
}

static const struct cbtm_param params[] = {
	{ "kernels", CBTM_PARAM_CHOICE, offsetof(struct options, kernels), "auto", 0, 0,
	  "auto|avx512|avx2|base", "vector instructions; auto: the processor's best", 0, 0 },
	{ "precision", CBTM_PARAM_CHOICE, offsetof(struct options, precision), "auto", 0, 0,
	  "auto|fp32|bf16",
	  "of products' operands (sums are fp32); auto: bf16 for models of width 128 and more where "
	  "the "
	  "processor has AVX-512 BF16, else fp32",
	  0, 0 },
	{ "packs", CBTM_PARAM_CHOICE, offsetof(struct options, packs), "auto", 0, 0, "auto|one|two",
	  "bf16 copies that are kept of each matrix: one takes less memory and more work, the results "
	  "are "
	  "the same; auto: one where two would outgrow the caches and a step has few tokens",
	  CBTM_PARAM_NO_RESULT, 0 },
	{ "timings", CBTM_PARAM_BOOL, offsetof(struct options, timings), "false", 0, 0, NULL,
	  "log how long each class of operations took", CBTM_PARAM_NO_RESULT, 0 },
	CBTM_PARAM_END
};

extern const struct cbtm_compute cbtm_plugin;
CBTM_EXPORT const struct cbtm_compute cbtm_plugin = {
	.plugin = { .abi = CBTM_ABI,
	            .size = sizeof cbtm_plugin,
	            .kind = "compute",
	            .name = "cpu",
	            .version = 4,
	            .description = "fp32 and bf16 on the processor's vector units",
	            .params = params,
	            .options_size = sizeof(struct options),
	            .init = init },
	.compile = compile,
	.free = program_free,
	.write = tensor_write,
	.read = tensor_read,
	.run = run,
	.variant = variant_name,
};
