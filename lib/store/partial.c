/* SPDX-License-Identifier: MIT */
#include "store/partial.h"
#include "base/file.h"
#include "base/log.h"
#include "store/packed.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LAYOUT = 3, FIRST_MAP = 128 << 20 };

static int failed(const struct partial *p, int rc, struct cbtm_error *e)
{
	return environment_error(rc, p->path, "cannot use the partial store", e);
}

static int open_databases(struct partial *p, MDB_txn *t, struct cbtm_error *e)
{
	int rc = mdb_dbi_open(t, "blocks", MDB_CREATE, &p->blocks);
	if (!rc)
		rc = mdb_dbi_open(t, "tails", MDB_CREATE, &p->tails);
	if (!rc)
		rc = mdb_dbi_open(t, "state", MDB_CREATE, &p->state);
	return failed(p, rc, e);
}

static int open_file(struct partial *p, struct cbtm_error *e)
{
	MDB_txn *t = NULL;
	int rc = environment_write(p->path, FIRST_MAP, 3, &p->env, e);
	if (!rc)
		rc = environment_grow(p->env, 0, p->path, e);
	if (!rc)
		rc = environment_begin(p->env, false, p->path, &t, e);
	if (!rc && (rc = open_databases(p, t, e))) {
		mdb_txn_abort(t);
		t = NULL;
	}
	if (t && !rc)
		rc = environment_commit(t, p->path, e);
	if (rc)
		partial_close(p);
	return rc;
}

void partial_close(struct partial *p)
{
	if (p->env)
		mdb_env_close(p->env);
	if (p->pages)
		close(p->fd);
	pages_free(p->pages);
	p->env = NULL;
	p->pages = NULL;
}

int partial_sync(const struct partial *p, struct cbtm_error *e)
{
	int rc = file_sync(p->fd, p->blocks_path, e);
	return rc ? rc : environment_sync(p->env, p->path, e);
}

/* The page behind the blocks that records name. */
static int find_end(const struct partial *p, MDB_txn *t, uint64_t *next, struct cbtm_error *e)
{
	MDB_cursor *c;
	MDB_val key, value;
	struct packed_record r;
	int rc = mdb_cursor_open(t, p->blocks, &c);
	*next = PAGES_FIRST;
	if (rc)
		return failed(p, rc, e);
	while (!(rc = mdb_cursor_get(c, &key, &value, MDB_NEXT))) {
		if (!packed_record_read(value.mv_data, value.mv_size, &r)) {
			rc = MDB_CORRUPTED;
			break;
		}
		uint64_t end = r.at + pages_of_value((size_t)sysconf(_SC_PAGESIZE), r.n);
		if (r.at && end > *next)
			*next = end;
	}
	mdb_cursor_close(c);
	return failed(p, rc == MDB_NOTFOUND ? 0 : rc, e);
}

/* The file of blocks, as long as `next` pages: what is beyond was never committed. */
static int open_blocks(struct partial *p, uint64_t next, struct cbtm_error *e)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct stat st;
	p->fd = open(p->blocks_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (p->fd < 0 || fstat(p->fd, &st))
		return error_errno(e, CBTM_ERR_CREATE, p->blocks_path, "cannot open the file");
	int rc = 0;
	if (next > PAGES_FIRST && (uint64_t)st.st_size < next * page)
		rc = error_set(e, CBTM_ERR_BAD_STORE, p->blocks_path, "is shorter than its records say");
	else if (ftruncate(p->fd, (off_t)(next > PAGES_FIRST ? next * page : 0)))
		rc = error_errno(e, CBTM_ERR_IO, p->blocks_path, "cannot cut the file");
	if (!rc && !(p->pages = pages_new(page, p->fd, p->blocks_path, next, e)))
		rc = e->name;
	if (rc)
		close(p->fd);
	return rc;
}

int partial_put_state(const struct partial *p, MDB_txn *t, const char *prefix, const char *name,
                      const void *value, size_t n, struct cbtm_error *e)
{
	char text[ROW_KEY_MAX + 8];
	size_t prefix_n = strlen(prefix), name_n = strlen(name);
	memcpy(text, prefix, prefix_n);
	memcpy(text + prefix_n, name, name_n);
	MDB_val key = { prefix_n + name_n, text }, data = { n, (void *)value };
	return failed(p, mdb_put(t, p->state, &key, &data, 0), e);
}

int partial_put(const struct partial *p, MDB_txn *t, MDB_dbi d, const char *column, uint64_t row,
                const void *value, size_t n, struct cbtm_error *e)
{
	unsigned char bytes[ROW_KEY_MAX];
	MDB_val key = { row_key(bytes, column, row), bytes }, data = { n, (void *)value };
	return failed(p, mdb_put(t, d, &key, &data, 0), e);
}

int partial_delete(const struct partial *p, MDB_txn *t, MDB_dbi d, const char *column, uint64_t row,
                   struct cbtm_error *e)
{
	unsigned char bytes[ROW_KEY_MAX];
	MDB_val key = { row_key(bytes, column, row), bytes };
	int rc = mdb_del(t, d, &key, NULL);
	return failed(p, rc == MDB_NOTFOUND ? 0 : rc, e);
}

int partial_get(const struct partial *p, MDB_txn *t, MDB_dbi d, const char *column, uint64_t row,
                MDB_val *value, struct cbtm_error *e)
{
	unsigned char bytes[ROW_KEY_MAX];
	MDB_val key = { row_key(bytes, column, row), bytes };
	return failed(p, mdb_get(t, d, &key, value), e);
}

int partial_each(const struct partial *p, const char *prefix, partial_visit *visit, void *arg,
                 struct cbtm_error *e)
{
	size_t prefix_n = strlen(prefix);
	MDB_txn *t = NULL;
	MDB_cursor *c = NULL;
	MDB_val key = { prefix_n, (void *)prefix }, value;
	char name[STORE_NAME_MAX + 1];
	int rc = environment_begin(p->env, true, p->path, &t, e);
	if (rc)
		return rc;
	int found = mdb_cursor_open(t, p->state, &c);
	for (found = found ? found : mdb_cursor_get(c, &key, &value, MDB_SET_RANGE);
	     !found && !rc && key.mv_size > prefix_n && key.mv_size <= prefix_n + STORE_NAME_MAX &&
	     !memcmp(key.mv_data, prefix, prefix_n);
	     found = mdb_cursor_get(c, &key, &value, MDB_NEXT)) {
		memcpy(name, (char *)key.mv_data + prefix_n, key.mv_size - prefix_n);
		name[key.mv_size - prefix_n] = 0;
		rc = visit(arg, name, value.mv_data, value.mv_size, e);
	}
	if (!rc && found && found != MDB_NOTFOUND)
		rc = failed(p, found, e);
	if (c)
		mdb_cursor_close(c);
	mdb_txn_abort(t);
	return rc;
}

/* Is a block or tail at `row` of the column part of the committed state? */
static bool is_committed(const struct partial *p, MDB_txn *t, bool tail, const char *column,
                         uint64_t row)
{
	char text[ROW_KEY_MAX + 8] = "column/";
	MDB_val key = { strlen(column) + 7, text }, value;
	struct partial_column state;
	memcpy(text + 7, column, strlen(column));
	if (mdb_get(t, p->state, &key, &value) || value.mv_size != sizeof state)
		return false;
	memcpy(&state, value.mv_data, sizeof state);
	return tail ? state.first < state.rows && row == state.rows : row < state.first;
}

/* Drops what was written ahead of the commit that never came. */
static int drop_uncommitted(struct partial *p, MDB_txn *t, bool tails, struct cbtm_error *e)
{
	MDB_cursor *c;
	MDB_val key, value;
	char column[ROW_KEY_MAX];
	int rc = mdb_cursor_open(t, tails ? p->tails : p->blocks, &c);
	if (rc)
		return failed(p, rc, e);
	while (!(rc = mdb_cursor_get(c, &key, &value, MDB_NEXT))) {
		if (key.mv_size < 10 || key.mv_size > ROW_KEY_MAX) {
			rc = MDB_CORRUPTED;
			break;
		}
		memcpy(column, key.mv_data, key.mv_size - 8);
		column[key.mv_size - 9] = 0;
		uint64_t row = get_big_endian((unsigned char *)key.mv_data + key.mv_size - 8);
		if (!is_committed(p, t, tails, column, row) && (rc = mdb_cursor_del(c, 0)))
			break;
	}
	mdb_cursor_close(c);
	return failed(p, rc == MDB_NOTFOUND ? 0 : rc, e);
}

static void header_text(const struct store_kind *kind, struct digest fingerprint, char text[256])
{
	struct buffer b = { 0 };
	struct cbtm_error e = { 0 };
	char hex[DIGEST_HEX];
	digest_hex(fingerprint, hex);
	memset(text, 0, 256);
	if (!buffer_printf(&b, &e, "%d %s %" PRIu32 " %s", LAYOUT, kind->name, kind->version, hex))
		memcpy(text, b.data, b.n < 255 ? b.n : 255);
	buffer_free(&b);
}

static bool is_ours(const struct partial *p, MDB_txn *t, const char *text)
{
	MDB_val key = { 6, "header" }, value;
	return !mdb_get(t, p->state, &key, &value) && value.mv_size == strlen(text) &&
	       !memcmp(value.mv_data, text, value.mv_size);
}

/* *ours: the files are of this kind and fingerprint; what they held beyond the state is gone. */
static int resume(struct partial *p, const char *header, bool *ours, struct cbtm_error *e)
{
	MDB_txn *t;
	uint64_t next = 0;
	int rc = environment_begin(p->env, false, p->path, &t, e);
	if (rc)
		return rc;
	*ours = is_ours(p, t, header);
	if (*ours)
		rc = drop_uncommitted(p, t, false, e);
	if (*ours && !rc)
		rc = drop_uncommitted(p, t, true, e);
	if (*ours && !rc)
		rc = find_end(p, t, &next, e);
	if (!rc && *ours) {
		rc = environment_commit(t, p->path, e);
		return rc ? rc : open_blocks(p, next, e);
	}
	mdb_txn_abort(t);
	return rc;
}

int partial_open(const struct part_files *f, const struct store_kind *kind,
                 struct digest fingerprint, struct partial *p, struct cbtm_error *e)
{
	char header[256];
	struct cbtm_error why = { 0 };
	bool ours = false;
	int rc;
	memset(p, 0, sizeof *p);
	p->path = f->partial;
	p->blocks_path = f->blocks;
	header_text(kind, fingerprint, header);
	if (file_exists(f->partial) && part_state_is_good(f)) {
		/* A seal that was interrupted before its manifest had given the blocks their last name. */
		if (!file_exists(f->blocks) && !file_exists(f->manifest))
			file_rename(f->store, f->blocks);
		rc = open_file(p, &why);
		if (!rc)
			rc = resume(p, header, &ours, &why);
		if (!rc && ours)
			return part_state_write(f, e);
		if (rc && rc != CBTM_ERR_BAD_STORE) {
			error_copy(e, &why);
			goto done;
		}
		/* Nothing is lost that the stage cannot make again. */
		partial_close(p);
		log_message(LOG_INFO, "%s: %s, begun anew", f->partial,
		            rc ? why.what : "of another fingerprint");
	}
	if ((rc = part_clean(f, true, e)) || (rc = part_state_write(f, e)) || (rc = open_file(p, e)) ||
	    (rc = open_blocks(p, PAGES_FIRST, e)))
		goto done;
	MDB_txn *t;
	if ((rc = environment_begin(p->env, false, p->path, &t, e)))
		goto done;
	if ((rc = partial_put_state(p, t, "", "header", header, strlen(header), e)))
		mdb_txn_abort(t);
	else
		rc = environment_commit(t, p->path, e);
done:
	if (rc)
		partial_close(p);
	return rc;
}
