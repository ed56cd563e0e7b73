/* SPDX-License-Identifier: MIT */
/* The plugin: tensors in double precision, and the loop over a section's operations. */
#include "reference.h"
#include <string.h>

static const struct cbtm_host *host;

static operation_function *const functions[CBTM_OP_COUNT] = {
	[CBTM_OP_EMBED] = embed,
	[CBTM_OP_EMBED_GRADIENT] = embed_gradient,
	[CBTM_OP_NORM] = norm,
	[CBTM_OP_NORM_GRADIENT] = norm_gradient,
	[CBTM_OP_LINEAR] = linear,
	[CBTM_OP_LINEAR_INPUT] = linear_input,
	[CBTM_OP_LINEAR_WEIGHT] = linear_weight,
	[CBTM_OP_DROPOUT] = dropout,
	[CBTM_OP_ATTENTION] = attention,
	[CBTM_OP_ATTENTION_GRADIENT] = attention_gradient,
	[CBTM_OP_HEAD_SCORE] = head_score,
	[CBTM_OP_HEAD_LOSS] = head_loss,
	[CBTM_OP_SQUARE_SUM] = square_sum,
	[CBTM_OP_CLIP] = clip,
	[CBTM_OP_ADAMW] = adamw,
	[CBTM_OP_ROUTE] = route,
	[CBTM_OP_DISPATCH] = dispatch,
	[CBTM_OP_GROUP_LINEAR] = group_linear,
	[CBTM_OP_GROUP_INPUT] = group_input,
	[CBTM_OP_GROUP_WEIGHT] = group_weight,
	[CBTM_OP_COMBINE] = combine,
	[CBTM_OP_ROUTE_GRADIENT] = route_gradient,
};

struct tensor {
	enum cbtm_element element;
	uint64_t shape[4], elements;
	double *number; /* F32, F64 */
	uint32_t *id;   /* U32 */
};

struct program {
	struct tensor *tensor;
	struct cbtm_operation *operation;
	uint32_t tensors, length, start[CBTM_SECTIONS + 1];
	double *scratch;
};

static void program_free(void *program)
{
	struct program *p = program;
	if (!p)
		return;
	for (uint32_t i = 0; p->tensor && i < p->tensors; i++) {
		host->release(p->tensor[i].number);
		host->release(p->tensor[i].id);
	}
	host->release(p->tensor);
	host->release(p->operation);
	host->release(p->scratch);
	host->release(p);
}

static void *take_zeroed(size_t n, size_t size, struct cbtm_error *e)
{
	void *p = host->take(n, size, e);
	if (p)
		memset(p, 0, n * size);
	return p;
}

static int tensor_make(struct tensor *t, const struct cbtm_tensor *from, struct cbtm_error *e)
{
	t->element = from->element;
	memcpy(t->shape, from->shape, sizeof t->shape);
	t->elements = from->shape[0] * from->shape[1] * from->shape[2] * from->shape[3];
	if (t->element == CBTM_U32)
		return !(t->id = take_zeroed(t->elements, sizeof *t->id, e));
	return !(t->number = take_zeroed(t->elements, sizeof *t->number, e));
}

static int compile(const void *options, const struct cbtm_list *list, void **program,
                   struct cbtm_error *e)
{
	(void)options;
	uint32_t operations = list->start[CBTM_SECTIONS];
	uint64_t largest = list->length;
	struct program *p = take_zeroed(1, sizeof *p, e);
	if (!p)
		return e->name;
	memcpy(p->start, list->start, sizeof p->start);
	p->length = list->length;
	p->tensors = list->tensors;
	p->tensor = take_zeroed(list->tensors + 1, sizeof *p->tensor, e);
	p->operation = take_zeroed(operations + 1, sizeof *p->operation, e);
	if (!p->tensor || !p->operation)
		goto failed;
	for (uint32_t i = 0; i < operations; i++) {
		p->operation[i] = list->operation[i];
		if ((unsigned)p->operation[i].kind >= CBTM_OP_COUNT) {
			host->error(e, CBTM_ERR_PLUGIN, "reference", "unknown operation");
			goto failed;
		}
	}
	for (uint32_t i = 0; i < list->tensors; i++) {
		if (tensor_make(&p->tensor[i], &list->tensor[i], e))
			goto failed;
		if (p->tensor[i].shape[0] > largest)
			largest = p->tensor[i].shape[0];
	}
	p->scratch = take_zeroed(largest, sizeof *p->scratch, e);
	if (!p->scratch)
		goto failed;
	*program = p;
	return 0;
failed:
	program_free(p);
	return e->name;
}

static int tensor_write(void *program, uint32_t tensor, const void *data, struct cbtm_error *e)
{
	(void)e;
	struct tensor *t = &((struct program *)program)->tensor[tensor];
	for (uint64_t i = 0; i < t->elements; i++)
		if (t->element == CBTM_U32)
			t->id[i] = ((const uint32_t *)data)[i];
		else if (t->element == CBTM_F32)
			t->number[i] = ((const float *)data)[i];
		else
			t->number[i] = ((const double *)data)[i];
	return 0;
}

static int tensor_read(void *program, uint32_t tensor, void *data, struct cbtm_error *e)
{
	(void)e;
	const struct tensor *t = &((struct program *)program)->tensor[tensor];
	for (uint64_t i = 0; i < t->elements; i++)
		if (t->element == CBTM_U32)
			((uint32_t *)data)[i] = t->id[i];
		else if (t->element == CBTM_F32)
			((float *)data)[i] = (float)t->number[i];
		else
			((double *)data)[i] = t->number[i];
	return 0;
}

static int run(void *program, enum cbtm_section section, const struct cbtm_scalars *scalars,
               struct cbtm_error *e)
{
	(void)e;
	struct program *p = program;
	for (uint32_t i = p->start[section]; i < p->start[section + 1]; i++) {
		const struct cbtm_operation *op = &p->operation[i];
		struct call c = { .op = op,
			              .scalars = scalars,
			              .T = p->length,
			              .sequences = scalars->sequences,
			              .rows = (size_t)scalars->sequences * p->length,
			              .scratch = p->scratch };
		for (int s = 0; s < 8; s++)
			if (op->in[s] != CBTM_NONE) {
				c.in[s] = p->tensor[op->in[s]].number;
				c.ids[s] = p->tensor[op->in[s]].id;
				c.shape_in[s] = p->tensor[op->in[s]].shape;
			}
		for (int s = 0; s < 4; s++)
			if (op->out[s] != CBTM_NONE) {
				c.out[s] = p->tensor[op->out[s]].number;
				c.out_ids[s] = p->tensor[op->out[s]].id;
				c.shape_out[s] = p->tensor[op->out[s]].shape;
			}
		functions[op->kind](&c);
	}
	return 0;
}

static const char *variant(const void *options)
{
	(void)options;
	return "double";
}

static int init(const struct cbtm_host *h, struct cbtm_error *e)
{
	(void)e;
	host = h;
	return 0;
}

extern const struct cbtm_compute cbtm_plugin;
CBTM_EXPORT const struct cbtm_compute cbtm_plugin = {
	.plugin = { .abi = CBTM_ABI,
	            .size = sizeof cbtm_plugin,
	            .kind = "compute",
	            .name = "reference",
	            .version = 1,
	            .description = "every operation as its equation stands, in double precision; slow",
	            .init = init },
	.compile = compile,
	.free = program_free,
	.write = tensor_write,
	.read = tensor_read,
	.run = run,
	.variant = variant,
};
