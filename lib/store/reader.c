/* SPDX-License-Identifier: MIT */
#include "store/reader.h"
#include "base/json.h"
#include "base/number.h"
#include "store/part.h"
#include "store/verify.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int verify_setting = STORE_VERIFY_ONCE;
void store_set_verify(enum store_verify how)
{
	verify_setting = (int)how;
}
enum store_verify store_verify_setting(void)
{
	return (enum store_verify)verify_setting;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct store *open_stores;

/* ---------------------------------------------------------------- opening */

static int find_kind(struct store *s, const struct store_kind *kind, struct cbtm_error *e)
{
	const struct manifest *m = &s->manifest;
	s->kind = store_kind_find(m->kind);
	if (kind && strcmp(kind->name, m->kind)) {
		error_set(e, CBTM_ERR_BAD_STORE, s->path, "this holds '%s', but '%s' is wanted here",
		          m->kind, kind->name);
		return error_hint(e, "check which dataset the path names");
	}
	if (!s->kind)
		error_set(e, CBTM_ERR_BAD_STORE, s->path, "stores of kind '%s' are unknown to this cbtm",
		          m->kind);
	else if (s->kind->version != m->version)
		error_set(e, CBTM_ERR_BAD_STORE, s->path,
		          "kind '%s' version %" PRIu32 ", this cbtm reads version %" PRIu32, m->kind,
		          m->version, s->kind->version);
	else
		return 0;
	return error_hint(e, "use the cbtm that wrote it, or run its stage again");
}

static int open_databases(struct store *s, struct cbtm_error *e)
{
	const struct manifest *m = &s->manifest;
	MDB_txn *t = NULL;
	if (!(s->columns = arena_take(s->arena, (m->n_columns + 1) * sizeof(MDB_dbi), e)))
		return e->name;
	int rc = environment_begin(s->env, true, s->path, &t, e);
	if (rc)
		return rc;
	int found = mdb_dbi_open(t, ".crc", 0, &s->crc);
	if (!found)
		found = mdb_dbi_open(t, ".store", 0, &s->header);
	for (size_t i = 0; !found && i < m->n_columns; i++)
		found = mdb_dbi_open(t, m->columns[i].name, 0, &s->columns[i]);
	if (found) {
		mdb_txn_abort(t);
		if (found > 0)
			return environment_error(found, s->path, "cannot open the part's columns", e);
		return error_set(e, CBTM_ERR_BAD_STORE, s->path,
		                 "the part does not hold what its manifest names: %s", mdb_strerror(found));
	}
	return environment_commit(t, s->path, e);
}

/* The file that LMDB has mapped must be the one that was verified. */
static int check_mapped(const struct store *s, struct cbtm_error *e)
{
	struct stat st;
	int fd;
	if (mdb_env_get_fd(s->env, &fd) || fstat(fd, &st) || st.st_dev != s->device ||
	    st.st_ino != s->inode || (uint64_t)st.st_size != s->manifest.file_bytes)
		return error_set(e, CBTM_ERR_BAD_STORE, s->path,
		                 "the part was replaced while it was opened");
	return 0;
}

static void store_free(struct store *s)
{
	if (!s)
		return;
	if (s->env)
		mdb_env_close(s->env);
	arena_free(s->arena);
	free(s);
}

/* An open store of the same file, with one more user. */
static struct store *find_open(const struct store *like)
{
	for (struct store *s = open_stores; s; s = s->next)
		if (s->device == like->device && s->inode == like->inode && s->process == getpid() &&
		    digest_equal(s->manifest.file, like->manifest.file) &&
		    digest_equal(s->manifest.content, like->manifest.content))
			return s->users++, s;
	return NULL;
}

static int open_part(struct store *s, struct cbtm_error *e)
{
	const struct manifest *m = &s->manifest;
	int rc = verify_file(s->path, m->file_bytes, m->file, store_verify_setting(), e);
	if (rc)
		return rc;
	if (m->file_bytes == 0 || m->file_bytes % m->page)
		return error_set(e, CBTM_ERR_BAD_STORE, s->path, "the part is not made of whole pages");
	rc = environment_read(s->path, m->file_bytes, (unsigned)m->n_columns + 2, &s->env, e);
	if (!rc)
		rc = check_mapped(s, e);
	return rc ? rc : open_databases(s, e);
}

static int open_locked(const char *dir, uint32_t part, const struct store_kind *kind,
                       struct store **store, struct cbtm_error *e)
{
	struct part_files files;
	struct stat st;
	struct store *s = mem_zeroed(1, sizeof *s, "an open store", e);
	if (!s)
		return e->name;
	int rc = 0;
	if (!(s->arena = arena_new(e)))
		rc = e->name;
	if (!rc)
		rc = part_files(dir, part, s->arena, &files, e);
	if (!rc)
		rc = manifest_read(s->path = files.manifest, s->arena, &s->manifest, e);
	if (!rc)
		rc = find_kind(s, kind, e);
	if (!rc && stat(s->path = files.store, &st))
		rc = error_errno(e, CBTM_ERR_IO, s->path, "cannot open the part");
	if (rc)
		goto done;
	s->device = st.st_dev;
	s->inode = st.st_ino;
	s->process = getpid();
	s->users = 1;
	if ((*store = find_open(s)))
		goto done;
	if ((rc = open_part(s, e)))
		goto done;
	s->next = open_stores;
	open_stores = *store = s;
	return 0;
done:
	store_free(s);
	return rc;
}

int store_open(const char *dir, uint32_t part, const struct store_kind *kind, struct store **store,
               struct cbtm_error *e)
{
	*store = NULL;
	pthread_mutex_lock(&lock);
	int rc = open_locked(dir, part, kind, store, e);
	pthread_mutex_unlock(&lock);
	return rc;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&lock);
	if (--s->users == 0) {
		struct store **at = &open_stores;
		while (*at != s)
			at = &(*at)->next;
		*at = s->next;
		store_free(s);
	}
	pthread_mutex_unlock(&lock);
}

void store_release(const struct store *s)
{
	struct cbtm_error ignored = { 0 };
	MDB_txn *t;
	if (environment_begin(s->env, true, s->path, &t, &ignored))
		return;
	for (size_t i = 0; i < s->manifest.n_columns; i++)
		if (s->manifest.columns[i].shape == STORE_TENSOR)
			environment_release(t, s->columns[i]);
	mdb_txn_abort(t);
}

int reader_check_header(const struct store *s, struct cbtm_error *e)
{
	const char *text = s->manifest.header;
	MDB_val key = { 6, "header" }, value;
	MDB_txn *t;
	MDB_stat main_stat;
	MDB_dbi main_dbi;
	int rc = environment_begin(s->env, true, s->path, &t, e);
	if (rc)
		return rc;
	if (mdb_get(t, s->header, &key, &value) || value.mv_size != strlen(text) ||
	    memcmp(value.mv_data, text, value.mv_size))
		rc = error_set(e, CBTM_ERR_BAD_STORE, s->path,
		               "the header in the part is not the one in its manifest");
	else if (mdb_dbi_open(t, NULL, 0, &main_dbi) || mdb_stat(t, main_dbi, &main_stat) ||
	         main_stat.ms_entries != s->manifest.n_columns + 2)
		rc = error_set(e, CBTM_ERR_BAD_STORE, s->path,
		               "the part holds databases that its manifest does not name");
	mdb_txn_abort(t);
	return rc;
}

/* ---------------------------------------------------------------- what it holds */

const char *store_path(const struct store *s)
{
	return s->path;
}
const struct store_kind *store_kind_of(const struct store *s)
{
	return s->kind;
}
struct digest store_fingerprint(const struct store *s)
{
	return s->manifest.fingerprint;
}
struct digest store_content(const struct store *s)
{
	return s->manifest.content;
}
size_t store_column_count(const struct store *s)
{
	return s->manifest.n_columns;
}

int store_column_at(const struct store *s, size_t i, struct store_column_info *info,
                    struct cbtm_error *e)
{
	if (i >= s->manifest.n_columns)
		return error_set(e, CBTM_ERR_INTERNAL, s->path, "there is no column %zu", i);
	*info = s->manifest.columns[i];
	return 0;
}

bool store_column_find(const struct store *s, const char *name, struct store_column_info *info)
{
	for (size_t i = 0; i < s->manifest.n_columns; i++)
		if (!strcmp(s->manifest.columns[i].name, name))
			return *info = s->manifest.columns[i], true;
	return false;
}

uint64_t store_row_count(const struct store *s, const char *column)
{
	struct store_column_info info;
	return store_column_find(s, column, &info) ? info.rows : 0;
}

const char *store_get_json(const struct store *s, const char *name)
{
	return manifest_fact_json(&s->manifest, name);
}

bool store_get_u64(const struct store *s, const char *name, uint64_t *v)
{
	const char *json = store_get_json(s, name);
	return json && number_parse_u64(json, strlen(json), v);
}

bool store_get_f64(const struct store *s, const char *name, double *v)
{
	const char *json = store_get_json(s, name);
	return json && number_parse_f64(json, strlen(json), v);
}

bool store_get_text(const struct store *s, const char *name, char *out, size_t cap)
{
	const char *json = store_get_json(s, name), *text;
	struct cbtm_error ignored = { 0 };
	struct json_parser *parser = json ? json_parser_new(&ignored) : NULL;
	struct json root;
	size_t n;
	bool ok = parser && !json_parse(parser, json, strlen(json), name, &root, &ignored) &&
	          json_string(root, &text, &n) && n < cap;
	if (ok) {
		memcpy(out, text, n);
		out[n] = 0;
	}
	json_parser_free(parser);
	return ok;
}

bool store_fact_at(const struct store *s, size_t i, const char **name, const char **json)
{
	if (i >= s->manifest.n_facts)
		return false;
	*name = s->manifest.facts[i].name;
	*json = s->manifest.facts[i].json;
	return true;
}
