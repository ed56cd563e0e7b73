/* SPDX-License-Identifier: MIT */
#include "stage/inputs.h"
#include "stage/declaration.h"
#include "stage/fingerprint.h"
#include <stdlib.h>
#include <string.h>

struct opened {
	const struct stage_input *input;
	struct dataset **dataset;
	size_t n;
	struct digest made; /* fingerprint of the part that is made only now: then dataset[0] is NULL */
	struct store *part; /* the one that stage_input_part opened */
	uint32_t part_number;
};
struct stage_inputs {
	struct arena *arena;
	const struct plugin_search *search;
	struct opened in[STAGE_INPUTS];
	size_t n;
	char vocabulary[64]; /* the digest that all agree on; "" before the first */
	const char *vocabulary_dir;
};

/* The kind that the dataset's task publishes; NULL if the task is unknown: then any will do. */
static const struct store_kind *kind_of(const struct cbtm_stage *stage, const char *dataset)
{
	const struct cbtm_stage *own[] = { stage, NULL };
	const struct stage_task *task = stage_find_task(own, dataset, NULL);

	if (!task)
		task = stage_find_task(stage_registry, dataset, NULL);
	return task ? store_kind_find(task->kind) : NULL;
}

/* Token ids mean something in one vocabulary only. */
static int check_vocabulary(struct stage_inputs *in, const struct dataset *d, struct cbtm_error *e)
{
	struct store *s;
	char text[sizeof in->vocabulary];

	if (!dataset_parts(d) || dataset_part(d, 0, &s, e))
		return e->name;
	if (store_get_text(s, "vocabulary", text, sizeof text)) {
		if (!*in->vocabulary) {
			memcpy(in->vocabulary, text, sizeof text);
			in->vocabulary_dir = dataset_dir(d);
		} else if (strcmp(in->vocabulary, text) != 0) {
			error_set(e, CBTM_ERR_BAD_DATA, dataset_dir(d),
			          "was made with vocabulary %s, but %s with %s", text, in->vocabulary_dir,
			          in->vocabulary);
			error_hint(e, "give datasets that were made with the same vocabulary");
		}
	}
	store_close(s);
	return e->name;
}

static int open_place(struct stage_inputs *in, const struct cbtm_stage *stage,
                      const struct stage_place *place, struct cbtm_error *e)
{
	const struct store_kind *kind = kind_of(stage, place->input->dataset);
	struct opened *o = &in->in[in->n];

	o->input = place->input;
	o->dataset = arena_take(in->arena, place->n * sizeof(struct dataset *), e);
	if (!o->dataset)
		return e->name;
	in->n++;
	o->n = place->n;
	for (size_t j = 0; place->dirs && j < o->n; j++)
		if (dataset_open(place->dirs[j], kind, &o->dataset[j], e) ||
		    check_vocabulary(in, o->dataset[j], e))
			return e->name;
	return 0;
}

int stage_inputs_open(const struct cbtm_stage *stage, const struct stage_place *places, size_t n,
                      const struct plugin_search *search, struct stage_inputs **inputs,
                      struct cbtm_error *e)
{
	struct stage_inputs *in = mem_zeroed(1, sizeof *in, "inputs", e);

	*inputs = in;
	if (!in)
		return e->name;
	in->search = search;
	in->arena = arena_new(e);
	for (size_t i = 0; in->arena && i < n; i++)
		if (open_place(in, stage, &places[i], e))
			break;
	return e->name;
}

void stage_inputs_close(struct stage_inputs *inputs)
{
	if (!inputs)
		return;
	for (size_t i = 0; i < inputs->n; i++) {
		struct opened *o = &inputs->in[i];
		store_close(o->part);
		for (size_t j = 0; j < o->n; j++)
			dataset_close(o->dataset[j]);
	}
	arena_free(inputs->arena);
	free(inputs);
}

int stage_inputs_parts(const struct stage_inputs *inputs, uint32_t *parts, struct cbtm_error *e)
{
	const struct dataset *first = NULL;

	*parts = 0;
	for (size_t i = 0; i < inputs->n; i++) {
		const struct opened *o = &inputs->in[i];
		if (o->input->how != READS_SAME_PART)
			continue;
		if (first && dataset_parts(o->dataset[0]) != *parts) {
			error_set(e, CBTM_ERR_BAD_DATA, dataset_dir(o->dataset[0]),
			          "has %u parts, but %s has %u", dataset_parts(o->dataset[0]),
			          dataset_dir(first), *parts);
			return error_hint(e, "give datasets that were made from the same corpus");
		}
		first = o->dataset[0];
		*parts = dataset_parts(first);
	}
	return 0;
}

int stage_inputs_digests(const struct stage_inputs *inputs, uint32_t part, struct arena *a,
                         struct digest **digests, const char ***names, size_t *n,
                         struct cbtm_error *e)
{
	size_t count = 0;

	for (size_t i = 0; i < inputs->n; i++)
		count += inputs->in[i].n;
	*n = 0;
	*digests = arena_take(a, (count + 1) * sizeof **digests, e);
	*names = arena_take(a, (count + 1) * sizeof **names, e);
	if (!*digests || !*names)
		return e->name;
	for (size_t i = 0; i < inputs->n; i++) {
		const struct opened *o = &inputs->in[i];
		for (size_t j = 0; j < o->n; j++, ++*n) {
			const struct dataset *d = o->dataset[j];
			(*digests)[*n] = !d                                 ? o->made
			                 : o->input->how == READS_SAME_PART ? dataset_part_fingerprint(d, part)
			                                                    : dataset_fingerprint(d);
			(*names)[*n] = stage_input_name(o->input, j, a, e);
			if (!(*names)[*n])
				return e->name;
		}
	}
	return 0;
}

const struct plugin_search *stage_inputs_search(const struct stage_inputs *inputs)
{
	return inputs->search;
}

struct arena *stage_inputs_arena(struct stage_inputs *inputs)
{
	return inputs->arena;
}

static struct opened *find_in(struct stage_inputs *inputs, const char *dataset)
{
	for (size_t i = 0; i < inputs->n; i++)
		if (!strcmp(inputs->in[i].input->dataset, dataset))
			return &inputs->in[i];
	return NULL;
}

static struct opened *find(struct stage_run *r, const char *dataset)
{
	return find_in(r->inputs, dataset);
}

void stage_inputs_made(struct stage_inputs *inputs, const char *dataset, struct digest fingerprint)
{
	struct opened *o = find_in(inputs, dataset);

	if (o)
		o->made = fingerprint;
}

struct dataset *stage_input(struct stage_run *r, const char *dataset)
{
	struct opened *o = find(r, dataset);

	return o ? o->dataset[0] : NULL;
}

struct dataset *stage_input_at(struct stage_run *r, const char *dataset, size_t j)
{
	struct opened *o = find(r, dataset);

	return o && j < o->n ? o->dataset[j] : NULL;
}

size_t stage_input_count(struct stage_run *r, const char *dataset)
{
	struct opened *o = find(r, dataset);

	return o ? o->n : 0;
}

int stage_input_part(struct stage_run *r, const char *dataset, struct store **s,
                     struct cbtm_error *e)
{
	struct opened *o = find(r, dataset);

	*s = NULL;
	if (!o || o->input->how != READS_SAME_PART)
		return error_set(e, CBTM_ERR_INTERNAL, dataset, "is no input of task %s by parts",
		                 r->task->name);
	if (o->part && o->part_number != r->part) {
		store_close(o->part);
		o->part = NULL;
	}
	if (!o->part && dataset_part(o->dataset[0], r->part, &o->part, e))
		return e->name;
	o->part_number = r->part;
	*s = o->part;
	return 0;
}
