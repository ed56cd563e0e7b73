/* SPDX-License-Identifier: MIT */
/*
 * An update that goes on beside the next forward pass. AdamW is bound by memory, of which one thread alone
 * gets five sixths of what two do, while products are bound by multiplying. So run(UPDATE) only takes down
 * what is to be done; regions of the next run(FORWARD) find their parameters updated, and have tasks of the
 * rest spread among their own. Every other access to parameters, gradients or moments, and every other section,
 * waits for the whole. A task's work is the same whenever it is done, so the bits are.
 *
 * Only for few tokens: with more, an update is a small part of a step, and what passes through the caches with
 * it costs the products as much as it saves (1024 tokens, 124M parameters).
 */
#include "cpu.h"
#include <string.h>

enum { LATER_TOKENS = 512 };

struct later {
	struct work work; /* of the region ADAMW */
	struct cbtm_scalars scalars;
	float scale; /* of the clip: its tensor's memory is used by activations */
	bool pending;
	uint32_t *update; /* by tensor: the operation that updates it, or CBTM_NONE */
	size_t *first;    /* by operation: its first task; behind them the number of tasks */
	uint32_t *order;  /* operations, by the region of FORWARD that needs them first */
	bool *begun;      /* by task */
	size_t left;      /* tasks not begun */
	uint32_t place;   /* in order: those before are begun */
	uint32_t *list;   /* tasks that a parallel loop has among its own */
	size_t listed;
	/* The loop under way: a region's `tasks` tasks. */
	update_function *task;
	struct work *with;
	size_t tasks;
};

static const struct tensor *updated(const struct later *l, uint32_t o)
{
	return tensor_of(l->work.p, l->work.op[o].out[0]);
}

/* reader, by operation of the update: the first region of FORWARD that reads all of its parameter;
 * UINT32_MAX: none. EMBED reads rows alone. */
static void find_readers(const struct later *l, uint32_t *reader)
{
	const struct program *p = l->work.p;
	memset(reader, 0xFF, l->work.operations * sizeof *reader);
	for (uint32_t r = p->start[CBTM_FORWARD + 1]; r-- > p->start[CBTM_FORWARD];)
		for (uint32_t o = 0; o < p->region[r].operations; o++) {
			const struct cbtm_operation *op = &p->operation[p->region[r].first + o];
			for (unsigned i = 0; i < 8; i++)
				if (op->in[i] != CBTM_NONE && l->update[op->in[i]] != CBTM_NONE &&
				    (op->kind != CBTM_OP_EMBED || i != 1))
					reader[l->update[op->in[i]]] = r;
		}
}

/* Fills first and order; reader: room for a number an operation. */
static void order_tasks(struct later *l, uint32_t *reader)
{
	find_readers(l, reader);
	for (uint32_t o = 0; o < l->work.operations; o++) {
		uint32_t i = o;
		l->first[o + 1] = l->first[o] + update_tasks(updated(l, o));
		for (; i && reader[l->order[i - 1]] > reader[o]; i--)
			l->order[i] = l->order[i - 1];
		l->order[i] = o;
	}
}

int later_make(struct program *p, struct cbtm_error *e)
{
	uint32_t end = p->start[CBTM_UPDATE + 1];
	bool forward = p->start[CBTM_FORWARD] < p->start[CBTM_FORWARD + 1];
	if (!forward || (size_t)p->batch * p->T > LATER_TOKENS || end == p->start[CBTM_UPDATE] ||
	    p->region[end - 1].class != CLASS_ADAMW)
		return 0;
	const struct region *r = &p->region[end - 1];
	for (uint32_t o = 1; o < r->operations; o++)
		if (p->operation[r->first + o].in[0] != p->operation[r->first].in[0])
			return 0;
	struct later *l = p->later = take(1, sizeof *l, e);
	if (!l)
		return e->name;
	l->work = (struct work){ .p = p, .op = &p->operation[r->first], .operations = r->operations };
	uint32_t *reader = take(r->operations, sizeof *reader, e);
	l->update = take(p->tensors, sizeof *l->update, e);
	l->first = take(r->operations + 1, sizeof *l->first, e);
	l->order = take(r->operations, sizeof *l->order, e);
	if (!e->name) {
		memset(l->update, 0xFF, p->tensors * sizeof *l->update);
		for (uint32_t o = 0; o < r->operations; o++)
			l->update[l->work.op[o].out[0]] = o;
		order_tasks(l, reader);
		l->begun = take(l->first[r->operations], sizeof *l->begun, e);
		l->list = take(l->first[r->operations], sizeof *l->list, e);
	}
	host->release(reader);
	return e->name;
}

void later_free(struct later *l)
{
	if (!l)
		return;
	host->release(l->update);
	host->release(l->first);
	host->release(l->order);
	host->release(l->begun);
	host->release(l->list);
	host->release(l);
}

void later_begin(struct later *l, const struct cbtm_scalars *scalars)
{
	l->scalars = *scalars;
	l->work.scalars = &l->scalars;
	l->scale = tensor_of(l->work.p, l->work.op->in[0])->v[0];
	l->work.scale = &l->scale;
	l->left = l->first[l->work.operations];
	l->place = 0;
	l->pending = true;
	memset(l->begun, 0, l->left * sizeof *l->begun);
}

bool later_pending(const struct later *l)
{
	return l && l->pending;
}

static void list_task(struct later *l, size_t task)
{
	if (l->begun[task])
		return;
	l->begun[task] = true;
	l->left--;
	l->list[l->listed++] = (uint32_t)task;
}

static void list_operation(struct later *l, uint32_t o, size_t most)
{
	for (size_t t = l->first[o]; t < l->first[o + 1] && l->listed < most; t++)
		list_task(l, t);
}

/* Up to `most` tasks, those first that are needed first. */
static void list_next(struct later *l, size_t most)
{
	for (; l->place < l->work.operations && l->listed < most; l->place++)
		list_operation(l, l->order[l->place], most);
	if (l->place && l->listed == most)
		l->place--; /* may have more */
}

/* The rows of the table that an embedding reads. */
static void list_rows(struct later *l, uint32_t o, const uint32_t *ids)
{
	const struct tensor *t = updated(l, o);
	size_t columns = t->columns;
	for (size_t r = 0; r < l->work.p->rows; r++) {
		size_t from = packs(t) ? ids[r] / PACK_ROWS : ids[r] * columns / CHUNK;
		size_t last = packs(t) ? from : ((ids[r] + 1) * columns - 1) / CHUNK;
		for (size_t i = from; i <= last; i++)
			list_task(l, l->first[o] + i);
	}
}

static int task_listed(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	struct later *l = arg;
	return l->work.p->variant->update(&l->work, l->list[i], thread, e);
}

static int run_listed(struct later *l, struct cbtm_error *e)
{
	size_t n = l->listed;
	l->listed = 0;
	l->work.stride = host->pool_threads(host->pool());
	return n ? host->pool_run(host->pool(), n, task_listed, l, e) : 0;
}

int later_finish(struct later *l, struct cbtm_error *e)
{
	l->pending = false;
	list_next(l, SIZE_MAX);
	return run_listed(l, e);
}

int later_need(struct later *l, const struct region *r, struct cbtm_error *e)
{
	const struct program *p = l->work.p;
	for (uint32_t i = 0; i < r->operations; i++) {
		const struct cbtm_operation *op = &p->operation[r->first + i];
		for (unsigned in = 0; in < 8; in++) {
			uint32_t o = op->in[in] == CBTM_NONE ? CBTM_NONE : l->update[op->in[in]];
			if (o == CBTM_NONE)
				continue;
			if (op->kind == CBTM_OP_EMBED && in == 1)
				list_rows(l, o, tensor_of(p, op->in[0])->ids);
			else
				list_operation(l, o, SIZE_MAX);
		}
	}
	return run_listed(l, e);
}

/* What a region multiplies with: numbers of matrices. */
static double cost(const struct program *p, const struct region *r)
{
	double numbers = 0;
	for (uint32_t o = 0; o < r->operations; o++) {
		const struct cbtm_operation *op = &p->operation[r->first + o];
		if (r->class == CLASS_ROWS && op->kind == CBTM_OP_LINEAR)
			numbers += (double)p->tensor[op->in[1]].elements;
	}
	return numbers;
}

/* Task i of `tasks` of the region's and `listed` others, spread among each other. */
static int task_beside(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	struct later *l = arg;
	size_t all = l->tasks + l->listed, own = blocks(i * l->tasks, all);
	if (blocks((i + 1) * l->tasks, all) > own)
		return l->task(l->with, own, thread, e);
	return l->work.p->variant->update(&l->work, l->list[i - own], thread, e);
}

int run_beside(struct work *w, size_t n, update_function *task, struct cbtm_error *e)
{
	struct later *l = w->p->later;
	const struct program *p = w->p;
	if (!w->region || !later_pending(l) || host->pool_threads(host->pool()) < 2)
		return host->pool_run(host->pool(), n, task, w, e);
	double here = cost(p, w->region), all = 0;
	for (const struct region *r = w->region; r < &p->region[p->start[CBTM_FORWARD + 1]]; r++)
		all += cost(p, r);
	list_next(l, all > 0 ? (size_t)((double)l->left * here / all) : 0);
	l->task = task;
	l->with = w;
	l->tasks = n;
	l->work.stride = 1;
	int status = host->pool_run(host->pool(), n + l->listed, task_beside, l, e);
	l->listed = 0;
	return status;
}
