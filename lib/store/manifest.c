/* SPDX-License-Identifier: MIT */
#include "store/manifest.h"
#include "base/file.h"
#include "base/json.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char signature_start[] = "\"digest\": \"xxh3-128:";

int manifest_content(const struct manifest *m, struct digest *content, struct cbtm_error *e)
{
	struct digest_stream *s = digest_begin(e);
	if (!s)
		return e->name;
	digest_text(s, m->kind);
	digest_u64(s, m->version);
	digest_u64(s, m->n_columns);
	for (size_t i = 0; i < m->n_columns; i++) {
		digest_u64(s, m->columns[i].content.high);
		digest_u64(s, m->columns[i].content.low);
	}
	digest_u64(s, m->n_facts);
	for (size_t i = 0; i < m->n_facts; i++) {
		digest_text(s, m->facts[i].name);
		digest_text(s, m->facts[i].json);
	}
	*content = digest_now(s);
	digest_end(s);
	return 0;
}

const char *manifest_fact_json(const struct manifest *m, const char *name)
{
	for (size_t i = 0; i < m->n_facts; i++)
		if (!strcmp(m->facts[i].name, name))
			return m->facts[i].json;
	return NULL;
}

int manifest_header(const struct manifest *m, struct buffer *out, struct cbtm_error *e)
{
	char fingerprint[DIGEST_HEX], content[DIGEST_HEX];
	digest_hex(m->fingerprint, fingerprint);
	digest_hex(m->content, content);
	int rc = buffer_printf(out, e,
	                       "{\"format\": %d, \"kind\": \"%s\", \"version\": %" PRIu32
	                       ", \"page\": %" PRIu64 ",\n\"fingerprint\": \"xxh3-128:%s\",\n"
	                       "\"content\": \"xxh3-128:%s\",\n\"facts\": {",
	                       STORE_FORMAT, m->kind, m->version, m->page, fingerprint, content);
	for (size_t i = 0; !rc && i < m->n_facts; i++)
		rc = buffer_printf(out, e, "%s\n  \"%s\": %s", i ? "," : "", m->facts[i].name,
		                   m->facts[i].json);
	if (!rc)
		rc = buffer_text(out, "},\n\"columns\": [", e);
	for (size_t i = 0; !rc && i < m->n_columns; i++) {
		const struct store_column_info *c = &m->columns[i];
		digest_hex(c->content, content);
		rc = buffer_printf(
			out, e,
			"%s\n  {\"name\": \"%s\", \"type\": \"%s\", \"shape\": \"%s\", \"width\": "
			"%" PRIu64 ", \"rows\": %" PRIu64 ", \"elements\": %" PRIu64 ", \"raw_bytes\": %" PRIu64
			", \"stored_bytes\": %" PRIu64 ", \"content\": \"xxh3-128:%s\"}",
			i ? "," : "", c->name, store_type_name(c->type), store_shape_name(c->shape), c->width,
			c->rows, c->elements, c->raw_bytes, c->stored_bytes, content);
	}
	return rc ? rc : buffer_text(out, "]}", e);
}

int manifest_sign(struct buffer *text, struct cbtm_error *e)
{
	char hex[DIGEST_HEX];
	digest_hex(digest_bytes(text->data, text->n), hex);
	return buffer_printf(text, e, "%s%s\"}\n", signature_start, hex);
}

int manifest_check(const char *text, size_t n, const char *path, struct cbtm_error *e)
{
	const size_t line = sizeof signature_start - 1 + 32 + 3;
	struct buffer want = { 0 };
	char hex[DIGEST_HEX];
	if (n <= line || text[n - line - 1] != '\n' ||
	    memcmp(text + n - line, signature_start, sizeof signature_start - 1))
		return error_set(e, CBTM_ERR_BAD_STORE, path,
		                 "the file is damaged: its last line is not its digest");
	/* To the letter: a digest in capitals would be a changed bit. */
	digest_hex(digest_bytes(text, n - line), hex);
	int rc = buffer_printf(&want, e, "%s%s\"}\n", signature_start, hex);
	if (!rc && memcmp(want.data, text + n - line, line))
		rc = error_set(e, CBTM_ERR_BAD_STORE, path,
		               "the file is damaged: it does not have the digest of its last line");
	buffer_free(&want);
	return rc;
}

int manifest_write(const struct manifest *m, const char *path, struct cbtm_error *e)
{
	char file[DIGEST_HEX];
	struct buffer text = { 0 };
	digest_hex(m->file, file);
	int rc = buffer_printf(&text, e,
	                       "{\"store\": %s,\n\"file\": {\"bytes\": %" PRIu64
	                       ", \"digest\": \"xxh3-128:%s\"},\n",
	                       m->header, m->file_bytes, file);
	if (!rc)
		rc = manifest_sign(&text, e);
	if (!rc)
		rc = file_replace(path, text.data, text.n, e);
	buffer_free(&text);
	return rc;
}

/* ---------------------------------------------------------------- reading */

static bool get_u64(struct json object, const char *name, uint64_t *v)
{
	struct json member;
	return json_member(object, name, &member) && json_u64(member, v);
}

static bool get_string(struct json object, const char *name, const char **s, size_t *n)
{
	struct json member;
	return json_member(object, name, &member) && json_string(member, s, n);
}

static bool get_digest(struct json object, const char *name, struct digest *d)
{
	const char *s;
	size_t n;
	return get_string(object, name, &s, &n) && digest_parse(s, n, d);
}

static bool parse_column(struct json v, struct store_column_info *c)
{
	const char *name, *type, *shape;
	size_t name_n, type_n, shape_n;
	if (!get_string(v, "name", &name, &name_n) || name_n < 1 || name_n > STORE_NAME_MAX ||
	    !get_string(v, "type", &type, &type_n) || !get_string(v, "shape", &shape, &shape_n) ||
	    !store_type_find(type, type_n, &c->type) || !store_shape_find(shape, shape_n, &c->shape) ||
	    !get_u64(v, "width", &c->width) || !get_u64(v, "rows", &c->rows) ||
	    !get_u64(v, "elements", &c->elements) || !get_u64(v, "raw_bytes", &c->raw_bytes) ||
	    !get_u64(v, "stored_bytes", &c->stored_bytes) || !get_digest(v, "content", &c->content))
		return false;
	memcpy(c->name, name, name_n);
	c->name[name_n] = 0;
	uint64_t row_bytes;
	size_t elements;
	if (c->shape == STORE_VARIABLE)
		return true;
	return column_row_bytes(c->type, c->width, &row_bytes) &&
	       size_mul(c->width, c->rows, &elements) && elements == c->elements;
}

static int parse_columns(struct json list, struct arena *a, struct manifest *m,
                         struct cbtm_error *e)
{
	size_t cursor = 0, n = json_count(list);
	struct json v;
	if (!(m->columns = arena_take(a, (n + 1) * sizeof m->columns[0], e)))
		return e->name;
	while (json_next(list, &cursor, NULL, NULL, &v)) {
		if (!parse_column(v, &m->columns[m->n_columns]))
			return error_set(e, CBTM_ERR_BAD_STORE, NULL, "column %zu is not described rightly",
			                 m->n_columns);
		m->n_columns++;
	}
	return 0;
}

static int parse_facts(struct json object, struct arena *a, struct manifest *m,
                       struct cbtm_error *e)
{
	size_t cursor = 0, n = json_count(object), name_n;
	const char *name;
	struct json v;
	struct buffer text = { 0 };
	int rc = 0;
	if (!(m->facts = arena_take(a, (n + 1) * sizeof m->facts[0], e)))
		return e->name;
	while (!rc && json_next(object, &cursor, &name, &name_n, &v)) {
		struct manifest_fact *f = &m->facts[m->n_facts];
		buffer_clear(&text);
		if ((rc = json_print(v, &text, e)))
			break;
		f->name = arena_string(a, name, name_n, e);
		f->json = f->name ? arena_string(a, text.data, text.n, e) : NULL;
		if (!f->json)
			rc = e->name;
		m->n_facts++;
	}
	buffer_free(&text);
	return rc;
}

static int parse(struct json root, struct arena *a, struct manifest *m, struct cbtm_error *e)
{
	struct json store, file, facts, columns;
	uint64_t format = 0, version;
	const char *kind;
	size_t n;
	if (!json_member(root, "store", &store) || !get_u64(store, "format", &format))
		return error_set(e, CBTM_ERR_BAD_STORE, NULL, "this is not the manifest of a part");
	if (format != STORE_FORMAT)
		return error_set(e, CBTM_ERR_BAD_STORE, NULL,
		                 "store format %" PRIu64 ", this cbtm reads format %d", format,
		                 STORE_FORMAT);
	if (!get_string(store, "kind", &kind, &n) || !get_u64(store, "version", &version) ||
	    version > UINT32_MAX || !get_u64(store, "page", &m->page) || m->page < 512 ||
	    !get_digest(store, "fingerprint", &m->fingerprint) ||
	    !get_digest(store, "content", &m->content) || !json_member(root, "file", &file) ||
	    !get_u64(file, "bytes", &m->file_bytes) || !get_digest(file, "digest", &m->file) ||
	    !json_member(store, "facts", &facts) || json_type(facts) != JSON_OBJECT ||
	    !json_member(store, "columns", &columns) || json_type(columns) != JSON_ARRAY)
		return error_set(e, CBTM_ERR_BAD_STORE, NULL, "a member is missing or of a wrong type");
	m->version = (uint32_t)version;
	if (!(m->kind = arena_string(a, kind, n, e)))
		return e->name;
	int rc = parse_facts(facts, a, m, e);
	return rc ? rc : parse_columns(columns, a, m, e);
}

/* The inner object's text lies between fixed words of the manifest. */
static const char *inner_text(const struct buffer *text, struct arena *a, struct cbtm_error *e)
{
	static const char before[] = "{\"store\": ", after[] = ",\n\"file\": {";
	char *start = text->data + sizeof before - 1, *end = text->data + text->n - sizeof after;
	while (end > start && memcmp(end, after, sizeof after - 1))
		end--;
	return arena_string(a, start, (size_t)(end - start), e);
}

int manifest_read(const char *path, struct arena *a, struct manifest *m, struct cbtm_error *e)
{
	struct buffer text = { 0 };
	struct json_parser *parser = NULL;
	struct cbtm_error why = { 0 };
	struct json root;
	memset(m, 0, sizeof *m);
	int rc = file_read(path, MANIFEST_BYTES_MAX, &text, e);
	if (rc)
		goto done;
	if ((rc = manifest_check(text.data, text.n, path, e)))
		goto done;
	if (!(parser = json_parser_new(e))) {
		rc = e->name;
		goto done;
	}
	rc = json_parse(parser, text.data, text.n, path, &root, &why);
	if (!rc)
		rc = parse(root, a, m, &why);
	if (rc) {
		rc = error_set(e, why.name == CBTM_ERR_MEMORY ? why.name : CBTM_ERR_BAD_STORE, path, "%s",
		               why.what);
		goto done;
	}
	if (!(m->header = inner_text(&text, a, e)))
		rc = e->name;
done:
	json_parser_free(parser);
	buffer_free(&text);
	return rc;
}
