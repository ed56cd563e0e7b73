/* SPDX-License-Identifier: MIT */
/*
 * Sealing. The partial file's pages tell the history of its commits; the published file must not.
 * So the values are put once more, in column and key order, into a fresh environment whose map
 * size and commits follow from the rows alone; its compact copy is the part. Blocks are copied as
 * they are after a check; only open ones are encoded here.
 */
#include "base/fault.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "store/recheck.h"
#include "store/tensor.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMMIT_BYTES = 8 << 20 };

struct rewrite {
	struct store_writer *w;
	struct manifest *m;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi crc, column;
	const char *path;
	uint64_t since_commit; /* bytes */
	struct buffer crcs, value;
	struct recheck *recheck;
	/* of the column that is put */
	const struct writer_column *from;
	struct digest_stream *digest;
	struct store_column_info *info;
};

static int failed(const struct rewrite *r, int rc, struct cbtm_error *e)
{
	return environment_error(rc, r->path, "cannot rewrite the store", e);
}

/* The bytes that the fresh environment may need, by the rows alone. */
static uint64_t map_size(const struct store_writer *w, uint64_t page)
{
	uint64_t bytes = 64 << 20;
	for (size_t i = 0; i < w->n_columns; i++) {
		const struct writer_column *c = &w->columns[i];
		uint64_t raw =
			c->elements * store_type_size(c->type) + (c->shape == STORE_VARIABLE ? 4 * c->rows : 0);
		uint64_t blocks = 2 + 2 * (raw / STORE_BLOCK_BYTES);
		if (c->shape != STORE_VARIABLE && c->block_rows)
			blocks = 2 + c->rows / c->block_rows;
		bytes += 2 * raw + blocks * 4 * page + 16 * page;
	}
	for (size_t i = 0; i < w->n_facts; i++)
		bytes += 4 * strlen(w->facts[i].json);
	return bytes / (1 << 20) * (1 << 20);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct writer_column *const *)a)->name,
	              (*(struct writer_column *const *)b)->name);
}

static int step(struct rewrite *r, uint64_t bytes, struct cbtm_error *e)
{
	r->since_commit += bytes;
	if (r->since_commit < COMMIT_BYTES)
		return 0;
	r->since_commit = 0;
	int rc = fault_point("store.seal.rewrite", e);
	if (rc)
		return rc;
	MDB_txn *t = r->txn;
	r->txn = NULL;
	rc = environment_commit(t, r->path, e);
	return rc ? rc : environment_begin(r->env, false, r->path, &r->txn, e);
}

static int put_tensor(struct rewrite *r, const struct writer_column *c, uint64_t key,
                      const struct block *b, struct store_column_info *info, struct cbtm_error *e)
{
	struct block_place at = { r->w->fingerprint, c->name, key };
	unsigned char row[8], named[ROW_KEY_MAX];
	size_t size = tensor_value_size(b->n, r->m->page);
	MDB_val k = { 8, row }, v = { size, NULL };
	put_big_endian(row, key);
	int rc = mdb_put(r->txn, r->column, &k, &v, MDB_APPEND | MDB_RESERVE);
	if (rc)
		return failed(r, rc, e);
	if ((rc = tensor_encode(&at, b->rows, b->raw, b->n, v.mv_data, size, &r->crcs, e)))
		return rc;
	k = (MDB_val){ row_key(named, c->name, key), named };
	v = (MDB_val){ r->crcs.n, r->crcs.data };
	if ((rc = mdb_put(r->txn, r->crc, &k, &v, MDB_APPEND)))
		return failed(r, rc, e);
	info->stored_bytes += size;
	return step(r, size, e);
}

static int put_value(struct rewrite *r, uint64_t key, const void *value, size_t n,
                     struct store_column_info *info, struct cbtm_error *e)
{
	unsigned char row[8];
	MDB_val k = { 8, row }, v = { n, (void *)value };
	put_big_endian(row, key);
	int rc = mdb_put(r->txn, r->column, &k, &v, MDB_APPEND);
	if (rc)
		return failed(r, rc, e);
	info->stored_bytes += n;
	return step(r, n, e);
}

/* Takes a block into the digest and puts its final form. */
static int put_block(void *arg, const struct recheck_block *b, struct cbtm_error *e)
{
	struct rewrite *r = arg;
	const struct writer_column *c = r->from;
	struct block_place at = { r->w->fingerprint, c->name, b->key };
	const struct block *raw = &b->block;
	column_digest_block(r->digest, c->type, c->shape, raw->rows, raw->raw, raw->n);
	r->info->rows += raw->rows;
	r->info->raw_bytes += raw->n;
	if (c->shape == STORE_TENSOR)
		return put_tensor(r, c, b->key, raw, r->info, e);
	if (!b->tail)
		return put_value(r, b->key, b->value.mv_data, b->value.mv_size, r->info, e);
	buffer_clear(&r->value);
	int rc = block_encode(r->w->codec, &at, raw->rows, raw->raw, raw->n, c->level, &r->value, e);
	return rc ? rc : put_value(r, b->key, r->value.data, r->value.n, r->info, e);
}

static int put_column(struct rewrite *r, const struct writer_column *c, MDB_txn *from,
                      struct store_column_info *info, struct cbtm_error *e)
{
	int rc = mdb_dbi_open(r->txn, c->name, MDB_CREATE, &r->column);
	if (rc)
		return failed(r, rc, e);
	memcpy(info->name, c->name, sizeof info->name);
	info->type = c->type;
	info->shape = c->shape;
	info->width = c->width;
	info->elements = c->elements;
	if (!(r->digest = column_digest_begin(c->name, c->type, c->shape, c->width, c->rows, e)))
		return e->name;
	r->from = c;
	r->info = info;
	rc = recheck_column(r->recheck, c, from, put_block, r, e);
	info->content = digest_now(r->digest);
	digest_end(r->digest);
	return rc;
}

static int put_columns(struct rewrite *r, struct cbtm_error *e)
{
	struct store_writer *w = r->w;
	struct writer_column **sorted = mem_zeroed(w->n_columns, sizeof *sorted, "columns", e);
	MDB_txn *from = NULL;
	int rc = sorted ? 0 : (int)e->name;
	if (!rc && !(r->recheck = recheck_new(w, e)))
		rc = e->name;
	if (!rc)
		rc = environment_begin(w->partial.env, true, w->partial.path, &from, e);
	for (size_t i = 0; !rc && i < w->n_columns; i++)
		sorted[i] = &w->columns[i];
	if (!rc)
		qsort(sorted, w->n_columns, sizeof *sorted, by_name);
	for (size_t i = 0; !rc && i < w->n_columns; i++)
		rc = put_column(r, sorted[i], from, &r->m->columns[i], e);
	if (from)
		mdb_txn_abort(from);
	recheck_free(r->recheck);
	free(sorted);
	return rc;
}

static int put_header(struct rewrite *r, struct cbtm_error *e)
{
	struct buffer text = { 0 };
	MDB_dbi d;
	int rc = manifest_content(r->m, &r->m->content, e);
	if (!rc)
		rc = manifest_header(r->m, &text, e);
	if (!rc && !(r->m->header = arena_string(r->w->arena, text.data, text.n, e)))
		rc = e->name;
	if (!rc)
		rc = failed(r, mdb_dbi_open(r->txn, ".store", MDB_CREATE, &d), e);
	MDB_val key = { 6, "header" }, value = { text.n, text.data };
	if (!rc)
		rc = failed(r, mdb_put(r->txn, d, &key, &value, 0), e);
	buffer_free(&text);
	return rc;
}

static int rewrite(struct rewrite *r, struct cbtm_error *e)
{
	struct store_writer *w = r->w;
	r->m->page = (uint64_t)sysconf(_SC_PAGESIZE);
	int rc =
		environment_write(r->path, map_size(w, r->m->page), (unsigned)w->n_columns + 2, &r->env, e);
	if (!rc)
		rc = environment_begin(r->env, false, r->path, &r->txn, e);
	if (!rc)
		rc = failed(r, mdb_dbi_open(r->txn, ".crc", MDB_CREATE, &r->crc), e);
	if (!rc)
		rc = put_columns(r, e);
	if (!rc)
		rc = put_header(r, e);
	if (!rc)
		rc = fault_point("store.seal.rewrite", e);
	if (rc) {
		mdb_txn_abort(r->txn);
		return rc;
	}
	MDB_txn *t = r->txn;
	r->txn = NULL;
	return environment_commit(t, r->path, e);
}

/* The compact copy, whole and on the disk, and its digest. */
static int copy_compact(struct rewrite *r, const char *path, struct cbtm_error *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_errno(e, CBTM_ERR_CREATE, path, "cannot create the file");
	int rc = fault_point("store.seal.copy", e);
	if (!rc)
		rc = environment_error(mdb_env_copyfd2(r->env, fd, MDB_CP_COMPACT), path,
		                       "cannot write the sealed copy", e);
	if (!rc)
		rc = fault_point("store.seal.sync", e);
	if (!rc)
		rc = file_sync(fd, path, e);
	if (close(fd) && !rc)
		rc = error_errno(e, CBTM_ERR_IO, path, "cannot close the file");
	if (!rc)
		rc = file_size(path, &r->m->file_bytes, e);
	return rc ? rc : digest_file(path, 0, UINT64_MAX, &r->m->file, e);
}

/* Under their final names: an older part's manifest goes first, the new one comes last. */
static int publish(struct store_writer *w, const struct manifest *m, struct cbtm_error *e)
{
	int rc = part_unpublish(&w->files, e);
	if (!rc)
		rc = fault_point("store.seal.rename", e);
	if (!rc)
		rc = file_publish(w->files.copy, w->files.store, e);
	if (!rc)
		rc = fault_point("store.manifest", e);
	if (!rc)
		rc = manifest_write(m, w->files.manifest, e);
	return rc;
}

/* Sizes, for people. */
static void tell(const struct store_writer *w, const struct manifest *m)
{
	struct cbtm_error ignored = { 0 };
	struct buffer b = { 0 };
	uint64_t raw = 0, stored = 0;
	for (size_t i = 0; i < m->n_columns; i++) {
		raw += m->columns[i].raw_bytes;
		stored += m->columns[i].stored_bytes;
	}
	if (!json_put_key(&b, "part", &ignored) &&
	    !json_put_string(&b, w->files.store, strlen(w->files.store), &ignored) &&
	    !json_put_key(&b, "raw_bytes", &ignored) && !json_put_u64(&b, raw, &ignored) &&
	    !json_put_key(&b, "stored_bytes", &ignored) && !json_put_u64(&b, stored, &ignored) &&
	    !json_put_key(&b, "ratio", &ignored) &&
	    !json_put_f64(&b, stored ? (double)raw / (double)stored : 1, &ignored) &&
	    !json_put_key(&b, "file_bytes", &ignored) && !json_put_u64(&b, m->file_bytes, &ignored))
		log_event("sealed", b.data);
	buffer_free(&b);
}

static int seal(struct store_writer *w, struct cbtm_error *e)
{
	struct manifest m = { .kind = w->kind->name,
		                  .version = w->kind->version,
		                  .fingerprint = w->fingerprint,
		                  .n_columns = w->n_columns,
		                  .n_facts = w->n_facts };
	struct rewrite r = { .w = w, .m = &m, .path = w->files.rewrite };
	int rc = part_clean(&w->files, false, e);
	m.columns = mem_zeroed(w->n_columns, sizeof m.columns[0], "columns", e);
	m.facts = mem_zeroed(w->n_facts, sizeof m.facts[0], "facts", e);
	if (!rc && (!m.columns || !m.facts))
		rc = e->name;
	for (size_t i = 0; !rc && i < w->n_facts; i++)
		m.facts[i] = (struct manifest_fact){ w->facts[i].name, w->facts[i].json };
	if (!rc)
		rc = rewrite(&r, e);
	if (!rc)
		rc = copy_compact(&r, w->files.copy, e);
	if (r.env)
		mdb_env_close(r.env);
	if (!rc)
		rc = publish(w, &m, e);
	if (!rc)
		tell(w, &m);
	buffer_free(&r.crcs);
	buffer_free(&r.value);
	free(m.columns);
	free(m.facts);
	return rc;
}

int store_seal(struct store_writer *w, struct cbtm_error *e)
{
	struct cbtm_error ignored = { 0 };
	w->sealing = true;
	int rc = store_commit(w, NULL, 0, e);
	if (!rc)
		rc = seal(w, e);
	if (rc) {
		part_clean(&w->files, false, &ignored);
		store_leave(w);
		return rc;
	}
	if (!(rc = fault_point("store.seal.clean", e))) {
		partial_close(&w->partial);
		rc = part_clean(&w->files, true, e);
	}
	writer_free(w);
	return rc;
}
