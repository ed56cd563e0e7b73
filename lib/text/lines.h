/* SPDX-License-Identifier: MIT */
/* The lines of a part of the corpus, in batches of bounded memory. */
#pragma once
#include "base/buffer.h"
#include "base/json.h"
#include "text/source.h"
#include <stdatomic.h>

struct line {
	size_t start, n; /* in lines_batch.bytes, without the newline */
	uint32_t file;   /* of the source */
	uint64_t offset; /* of its first byte in the file's (unpacked) content */
	uint64_t number; /* from 1, of the lines that this part has of the file */
	bool cut;        /* it is too long: only its beginning is in the batch */
};

enum {
	LINES_PADDING = JSON_PADDING, /* bytes that may be read behind the last line of a batch */
	LINES_BEGINNING = 1024        /* bytes that are kept of a line that is too long, at most */
};

struct lines_batch {
	struct buffer bytes;
	struct line *line;
	size_t lines, cap;
};
void lines_batch_free(struct lines_batch *b); /* leaves {0} */

struct lines;
/* `line_bytes`: the longest line that is not cut; `whole_files`: a file is one line. The source must
 * live on. Close with lines_close. */
int lines_open(struct source *s, uint32_t part, uint64_t line_bytes, bool whole_files,
               struct lines **lines, struct cbtm_error *e);
void lines_close(struct lines *l); /* NULL is fine */
/*
 * For a thread that has nothing else to do yet: reads and unpacks the beginning of a part, until it
 * is *enough or the memory for it is full. lines_open with the same arguments then begins with that.
 * Errors are left to be found there.
 */
void lines_ahead(struct source *s, uint32_t part, uint64_t line_bytes, bool whole_files,
                 const atomic_bool *enough);

/*
 * Fills *batch (cleared first) with the next lines: until they have `bytes` bytes together or are
 * `max` in number; at least one unless the part is at its end (then batch->lines = 0). A byte order
 * mark at a file's start is left out. A line that is too long is cut, and what is passed over of it
 * counts as its bytes; it takes no more memory than one that is allowed. BAD_DATA naming the file if
 * it changed since it was found; STOPPED amid such a line; errors of stream.h.
 */
int lines_next(struct lines *l, size_t bytes, size_t max, struct lines_batch *batch,
               struct cbtm_error *e);

/* "file:line:byte": the line's number in the file, from 1, and where it begins in its content, from
 * 0. Counts the lines before the part once. May be called beside lines_next. */
void lines_place(struct lines *l, const struct line *line, char *where, size_t size);
