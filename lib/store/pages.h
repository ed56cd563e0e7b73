/* SPDX-License-Identifier: MIT */
/*
 * A sealed LMDB file, written from front to back, each value once. LMDB itself writes pages as
 * transactions touch them; so a file that it wrote holds the history of its commits, and only a
 * copy of it is compact. This one is what such a copy would be: two pages of the environment, values
 * on pages of their own as they come, then the trees. Its bytes follow from the names, keys, values,
 * their order and the size of a page alone.
 *
 * The layout is that of LMDB 0.9 (mdb.c: MDB_page, MDB_node, MDB_db, MDB_meta).
 */
#pragma once
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_BYTES_MAX = 32768 }; /* LMDB's largest page */

enum {
	PAGES_FIRST = 2,  /* page of the first value */
	PAGES_HEADER = 16 /* bytes before a value on its first page */
};

struct pages;
/* Goes on writing behind the pages [0, next) of a file; next = PAGES_FIRST: a new one. page: a power
 * of two from 512 to PAGE_BYTES_MAX. Free with pages_free; NULL is fine. */
struct pages *pages_new(size_t page, int fd, const char *path, uint64_t next, struct cbtm_error *e);
void pages_free(struct pages *p);
uint64_t pages_next(const struct pages *p);

/* Whether a leaf holds a value of n bytes; others get pages of their own. */
bool pages_in_leaf(size_t page, size_t key_n, size_t n);
uint64_t pages_of_value(size_t page, size_t n); /* how many */
/* Writes a value on pages of its own, the first of which is *at. It must live until pages_flush. */
int pages_value(struct pages *p, const void *value, size_t n, uint64_t *at, struct cbtm_error *e);
int pages_flush(struct pages *p, struct cbtm_error *e);

/* Begins a named database; names ascend bytewise. `name` must live as long as *p. */
int pages_database(struct pages *p, const char *name, size_t *database, struct cbtm_error *e);
/* Puts a value of n bytes; the keys of a database ascend bytewise and have at most 511 bytes. The
 * key is copied. at: where the value is; 0: in the leaf, and it must live until pages_finish. */
int pages_put(struct pages *p, size_t database, const void *key, size_t key_n, const void *value,
              size_t n, uint64_t at, struct cbtm_error *e);
/* Writes the trees and the first pages; *bytes: the file's size. Once. */
int pages_finish(struct pages *p, uint64_t *bytes, struct cbtm_error *e);
