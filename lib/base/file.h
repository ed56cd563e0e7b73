/* SPDX-License-Identifier: MIT */
/* Files: whole reads, atomic publishing, folders, locks. EINTR and short counts are handled. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Reads a whole file of at most `limit` bytes into *b (appended). BAD_DATA if it is longer, or a
 * folder, a pipe, a device: nothing is waited for. */
int file_read(const char *path, uint64_t limit, struct buffer *b, struct cbtm_error *e);
/* Likewise of what the user names and may be a pipe. */
int file_read_stream(const char *path, uint64_t limit, struct buffer *b, struct cbtm_error *e);
bool file_exists(const char *path);
/* A file that is there is the user's: CREATE, and a hint at --force, unless `force`. */
int file_keep(const char *path, bool force, struct cbtm_error *e);
int file_size(const char *path, uint64_t *n, struct cbtm_error *e);
int file_write_all(int fd, const void *p, size_t n, const char *path, struct cbtm_error *e);
/* Writes n pieces one behind another from byte `offset` on; they are used up. n < 1024. */
int file_write_vector(int fd, struct iovec *piece, int n, uint64_t offset, const char *path,
                      struct cbtm_error *e);
/* Asks the disk to begin with these bytes; nothing is promised, errors show at file_sync. */
void file_start_writing(int fd, uint64_t offset, uint64_t n);
int file_read_exact(int fd, void *p, size_t n, uint64_t offset, const char *path,
                    struct cbtm_error *e);

/*
 * Publishing: nothing is visible before it is whole. file_publish fsyncs the file at `temporary`,
 * renames it to `final` and fsyncs the folder; file_replace writes the bytes to a temporary file
 * beside `path` (O_EXCL, mode of an existing file kept) and publishes it. A failed fsync is
 * fatal, never retried.
 */
int file_publish(const char *temporary, const char *final, struct cbtm_error *e);
int file_replace(const char *path, const void *bytes, size_t n, struct cbtm_error *e);
/* A failed fsync may have dropped the pages: whoever called must give up on the file. */
int file_sync(int fd, const char *path, struct cbtm_error *e);
int file_sync_folder(const char *folder, struct cbtm_error *e);

int folder_make(const char *path, struct cbtm_error *e); /* with parents; exists: fine */
/* Names in a folder, sorted bytewise, "." and ".." left out. Free each name and the array. */
int folder_list(const char *path, char ***names, size_t *n, struct cbtm_error *e);
void folder_list_free(char **names, size_t n);
/* Removes a file or a folder with what is in it; a missing one is fine. Does not follow links. */
int folder_remove(const char *path, struct cbtm_error *e);

/* A lock on `path` (created): flock. BUSY error with pid, host and start of the holder if taken.
 * The lock ends with the process; no stale lock needs a hand. Returns an fd >= 0, or -1. */
int file_lock(const char *path, bool wait, struct cbtm_error *e);
void file_unlock(int fd);

/* Gives a file another name in the same folder, if it is there; not durably: for what the next start
 * does again. */
void file_rename(const char *path, const char *to);

/* path = a "/" b; NULL and an error if memory fails. Free with free(). */
char *path_join(const char *a, const char *b, struct cbtm_error *e);
char *path_printf(struct cbtm_error *e, const char *fmt, ...) CBTM_PRINTF(2, 3);
/* "nfs", "lustre", "gpfs", "fuse" ... for file systems on which LMDB and flock cannot be
 * trusted, else NULL. */
const char *file_network_type(const char *path);
