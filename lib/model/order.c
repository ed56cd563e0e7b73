/* SPDX-License-Identifier: MIT */
#include "model/order.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include <stdlib.h>

struct keyed {
	uint64_t key;
	uint32_t index;
};

struct order {
	struct store_reader *reader;
	struct random_key random;
	uint64_t rows, width;
	uint64_t pass,
		group;         /* what is in memory: the group's place in its pass; UINT64_MAX: nothing */
	uint32_t *ids;     /* a group, in stored order */
	struct keyed *row; /* place in the group -> row of the group */
	struct keyed *groups; /* place in the pass -> group; the last, shorter one stays last */
	const char *path;
};

static int compare_keyed(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* A permutation of 0 .. n-1 by keys of (pass, stream); the identity in the first pass. */
static void permute(const struct order *o, struct keyed *k, uint64_t n, uint64_t pass,
                    uint64_t stream)
{
	for (uint64_t i = 0; i < n; i++) {
		k[i].index = (uint32_t)i;
		k[i].key = pass ? random_u64(o->random, pass << 32 | stream, (uint32_t)i) : i;
	}
	qsort(k, n, sizeof *k, compare_keyed);
}

int order_open(const struct store *s, const char *column, uint64_t seed, struct order **order,
               struct cbtm_error *e)
{
	struct store_column_info info;
	if (!store_column_find(s, column, &info) || info.type != STORE_U32 || !info.width)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s), "there are no sequences in it");
	if (!info.rows)
		return error_set(e, CBTM_ERR_EMPTY_CORPUS, store_path(s),
		                 "there is not one whole sequence in it");
	struct order *o = mem_zeroed(1, sizeof *o, "the order of sequences", e);
	if (!o)
		return e->name;
	uint64_t group = info.rows < ORDER_GROUP ? info.rows : ORDER_GROUP;
	uint64_t groups = info.rows / ORDER_GROUP;
	size_t elements;
	o->rows = info.rows;
	o->width = info.width;
	o->pass = o->group = UINT64_MAX;
	o->random = random_key(seed, RANDOM_SHUFFLE);
	o->path = store_path(s);
	if (groups >= UINT32_MAX || !size_mul(group, info.width, &elements)) {
		error_set(e, CBTM_ERR_BAD_STORE, o->path, "it says that it has too many sequences");
	} else if (!store_reader_open(s, column, &o->reader, e)) {
		o->ids = mem_zeroed(elements, sizeof *o->ids, "a group of sequences", e);
		o->row = mem_zeroed(group, sizeof *o->row, "a group's order", e);
		o->groups = mem_zeroed(groups + 1, sizeof *o->groups, "the groups' order", e);
	}
	if (e->name)
		order_close(o);
	else
		*order = o;
	return e->name;
}

void order_close(struct order *o)
{
	if (!o)
		return;
	store_reader_close(o->reader);
	free(o->ids);
	free(o->row);
	free(o->groups);
	free(o);
}

uint64_t order_rows(const struct order *o)
{
	return o->rows;
}

uint64_t order_width(const struct order *o)
{
	return o->width;
}

int order_read(struct order *o, uint64_t i, const uint32_t **ids, struct cbtm_error *e)
{
	uint64_t pass = i / o->rows, place = i % o->rows, group = place / ORDER_GROUP;
	uint64_t full = o->rows / ORDER_GROUP;
	if (pass != o->pass) {
		permute(o, o->groups, full, pass, UINT32_MAX);
		o->groups[full].index = (uint32_t)full;
		o->group = UINT64_MAX;
		o->pass = pass;
	}
	if (group != o->group) {
		uint64_t stored = o->groups[group].index, first = stored * ORDER_GROUP;
		uint64_t n = o->rows - first < ORDER_GROUP ? o->rows - first : ORDER_GROUP;
		o->group = UINT64_MAX; /* until it is whole */
		if (store_read_rows(o->reader, first, n, o->ids, e))
			return e->name;
		permute(o, o->row, n, pass, stored);
		o->group = group;
	}
	*ids = o->ids + (size_t)o->row[place % ORDER_GROUP].index * o->width;
	return 0;
}
