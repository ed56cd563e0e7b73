/* SPDX-License-Identifier: MIT */
#include "store/verify.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/reader.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	NOT_WORTH_REMEMBERING = 4 << 20, /* bytes: digested in a millisecond */
	MEMORY_MAX = 1 << 20             /* the memory is begun anew when it is larger */
};

/* ---------------------------------------------------------------- the memory of `once` */

static char *memory_path(struct cbtm_error *e)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	if (cache && cache[0] == '/')
		return path_printf(e, "%s/cbtm", cache);
	return home && home[0] == '/' ? path_printf(e, "%s/.cache/cbtm", home) : NULL;
}

static int memory_line(const struct stat *s, struct digest digest, struct buffer *line,
                       struct cbtm_error *e)
{
	char hex[DIGEST_HEX];
	digest_hex(digest, hex);
	return buffer_printf(line, e, "%s %ju %ju %jd %jd.%09ld\n", hex, (uintmax_t)s->st_dev,
	                     (uintmax_t)s->st_ino, (intmax_t)s->st_size, (intmax_t)s->st_ctim.tv_sec,
	                     s->st_ctim.tv_nsec);
}

/* The memory only saves work, so whatever fails here is silent. */
static bool is_remembered(const char *folder, const struct buffer *line)
{
	struct cbtm_error e = { 0 };
	struct buffer known = { 0 };
	char *path = path_join(folder, "verified", &e);
	bool found = path && !file_read(path, 2 * MEMORY_MAX, &known, &e) &&
	             memmem(known.data, known.n, line->data, line->n);
	buffer_free(&known);
	free(path);
	return found;
}

static void remember(const char *folder, const struct buffer *line)
{
	struct cbtm_error e = { 0 };
	uint64_t size = 0;
	if (folder_make(folder, &e))
		return;
	char *path = path_join(folder, "verified", &e);
	if (!path)
		return;
	bool full = file_exists(path) && !file_size(path, &size, &e) && size > MEMORY_MAX;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (full ? O_TRUNC : 0), 0600);
	if (fd >= 0) {
		file_write_all(fd, line->data, line->n, path, &e);
		close(fd);
	}
	free(path);
}

static int check_digest(const char *path, struct digest want, struct cbtm_error *e)
{
	struct digest got;
	int rc = digest_file(path, 0, UINT64_MAX, &got, e);
	if (!rc && !digest_equal(got, want))
		rc = error_set(e, CBTM_ERR_BAD_STORE, path,
		               "the part is damaged: the file does not have the digest of its manifest");
	return rc;
}

void verify_remember(const char *path, struct digest digest)
{
	struct cbtm_error ignored = { 0 };
	struct buffer line = { 0 };
	struct stat s;
	char *folder = NULL;
	if (!stat(path, &s) && s.st_size >= NOT_WORTH_REMEMBERING && (folder = memory_path(&ignored)) &&
	    !memory_line(&s, digest, &line, &ignored))
		remember(folder, &line);
	buffer_free(&line);
	free(folder);
}

int verify_file(const char *path, uint64_t bytes, struct digest digest, enum store_verify how,
                struct cbtm_error *e)
{
	struct cbtm_error ignored = { 0 };
	struct buffer line = { 0 };
	struct stat s;
	if (stat(path, &s))
		return error_errno(e, CBTM_ERR_IO, path, "cannot open the part");
	if ((uint64_t)s.st_size != bytes)
		return error_set(e, CBTM_ERR_BAD_STORE, path,
		                 "the part is damaged: %jd bytes, its manifest says %" PRIu64,
		                 (intmax_t)s.st_size, bytes);
	if (how == STORE_VERIFY_SIZE)
		return 0;
	char *folder =
		how == STORE_VERIFY_ONCE && bytes >= NOT_WORTH_REMEMBERING ? memory_path(&ignored) : NULL;
	int rc = 0;
	if (!folder || memory_line(&s, digest, &line, &ignored) || !is_remembered(folder, &line)) {
		rc = check_digest(path, digest, e);
		if (!rc && folder && line.n)
			remember(folder, &line);
	}
	buffer_free(&line);
	free(folder);
	return rc;
}

/* ---------------------------------------------------------------- every byte */

static int differs(const struct store *s, const char *column, const char *what,
                   struct cbtm_error *e)
{
	return error_set(e, CBTM_ERR_BAD_STORE, store_path(s),
	                 "the part is damaged: column '%s' does not have the %s of its manifest",
	                 column, what);
}

static int check_column(const struct store *s, const struct store_column_info *c,
                        struct cbtm_error *e)
{
	struct store_reader *r = NULL;
	struct digest_stream *digest = NULL;
	struct store_column_info got = { .rows = 0 };
	int rc = store_reader_open(s, c->name, &r, e);
	if (!rc && !(digest = column_digest_begin(c->name, c->type, c->shape, c->width, e)))
		rc = e->name;
	while (!rc && got.rows < c->rows) {
		if ((rc = reader_load(r, got.rows, e)))
			break;
		if (r->first != got.rows)
			rc = differs(s, c->name, "blocks", e);
		const struct block *b = &r->block;
		column_digest_block(digest, b->rows, digest_bytes(b->raw, b->n));
		size_t lengths = c->shape == STORE_VARIABLE ? 4 * b->rows : 0;
		got.rows += b->rows;
		got.elements += (b->n - lengths) / store_type_size(c->type);
		got.raw_bytes += b->n;
		got.stored_bytes += r->stored;
	}
	if (!rc && (got.rows != c->rows || got.elements != c->elements))
		rc = differs(s, c->name, "rows", e);
	if (!rc && (got.raw_bytes != c->raw_bytes || got.stored_bytes != c->stored_bytes))
		rc = differs(s, c->name, "bytes", e);
	if (digest && !digest_equal(column_digest_end(digest, got.rows), c->content) && !rc)
		rc = differs(s, c->name, "digest", e);
	store_reader_close(r);
	return rc;
}

int store_check(const char *dir, uint32_t part, struct cbtm_error *e)
{
	struct store *s = NULL;
	struct digest content;
	int rc = store_open(dir, part, NULL, &s, e);
	if (rc)
		return rc;
	rc = verify_file(store_path(s), s->manifest.file_bytes, s->manifest.file, STORE_VERIFY_FULL, e);
	for (size_t i = 0; !rc && i < s->manifest.n_columns; i++)
		rc = check_column(s, &s->manifest.columns[i], e);
	if (!rc)
		rc = manifest_content(&s->manifest, &content, e);
	if (!rc && !digest_equal(content, s->manifest.content))
		rc = error_set(e, CBTM_ERR_BAD_STORE, store_path(s),
		               "the manifest's digest of the content is not that of its columns and facts");
	if (!rc)
		rc = reader_check_header(s, e);
	store_close(s);
	return rc;
}
