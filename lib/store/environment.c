/* SPDX-License-Identifier: MIT */
#include "store/environment.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	SLACK = 64 << 20,
	NO_ROOM = 256 << 10,
	LARGE = 1 << 14 /* bytes of a value that is worth a system call */
};

/* LMDB calls a write that a full disk cut short EIO. */
static bool is_full(const char *path)
{
	struct statvfs disk;
	return !statvfs(path, &disk) && (uint64_t)disk.f_bavail * disk.f_frsize < NO_ROOM;
}

int environment_error(int rc, const char *path, const char *doing, struct cbtm_error *e)
{
	if (rc == 0)
		return 0;
	if (rc == MDB_MAP_FULL || rc == MDB_BAD_TXN || rc == MDB_TXN_FULL || rc == MDB_BAD_VALSIZE ||
	    rc == MDB_DBS_FULL || rc == MDB_KEYEXIST || rc == EINVAL)
		return error_set(e, CBTM_ERR_INTERNAL, path, "%s: %s", doing, mdb_strerror(rc));
	if (rc < 0)
		return error_set(e, CBTM_ERR_BAD_STORE, path, "%s: %s", doing, mdb_strerror(rc));
	errno = rc == EIO && is_full(path) ? ENOSPC : rc;
	return error_errno(e, CBTM_ERR_IO, path, "%s", doing);
}

static int open_environment(const char *path, uint64_t map_size, unsigned databases, unsigned flags,
                            MDB_env **env, struct cbtm_error *e)
{
	MDB_env *made = NULL;
	int rc = mdb_env_create(&made);
	if (!rc)
		rc = mdb_env_set_mapsize(made, map_size);
	if (!rc)
		rc = mdb_env_set_maxdbs(made, databases);
	if (!rc)
		rc = mdb_env_open(made, path, flags | MDB_NOSUBDIR | MDB_NOLOCK, 0666);
	if (!rc) {
		*env = made;
		return 0;
	}
	if (made)
		mdb_env_close(made);
	return environment_error(rc, path, "cannot open the store", e);
}

int environment_write(const char *path, uint64_t map_size, unsigned databases, MDB_env **env,
                      struct cbtm_error *e)
{
	return open_environment(path, map_size, databases, MDB_NOSYNC, env, e);
}

int environment_read(const char *path, uint64_t size, unsigned databases, MDB_env **env,
                     struct cbtm_error *e)
{
	return open_environment(path, size, databases, MDB_RDONLY, env, e);
}

int environment_grow(MDB_env *env, uint64_t batch, const char *path, struct cbtm_error *e)
{
	MDB_envinfo info;
	MDB_stat stat;
	int rc = mdb_env_info(env, &info);
	if (!rc)
		rc = mdb_env_stat(env, &stat);
	if (rc)
		return environment_error(rc, path, "cannot read the size of the store", e);
	uint64_t used = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
	uint64_t need = used + 2 * batch + SLACK;
	if (need <= info.me_mapsize)
		return 0;
	/* Half as much again, so that growing does not happen at every commit. */
	need += need / 2;
	need -= need % (1 << 20);
	return environment_error(mdb_env_set_mapsize(env, need), path, "cannot grow the store", e);
}

int environment_begin(MDB_env *env, bool read_only, const char *path, MDB_txn **txn,
                      struct cbtm_error *e)
{
	int rc = mdb_txn_begin(env, NULL, read_only ? MDB_RDONLY : 0, txn);
	if (rc)
		*txn = NULL;
	return environment_error(rc, path, "cannot begin a transaction", e);
}

int environment_commit(MDB_txn *txn, const char *path, struct cbtm_error *e)
{
	return environment_error(mdb_txn_commit(txn), path, "cannot commit", e);
}

int environment_sync(MDB_env *env, const char *path, struct cbtm_error *e)
{
	return environment_error(mdb_env_sync(env, 1), path, "cannot sync", e);
}

void environment_release_value(const void *value, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)value + page - 1;
	uintptr_t end = (uintptr_t)value + n;
	from -= from % page;
	end -= end % page;
	if (n >= LARGE && from < end)
		madvise((void *)from, end - from, MADV_DONTNEED);
}

void environment_release(MDB_txn *txn, MDB_dbi database)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	if (mdb_cursor_open(txn, database, &cursor))
		return;
	while (!mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
		environment_release_value(value.mv_data, value.mv_size);
	mdb_cursor_close(cursor);
}

void put_big_endian(unsigned char p[8], uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(v >> (56 - 8 * i));
}

uint64_t get_big_endian(const unsigned char p[8])
{
	uint64_t v = 0;
	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

size_t row_key(unsigned char key[ROW_KEY_MAX], const char *column, uint64_t row)
{
	size_t n = strlen(column) + 1;
	memcpy(key, column, n);
	put_big_endian(key + n, row);
	return n + 8;
}
