/* SPDX-License-Identifier: MIT */
/*
 * A corpus: files found by paths, folders and globs, cut into parts. A part is a run of whole
 * files, or a byte range of one plain file; a line belongs to the part that holds its first byte.
 */
#pragma once
#include "base/digest.h"
#include "text/stream.h"
#include <stdbool.h>

struct source_file {
	char *path;
	const char *name; /* for people: the path, or "standard input" */
	uint64_t size;    /* as it lies on disk */
	struct source_stamp {
		uint64_t device, inode, seconds, nanoseconds; /* of its last change */
	} stamp;
	enum stream_coding coding;
};

struct source_part {
	uint32_t first, files; /* a run of files ... */
	uint64_t from, to;     /* ... or, with one file, its bytes [from, to); to = UINT64_MAX: all */
};

struct lines;
struct source {
	struct source_file *file; /* sorted bytewise by path, each once */
	uint32_t files;
	struct source_part *part;
	uint32_t parts;
	struct lines *ahead; /* what lines_ahead has read; NULL: nothing */
	int spool;           /* descriptor of the copy of standard input, -1: none */
};

/*
 * Finds the files of `paths` (a file; a folder: the files below it whose names do not begin with a
 * dot; a glob; "-" alone: standard input, spool.h) and cuts parts of about `part_bytes` > 0 on disk: plain files larger than that into
 * ranges unless `whole_files`, smaller ones together. MISSING_INPUT naming a path that is nothing;
 * EMPTY_CORPUS when there is no file or all are empty. Free with source_free.
 */
int source_plan(const char *const *paths, size_t n, uint64_t part_bytes, int whole_files,
                struct source **source, struct cbtm_error *e);
void source_free(struct source *s); /* NULL is fine */

/*
 * About how much the files hold: bytes when unpacked (*exact: none is packed; a packed one is taken to hold
 * four times its size) and documents, from the lines in the first MiB of the first file, or of
 * `whole_files` the files.
 */
int source_measure(const struct source *s, int whole_files, uint64_t *bytes, uint64_t *documents,
                   bool *exact, struct cbtm_error *e);

/* Whether the file is the one that was found: BAD_DATA if it was replaced, grew, shrank or was
 * written to since. */
int source_check(const struct source_file *f, struct cbtm_error *e);

/* The digest of a part's slice: the files' bytes as they lie on disk, or the lines of the range.
 * Depends on no path. */
int source_digest(const struct source *s, uint32_t part, struct digest *d, struct cbtm_error *e);

/* The first line start at or behind `from` in a plain file (its size if there is none). */
int source_line_start(const struct source_file *f, uint64_t from, uint64_t *start,
                      struct cbtm_error *e);
