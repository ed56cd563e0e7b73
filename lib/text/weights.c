/* SPDX-License-Identifier: MIT */
#include "text/weights.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST 1000.0

struct tally {
	uint64_t seen, given; /* tokens */
	uint64_t documents;   /* given */
};

struct value {
	const char *text; /* n bytes, in the list; NULL: all others */
	size_t n;
	double weight;
	uint64_t documents; /* of all clusters, before weighing */
	struct tally *of;   /* clusters */
};

struct weights {
	const char *field;
	struct value *value;
	size_t n; /* the last one: all others */
	uint32_t clusters;
	struct json_parser *parser;
};

void weights_free(struct weights *w)
{
	if (!w)
		return;
	for (size_t i = 0; w->value && i < w->n; i++)
		free(w->value[i].of);
	free(w->value);
	json_parser_free(w->parser);
	free(w);
}

static int read_value(struct weights *w, size_t i, const char *text, struct cbtm_error *e)
{
	const char *equals = strrchr(text, '=');
	struct value *v = &w->value[i];

	if (!equals || equals == text ||
	    !number_parse_f64(equals + 1, strlen(equals + 1), &v->weight) || v->weight < 0 ||
	    v->weight > MOST)
		return error_set(e, CBTM_ERR_CONFIG, "weights",
		                 "\"%s\" is not VALUE=WEIGHT, a weight being 0 to 1000", text);
	v->text = text;
	v->n = (size_t)(equals - text);
	for (size_t j = 0; j < i; j++)
		if (w->value[j].n == v->n && !memcmp(w->value[j].text, text, v->n))
			return error_set(e, CBTM_ERR_CONFIG, "weights", "\"%.*s\" stands there twice",
			                 (int)v->n, text);
	return 0;
}

int weights_new(const char *field, const struct cbtm_texts *list, uint32_t clusters,
                struct weights **weights, struct cbtm_error *e)
{
	struct weights *w = *weights = mem_zeroed(1, sizeof *w, "weights", e);

	if (!w)
		return e->name;
	w->field = strncmp(field, "meta.", 5) ? field : field + 5;
	w->clusters = clusters;
	w->n = list->n + 1;
	w->parser = json_parser_new(e);
	w->value = mem_zeroed(w->n, sizeof *w->value, "weights", e);
	for (size_t i = 0; i < w->n && !e->name; i++) {
		w->value[i].weight = 1;
		w->value[i].of = mem_zeroed(clusters, sizeof(struct tally), "weights", e);
		if (i < list->n && !e->name)
			read_value(w, i, list->v[i], e);
	}
	if (e->name) {
		weights_free(w);
		*weights = NULL;
	}
	return e->name;
}

int weights_take(struct weights *w, const void *meta, size_t n, uint64_t tokens, uint32_t cluster,
                 uint64_t *copies, struct cbtm_error *e)
{
	struct value *v = &w->value[w->n - 1];
	struct tally *t;
	const char *text;
	struct json root, field;
	double missing;

	if (n && json_parse(w->parser, meta, n, "a document's metadata", &root, e))
		return e->name;
	if (n && json_at(root, w->field, &field) && json_string(field, &text, &n))
		for (size_t i = 0; i + 1 < w->n; i++)
			if (w->value[i].n == n && !memcmp(w->value[i].text, text, n))
				v = &w->value[i];
	t = &v->of[cluster];
	t->seen += tokens;
	missing = v->weight * (double)t->seen - (double)t->given;
	*copies = missing > 0 && tokens ? (uint64_t)(missing / (double)tokens + 0.5) : 0;
	t->given += *copies * tokens;
	t->documents += *copies;
	v->documents++;
	return 0;
}

/* Of one cluster, or of all (UINT32_MAX): tokens that the weights ask for, and those given. */
static double asked(const struct weights *w, const struct value *v, uint32_t cluster, double *given)
{
	double all = 0;

	*given = 0;
	for (uint32_t j = 0; j < w->clusters; j++)
		if (cluster == UINT32_MAX || cluster == j) {
			all += v->weight * (double)v->of[j].seen;
			*given += (double)v->of[j].given;
		}
	return all;
}

static void put_shares(const struct weights *w, const struct value *v, uint32_t cluster,
                       const char *target, const char *share, struct buffer *out,
                       struct cbtm_error *e)
{
	double all_asked = 0, all_given = 0, given, mine;

	for (size_t i = 0; i < w->n; i++) {
		all_asked += asked(w, &w->value[i], cluster, &given);
		all_given += given;
	}
	mine = asked(w, v, cluster, &given);
	json_put_key(out, target, e);
	json_put_f64(out, all_asked > 0 ? mine / all_asked : 0, e);
	json_put_key(out, share, e);
	json_put_f64(out, all_given > 0 ? given / all_given : 0, e);
}

int weights_report(const struct weights *w, uint32_t cluster, struct buffer *out,
                   struct cbtm_error *e)
{
	json_put_open(out, '{', e);
	json_put_key(out, "field", e);
	json_put_string(out, w->field, strlen(w->field), e);
	json_put_key(out, "sources", e);
	json_put_open(out, '[', e);
	for (size_t i = 0; i < w->n && !e->name; i++) {
		const struct value *v = &w->value[i];
		if (v->text && !v->documents)
			return error_set(e, CBTM_ERR_CONFIG, "weights",
			                 "no document of the split has \"%.*s\" as its %s", (int)v->n, v->text,
			                 w->field);
		json_put_open(out, '{', e);
		json_put_key(out, "value", e);
		if (v->text)
			json_put_string(out, v->text, v->n, e);
		else
			json_put_null(out, e);
		json_put_key(out, "weight", e);
		json_put_f64(out, v->weight, e);
		json_put_key(out, "documents", e);
		json_put_u64(out, v->of[cluster].documents, e);
		json_put_key(out, "tokens", e);
		json_put_u64(out, v->of[cluster].given, e);
		put_shares(w, v, cluster, "target", "share", out, e);
		put_shares(w, v, UINT32_MAX, "target_all", "share_all", out, e);
		json_put_close(out, '}', e);
	}
	json_put_close(out, ']', e);
	return json_put_close(out, '}', e);
}
