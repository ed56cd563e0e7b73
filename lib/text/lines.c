/* SPDX-License-Identifier: MIT */
#include "text/lines.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/signals.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT = 1 << 18, AHEAD = 16 << 20 };

struct lines {
	const struct source *source;
	uint32_t number_of_part;
	struct source_part part;
	uint64_t line_bytes;
	bool whole_files;
	uint32_t file; /* the open one, or the next */
	struct stream *stream;
	uint64_t offset; /* of `at` in the file's content */
	unsigned mark;   /* bytes of a byte order mark just before it */
	uint64_t number; /* of the line there, in this part */
	/* Lines of the file before the part; UINT64_MAX: not counted yet. */
	atomic_uint_fast64_t before;
	char *input; /* room for INPUT bytes; for AHEAD, while what was read `ahead` is used */
	size_t at, end;
	bool ahead;
	uint64_t passed_over; /* bytes of lines that are too long, in this batch */
};

void lines_batch_free(struct lines_batch *b)
{
	buffer_free(&b->bytes);
	free(b->line);
	*b = (struct lines_batch){ 0 };
}

static bool is_for(const struct lines *l, uint32_t part, uint64_t line_bytes, bool whole_files)
{
	return l && l->number_of_part == part && l->line_bytes == line_bytes &&
	       l->whole_files == whole_files;
}

int lines_open(struct source *s, uint32_t part, uint64_t line_bytes, bool whole_files,
               struct lines **lines, struct cbtm_error *e)
{
	struct lines *l;

	*lines = NULL;
	if (is_for(s->ahead, part, line_bytes, whole_files)) {
		*lines = s->ahead;
		s->ahead = NULL;
		return 0;
	}
	l = mem_zeroed(1, sizeof *l, "a line reader", e);
	if (!l)
		return e->name;
	l->number_of_part = part;
	l->source = s;
	l->part = s->part[part];
	l->line_bytes = line_bytes;
	l->whole_files = whole_files;
	l->file = l->part.first;
	l->before = l->part.to == UINT64_MAX ? 0 : UINT64_MAX;
	l->input = mem_zeroed(1, INPUT, "a line reader", e);
	if (!l->input) {
		lines_close(l);
		return e->name;
	}
	*lines = l;
	return 0;
}

void lines_close(struct lines *l)
{
	if (!l)
		return;
	stream_close(l->stream);
	free(l->input);
	free(l);
}

/* Opens the next file of the part, at the first line that is this part's. */
static int open_next(struct lines *l, struct cbtm_error *e)
{
	const struct source_file *f = &l->source->file[l->file];

	l->offset = 0;
	l->mark = 0;
	l->number = 1;
	l->at = l->end = 0;
	if (source_check(f, e))
		return e->name;
	if (l->part.to != UINT64_MAX && source_line_start(f, l->part.from, &l->offset, e))
		return e->name;
	return stream_open(f->path, f->name, f->coding, l->offset, &l->stream, e);
}

/* All that was read ahead is used. */
static void stop_ahead(struct lines *l)
{
	char *less = realloc(l->input, INPUT);

	l->input = less ? less : l->input;
	l->ahead = false;
}

/* Makes bytes [at, end) not empty; both 0 at the file's end. */
static int fill(struct lines *l, struct cbtm_error *e)
{
	size_t more = 1;

	if (l->at < l->end)
		return 0;
	if (l->ahead && l->at)
		stop_ahead(l);
	l->at = 0;
	if (stream_read(l->stream, l->input, INPUT, &l->end, e))
		return e->name;
	/* A stream may give less than a byte order mark at once. */
	for (; !l->offset && l->end && l->end < 3 && more; l->end += more)
		if (stream_read(l->stream, l->input + l->end, INPUT - l->end, &more, e))
			return e->name;
	if (!l->offset && l->end >= 3 && !memcmp(l->input, "\xef\xbb\xbf", 3)) {
		l->at = 3;
		l->offset = 3;
		l->mark = 3;
		return fill(l, e);
	}
	return 0;
}

void lines_ahead(struct source *s, uint32_t part, uint64_t line_bytes, bool whole_files,
                 const atomic_bool *enough)
{
	struct cbtm_error e = { 0 };
	struct lines *l;
	char *more;
	size_t n = 1;

	if (s->ahead || atomic_load(enough) || lines_open(s, part, line_bytes, whole_files, &l, &e))
		return;
	if ((more = realloc(l->input, AHEAD))) {
		l->input = more;
		l->ahead = true;
		if (!open_next(l, &e))
			fill(l, &e);
		while (n && !e.name && l->end && l->end < AHEAD && !atomic_load(enough)) {
			size_t room = AHEAD - l->end < INPUT ? AHEAD - l->end : INPUT;
			if (!stream_read(l->stream, l->input + l->end, room, &n, &e))
				l->end += n;
		}
	}
	if (l->ahead && !e.name)
		s->ahead = l;
	else
		lines_close(l);
}

/* How many line feeds a file has before `offset`. */
static uint64_t count_before(const struct source_file *f, uint64_t offset)
{
	struct cbtm_error ignored = { 0 };
	struct stream *stream = NULL;
	char *bytes = mem_zeroed(1, INPUT, "a line reader", &ignored);
	uint64_t count = 0;
	size_t n = 1;

	if (!bytes || stream_open(f->path, f->name, f->coding, 0, &stream, &ignored))
		offset = 0;
	while (n && offset &&
	       !stream_read(stream, bytes, offset < INPUT ? (size_t)offset : INPUT, &n, &ignored)) {
		offset -= n;
		for (const char *p = bytes; (p = memchr(p, '\n', (size_t)(bytes + n - p))); p++)
			count++;
	}
	stream_close(stream);
	free(bytes);
	return count;
}

void lines_place(struct lines *l, const struct line *line, char *where, size_t size)
{
	const struct source_file *f = &l->source->file[line->file];
	struct cbtm_error ignored = { 0 };
	uint64_t from = 0;

	if (l->before == UINT64_MAX && !source_line_start(f, l->part.from, &from, &ignored))
		l->before = count_before(f, from);
	snprintf(where, size, "%s:%" PRIu64 ":%" PRIu64, f->name, (uint64_t)l->before + line->number,
	         line->offset);
}

/* Leaves the beginning of a line in the batch, up to a whole character. */
static void cut(struct lines *l, struct lines_batch *b, struct line *line)
{
	const char *bytes = b->bytes.data + line->start;
	size_t n = l->line_bytes < LINES_BEGINNING ? (size_t)l->line_bytes : LINES_BEGINNING;

	for (int i = 0; i < 3 && n && ((unsigned char)bytes[n] & 0xc0) == 0x80; i++)
		n--;
	l->passed_over += b->bytes.n - line->start - n;
	b->bytes.n = line->start + n;
	line->cut = true;
}

/* One line into the batch; *found = false at the end of the file or range. */
static int take_line(struct lines *l, struct lines_batch *b, bool *found, struct cbtm_error *e)
{
	struct line line = { b->bytes.n, 0, l->file, 0, l->number, false };
	bool ended = false;

	if (fill(l, e))
		return e->name;
	*found = l->end && l->offset - l->mark < l->part.to;
	if (!*found)
		return 0;
	l->mark = 0;
	line.offset = l->offset;
	while (!ended && l->end) {
		const char *from = l->input + l->at;
		const char *newline = l->whole_files ? NULL : memchr(from, '\n', l->end - l->at);
		size_t n = newline ? (size_t)(newline - from) : l->end - l->at;

		if (line.cut)
			l->passed_over += n;
		else if (buffer_add(&b->bytes, from, n, e))
			return e->name;
		ended = newline;
		l->at += n + ended;
		l->offset += n + ended;
		if (b->bytes.n - line.start > l->line_bytes)
			cut(l, b, &line);
		if ((line.cut && signals_check(e)) || (!ended && fill(l, e)))
			return e->name;
	}
	l->number += ended;
	line.n = b->bytes.n - line.start;
	if (array_reserve(&b->line, &b->cap, b->lines + 1, sizeof *b->line, e))
		return e->name;
	b->line[b->lines++] = line;
	return 0;
}

int lines_next(struct lines *l, size_t bytes, size_t max, struct lines_batch *b,
               struct cbtm_error *e)
{
	buffer_clear(&b->bytes);
	b->lines = 0;
	l->passed_over = 0;
	while (b->lines < max && b->bytes.n + l->passed_over < bytes) {
		bool found = false;

		if (!l->stream && l->file == l->part.first + l->part.files)
			break;
		if ((!l->stream && open_next(l, e)) || take_line(l, b, &found, e))
			return e->name;
		if (!found) {
			stream_close(l->stream);
			l->stream = NULL;
			if (source_check(&l->source->file[l->file++], e))
				return e->name;
		}
	}
	return buffer_reserve(&b->bytes, LINES_PADDING, e);
}
