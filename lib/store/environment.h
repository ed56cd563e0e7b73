/* SPDX-License-Identifier: MIT */
/*
 * LMDB as we use it: one file, no lock file (our own flock keeps writers apart, sealed files have
 * no writers), never MDB_WRITEMAP, and a map that grows between transactions, so that no caller
 * thinks of its size.
 */
#pragma once
#include "base/error.h"
#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* LMDB's code as ours: disk full, memory, damaged file, else our bug. `doing`: "cannot commit". */
int environment_error(int rc, const char *path, const char *doing, struct cbtm_error *e);

/* Opens or makes a file for writing, unsynced (MDB_NOSYNC); environment_sync makes it durable. */
int environment_write(const char *path, uint64_t map_size, unsigned databases, MDB_env **env,
                      struct cbtm_error *e);
/* Opens a sealed file of exactly `size` bytes read-only. */
int environment_read(const char *path, uint64_t size, unsigned databases, MDB_env **env,
                     struct cbtm_error *e);

/* Before a write transaction: at least twice `batch` bytes and 64 MiB are free in the map. */
int environment_grow(MDB_env *env, uint64_t batch, const char *path, struct cbtm_error *e);

int environment_begin(MDB_env *env, bool read_only, const char *path, MDB_txn **txn,
                      struct cbtm_error *e);
int environment_commit(MDB_txn *txn, const char *path, struct cbtm_error *e);
int environment_sync(MDB_env *env, const char *path, struct cbtm_error *e);

/*
 * Lets go of the pages of a value: it stays valid and comes back from the file when it is touched,
 * but counts no more as this process' memory. environment_release: of all large values of a database;
 * with a read transaction of the caller's. Any thread, at any time.
 */
void environment_release_value(const void *value, size_t n);
void environment_release(MDB_txn *txn, MDB_dbi database);

/* A key of a column's rows where several columns share a database: name, NUL, u64 big endian. */
enum { ROW_KEY_MAX = 201 + 8 };
size_t row_key(unsigned char key[ROW_KEY_MAX], const char *column, uint64_t row);
void put_big_endian(unsigned char p[8], uint64_t v);
uint64_t get_big_endian(const unsigned char p[8]);
