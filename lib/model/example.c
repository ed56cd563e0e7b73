/* SPDX-License-Identifier: MIT */
/* Examples of operations, made from the table alone (model/operation.h). */
#include "base/random.h"
#include "model/operation.h"
#include <string.h>

static uint64_t letter_size(char letter, const struct example_size *s)
{
	switch (letter) {
	case 'V':
		return s->vocabulary;
	case 'P':
		return s->length + 3; /* more positions than tokens are fine */
	case 'd':
	case 'k':
		return s->width;
	case 'q':
		return 3 * s->width;
	case 'n':
		return s->ffn;
	case 's':
		return 5;
	case 'E':
		return s->heads + 2;
	case 'K':
		return 2;
	case 'R':
		return cbtm_group_rows((uint64_t)s->batch * s->length, letter_size('K', s),
		                       letter_size('E', s));
	default:
		return (uint64_t)(letter - '0');
	}
}

static uint32_t slot_tensor(struct list *l, const struct operation_slot *slot,
                            const struct example_size *s, struct cbtm_error *e)
{
	uint32_t t = list_find(l, slot->name), rank = 0;
	if (t != CBTM_NONE)
		return t;
	uint64_t shape[4];
	const char *p = slot->shape;
	enum cbtm_element element = CBTM_F32;
	if (p[1] == ':') {
		element = p[0] == 'u' ? CBTM_U32 : CBTM_F64;
		p += 2;
	}
	for (; *p; p++) {
		if (*p == 'N' || *p == 'l') {
			shape[rank++] = s->batch;
			if (*p == 'l')
				shape[rank++] = s->heads;
			shape[rank++] = s->length;
		} else if (*p == '*') {
			shape[rank++] = s->ffn;
			shape[rank++] = s->width;
		} else if (*p != ',') {
			shape[rank++] = letter_size(*p, s);
		}
	}
	enum cbtm_role role = slot->changed  ? CBTM_ROLE_GRADIENT
	                      : slot->output ? CBTM_ROLE_RESULT
	                                     : CBTM_ROLE_INPUT;
	return list_tensor(l, slot->name, role, element, rank, shape, e);
}

static int add_operation(struct list *l, enum cbtm_operation_kind kind, unsigned variant,
                         const struct example_size *s, struct cbtm_error *e)
{
	struct operation_slot slot[OPERATION_SLOTS];
	uint32_t tensor[OPERATION_SLOTS], flags = 0;
	size_t n = operation_slots(kind, slot);
	for (size_t i = 0; i < n; i++) {
		tensor[i] = CBTM_NONE;
		if (slot[i].optional && !(variant & EXAMPLE_OPTIONAL))
			continue;
		tensor[i] = slot_tensor(l, &slot[i], s, e);
		if (tensor[i] == CBTM_NONE)
			return e->name;
	}
	if (variant & EXAMPLE_FLAGS)
		flags = CBTM_DROPOUT | CBTM_DECAY | CBTM_PADDING | (variant & EXAMPLE_GELU ? 0 : CBTM_RELU);
	if (variant & EXAMPLE_GELU)
		flags |= CBTM_GELU;
	struct cbtm_operation *o = list_add(l, kind, flags, tensor, e);
	if (!o)
		return e->name;
	o->heads = (uint32_t)s->heads;
	o->number = 3;
	o->epsilon = 1e-5;
	return 0;
}

bool example_exists(enum cbtm_operation_kind kind, unsigned variant)
{
	if (!(variant & EXAMPLE_GELU))
		return true;
	if (kind == CBTM_OP_LINEAR_INPUT || kind == CBTM_OP_GROUP_INPUT)
		return variant & EXAMPLE_OPTIONAL;
	return kind == CBTM_OP_LINEAR || kind == CBTM_OP_GROUP_LINEAR;
}

/* What makes an operation's inputs consistent, in this order. */
static const struct {
	enum cbtm_operation_kind kind, first;
} before[] = {
	{ CBTM_OP_NORM_GRADIENT, CBTM_OP_NORM },    { CBTM_OP_ATTENTION_GRADIENT, CBTM_OP_ATTENTION },
	{ CBTM_OP_DISPATCH, CBTM_OP_ROUTE },        { CBTM_OP_GROUP_LINEAR, CBTM_OP_ROUTE },
	{ CBTM_OP_GROUP_LINEAR, CBTM_OP_DISPATCH }, { CBTM_OP_GROUP_INPUT, CBTM_OP_ROUTE },
	{ CBTM_OP_GROUP_INPUT, CBTM_OP_DISPATCH },  { CBTM_OP_GROUP_WEIGHT, CBTM_OP_ROUTE },
	{ CBTM_OP_GROUP_WEIGHT, CBTM_OP_DISPATCH }, { CBTM_OP_COMBINE, CBTM_OP_ROUTE },
	{ CBTM_OP_ROUTE_GRADIENT, CBTM_OP_ROUTE }
};

struct list *example_make(enum cbtm_operation_kind kind, unsigned variant,
                          const struct example_size *size, struct cbtm_error *e)
{
	struct list *l = list_new(size->batch, size->length, e);
	if (!l)
		return NULL;
	int status = 0;
	for (size_t i = 0; !status && i < sizeof before / sizeof before[0]; i++)
		if (before[i].kind == kind)
			status = add_operation(l, before[i].first, variant, size, e);
	if (!status)
		status = add_operation(l, kind, variant, size, e);
	if (status) {
		list_free(l);
		return NULL;
	}
	return l;
}

static uint32_t fill_id(const struct cbtm_tensor *t, const struct example_size *size,
                        struct random_key key, uint64_t i)
{
	if (!strcmp(t->name, "first"))
		return (uint32_t)random_below(key, i, 0, i % size->length + 1);
	if (!strcmp(t->name, "target") && i % 5 == 3)
		return CBTM_IGNORE;
	return (uint32_t)random_below(key, i, 0, size->vocabulary);
}

void example_fill(const struct cbtm_tensor *t, const struct example_size *size, uint64_t seed,
                  void *data)
{
	struct random_key key = random_key(seed, RANDOM_TEST);
	for (const char *c = t->name; *c; c++)
		seed = seed * 31 + (unsigned char)*c;
	key = random_key(seed, RANDOM_TEST);
	for (uint64_t i = 0; i < tensor_elements(t); i++) {
		double x = t->element == CBTM_U32 ? 0 : random_normal(key, i, 0);
		if (!strcmp(t->name, "v") || t->element == CBTM_F64)
			x *= x;
		if (!strcmp(t->name, "scale"))
			x = 0.7;
		if (t->element == CBTM_U32)
			((uint32_t *)data)[i] = fill_id(t, size, key, i);
		else if (t->element == CBTM_F64)
			((double *)data)[i] = x;
		else
			((float *)data)[i] = (float)x;
	}
}

double example_flops(enum cbtm_operation_kind kind, const struct example_size *s)
{
	double n = (double)s->sequences * s->length, d = (double)s->width;
	double causal = n * d * ((double)s->length + 1); /* one product, half of the pairs */
	switch (kind) {
	case CBTM_OP_LINEAR:
	case CBTM_OP_LINEAR_INPUT:
	case CBTM_OP_LINEAR_WEIGHT:
		return 2 * n * d * (double)s->ffn;
	case CBTM_OP_GROUP_LINEAR:
	case CBTM_OP_GROUP_INPUT:
	case CBTM_OP_GROUP_WEIGHT:
		return 2 * n * d * (double)s->ffn * (double)letter_size('K', s);
	case CBTM_OP_ATTENTION:
		return 2 * causal;
	case CBTM_OP_ATTENTION_GRADIENT:
		return 7 * causal; /* with the attention that stands before it */
	case CBTM_OP_HEAD_SCORE:
		return 2 * n * d * (double)s->vocabulary;
	case CBTM_OP_HEAD_LOSS:
		return 6 * n * d * (double)s->vocabulary;
	default:
		return n * d;
	}
}

struct cbtm_scalars example_scalars(const struct example_size *size)
{
	return (struct cbtm_scalars){ .sequences = size->sequences,
		                          .dropout_key = { 123, 456 },
		                          .dropout = 0.25,
		                          .dropout_attention = 0.375,
		                          .dropout_embedding = 0.5,
		                          .loss_scale = 0.125,
		                          .step = 3,
		                          .lr = 0.01,
		                          .beta1 = 0.9,
		                          .beta2 = 0.95,
		                          .epsilon = 1e-8,
		                          .weight_decay = 0.1,
		                          .clip = 1,
		                          .capacity_factor = 1.5,
		                          .balance = 0.5 };
}
