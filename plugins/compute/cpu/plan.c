/* SPDX-License-Identifier: MIT */
/*
 * Planning a program: in which forms each activation exists, regions, and where activations and
 * scratch lie. What is alive in the same region never overlaps; else memory is used again.
 */
#include "cpu.h"
#include <string.h>

/* ---------------------------------------------------------------- forms */

/* In which form an operation reads its i-th input; 0: it takes any. */
static unsigned form_read(const struct cbtm_operation *op, unsigned i)
{
	switch (op->kind) {
	case CBTM_OP_LINEAR:
	case CBTM_OP_GROUP_LINEAR:
		return i == 0 ? FORM_ROWS : FORM_F32;
	case CBTM_OP_LINEAR_INPUT:
	case CBTM_OP_GROUP_INPUT:
		return i == 0 ? FORM_ROWS : i == 2 ? 0 : FORM_F32;
	case CBTM_OP_LINEAR_WEIGHT:
	case CBTM_OP_GROUP_WEIGHT:
		return i < 2 ? FORM_PAIRS : FORM_F32;
	case CBTM_OP_DISPATCH: /* weighted rows are rounded once, behind the weight */
		return i == 0 && op->in[3] == CBTM_NONE ? FORM_ROWS : FORM_F32;
	case CBTM_OP_ATTENTION:
	case CBTM_OP_HEAD_SCORE:
	case CBTM_OP_HEAD_LOSS:
		return i == 0 ? FORM_ROWS : FORM_F32;
	case CBTM_OP_ATTENTION_GRADIENT:
		return i < 3 ? FORM_ROWS : FORM_F32;
	default:
		return FORM_F32;
	}
}

/* The output that an operation leaves in this form alone, for OP_FORMS to make the others of. */
static uint32_t incomplete_output(const struct cbtm_operation *op, unsigned *form)
{
	*form = FORM_F32;
	if (op->kind == CBTM_OP_EMBED)
		return op->out[0];
	if (op->kind == CBTM_OP_HEAD_LOSS)
		return op->out[1];
	*form = FORM_ROWS | FORM_F32;
	if (op->kind == CBTM_OP_ATTENTION || op->kind == CBTM_OP_ATTENTION_GRADIENT)
		return op->out[0];
	return CBTM_NONE;
}

static bool is_weight(const struct cbtm_operation *op, unsigned i)
{
	return i == 1 && (op->kind == CBTM_OP_LINEAR || op->kind == CBTM_OP_LINEAR_INPUT ||
	                  op->kind == CBTM_OP_HEAD_SCORE || op->kind == CBTM_OP_HEAD_LOSS ||
	                  op->kind == CBTM_OP_GROUP_LINEAR || op->kind == CBTM_OP_GROUP_INPUT);
}

static void plan_forms(struct program *p, const struct cbtm_list *list)
{
	uint32_t operations = list->start[CBTM_SECTIONS];
	for (uint32_t i = 0; i < p->tensors; i++) {
		struct tensor *t = &p->tensor[i];
		bool kept = t->role != CBTM_ROLE_ACTIVATION || t->element != CBTM_F32;
		t->forms = kept || !p->variant->mixed ? FORM_F32 : 0;
	}
	for (uint32_t o = 0; o < operations && p->variant->mixed; o++) {
		const struct cbtm_operation *op = &list->operation[o];
		for (unsigned i = 0; i < 8; i++)
			if (op->in[i] != CBTM_NONE && !is_weight(op, i))
				p->tensor[op->in[i]].forms |= form_read(op, i);
		unsigned form;
		uint32_t out = incomplete_output(op, &form);
		if (out != CBTM_NONE && form == FORM_F32)
			p->tensor[out].forms |= FORM_F32;
		else if (out != CBTM_NONE)
			p->tensor[out].forms |= FORM_ROWS;
	}
	for (uint32_t i = 0; i < p->tensors; i++) {
		struct tensor *t = &p->tensor[i];
		if (!t->forms) /* statistics, or what is read in any form */
			t->forms = t->columns < PACK_ROWS ? FORM_F32 : FORM_PAIRS;
	}
}

/* ---------------------------------------------------------------- operations and regions */

static const enum class classes[OP_COUNT] = {
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
	[CBTM_OP_ROUTE] = CLASS_ROUTE,
	[CBTM_OP_DISPATCH] = CLASS_GROUPS,
	[CBTM_OP_GROUP_LINEAR] = CLASS_GROUPS,
	[CBTM_OP_GROUP_INPUT] = CLASS_GROUPS,
	[CBTM_OP_GROUP_WEIGHT] = CLASS_WEIGHTS,
	[CBTM_OP_COMBINE] = CLASS_ROWS,
	[CBTM_OP_ROUTE_GRADIENT] = CLASS_ROWS,
	[OP_FORMS] = CLASS_ROWS,
};
/* Neighbours of these classes make one region: their operations are independent of each other, or
 * (ROWS, GROUPS) depend on each other row by row. */
static const bool joins[CLASS_COUNT] = { [CLASS_ROWS] = true,
	                                     [CLASS_GROUPS] = true,
	                                     [CLASS_WEIGHTS] = true,
	                                     [CLASS_SUMS] = true,
	                                     [CLASS_ADAMW] = true };

static bool by_rows(enum class class)
{
	return class == CLASS_ROWS || class == CLASS_GROUPS;
}

static void add_operation(struct program *p, unsigned section, const struct cbtm_operation *op)
{
	enum class class = classes[op->kind];
	struct region *last = p->regions > p->start[section] ? &p->region[p->regions - 1] : NULL;
	bool joined = last && last->class == class && joins[class];
	if (joined && class == CLASS_GROUPS)
		joined = load_of(&p->operation[last->first]) == load_of(op);
	if (joined)
		last->operations++;
	else
		p->region[p->regions++] = (struct region){ class, p->operations, 1, 0 };
	p->operation[p->operations++] = *op;
}

static void plan_regions(struct program *p, const struct cbtm_list *list)
{
	for (unsigned s = 0; s < CBTM_SECTIONS; s++) {
		p->start[s] = p->regions;
		for (uint32_t i = list->start[s]; i < list->start[s + 1]; i++) {
			unsigned form;
			uint32_t out = incomplete_output(&list->operation[i], &form);
			add_operation(p, s, &list->operation[i]);
			if (out == CBTM_NONE || !(p->tensor[out].forms & ~form))
				continue;
			struct cbtm_operation forms = { .kind = (enum cbtm_operation_kind)OP_FORMS };
			memset(forms.in, 0xFF, sizeof forms.in);
			memset(forms.out, 0xFF, sizeof forms.out);
			forms.out[0] = out;
			add_operation(p, s, &forms);
		}
	}
	p->start[CBTM_SECTIONS] = p->regions;
}

/* ---------------------------------------------------------------- lives */

/* Where a tensor is first and last used: operations and regions. */
struct life {
	uint32_t operation[2], region[2];
	uint32_t writer; /* region of the last writer so far */
	bool used;
};

static void live(struct life *l, uint32_t operation, uint32_t region)
{
	if (!l->used)
		*l = (struct life){ { operation, operation }, { region, region }, l->writer, true };
	l->operation[1] = operation;
	l->region[1] = region;
}

/* Fills lives, and finds which rows stay inside the region that makes them. */
static void plan_lives(struct program *p, struct life *life)
{
	for (uint32_t i = 0; i < p->tensors; i++) {
		p->tensor[i].local =
			p->tensor[i].role == CBTM_ROLE_ACTIVATION && p->tensor[i].forms & FORM_ROWS;
		life[i].writer = UINT32_MAX;
	}
	for (uint32_t r = 0; r < p->regions; r++)
		for (uint32_t n = 0; n < p->region[r].operations; n++) {
			uint32_t o = p->region[r].first + n;
			const struct cbtm_operation *op = &p->operation[o];
			for (unsigned i = 0; i < 8; i++) {
				if (op->in[i] == CBTM_NONE)
					continue;
				struct life *l = &life[op->in[i]];
				live(l, o, r);
				if (!by_rows(p->region[r].class) ||
				    (l->writer != r && form_read(op, i) == FORM_ROWS))
					p->tensor[op->in[i]].local &= form_read(op, i) != FORM_ROWS;
			}
			for (unsigned i = 0; i < 4; i++) {
				if (op->out[i] == CBTM_NONE)
					continue;
				live(&life[op->out[i]], o, r);
				life[op->out[i]].writer = r;
				if (!by_rows(p->region[r].class))
					p->tensor[op->out[i]].local = false;
			}
		}
}

/* ---------------------------------------------------------------- memory */

struct item {
	size_t size, offset;
	uint32_t first, last; /* alive, both included */
	size_t *to;           /* gets the offset */
};

/* First fit, the largest first; returns what all need together. `order`: room for n numbers. */
static size_t place_items(struct item *item, size_t n, size_t *order)
{
	size_t all = 0;
	for (size_t i = 1; i < n; i++) { /* stable: equal sizes stay in order */
		struct item moved = item[i];
		size_t j = i;
		for (; j && item[j - 1].size < moved.size; j--)
			item[j] = item[j - 1];
		item[j] = moved;
	}
	for (size_t i = 0; i < n; i++) {
		size_t at = 0, j = 0;
		for (; j < i; j++) { /* those placed already, by offset */
			const struct item *other = &item[order[j]];
			bool together = other->first <= item[i].last && item[i].first <= other->last;
			if (together && other->offset < at + item[i].size && at < other->offset + other->size)
				at = other->offset + other->size;
		}
		item[i].offset = at;
		for (j = i; j && item[order[j - 1]].offset > at; j--)
			order[j] = order[j - 1];
		order[j] = i;
		*item[i].to = at;
		all = at + item[i].size > all ? at + item[i].size : all;
	}
	return all;
}

static void grow(size_t *to, size_t n)
{
	if (*to < n)
		*to = n;
}

/* Floats of an operation's own scratch of a thread. */
static size_t thread_floats(const struct program *p, const struct cbtm_operation *op)
{
	bool mixed = p->variant->mixed;
	size_t panel = p->variant->panel;
	const struct tensor *first = tensor_of(p, op->in[0]), *second = tensor_of(p, op->in[1]);
	if (op->kind == CBTM_OP_ATTENTION || op->kind == CBTM_OP_ATTENTION_GRADIENT) {
		const struct tensor *qkv = op->kind == CBTM_OP_ATTENTION ? first : second;
		size_t padded = round_up(p->T, panel), size = qkv->columns / 3 / op->heads;
		size_t wide = round_up(size, panel);
		if (mixed)
			return BLOCK * (3 * (padded + 3 * LINE) + padded + wide) + 7 * padded * wide;
		return padded * (2 * size + 4 * wide) + 2 * BLOCK * (padded + 2 * panel);
	}
	if (op->kind == CBTM_OP_HEAD_SCORE || op->kind == CBTM_OP_HEAD_LOSS) {
		size_t wide = round_up(first->columns, panel), V = second->shape[0];
		size_t rows = mixed_head_rows(V, (size_t)p->batch * p->T);
		size_t turned = p->turned ? TURN_FLOATS : 0;
		size_t block = BLOCK * (SLICE_ROW * 3 / 2 + wide) + turned, weight = rows * wide / 2;
		if (mixed)
			return block > weight ? block : weight;
		return op->kind == CBTM_OP_HEAD_SCORE ? BLOCK * round_up(V, panel) : 0;
	}
	if (op->kind == CBTM_OP_LINEAR_INPUT || op->kind == CBTM_OP_GROUP_INPUT)
		return p->turned ? TURN_FLOATS : 0;
	bool weight = op->kind == CBTM_OP_LINEAR_WEIGHT || op->kind == CBTM_OP_GROUP_WEIGHT;
	if (weight && !mixed)
		return K_BLOCK * (WEIGHT_ROWS + round_up(second->columns, panel));
	return 0;
}

/* Floats of scratch that an operation adds to its region's. */
static size_t region_floats(const struct program *p, const struct cbtm_operation *op)
{
	size_t tokens = (size_t)p->batch * p->T, panel = p->variant->panel;
	const struct tensor *first = tensor_of(p, op->in[0]), *second = tensor_of(p, op->in[1]);
	if (op->kind == CBTM_OP_NORM_GRADIENT)
		return blocks(tokens, BLOCK) * 2 * first->columns;
	if (op->kind == CBTM_OP_DISPATCH)
		return p->tensor[op->out[0]].shape[0];
	if (op->kind != CBTM_OP_HEAD_LOSS)
		return 0;
	size_t V = second->shape[0], wide = round_up(V, panel);
	if (p->variant->mixed) {
		size_t rows = mixed_head_rows(V, tokens);
		return rows * wide / 2 + rows * (blocks(V, SLICE) + 1);
	}
	return head_rows(V, panel) * wide +
	       least(head_rows(V, panel), round_up(tokens, BLOCK)) * first->columns;
}

/* Sizes of a tensor's bf16 forms, and how they are laid out. */
static void shape_forms(struct tensor *t)
{
	size_t wide = round_up(t->columns, PACK_ROWS);
	size_t rows = round_up(t->elements / t->columns, BLOCK);
	t->stride = t->local ? wide + PACK_ROWS : wide;
	t->pair_panel = rows * PACK_ROWS;
}

/* Adds what lies in the threads' scratch, or in the program's memory, to item[*n ..]. Offsets are
 * numbers of floats, taken where later the pointers are. */
static void tensor_items(struct tensor *t, const struct life *l, struct item *item, size_t *n,
                         bool local)
{
	size_t rows = round_up(t->elements / t->columns, BLOCK), wide = t->stride;
	uint32_t first = local ? l->operation[0] : l->region[0];
	uint32_t last = local ? l->operation[1] : l->region[1];
	if (local) {
		if (t->local)
			item[(*n)++] =
				(struct item){ BLOCK * wide / 2 + LINE, 0, first, last, &t->local_offset };
		return;
	}
	if (t->role == CBTM_ROLE_ACTIVATION && t->element == CBTM_F32 && t->forms & FORM_F32)
		item[(*n)++] =
			(struct item){ round_up(t->elements + LINE, LINE), 0, first, last, &t->offset[0] };
	if (t->role != CBTM_ROLE_ACTIVATION)
		return;
	if (t->forms & FORM_ROWS && !t->local)
		item[(*n)++] = (struct item){ rows * wide / 2 + 2 * LINE, 0, first, last, &t->offset[1] };
	if (t->forms & FORM_PAIRS)
		item[(*n)++] = (struct item){ t->pair_panel / 2 * blocks(t->columns, PACK_ROWS), 0, first,
			                          last, &t->offset[2] };
}

static void plan_memory(struct program *p, const struct life *life, struct item *item,
                        size_t *order)
{
	size_t n = 0;
	for (uint32_t i = 0; i < p->tensors; i++) {
		shape_forms(&p->tensor[i]);
		tensor_items(&p->tensor[i], &life[i], item, &n, true);
	}
	p->local_floats = place_items(item, n, order);
	n = 0;
	for (uint32_t i = 0; i < p->tensors; i++)
		tensor_items(&p->tensor[i], &life[i], item, &n, false);
	for (uint32_t r = 0; r < p->regions; r++) {
		size_t floats = 0;
		for (uint32_t o = 0; o < p->region[r].operations; o++) {
			const struct cbtm_operation *op = &p->operation[p->region[r].first + o];
			floats += region_floats(p, op);
			grow(&p->thread_floats, thread_floats(p, op));
		}
		if (floats)
			item[n++] =
				(struct item){ round_up(floats + PADDING, LINE), 0, r, r, &p->region[r].scratch };
	}
	p->memory_floats = place_items(item, n, order);
	for (uint32_t i = 0; i < p->tensors && p->variant->mixed; i++)
		grow(&p->thread_floats, PACK_ROWS / 2 * round_up(p->tensor[i].columns, PACK_ROWS));
	p->thread_floats = round_up(p->local_floats + p->thread_floats + 8 * PADDING, PADDING);
}

int plan_make(struct program *p, const struct cbtm_list *list, struct cbtm_error *e)
{
	size_t most = (size_t)p->tensors * 3 + 2 * (size_t)list->start[CBTM_SECTIONS] + 1;
	struct life *life = take(p->tensors, sizeof *life, e);
	struct item *item = take(most, sizeof *item, e);
	size_t *order = take(most, sizeof *order, e);
	if (!e->name) {
		plan_forms(p, list);
		plan_regions(p, list);
		plan_lives(p, life);
		plan_memory(p, life, item, order);
	}
	host->release(life);
	host->release(item);
	host->release(order);
	return e->name;
}
