/* SPDX-License-Identifier: MIT */
#include "store/listing.h"
#include "base/file.h"
#include "base/json.h"
#include "store/dataset.h"
#include "store/part.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int listing_take(const struct manifest *m, struct arena *a, struct listed_part *p,
                 struct cbtm_error *e)
{
	p->fingerprint = m->fingerprint;
	p->content = m->content;
	p->n_columns = m->n_columns;
	if (!(p->columns = arena_take(a, (m->n_columns + 1) * sizeof p->columns[0], e)))
		return e->name;
	for (size_t i = 0; i < m->n_columns; i++)
		p->columns[i] = (struct listed_rows){ m->columns[i].name, m->columns[i].rows };
	return 0;
}

bool listing_rows(const struct listed_part *p, const char *column, uint64_t *rows)
{
	for (size_t i = 0; i < p->n_columns; i++)
		if (!strcmp(p->columns[i].column, column))
			return *rows = p->columns[i].rows, true;
	return false;
}

/* ---------------------------------------------------------------- writing */

static int content_of(const struct listing *l, struct digest *content, struct cbtm_error *e)
{
	struct digest_stream *s = digest_begin(e);
	if (!s)
		return e->name;
	digest_text(s, l->kind);
	digest_u64(s, l->version);
	digest_u64(s, l->n);
	for (uint32_t i = 0; i < l->n; i++) {
		digest_u64(s, l->parts[i].content.high);
		digest_u64(s, l->parts[i].content.low);
	}
	*content = digest_now(s);
	digest_end(s);
	return 0;
}

static int print_part(const struct listed_part *p, bool first, struct buffer *out,
                      struct cbtm_error *e)
{
	char fingerprint[DIGEST_HEX], content[DIGEST_HEX];
	digest_hex(p->fingerprint, fingerprint);
	digest_hex(p->content, content);
	int rc = buffer_printf(out, e,
	                       "%s\n  {\"fingerprint\": \"xxh3-128:%s\", \"content\": "
	                       "\"xxh3-128:%s\", \"rows\": {",
	                       first ? "" : ",", fingerprint, content);
	for (size_t i = 0; !rc && i < p->n_columns; i++)
		rc = buffer_printf(out, e, "%s\"%s\": %" PRIu64, i ? ", " : "", p->columns[i].column,
		                   p->columns[i].rows);
	return rc ? rc : buffer_text(out, "}}", e);
}

/* Two processes may seal a dataset at once: one by one, so that neither takes away the other's copy. */
static int replace(const char *dir, const char *path, const struct buffer *text,
                   struct cbtm_error *e)
{
	int rc, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(e, CBTM_ERR_IO, dir, "cannot open the folder");
	while ((rc = flock(fd, LOCK_EX)) && errno == EINTR)
		;
	if (rc)
		rc = error_errno(e, CBTM_ERR_IO, dir, "cannot lock the folder");
	if (!rc)
		rc = part_clean_replaced(dir, "DATASET.json.", e);
	if (!rc)
		rc = file_replace(path, text->data, text->n, e);
	close(fd);
	return rc;
}

int listing_write(const char *dir, struct listing *l, struct cbtm_error *e)
{
	char fingerprint[DIGEST_HEX], content[DIGEST_HEX];
	struct buffer text = { 0 };
	char *path = path_join(dir, "DATASET.json", e);
	int rc = path ? content_of(l, &l->content, e) : (int)e->name;
	digest_hex(l->fingerprint, fingerprint);
	digest_hex(l->content, content);
	if (!rc)
		rc = buffer_printf(&text, e,
		                   "{\"dataset\": {\"format\": %d, \"kind\": \"%s\", \"version\": %" PRIu32
		                   ",\n\"fingerprint\": \"xxh3-128:%s\",\n\"content\": "
		                   "\"xxh3-128:%s\",\n\"parts\": [",
		                   STORE_FORMAT, l->kind, l->version, fingerprint, content);
	for (uint32_t i = 0; !rc && i < l->n; i++)
		rc = print_part(&l->parts[i], i == 0, &text, e);
	if (!rc)
		rc = buffer_text(&text, "]},\n", e);
	if (!rc)
		rc = manifest_sign(&text, e);
	if (!rc)
		rc = replace(dir, path, &text, e);
	buffer_free(&text);
	free(path);
	return rc;
}

/* ---------------------------------------------------------------- reading */

static bool get_digest(struct json object, const char *name, struct digest *d)
{
	struct json v;
	const char *s;
	size_t n;
	return json_member(object, name, &v) && json_string(v, &s, &n) && digest_parse(s, n, d);
}

static bool get_u64(struct json object, const char *name, uint64_t *v)
{
	struct json member;
	return json_member(object, name, &member) && json_u64(member, v);
}

static int parse_part(struct json v, struct arena *a, struct listed_part *p, struct cbtm_error *e)
{
	struct json rows, n;
	const char *name;
	size_t name_n, cursor = 0;
	if (!get_digest(v, "fingerprint", &p->fingerprint) || !get_digest(v, "content", &p->content) ||
	    !json_member(v, "rows", &rows) || json_type(rows) != JSON_OBJECT)
		return error_set(e, CBTM_ERR_BAD_STORE, NULL, "a part is not described rightly");
	if (!(p->columns = arena_take(a, (json_count(rows) + 1) * sizeof p->columns[0], e)))
		return e->name;
	while (json_next(rows, &cursor, &name, &name_n, &n)) {
		struct listed_rows *r = &p->columns[p->n_columns++];
		if (!json_u64(n, &r->rows))
			return error_set(e, CBTM_ERR_BAD_STORE, NULL, "a number of rows is none");
		if (!(r->column = arena_string(a, name, name_n, e)))
			return e->name;
	}
	return 0;
}

static int parse(struct json root, struct arena *a, struct listing *l, struct cbtm_error *e)
{
	struct json dataset, kind, parts, v;
	uint64_t format, version;
	const char *s;
	size_t n, cursor = 0;
	if (!json_member(root, "dataset", &dataset) || !get_u64(dataset, "format", &format))
		return error_set(e, CBTM_ERR_BAD_STORE, NULL, "this is not a dataset's list of parts");
	if (format != STORE_FORMAT)
		return error_set(e, CBTM_ERR_BAD_STORE, NULL,
		                 "store format %" PRIu64 ", this cbtm reads format %d", format,
		                 STORE_FORMAT);
	if (!json_member(dataset, "kind", &kind) || !json_string(kind, &s, &n) ||
	    !get_u64(dataset, "version", &version) || version > UINT32_MAX ||
	    !get_digest(dataset, "fingerprint", &l->fingerprint) ||
	    !get_digest(dataset, "content", &l->content) || !json_member(dataset, "parts", &parts) ||
	    json_type(parts) != JSON_ARRAY)
		return error_set(e, CBTM_ERR_BAD_STORE, NULL, "a member is missing or of a wrong type");
	l->version = (uint32_t)version;
	l->kind = arena_string(a, s, n, e);
	l->parts = arena_take(a, (json_count(parts) + 1) * sizeof l->parts[0], e);
	if (!l->kind || !l->parts)
		return e->name;
	int rc = 0;
	while (!rc && json_next(parts, &cursor, NULL, NULL, &v))
		rc = parse_part(v, a, &l->parts[l->n++], e);
	return rc;
}

int listing_read(const char *dir, struct arena *a, struct listing *l, struct cbtm_error *e)
{
	struct buffer text = { 0 };
	struct json_parser *parser = NULL;
	struct cbtm_error why = { 0 };
	struct json root;
	memset(l, 0, sizeof *l);
	char *path = path_join(dir, "DATASET.json", e);
	int rc = path ? 0 : (int)e->name;
	if (!rc && !file_exists(path)) {
		rc = error_set(e, CBTM_ERR_MISSING_INPUT, dir, "there is no complete dataset: %s",
		               file_exists(dir) ? "DATASET.json is missing" : "the folder does not exist");
		error_hint(e, "check the path, or run the stage that makes it to its end");
	}
	if (!rc)
		rc = file_read(path, MANIFEST_BYTES_MAX, &text, e);
	if (!rc)
		rc = manifest_check(text.data, text.n, path, e);
	if (!rc && !(parser = json_parser_new(e)))
		rc = e->name;
	if (rc)
		goto done;
	rc = json_parse(parser, text.data, text.n, path, &root, &why);
	if (!rc)
		rc = parse(root, a, l, &why);
	if (rc)
		rc = error_set(e, why.name == CBTM_ERR_MEMORY ? why.name : CBTM_ERR_BAD_STORE, path, "%s",
		               why.what);
done:
	json_parser_free(parser);
	buffer_free(&text);
	free(path);
	return rc;
}
