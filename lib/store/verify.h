/* SPDX-License-Identifier: MIT */
/* Is a file what its manifest says? Asked before LMDB, which trusts its pages, maps a byte. */
#pragma once
#include "store/store.h"

/*
 * SIZE compares the size, FULL the digest too, ONCE the digest unless this user's memory
 * ($XDG_CACHE_HOME/cbtm/verified, else ~/.cache) holds the same digest, device, inode, size and
 * ctime. BAD_STORE naming the file if it differs.
 */
int verify_file(const char *path, uint64_t bytes, struct digest digest, enum store_verify how,
                struct cbtm_error *e);

/* Notes there that the file has this digest, which the caller took of it. */
void verify_remember(const char *path, struct digest digest);

/* Checks every byte of a sealed part: manifest, file, blocks, digests of columns and content. */
int store_check(const char *dir, uint32_t part, struct cbtm_error *e);
