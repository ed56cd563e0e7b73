/* SPDX-License-Identifier: MIT */
#include "pipeline/record.h"
#include "base/file.h"
#include "base/json.h"
#include <stdlib.h>
#include <string.h>

#define LARGEST_RECORD (UINT64_C(1) << 28)

static const char *take_text(struct record *r, struct json v, struct cbtm_error *e)
{
	const char *s;
	size_t n;

	return json_string(v, &s, &n) ? arena_string(r->arena, s, n, e) : NULL;
}

/* One {"system", "name", "fingerprint", "causes": {...}}; what is not of that form is passed over. */
static int read_entry(struct record *r, struct json v, struct cbtm_error *e)
{
	struct record_entry *entry = arena_take(r->arena, sizeof *entry, e);
	struct json system, name, fingerprint, causes, value;
	struct stage_cause *cause;
	size_t cursor = 0, n;
	const char *key;

	if (!entry || !json_member(v, "system", &system) || !json_member(v, "name", &name) ||
	    !json_member(v, "fingerprint", &fingerprint) || !json_member(v, "causes", &causes))
		return e->name;
	cause = arena_take(r->arena, json_count(causes) * sizeof *cause, e);
	if (!cause)
		return e->name;
	while (json_next(causes, &cursor, &key, &n, &value)) {
		cause[entry->causes].name = arena_string(r->arena, key, n, e);
		cause[entry->causes].value = take_text(r, value, e);
		if (!cause[entry->causes].name || !cause[entry->causes].value)
			return e->name;
		entry->causes++;
	}
	entry->cause = cause;
	entry->system = take_text(r, system, e);
	entry->name = take_text(r, name, e);
	entry->fingerprint = take_text(r, fingerprint, e);
	if (!entry->system || !entry->name || !entry->fingerprint)
		return e->name;
	entry->next = r->first;
	r->first = entry;
	return 0;
}

int record_read(const char *path, struct record *r, struct cbtm_error *e)
{
	struct json_parser *parser = NULL;
	struct buffer text = { 0 };
	struct json root, tasks, v;
	size_t cursor = 0;

	*r = (struct record){ .arena = arena_new(e) };
	if (!r->arena || !file_exists(path))
		return e->name;
	parser = json_parser_new(e);
	if (!parser || file_read(path, LARGEST_RECORD, &text, e) ||
	    json_parse(parser, text.data ? text.data : "", text.n, path, &root, e))
		goto done;
	if (json_member(root, "tasks", &tasks))
		while (json_next(tasks, &cursor, NULL, NULL, &v))
			if (read_entry(r, v, e))
				break;
done:
	json_parser_free(parser);
	buffer_free(&text);
	return e->name;
}

void record_free(struct record *r)
{
	arena_free(r->arena);
	*r = (struct record){ 0 };
}

const struct record_entry *record_find(const struct record *r, const char *system, const char *name)
{
	for (const struct record_entry *entry = r->first; entry; entry = entry->next)
		if (!strcmp(entry->system, system) && !strcmp(entry->name, name))
			return entry;
	return NULL;
}

int record_set(struct record *r, const char *system, const struct graph_dataset *d,
               struct cbtm_error *e)
{
	struct record_entry *entry = (struct record_entry *)record_find(r, system, d->name);
	char hex[DIGEST_HEX];

	if (!entry) {
		entry = arena_take(r->arena, sizeof *entry, e);
		if (!entry)
			return e->name;
		entry->next = r->first;
		r->first = entry;
	}
	digest_hex(d->fingerprint, hex);
	entry->system = system;
	entry->name = d->name;
	entry->cause = d->cause;
	entry->causes = d->causes;
	entry->fingerprint = arena_string(r->arena, hex, strlen(hex), e);
	return e->name;
}

static int put_text(struct buffer *b, const char *key, const char *text, struct cbtm_error *e)
{
	if (json_put_key(b, key, e))
		return e->name;
	return json_put_string(b, text, strlen(text), e);
}

int record_write(const struct record *r, const char *path, struct cbtm_error *e)
{
	struct buffer b = { 0 };

	json_put_open(&b, '{', e);
	json_put_key(&b, "tasks", e);
	json_put_open(&b, '[', e);
	for (const struct record_entry *entry = r->first; entry && !e->name; entry = entry->next) {
		json_put_open(&b, '{', e);
		put_text(&b, "system", entry->system, e);
		put_text(&b, "name", entry->name, e);
		put_text(&b, "fingerprint", entry->fingerprint, e);
		json_put_key(&b, "causes", e);
		json_put_open(&b, '{', e);
		for (size_t i = 0; i < entry->causes && !e->name; i++)
			put_text(&b, entry->cause[i].name, entry->cause[i].value, e);
		json_put_close(&b, '}', e);
		json_put_close(&b, '}', e);
	}
	json_put_close(&b, ']', e);
	json_put_close(&b, '}', e);
	if (!e->name && !buffer_text(&b, "\n", e))
		file_replace(path, b.data, b.n, e);
	buffer_free(&b);
	return e->name;
}

static const char *value_of(const struct stage_cause *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, name))
			return list[i].value;
	return NULL;
}

static bool is_digest(const char *text)
{
	return strlen(text) == DIGEST_HEX - 1 && strspn(text, "0123456789abcdef") == DIGEST_HEX - 1;
}

static bool is_input(const char *name)
{
	return strncmp(name, "input.", 6) == 0;
}

/* One change as a phrase; a NULL value: it was not, or is no longer, among the causes. */
static int add_change(struct buffer *out, size_t *n, const char *name, const char *before,
                      const char *now, struct cbtm_error *e)
{
	const char *comma = (*n)++ ? ", " : "";

	if (before && now && is_digest(before) && is_digest(now))
		return buffer_printf(out, e, "%sthe file of %s changed", comma, name);
	return buffer_printf(out, e, "%s%s %.60s -> %.60s", comma, name, before ? before : "(none)",
	                     now ? now : "(none)");
}

static int add_changed_params(const struct record_entry *before, const struct graph_dataset *d,
                              struct buffer *out, size_t *n, struct cbtm_error *e)
{
	for (size_t i = 0; i < d->causes; i++) {
		const char *name = d->cause[i].name;
		const char *old = value_of(before->cause, before->causes, name);
		if (is_input(name) || (old && !strcmp(old, d->cause[i].value)))
			continue;
		if (add_change(out, n, name, old, d->cause[i].value, e))
			return e->name;
	}
	for (size_t i = 0; i < before->causes; i++) {
		const char *name = before->cause[i].name;
		if (!is_input(name) && !value_of(d->cause, d->causes, name) &&
		    add_change(out, n, name, before->cause[i].value, NULL, e))
			return e->name;
	}
	return 0;
}

/* The first word of "input.expert 3" without "input.", so that k experts are named once. */
static size_t input_word(const char *name, const char **word)
{
	*word = name + 6;
	return strcspn(*word, " ");
}

/* Names that are in `list`, and in `other` with another value or (absent) not at all. */
static int add_inputs(const struct stage_cause *list, size_t n_list,
                      const struct stage_cause *other, size_t n_other, bool absent,
                      const char *what, struct buffer *out, size_t *n, struct cbtm_error *e)
{
	const char *word, *last = "";
	size_t named = 0, length, last_length = 0;
	struct buffer names = { 0 };

	for (size_t i = 0; i < n_list && !e->name; i++) {
		const char *old = value_of(other, n_other, list[i].name);
		if (!is_input(list[i].name) || absent != !old || (old && !strcmp(old, list[i].value)))
			continue;
		length = input_word(list[i].name, &word);
		if (length == last_length && !strncmp(word, last, length))
			continue;
		last = word;
		last_length = length;
		buffer_printf(&names, e, "%s%.*s", named++ ? ", " : "", (int)length, word);
	}
	if (named && !e->name)
		buffer_printf(out, e, "%sinput%s %s %s", (*n)++ ? ", " : "", named > 1 ? "s" : "",
		              names.data, what);
	buffer_free(&names);
	return e->name;
}

/* Parameters first: they are what a person changed; inputs changed because of them. */
static int add_changes(const struct record_entry *before, const struct graph_dataset *d,
                       struct buffer *out, size_t *n, struct cbtm_error *e)
{
	if (add_changed_params(before, d, out, n, e) ||
	    add_inputs(d->cause, d->causes, before->cause, before->causes, false, "changed", out, n,
	               e) ||
	    add_inputs(d->cause, d->causes, before->cause, before->causes, true, "added", out, n, e))
		return e->name;
	return add_inputs(before->cause, before->causes, d->cause, d->causes, true, "gone", out, n, e);
}

bool record_inputs_changed(const struct record_entry *before, const struct graph_dataset *d)
{
	for (size_t i = 0; i < d->causes; i++) {
		const char *old = before ? value_of(before->cause, before->causes, d->cause[i].name) : NULL;
		if (is_input(d->cause[i].name) && (!old || strcmp(old, d->cause[i].value) != 0))
			return true;
	}
	return false;
}

int record_reason(const struct record_entry *before, const struct graph_dataset *d,
                  struct buffer *out, struct cbtm_error *e)
{
	size_t n = 0, done = 0;

	for (uint32_t i = 0; i < d->parts; i++)
		done += d->part[i].state == GRAPH_DONE;
	if (before && add_changes(before, d, out, &n, e))
		return e->name;
	if (done && d->parts > 1)
		return buffer_printf(out, e, "%s%zu of %u parts are done", n ? "; " : "", done, d->parts);
	if (n)
		return 0;
	if (file_exists(d->dir))
		return buffer_text(out, "not finished", e);
	return buffer_text(out, before ? "its folder is gone" : "never run", e);
}
