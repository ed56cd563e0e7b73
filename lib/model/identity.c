/* SPDX-License-Identifier: MIT */
#include "model/identity.h"
#include "base/error.h"
#include "base/json.h"
#include "base/param.h"
#include "model/checkpoint.h"
#include "model/parameter.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The members that say how long a run is, not what it does in a step. */
static const char *const extent[] = { "end", "steps", "cooldown", "cooldown_shape" };
static const char *const schedules[] = { "constant", "linear", "cosine" };
static const char *const shapes[] = { "linear", "1-sqrt" };

/* ---------------------------------------------------------------- printing */

static int text(struct buffer *b, const char *key, const char *v, struct cbtm_error *e)
{
	return json_put_key(b, key, e) ? (int)e->name : json_put_string(b, v, strlen(v), e);
}

static int put_compute(const struct training *t, struct buffer *b, struct cbtm_error *e)
{
	const struct cbtm_plugin *p = &t->compute->plugin;
	char name[160];
	snprintf(name, sizeof name, "%s %u", p->name, p->version);
	if (text(b, "compute", name, e))
		return e->name;
	for (const struct cbtm_param *row = t->compute_options ? p->params : NULL; row && row->name;
	     row++) {
		struct buffer v = { 0 };
		if (row->flags & CBTM_PARAM_NO_RESULT)
			continue;
		snprintf(name, sizeof name, "compute_%s", row->name);
		if (!param_print(row, t->compute_options, &v, e))
			text(b, name, v.data ? v.data : "", e);
		buffer_free(&v);
	}
	return e->name;
}

static int put_numbers(const struct training *t, struct buffer *b, struct cbtm_error *e)
{
	const struct {
		const char *key;
		double v;
	} reals[] = { { "lr", t->plan.lr },
		          { "beta1", t->beta1 },
		          { "beta2", t->beta2 },
		          { "epsilon", t->epsilon },
		          { "weight_decay", t->weight_decay },
		          { "clip", t->clip },
		          { "capacity_factor", t->capacity_factor },
		          { "balance_loss", t->balance_loss },
		          { "dropout", t->dropout },
		          { "attention_dropout", t->attention_dropout },
		          { "embedding_dropout", t->embedding_dropout } };
	const struct {
		const char *key;
		uint64_t v;
	} counts[] = { { "steps", t->plan.steps },        { "batch", t->plan.batch },
		           { "warmup", t->plan.warmup },      { "cooldown", t->plan.cooldown },
		           { "length", t->length },           { "micro_batch", t->micro_batch },
		           { "random_seed", t->random_seed }, { "log_every", t->log_every },
		           { "valid_every", t->valid_every } };
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		if (json_put_key(b, counts[i].key, e) || json_put_u64(b, counts[i].v, e))
			return e->name;
	for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++)
		if (json_put_key(b, reals[i].key, e) || json_put_f64(b, reals[i].v, e))
			return e->name;
	/* Mixtures without the curve of their balance were made once. */
	if (t->config.moe.experts && text(b, "balance_curve", "published", e))
		return e->name;
	if (text(b, "schedule", schedules[t->plan.schedule], e))
		return e->name;
	/* Of a run that makes all its steps there is no more to say. */
	if (t->plan.cut && (json_put_key(b, extent[0], e) || json_put_u64(b, t->plan.cut, e)))
		return e->name;
	return text(b, "cooldown_shape", shapes[t->plan.shape], e);
}

static int put_column(struct buffer *b, const char *key, const struct store *s, const char *column,
                      struct cbtm_error *e)
{
	struct store_column_info info;
	char hex[DIGEST_HEX] = "none";
	if (store_column_find(s, column, &info) && info.rows)
		digest_hex(info.content, hex);
	return text(b, key, hex, e);
}

/* The digest of the parameters that a run begins from: nothing else of their checkpoint decides a step. */
static int start_digest(const struct store *s, char hex[DIGEST_HEX], struct cbtm_error *e)
{
	struct digest_stream *d = digest_begin(e);
	struct model_config c;
	struct parameter *p = NULL;
	size_t n = 0;
	if (d && !checkpoint_config(s, &c, e))
		p = parameters_make(&c, &n, e);
	for (size_t i = 0; p && i < n; i++) {
		struct store_column_info info;
		if (!store_column_find(s, p[i].name, &info)) {
			error_set(e, CBTM_ERR_BAD_STORE, store_path(s), "it has no tensor \"%s\"", p[i].name);
			break;
		}
		digest_text(d, p[i].name);
		digest_u64(d, info.content.high);
		digest_u64(d, info.content.low);
	}
	if (!e->name)
		digest_hex(digest_now(d), hex);
	digest_end(d);
	free(p);
	return e->name;
}

static int put_start(const struct training *t, struct buffer *b, struct cbtm_error *e)
{
	struct store *s = NULL;
	char hex[DIGEST_HEX] = "fresh";
	if (t->start && !dataset_part(t->start, 0, &s, e))
		start_digest(s, hex, e);
	store_close(s);
	return e->name ? (int)e->name : text(b, "start", hex, e);
}

int identity_print(const struct training *t, const struct store *sequences, struct buffer *out,
                   struct cbtm_error *e)
{
	if (json_put_open(out, '{', e) || put_compute(t, out, e) || json_put_key(out, "model", e) ||
	    model_config_print(&t->config, out, e) || put_numbers(t, out, e) ||
	    put_column(out, "sequences", sequences, "ids", e) ||
	    put_column(out, "valid", sequences, "valid", e) || put_start(t, out, e))
		return e->name;
	return json_put_close(out, '}', e);
}

/* ---------------------------------------------------------------- comparing */

static bool is_extent(const char *key, size_t n)
{
	for (size_t i = 0; i < sizeof extent / sizeof extent[0]; i++)
		if (strlen(extent[i]) == n && !memcmp(extent[i], key, n))
			return true;
	return false;
}

static bool is_end(const char *key, size_t n)
{
	return n == strlen(extent[0]) && !memcmp(extent[0], key, n);
}

static bool find(struct json object, const char *key, size_t n, struct json *v)
{
	size_t cursor = 0, length;
	const char *name;
	while (json_next(object, &cursor, &name, &length, v))
		if (length == n && !memcmp(name, key, n))
			return true;
	return false;
}

/* A value as people read it; "nothing" if it is not there. */
static int shown(struct json *v, struct buffer *b, struct cbtm_error *e)
{
	buffer_clear(b);
	return v ? json_print(*v, b, e) : buffer_text(b, "nothing", e);
}

static int note(struct identity_difference *d, const char *above, const char *key, size_t n,
                struct json *there, struct json *here, struct cbtm_error *e)
{
	struct buffer a = { 0 }, b = { 0 };
	size_t used = strlen(d->text);
	if (!shown(there, &a, e) && !shown(here, &b, e) && strcmp(a.data, b.data) != 0) {
		d->in_extent = d->in_extent && !*above && is_extent(key, n);
		d->in_end = d->in_end && !*above && is_end(key, n);
		snprintf(d->text + used, sizeof d->text - used, "%s%s%s%.*s: %s there, %s here",
		         d->n++ ? "; " : "", above, *above ? "." : "", (int)n, key, a.data, b.data);
	}
	buffer_free(&a);
	buffer_free(&b);
	return e->name;
}

/* Members of `from` that `other` has otherwise, or not; if `missing`, only the latter. */
static int walk(struct identity_difference *d, struct json from, struct json other, bool missing,
                const char *above, struct cbtm_error *e)
{
	size_t cursor = 0, n;
	const char *key;
	struct json v, w;
	while (!e->name && json_next(from, &cursor, &key, &n, &v)) {
		bool found = find(other, key, n, &w);
		if (found && json_type(v) == JSON_OBJECT && json_type(w) == JSON_OBJECT && !*above)
			walk(d, v, w, missing, "model", e);
		else if (missing && !found)
			note(d, above, key, n, NULL, &v, e);
		else if (!missing)
			note(d, above, key, n, &v, found ? &w : NULL, e);
	}
	return e->name;
}

static bool is_constant(struct json v)
{
	struct json schedule;
	const char *s;
	size_t n;
	return json_member(v, "schedule", &schedule) && json_string(schedule, &s, &n) &&
	       n == strlen("constant") && !memcmp(s, "constant", n);
}

int identity_compare(const char *there, const char *here, const char *where,
                     struct identity_difference *d, struct cbtm_error *e)
{
	struct json_parser *p = json_parser_new(e), *q = json_parser_new(e);
	struct json a, b, v;
	uint64_t cooldown = 0;
	*d = (struct identity_difference){ .in_extent = true, .in_end = true };
	if (!p || !q || json_parse(p, there, strlen(there), where, &a, e) ||
	    json_parse(q, here, strlen(here), where, &b, e))
		goto done;
	if (json_type(a) != JSON_OBJECT) {
		error_set(e, CBTM_ERR_BAD_STORE, where, "its fact \"" IDENTITY_FACT "\" is no object");
		goto done;
	}
	d->constant = is_constant(a) && is_constant(b);
	if (json_member(a, "steps", &v) && json_u64(v, &d->end) && d->constant &&
	    json_member(a, "cooldown", &v) && json_u64(v, &cooldown) && cooldown <= d->end)
		d->stable = d->end - cooldown;
	if (json_member(a, extent[0], &v))
		json_u64(v, &d->end);
	if (d->stable > d->end)
		d->stable = d->end;
	if (!walk(d, a, b, false, "", e))
		walk(d, b, a, true, "", e);
done:
	json_parser_free(p);
	json_parser_free(q);
	return e->name;
}

int identity_family(const char *identity, bool whole, bool best, char family[17],
                    struct cbtm_error *e)
{
	struct json_parser *p = json_parser_new(e);
	struct digest_stream *s = digest_begin(e);
	struct buffer value = { 0 };
	struct json root, v;
	size_t cursor = 0, n;
	const char *key;
	char hex[DIGEST_HEX];
	if (p && s && !json_parse(p, identity, strlen(identity), "", &root, e))
		while (!e->name && json_next(root, &cursor, &key, &n, &v)) {
			if ((whole ? is_end(key, n) : is_extent(key, n)) || shown(&v, &value, e))
				continue;
			digest_field(s, key, n);
			digest_field(s, value.data, value.n);
		}
	if (!e->name) {
		digest_u64(s, best);
		digest_hex(digest_now(s), hex);
		memcpy(family, hex, 16);
		family[16] = 0;
	}
	buffer_free(&value);
	digest_end(s);
	json_parser_free(p);
	return e->name;
}
