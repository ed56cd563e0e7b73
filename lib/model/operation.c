/* SPDX-License-Identifier: MIT */
#include "model/operation.h"
#include "base/error.h"
#include <ctype.h>
#include <string.h>

/* Rounding of fp32 sums over a row, and over all tokens. */
#define ROW 1e-5
#define TOKENS 1e-4
/*
 * A number rounded to bf16 is off by at most 2^-9 of itself, a term of a product of two by 2^-8. The
 * errors of a sum's terms have random signs, as have the terms: so the sum's error is about 2^-8 / 2
 * of a typical sum, and four times that at worst among thousands: 2^-7 of the largest.
 */
#define BF16 (1.0 / 128)

static const struct {
	const char *name, *inputs, *outputs;
} texts[CBTM_OP_COUNT] = {
#define TEXTS(name, text, inputs, outputs) [CBTM_OP_##name] = { text, inputs, outputs },
	CBTM_OPERATIONS(TEXTS)
#undef TEXTS
};

static const struct {
	const char *shapes;
	double tolerance;
	unsigned products; /* for bf16: that stand behind each other, before an exponential twofold */
} rows[CBTM_OP_COUNT] = {
	[CBTM_OP_EMBED] = { "u:N V,d P,d N,d", 1e-6 },
	[CBTM_OP_EMBED_GRADIENT] = { "u:N N,d V,d P,d", ROW },
	[CBTM_OP_NORM] = { "N,d d d N,d N,2", ROW },
	[CBTM_OP_NORM_GRADIENT] = { "N,d N,d d N,2 N,d N,d d d", TOKENS },
	[CBTM_OP_LINEAR] = { "N,k n,k n N,n N,n N,n", ROW, 1 },
	[CBTM_OP_LINEAR_INPUT] = { "N,n n,k N,k N,k", ROW, 1 },
	[CBTM_OP_LINEAR_WEIGHT] = { "N,n N,k n,k n", TOKENS, 1 },
	[CBTM_OP_DROPOUT] = { "N,d N,d", 1e-6 },
	[CBTM_OP_ATTENTION] = { "N,q u:N N,d l", ROW, 2 },
	[CBTM_OP_ATTENTION_GRADIENT] = { "N,d N,q N,d l u:N N,q", TOKENS, 3 },
	[CBTM_OP_HEAD_SCORE] = { "N,d V,d u:N N", ROW, 1 },
	[CBTM_OP_HEAD_LOSS] = { "N,d V,d u:N f:2 N,d V,d", TOKENS, 4 },
	[CBTM_OP_SQUARE_SUM] = { "* f:s", 1e-6 },
	[CBTM_OP_CLIP] = { "f:s f:1 1", 1e-6 },
	[CBTM_OP_ADAMW] = { "1 * * * *", ROW },
	[CBTM_OP_ROUTE] = { "N,E N,E N,K u:N,K f:E,5", ROW },
	[CBTM_OP_DISPATCH] = { "N,d u:N,K f:E,5 N,K R,d", 1e-6, 1 },
	[CBTM_OP_GROUP_LINEAR] = { "R,k E,n,k E,n f:E,5 R,n R,n", ROW, 1 },
	[CBTM_OP_GROUP_INPUT] = { "R,d E,d,n R,n f:E,5 R,n", ROW, 1 },
	[CBTM_OP_GROUP_WEIGHT] = { "R,d R,n f:E,5 E,d,n E,d", TOKENS, 1 },
	[CBTM_OP_COMBINE] = { "R,d u:N,K N,K N,d N,d", ROW, 1 },
	[CBTM_OP_ROUTE_GRADIENT] = { "N,d R,d u:N,K N,E N,K f:E,5 N,E", TOKENS, 1 },
};

const char *operation_name(enum cbtm_operation_kind kind)
{
	return texts[kind].name;
}

double operation_tolerance(enum cbtm_operation_kind kind)
{
	return rows[kind].tolerance;
}

double operation_tolerance_bf16(enum cbtm_operation_kind kind)
{
	return rows[kind].products * BF16 > rows[kind].tolerance ? rows[kind].products * BF16
	                                                         : rows[kind].tolerance;
}

/* Copies the word at *text (up to a space), steps behind it; false at the end. */
static bool next_word(const char **text, char *word, size_t size)
{
	while (**text == ' ')
		(*text)++;
	size_t n = strcspn(*text, " ");
	if (!n || n >= size)
		return false;
	memcpy(word, *text, n);
	word[n] = 0;
	*text += n;
	return true;
}

size_t operation_slots(enum cbtm_operation_kind kind, struct operation_slot slot[OPERATION_SLOTS])
{
	const char *sides[2] = { texts[kind].inputs, texts[kind].outputs }, *shapes = rows[kind].shapes;
	size_t n = 0;
	for (int side = 0; side < 2; side++) {
		const char *text = sides[side];
		while (n < OPERATION_SLOTS && next_word(&text, slot[n].name, sizeof slot[n].name)) {
			struct operation_slot *s = &slot[n++];
			s->output = side == 1;
			s->optional = strchr(s->name, '?') != NULL;
			s->changed = strchr(s->name, '+') != NULL;
			s->name[strcspn(s->name, "?+")] = 0;
			next_word(&shapes, s->shape, sizeof s->shape);
		}
	}
	return n;
}

/* Binds or compares one dimension. */
static bool size_fits(char letter, uint64_t size, const struct cbtm_list *l,
                      const struct cbtm_operation *o, uint64_t bound[128])
{
	uint64_t tokens = (uint64_t)l->batch * l->length;
	if (letter == 'N')
		return size == tokens;
	if (letter == 'l')
		return size == tokens * o->heads;
	if (isdigit((unsigned char)letter))
		return size == (uint64_t)(letter - '0');
	uint64_t *b = &bound[(unsigned char)letter];
	if (!*b)
		*b = size;
	return *b == size;
}

static bool tensor_fits(const char *shape, const struct cbtm_tensor *t, const struct cbtm_list *l,
                        const struct cbtm_operation *o, uint64_t bound[128])
{
	enum cbtm_element element = CBTM_F32;
	if (shape[1] == ':') {
		element = shape[0] == 'u' ? CBTM_U32 : CBTM_F64;
		shape += 2;
	}
	if (t->element != element)
		return false;
	uint64_t rest = tensor_elements(t);
	uint32_t last = t->rank - 1;
	for (size_t i = strlen(shape) - 1; i > 0;
	     i -= 2, last--) { /* "E,n,k": k, n, then what is left */
		if (!last || !size_fits(shape[i], t->shape[last], l, o, bound))
			return false;
		rest /= t->shape[last];
	}
	return size_fits(shape[0], rest, l, o, bound);
}

/* What is between the sizes of an operation; NULL or what is wrong. */
static const char *sizes_disagree(const struct cbtm_operation *o, const struct cbtm_list *l,
                                  const uint64_t bound[128])
{
	uint64_t tokens = (uint64_t)l->batch * l->length;
	if (bound['q'] && (bound['q'] != 3 * bound['d'] || !o->heads || bound['d'] % o->heads))
		return "the heads do not divide the width";
	if (o->kind == CBTM_OP_EMBED && bound['P'] < l->length)
		return "fewer positions than tokens";
	if (o->kind == CBTM_OP_SQUARE_SUM && o->number >= bound['s'])
		return "no sum of that number";
	if (bound['E'] > CBTM_EXPERTS || bound['K'] > CBTM_CHOICES ||
	    (bound['K'] > bound['E'] && bound['E']))
		return "too many experts, or more choices than experts";
	if (o->kind == CBTM_OP_DISPATCH && bound['R'] < cbtm_group_rows(tokens, bound['K'], bound['E']))
		return "fewer rows than choices may need";
	return NULL;
}

int operation_check(const struct cbtm_operation *o, const struct cbtm_list *l, struct cbtm_error *e)
{
	struct operation_slot slot[OPERATION_SLOTS];
	uint64_t bound[128] = { 0 };
	if ((unsigned)o->kind >= CBTM_OP_COUNT)
		return error_set(e, CBTM_ERR_INTERNAL, NULL, "an operation of no known kind");
	size_t n = operation_slots(o->kind, slot), inputs = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t t = slot[i].output ? o->out[i - inputs] : o->in[i];
		inputs += !slot[i].output;
		if (t == CBTM_NONE && slot[i].optional)
			continue;
		if (t >= l->tensors || !tensor_fits(slot[i].shape, &l->tensor[t], l, o, bound))
			return error_set(e, CBTM_ERR_INTERNAL, operation_name(o->kind),
			                 "the slot %s is bound to no tensor of its shape %s (%s)", slot[i].name,
			                 slot[i].shape, t < l->tensors ? l->tensor[t].name : "none");
	}
	const char *wrong = sizes_disagree(o, l, bound);
	return wrong ? error_set(e, CBTM_ERR_INTERNAL, operation_name(o->kind), "%s", wrong) : 0;
}
