/* SPDX-License-Identifier: MIT */
/* Reading back what jsonl.c prints. */
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "store/cell.h"
#include "store/column.h"
#include "store/dataset.h"
#include "store/jsonl.h"
#include "store/part.h"
#include "store/writer.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct loading {
	const char *folder;
	struct json_parser *parser;
	struct store_writer *writer; /* NULL: no part, or one that is sealed already */
	bool in_part;
	const struct store_kind *kind;
	uint32_t part, n_parts;
	struct digest *fingerprints;
	size_t cap_fingerprints;
	bool in_order;         /* parts so far are 0, 1, 2 ... of one kind */
	struct digest content; /* what the header promises */
	bool content_is_promised;
	struct buffer cell;
};

static bool member_text(struct json v, const char *name, const char **s, size_t *n)
{
	struct json member;
	return json_member(v, name, &member) && json_string(member, s, n);
}

static int bad(struct cbtm_error *e, const char *what)
{
	return error_set(e, CBTM_ERR_BAD_DATA, NULL, "%s", what);
}

static int add_column(struct loading *l, struct json v, struct cbtm_error *e)
{
	const char *name, *type, *shape;
	size_t name_n, type_n, shape_n;
	struct json width_v;
	uint64_t width = 0;
	enum store_type t;
	enum store_shape s;
	char named[STORE_NAME_MAX + 1];
	if (!member_text(v, "name", &name, &name_n) || name_n > STORE_NAME_MAX ||
	    !member_text(v, "type", &type, &type_n) || !store_type_find(type, type_n, &t) ||
	    !member_text(v, "shape", &shape, &shape_n) || !store_shape_find(shape, shape_n, &s) ||
	    (json_member(v, "width", &width_v) && !json_u64(width_v, &width)))
		return bad(e, "a column needs a name, a type (u8 ... bf16), a shape (fixed, variable, "
		              "tensor) and, unless variable, a width");
	memcpy(named, name, name_n);
	named[name_n] = 0;
	return store_add_column(l->writer, named, t, s, width, e);
}

static int set_fact(struct loading *l, const char *name, size_t n, struct json v,
                    struct cbtm_error *e)
{
	char named[STORE_NAME_MAX + 1];
	if (n > STORE_NAME_MAX)
		return bad(e, "a fact's name is too long");
	memcpy(named, name, n);
	named[n] = 0;
	buffer_clear(&l->cell);
	int rc = json_print(v, &l->cell, e);
	return rc ? rc : store_set_json(l->writer, named, l->cell.data, e);
}

static int end_part(struct loading *l, struct cbtm_error *e)
{
	struct store *s = NULL;
	struct store_writer *w = l->writer;
	if (!l->in_part)
		return 0;
	l->in_part = false;
	l->writer = NULL;
	int rc = w ? store_seal(w, e) : 0;
	if (!rc && l->content_is_promised)
		rc = store_open(l->folder, l->part, l->kind, &s, e);
	if (!rc && s && !digest_equal(store_content(s), l->content)) {
		rc =
			error_set(e, CBTM_ERR_BAD_DATA, NULL,
		              "part %" PRIu32 " does not have the content's digest of its header", l->part);
		error_hint(e, "leave \"content\" and \"fingerprint\" out of a header that you changed");
	}
	store_close(s);
	return rc;
}

static int check_kind(struct loading *l, struct json v, struct cbtm_error *e)
{
	const char *name;
	size_t n;
	char kind[64] = "";
	struct json version;
	uint64_t number;
	if (!member_text(v, "store", &name, &n) || n >= sizeof kind)
		return bad(e, "\"store\" is not the name of a kind");
	memcpy(kind, name, n);
	const struct store_kind *found = store_kind_find(kind);
	if (!found)
		return error_set(e, CBTM_ERR_BAD_DATA, NULL, "kind '%s' is unknown", kind);
	if (json_member(v, "version", &version) &&
	    (!json_u64(version, &number) || number != found->version))
		return error_set(e, CBTM_ERR_BAD_DATA, NULL,
		                 "another version of kind '%s': this cbtm has %" PRIu32, kind,
		                 found->version);
	l->in_order = l->in_order && (!l->kind || l->kind == found);
	l->kind = found;
	return 0;
}

static int header_digests(struct loading *l, struct json v, const char *line, size_t n,
                          struct digest *fingerprint, struct cbtm_error *e)
{
	const char *s;
	size_t length;
	*fingerprint = digest_bytes(line, n);
	if (member_text(v, "fingerprint", &s, &length) && !digest_parse(s, length, fingerprint))
		return bad(e, "\"fingerprint\" is not a digest");
	l->content_is_promised = member_text(v, "content", &s, &length);
	if (l->content_is_promised && !digest_parse(s, length, &l->content))
		return bad(e, "\"content\" is not a digest");
	return 0;
}

static int note_part(struct loading *l, struct json v, struct digest fingerprint,
                     struct cbtm_error *e)
{
	struct json part_v;
	uint64_t part = l->n_parts ? l->part + 1 : 0;
	if (json_member(v, "part", &part_v) && !json_u64(part_v, &part))
		return bad(e, "\"part\" is not a number");
	if (part >= PART_MAX)
		return bad(e, "\"part\" is too large");
	l->part = (uint32_t)part;
	l->in_order = l->in_order && part == l->n_parts;
	int rc = array_reserve(&l->fingerprints, &l->cap_fingerprints, l->n_parts + (size_t)1,
	                       sizeof fingerprint, e);
	if (!rc)
		l->fingerprints[l->n_parts++] = fingerprint;
	return rc;
}

static int begin_part(struct loading *l, struct json v, const char *line, size_t n,
                      struct cbtm_error *e)
{
	struct digest fingerprint;
	struct json facts, columns, item;
	const char *name;
	size_t name_n, cursor = 0;
	int rc = check_kind(l, v, e);
	if (!rc)
		rc = header_digests(l, v, line, n, &fingerprint, e);
	if (!rc)
		rc = note_part(l, v, fingerprint, e);
	if (!rc)
		rc = store_create(l->folder, l->part, l->kind, fingerprint, &l->writer, e);
	l->in_part = !rc;
	if (rc || !l->writer)
		return rc;
	/* Nothing is committed before the seal, so an unfinished load is simply begun again. */
	for (const struct store_column *c = l->kind->columns; c->name; c++)
		if (store_rows(l->writer, c->name))
			return bad(e, "the folder holds an unfinished part of the same fingerprint: let its "
			              "stage finish it, or choose another folder");
	if (json_member(v, "columns", &columns))
		while (!rc && json_next(columns, &cursor, NULL, NULL, &item))
			rc = add_column(l, item, e);
	cursor = 0;
	if (!rc && json_member(v, "facts", &facts))
		while (!rc && json_next(facts, &cursor, &name, &name_n, &item))
			rc = set_fact(l, name, name_n, item, e);
	return rc;
}

static int add_cell(struct loading *l, const char *name, size_t n, struct json v,
                    struct cbtm_error *e)
{
	char named[STORE_NAME_MAX + 1] = "";
	uint64_t elements;
	if (n <= STORE_NAME_MAX)
		memcpy(named, name, n);
	const struct writer_column *c = writer_find(l->writer, named);
	if (!c)
		return error_set(e, CBTM_ERR_BAD_DATA, NULL, "no column '%.*s' in the header or the kind",
		                 (int)(n < 200 ? n : 200), name);
	int rc = cell_parse(c->type, c->shape, c->width, v, &l->cell, &elements, e);
	if (rc)
		return rc;
	return c->shape == STORE_VARIABLE
	           ? store_append_row(l->writer, named, l->cell.data, elements, e)
	           : store_append(l->writer, named, l->cell.data, 1, e);
}

static int take_line(struct loading *l, const char *line, size_t n, struct cbtm_error *e)
{
	struct json root, v;
	const char *name;
	size_t name_n, cursor = 0;
	int rc = json_parse(l->parser, line, n, "", &root, e);
	if (rc)
		return rc;
	if (json_type(root) != JSON_OBJECT)
		return bad(e, "the line is not a JSON object");
	/* No column is named "store": column_check_name. */
	if (json_member(root, "store", &v)) {
		rc = end_part(l, e);
		return rc ? rc : begin_part(l, root, line, n, e);
	}
	if (!l->in_part)
		return bad(e, "the first line must be a header: {\"store\": KIND, ...}");
	while (!rc && l->writer && json_next(root, &cursor, &name, &name_n, &v))
		rc = add_cell(l, name, name_n, v, e);
	return rc;
}

int jsonl_load(FILE *in, const char *where, const char *folder, uint32_t *parts,
               struct cbtm_error *e)
{
	struct loading l = { .folder = folder, .in_order = true };
	struct cbtm_error why = { 0 };
	char *line = NULL;
	size_t capacity = 0;
	uint64_t number = 0;
	ssize_t n;
	int rc = 0;
	if (!(l.parser = json_parser_new(&why)))
		rc = why.name;
	while (!rc && (n = getline(&line, &capacity, in)) >= 0) {
		number++;
		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			n--;
		if (n > 0)
			rc = take_line(&l, line, (size_t)n, &why);
	}
	/* getline also ends where memory does. */
	if (!rc && !feof(in))
		rc = error_errno(&why, CBTM_ERR_IO, NULL, "cannot read");
	if (!rc && !l.n_parts)
		rc = bad(&why, "there is no header: {\"store\": KIND, ...}");
	if (!rc)
		rc = end_part(&l, &why);
	if (!rc && l.in_order)
		rc = dataset_seal(folder, l.kind, l.fingerprints, l.n_parts, &why);
	store_leave(l.writer);
	*parts = l.n_parts;
	if (rc && (!why.where[0]))
		snprintf(why.where, sizeof why.where, number ? "%.400s:%" PRIu64 : "%.400s", where, number);
	error_copy(e, &why);
	free(line);
	free(l.fingerprints);
	buffer_free(&l.cell);
	json_parser_free(l.parser);
	return rc;
}
