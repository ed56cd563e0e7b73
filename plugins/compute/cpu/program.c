/* SPDX-License-Identifier: MIT */
/* The plugin: compiling a list into regions, and running them. */
#include "cpu.h"
#include <string.h>

const struct cbtm_host *host;

static const enum class classes[CBTM_OP_COUNT] = {
	[CBTM_OP_EMBED] = CLASS_ROWS,
	[CBTM_OP_EMBED_GRADIENT] = CLASS_EMBED_GRADIENT,
	[CBTM_OP_NORM] = CLASS_ROWS,
	[CBTM_OP_NORM_GRADIENT] = CLASS_ROWS,
	[CBTM_OP_LINEAR] = CLASS_ROWS,
	[CBTM_OP_LINEAR_INPUT] = CLASS_ROWS,
	[CBTM_OP_LINEAR_WEIGHT] = CLASS_WEIGHTS,
	[CBTM_OP_DROPOUT] = CLASS_ROWS,
	[CBTM_OP_ATTENTION] = CLASS_ATTENTION,
	[CBTM_OP_ATTENTION_GRADIENT] = CLASS_ATTENTION_GRADIENT,
	[CBTM_OP_HEAD_SCORE] = CLASS_HEAD_SCORE,
	[CBTM_OP_HEAD_LOSS] = CLASS_HEAD_LOSS,
	[CBTM_OP_SQUARE_SUM] = CLASS_SUMS,
	[CBTM_OP_CLIP] = CLASS_CLIP,
	[CBTM_OP_ADAMW] = CLASS_ADAMW,
};
/* Neighbours of these classes make one region: their operations are independent of each other, or
 * (ROWS) depend on each other row by row. */
static const bool joins[CLASS_COUNT] = {
	[CLASS_ROWS] = true, [CLASS_WEIGHTS] = true, [CLASS_SUMS] = true, [CLASS_ADAMW] = true
};

static void program_free(void *program)
{
	struct program *p = program;
	if (!p)
		return;
	for (uint32_t i = 0; p->tensor && i < p->tensors; i++) {
		host->release(p->tensor[i].v);
		host->release(p->tensor[i].f64);
		host->release(p->tensor[i].ids);
		host->release(p->tensor[i].by_row);
		host->release(p->tensor[i].by_column);
	}
	host->release(p->tensor);
	host->release(p->operation);
	host->release(p->region);
	host->release(p->scratch);
	host->release(p->thread_scratch);
	host->release(p->partial);
	host->release(p);
}

/* n elements and the padding, zeroed. */
static void *take(size_t n, size_t size, struct cbtm_error *e)
{
	void *p = host->take(n + PADDING, size, e);
	if (p)
		memset(p, 0, (n + PADDING) * size);
	return p;
}

static int tensor_make(struct tensor *t, const struct cbtm_tensor *from, struct cbtm_error *e)
{
	t->element = from->element;
	memcpy(t->shape, from->shape, sizeof t->shape);
	t->elements = from->shape[0] * from->shape[1] * from->shape[2] * from->shape[3];
	t->columns = from->shape[from->rank - 1];
	t->stale = true;
	if (t->element == CBTM_F32)
		t->v = take(t->elements, sizeof *t->v, e);
	else if (t->element == CBTM_F64)
		t->f64 = take(t->elements, sizeof *t->f64, e);
	else
		t->ids = take(t->elements, sizeof *t->ids, e);
	return e->name;
}

/* Room for the packed forms in which an operation needs its weight. */
static int packs_make(struct program *p, const struct cbtm_operation *op, struct cbtm_error *e)
{
	bool by_row = op->kind == CBTM_OP_LINEAR || op->kind == CBTM_OP_HEAD_SCORE ||
	              op->kind == CBTM_OP_HEAD_LOSS;
	bool by_column = op->kind == CBTM_OP_LINEAR_INPUT || op->kind == CBTM_OP_HEAD_LOSS;
	if (!by_row && !by_column)
		return 0;
	struct tensor *t = &p->tensor[op->in[1]];
	size_t k = t->columns, n = t->elements / k;
	if (by_row && !t->by_row)
		t->by_row = take(round_up(n, p->variant->panel) * k, sizeof *t->by_row, e);
	if (by_column && !t->by_column)
		t->by_column = take(round_up(k, p->variant->panel) * n, sizeof *t->by_column, e);
	return e->name;
}

static void grow(size_t *to, size_t n)
{
	if (*to < n)
		*to = n;
}

/* Scratch that an operation needs; sums of NORM_GRADIENT add up over its region. */
static void scratch_of(struct program *p, const struct cbtm_operation *op, size_t *norm_sums,
                       size_t *chunks)
{
	size_t panel = p->variant->panel, tokens = (size_t)p->batch * p->T;
	const struct tensor *first = tensor_of(p, op->in[0]), *second = tensor_of(p, op->in[1]);
	if (op->kind == CBTM_OP_NORM_GRADIENT) {
		*norm_sums += blocks(tokens, BLOCK) * 2 * first->columns;
		grow(&p->scratch_floats, *norm_sums);
	} else if (op->kind == CBTM_OP_ATTENTION || op->kind == CBTM_OP_ATTENTION_GRADIENT) {
		const struct tensor *qkv = op->kind == CBTM_OP_ATTENTION ? first : second;
		size_t padded = round_up(p->T, panel), size = qkv->columns / 3 / op->heads;
		grow(&p->thread_floats,
		     padded * (2 * size + 4 * round_up(size, panel)) + 2 * BLOCK * (padded + 2 * panel));
	} else if (op->kind == CBTM_OP_LINEAR_WEIGHT) {
		grow(&p->thread_floats, K_BLOCK * (WEIGHT_ROWS + round_up(second->columns, panel)));
	} else if (op->kind == CBTM_OP_HEAD_SCORE) {
		grow(&p->thread_floats, BLOCK * round_up(second->shape[0], panel));
	} else if (op->kind == CBTM_OP_HEAD_LOSS) {
		size_t rows = head_rows(second->shape[0], panel);
		rows = least(rows, round_up(tokens, BLOCK));
		grow(&p->scratch_floats,
		     head_rows(second->shape[0], panel) * round_up(second->shape[0], panel) +
		         rows * first->columns);
		grow(chunks, 2 * blocks(tokens, BLOCK));
	} else if (op->kind == CBTM_OP_SQUARE_SUM) {
		*chunks += blocks(first->elements, CHUNK);
	}
}

/* Regions of section s, from operation start[s] on. */
static void cut_regions(struct program *p, const struct cbtm_list *list)
{
	for (unsigned s = 0; s < CBTM_SECTIONS; s++) {
		p->start[s] = p->regions;
		for (uint32_t i = list->start[s]; i < list->start[s + 1]; i++) {
			enum class class = classes[p->operation[i].kind];
			struct region *last = p->regions > p->start[s] ? &p->region[p->regions - 1] : NULL;
			if (last && last->class == class && joins[class])
				last->operations++;
			else
				p->region[p->regions++] = (struct region){ class, i, 1 };
		}
	}
	p->start[CBTM_SECTIONS] = p->regions;
}

static int scratch_make(struct program *p, struct cbtm_error *e)
{
	size_t chunks = 1;
	for (uint32_t r = 0; r < p->regions; r++) {
		size_t norm_sums = 0;
		for (uint32_t o = 0; o < p->region[r].operations; o++)
			scratch_of(p, &p->operation[p->region[r].first + o], &norm_sums, &chunks);
	}
	p->thread_floats = round_up(p->thread_floats + PADDING, PADDING);
	p->scratch = take(p->scratch_floats, sizeof *p->scratch, e);
	p->partial = take(chunks, sizeof *p->partial, e);
	return e->name;
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

static int compile(const void *options, const struct cbtm_list *list, void **program,
                   struct cbtm_error *e)
{
	uint32_t operations = list->start[CBTM_SECTIONS];
	const struct variant *variant = variant_choose(options);
	if (!variant)
		return host->error(e, CBTM_ERR_PLUGIN, "kernels", "this processor does not have them");
	struct program *p = take(1, sizeof *p, e);
	if (!p)
		return e->name;
	p->variant = variant;
	p->batch = list->batch;
	p->T = list->length;
	p->tensors = list->tensors;
	p->tensor = take(list->tensors, sizeof *p->tensor, e);
	p->operation = take(operations, sizeof *p->operation, e);
	p->region = take(operations, sizeof *p->region, e);
	for (uint32_t i = 0; !e->name && i < list->tensors; i++)
		tensor_make(&p->tensor[i], &list->tensor[i], e);
	for (uint32_t i = 0; !e->name && i < operations; i++) {
		p->operation[i] = list->operation[i];
		if ((unsigned)p->operation[i].kind >= CBTM_OP_COUNT)
			host->error(e, CBTM_ERR_PLUGIN, "cpu", "unknown operation");
		else
			packs_make(p, &p->operation[i], e);
	}
	if (!e->name) {
		cut_regions(p, list);
		scratch_make(p, e);
	}
	if (e->name)
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

static int tensor_write(void *program, uint32_t tensor, const void *data, struct cbtm_error *e)
{
	(void)e;
	void *to;
	struct tensor *t = &((struct program *)program)->tensor[tensor];
	size_t n = bytes_of(t, &to);
	memcpy(to, data, n);
	t->stale = true;
	return 0;
}

static int tensor_read(void *program, uint32_t tensor, void *data, struct cbtm_error *e)
{
	(void)e;
	void *from;
	size_t n = bytes_of(&((struct program *)program)->tensor[tensor], &from);
	memcpy(data, from, n);
	return 0;
}

static int task_pack(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	struct tensor *t = &((struct program *)arg)->tensor[i];
	if (t->stale && (t->by_row || t->by_column))
		((struct program *)arg)->variant->pack(t);
	return 0;
}

static int run(void *program, enum cbtm_section section, const struct cbtm_scalars *scalars,
               struct cbtm_error *e)
{
	struct program *p = program;
	bool stale = false;
	if (threads_make(p, e))
		return e->name;
	for (uint32_t i = 0; i < p->tensors; i++)
		stale |= p->tensor[i].stale && (p->tensor[i].by_row || p->tensor[i].by_column);
	if (stale && host->pool_run(host->pool(), p->tensors, task_pack, p, e))
		return e->name;
	for (uint32_t r = p->start[section]; r < p->start[section + 1]; r++) {
		struct work w = { .p = p,
			              .op = &p->operation[p->region[r].first],
			              .operations = p->region[r].operations,
			              .scalars = scalars,
			              .rows = (size_t)scalars->sequences * p->T };
		if (p->variant->region[p->region[r].class](&w, e))
			return e->name;
	}
	return 0;
}

static const char *variant_name(const void *options)
{
	const struct variant *v = variant_choose(options);
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
	CBTM_PARAM_END
};

extern const struct cbtm_compute cbtm_plugin;
CBTM_EXPORT const struct cbtm_compute cbtm_plugin = {
	.plugin = { .abi = CBTM_ABI,
	            .size = sizeof cbtm_plugin,
	            .kind = "compute",
	            .name = "cpu",
	            .version = 1,
	            .description = "fp32 on the processor's vector units",
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
