/* SPDX-License-Identifier: MIT */
/*
 * A sealed LMDB file, written from front to back in one pass, each value once. LMDB itself writes
 * pages as transactions touch them; so a file that it wrote holds the history of its commits, and
 * only a copy of it is compact. Here all databases, keys and values are known beforehand, and the
 * file is what such a copy would be: the two pages of the environment, values on pages of their
 * own, then the trees. Its bytes follow from the names, keys, values and the size of a page alone.
 *
 * The layout is that of LMDB 0.9 (mdb.c: MDB_page, MDB_node, MDB_db, MDB_meta).
 */
#pragma once
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

enum { PAGE_BYTES_MAX = 32768 }; /* LMDB's largest page */

struct pages;
/* page: a power of two from 512 to PAGE_BYTES_MAX. Free with pages_free; NULL is fine. */
struct pages *pages_new(size_t page, struct cbtm_error *e);
void pages_free(struct pages *p);

/* Begins a named database; names ascend bytewise. `name` must live as long as *p. */
int pages_database(struct pages *p, const char *name, size_t *database, struct cbtm_error *e);
/* Puts a value; the keys of a database ascend bytewise and have at most 511 bytes. The key is
 * copied, the value must live until pages_write is done. */
int pages_put(struct pages *p, size_t database, const void *key, size_t key_n, const void *value,
              size_t n, struct cbtm_error *e);
/* Says that the values of a database lie in a file's map: when they are written their pages are let go
 * of (environment_release_value). */
void pages_map(struct pages *p, size_t database);
/* Writes the whole file to the descriptor of an empty one; *bytes: its size. Once. */
int pages_write(struct pages *p, int fd, const char *path, uint64_t *bytes, struct cbtm_error *e);
