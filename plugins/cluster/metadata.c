/* SPDX-License-Identifier: MIT */
/*
 * Clusters by a field of the documents' metadata: its k most frequent values in the fitted
 * documents, a cluster each (most frequent first, ties bytewise). Documents of other values, or
 * without the field, are spread over the clusters by their keys. Fewer than k values is an error.
 */
#include <cbtm/cluster.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cbtm_host *host;

struct options {
	const char *field;
};
static const struct cbtm_param params[] = { { .name = "field",
	                                          .type = CBTM_PARAM_TEXT,
	                                          .offset = offsetof(struct options, field),
	                                          .default_text = "domain",
	                                          .help =
	                                              "member of meta whose values make the clusters" },
	                                        CBTM_PARAM_END };

/* A value as it stands in the JSON text: a string with its quotes, a number, a word. n = 0: none. */
struct value {
	const char *s;
	size_t n;
	size_t count;
};

struct state {
	size_t k;
	uint64_t *offset; /* k + 1 */
	char *text;       /* values, one behind the other */
};

static int init(const struct cbtm_host *table, struct cbtm_error *e)
{
	(void)e;
	host = table;
	return 0;
}

static void drop(void *p)
{
	struct state *s = p;
	if (!s)
		return;
	host->release(s->text);
	host->release(s->offset);
	host->release(s);
}

/* The end of a string that starts at s[i], behind its closing quote. */
static size_t string_end(const char *s, size_t n, size_t i)
{
	for (i++; i < n && s[i] != '"'; i++)
		i += s[i] == '\\';
	return i < n ? i + 1 : n;
}

/* The first member of that name of a JSON object; names are compared as they are written. */
static struct value find_member(const char *s, size_t n, const char *name)
{
	size_t length = strlen(name), depth = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '{' || s[i] == '[') {
			depth++;
		} else if (s[i] == '}' || s[i] == ']') {
			depth--;
		} else if (s[i] == '"') {
			size_t end = string_end(s, n, i), colon = end + strspn(s + end, " \t\r\n");
			bool found = depth == 1 && colon < n && s[colon] == ':' && end - i == length + 2 &&
			             !memcmp(s + i + 1, name, length);
			if (found) {
				size_t at = colon + 1;
				while (at < n && strchr(" \t\r\n", s[at]))
					at++;
				size_t to = at;
				if (at < n && s[at] == '"')
					to = string_end(s, n, at);
				else
					while (to < n && !strchr(",}] \t\r\n", s[to]))
						to++;
				return (struct value){ s + at, to - at, 0 };
			}
			i = end - 1;
		}
	}
	return (struct value){ "", 0, 0 };
}

static int compare_text(const void *left, const void *right)
{
	const struct value *a = left, *b = right;
	size_t n = a->n < b->n ? a->n : b->n;
	int order = n ? memcmp(a->s, b->s, n) : 0;
	return order ? order : a->n < b->n ? -1 : a->n > b->n;
}

static int compare_count(const void *left, const void *right)
{
	const struct value *a = left, *b = right;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return compare_text(left, right);
}

/* Distinct values with their counts, most frequent first, in place; returns how many. */
static size_t count_values(struct value *value, size_t n)
{
	size_t distinct = 0;
	qsort(value, n, sizeof *value, compare_text);
	for (size_t i = 0; i < n; i++) {
		if (value[i].n == 0)
			continue;
		if (distinct == 0 || compare_text(&value[distinct - 1], &value[i]))
			value[distinct++] = (struct value){ value[i].s, value[i].n, 0 };
		value[distinct - 1].count++;
	}
	qsort(value, distinct, sizeof *value, compare_count);
	return distinct;
}

static struct state *make(const struct value *value, size_t k, struct cbtm_error *e)
{
	struct state *s = host->take(1, sizeof *s, e);
	size_t bytes = 0;
	if (!s)
		return NULL;
	for (size_t j = 0; j < k; j++)
		bytes += value[j].n;
	s->k = k;
	s->offset = host->take(k + 1, sizeof *s->offset, e);
	s->text = host->take(bytes + 1, 1, e);
	if (e->name) {
		drop(s);
		return NULL;
	}
	s->offset[0] = 0;
	for (size_t j = 0; j < k; j++) {
		memcpy(s->text + s->offset[j], value[j].s, value[j].n);
		s->offset[j + 1] = s->offset[j] + value[j].n;
	}
	return s;
}

static int assign(const void *options, const void *state, const struct cbtm_points *points,
                  size_t k, uint64_t seed, uint32_t *cluster, struct cbtm_error *e)
{
	const struct options *o = options;
	const struct state *s = state;
	(void)e;
	for (size_t i = 0; i < points->n; i++) {
		const struct cbtm_document *d = &points->document[i];
		struct value v = find_member(d->meta, d->meta_size, o->field);
		size_t j = 0;
		while (j < s->k &&
		       (v.n != s->offset[j + 1] - s->offset[j] || memcmp(v.s, s->text + s->offset[j], v.n)))
			j++;
		if (j == s->k)
			j = (size_t)(host->random_unit(seed, 0, d->key, 0) * (double)k);
		cluster[i] = (uint32_t)j;
	}
	return 0;
}

static int fit(const void *options, const struct cbtm_points *points, size_t k, uint64_t seed,
               float *centre, int *centres_made, double *price, uint32_t *cluster, void **state,
               struct cbtm_fit_report *report, struct cbtm_error *e)
{
	const struct options *o = options;
	struct value *value = host->take(points->n, sizeof *value, e);
	char what[160];
	(void)centre, (void)report;
	*centres_made = 0;
	*state = NULL;
	if (!value)
		return e->name;
	for (size_t j = 0; j < k; j++)
		price[j] = 0;
	for (size_t i = 0; i < points->n; i++)
		value[i] = find_member(points->document[i].meta, points->document[i].meta_size, o->field);
	size_t distinct = count_values(value, points->n);
	if (distinct < k) {
		snprintf(what, sizeof what, "%zu clusters need as many values of meta.%.60s, there are %zu",
		         k, o->field, distinct);
		host->error(e, CBTM_ERR_TOO_MANY_CLUSTERS, "cluster.k", what);
	} else {
		*state = make(value, k, e);
	}
	host->release(value);
	return *state ? assign(options, *state, points, k, seed, cluster, e) : (int)e->name;
}

static int save(const void *state, struct cbtm_state_writer *w, struct cbtm_error *e)
{
	const struct state *s = state;
	if (host->state_put(w, "offsets", s->offset, s->k + 1, 1, "u64", e))
		return e->name;
	return host->state_put(w, "values", s->text, s->offset[s->k], 1, "u8", e);
}

static void *load(const void *options, struct cbtm_state_reader *r, struct cbtm_error *e)
{
	const void *offset, *text;
	size_t offsets, bytes, columns;
	(void)options;
	if (host->state_get(r, "offsets", "u64", &offset, &offsets, &columns, e) ||
	    host->state_get(r, "values", "u8", &text, &bytes, &columns, e))
		return NULL;
	const uint64_t *o = offset;
	bool fits = offsets > 0 && o[0] == 0 && o[offsets - 1] == bytes;
	for (size_t j = 0; fits && j + 1 < offsets; j++)
		fits = o[j] <= o[j + 1];
	struct state *s = fits ? host->take(1, sizeof *s, e) : NULL;
	if (!fits)
		host->error(e, CBTM_ERR_BAD_STORE, "offsets", "the values' offsets do not fit");
	if (!s)
		return NULL;
	s->k = offsets - 1;
	s->offset = host->take(offsets, sizeof *s->offset, e);
	s->text = host->take(bytes + 1, 1, e);
	if (e->name) {
		drop(s);
		return NULL;
	}
	memcpy(s->offset, offset, offsets * sizeof *s->offset);
	memcpy(s->text, text, bytes);
	return s;
}

CBTM_EXPORT const struct cbtm_cluster cbtm_plugin = {
	.plugin = { .abi = CBTM_ABI,
	            .size = sizeof cbtm_plugin,
	            .kind = "cluster",
	            .name = "metadata",
	            .version = 1,
	            .description =
	                "a cluster for each of the k most frequent values of a metadata field",
	            .params = params,
	            .options_size = sizeof(struct options),
	            .init = init },
	.fit = fit,
	.free = drop,
	.save = save,
	.load = load,
	.assign = assign,
};
