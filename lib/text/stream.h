/* SPDX-License-Identifier: MIT */
/* The bytes of a file, unpacked: plain, gzip (many members, zeros behind them) or zstd (many frames). */
#pragma once
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stream_coding { STREAM_PLAIN, STREAM_GZIP, STREAM_ZSTD };

/* By the first bytes; a name that ends in .gz or .zst decides alone. Errors: MISSING_INPUT, IO. */
int stream_coding(const char *path, enum stream_coding *coding, struct cbtm_error *e);

struct stream;
/* Opens a file for reading from byte `from` of its content (plain files seek, others unpack up to
 * there). Errors call it `name`, which must live as long as the stream. */
int stream_open(const char *path, const char *name, enum stream_coding coding, uint64_t from,
                struct stream **s, struct cbtm_error *e);
void stream_close(struct stream *s); /* NULL is fine */
/* Fills up to cap bytes; *n = 0 only at the end. BAD_DATA naming the file if it is cut off or
 * damaged; a zstd window over 128 MiB is refused. */
int stream_read(struct stream *s, void *bytes, size_t cap, size_t *n, struct cbtm_error *e);
