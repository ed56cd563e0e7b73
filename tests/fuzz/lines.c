/* SPDX-License-Identifier: MIT */
/*
 * Streams and their lines. The first byte chooses the coding, the second sizes; the others are the
 * file, or (coding 3 and 4) what is packed in several members or frames first. The lines are those
 * of the unpacked bytes, whatever the size of batches and parts; those that are too long are cut.
 */
#include "text/lines.h"
#include "base/error.h"
#include "fuzz.h"
#include "text/stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { PACKED_GZIP = STREAM_ZSTD + 1, PACKED_ZSTD, CODINGS, UNPACKED = 4 << 20 };

static const enum cbtm_error_name refusals[] = { CBTM_ERR_BAD_DATA, CBTM_ERR_EMPTY_CORPUS,
	                                             CBTM_OK };

/* Packs in members (frames) of `piece` bytes. */
static void pack(struct buffer *out, int coding, const uint8_t *data, size_t n, size_t piece)
{
	struct cbtm_error e = { 0 };

	do {
		size_t m = n < piece ? n : piece, bound = 2 * m + 1024;
		uint8_t *packed = malloc(bound);
		z_stream z = { 0 };

		if (coding == PACKED_ZSTD) {
			bound = ZSTD_compress(packed, bound, data, m, 1);
		} else {
			deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
			z.next_in = (uint8_t *)(uintptr_t)data;
			z.avail_in = (uInt)m;
			z.next_out = packed;
			z.avail_out = (uInt)bound;
			deflate(&z, Z_FINISH);
			bound = z.total_out;
			deflateEnd(&z);
		}
		buffer_add(out, packed, bound, &e);
		free(packed);
		data += m;
		n -= m;
	} while (n);
}

/* All bytes of a stream, at most UNPACKED of them; e says whether it ended well. */
static void unpack(const char *path, enum stream_coding coding, size_t step, struct buffer *out,
                   struct cbtm_error *e)
{
	struct stream *s;
	struct cbtm_error full = { 0 };
	char bytes[4096];
	size_t n = 1;

	if (stream_open(path, path, coding, 0, &s, e))
		return;
	while (n && out->n < UNPACKED && !stream_read(s, bytes, step, &n, e))
		buffer_add(out, bytes, n, &full);
	stream_close(s);
}

/* A line is the content's next one, whole or, if it is too long, its beginning. */
static void check_line(const struct lines_batch *batch, const struct line *line,
                       uint64_t line_bytes, const char **at, const char *end)
{
	const char *newline = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;
	size_t n = newline ? (size_t)(newline - *at) : 0;
	size_t most = line_bytes < LINES_BEGINNING ? (size_t)line_bytes : LINES_BEGINNING;

	fuzz_require(newline, "there are no more lines than the content has");
	fuzz_require(line->cut == (n > line_bytes), "the lines that are too long are cut");
	fuzz_require(line->cut ? line->n <= most && line->n + 3 >= most : line->n == n,
	             "a line is whole, or its beginning is as long as it can be");
	fuzz_require(!line->n || !memcmp(batch->bytes.data + line->start, *at, line->n),
	             "the lines are those of the content");
	*at = newline + 1;
}

/* All lines of all parts. */
static void read_lines(struct source *source, size_t bytes, size_t max, uint64_t line_bytes,
                       const struct buffer *content, struct cbtm_error *e)
{
	struct lines_batch batch = { 0 };
	const char *at = content->data, *end = at + content->n;

	for (uint32_t part = 0; part < source->parts && !e->name; part++) {
		struct lines *l = NULL;

		if (lines_open(source, part, line_bytes, false, &l, e))
			break;
		while (!lines_next(l, bytes, max, &batch, e) && batch.lines)
			for (size_t i = 0; i < batch.lines; i++)
				check_line(&batch, &batch.line[i], line_bytes, &at, end);
		lines_close(l);
	}
	fuzz_require(!e->name, "what can be unpacked can be read in lines");
	fuzz_require(at == end, "there are no fewer lines than the content has");
	lines_batch_free(&batch);
}

/* What the lines should be: a byte order mark left out, a newline behind the last. */
static void expect_lines(struct buffer *content)
{
	struct cbtm_error e = { 0 };

	if (content->n >= 3 && !memcmp(content->data, "\xef\xbb\xbf", 3)) {
		memmove(content->data, content->data + 3, content->n - 3);
		content->n -= 3;
	}
	if (content->n && content->data[content->n - 1] != '\n')
		buffer_add(content, "\n", 1, &e);
}

static void check_lines(const char *path, enum stream_coding coding, uint8_t sizes,
                        struct buffer *content)
{
	struct cbtm_error e = { 0 };
	struct source *source = NULL;

	source_plan(&path, 1, sizes & 1 ? 1 << 20 : (uint64_t)(sizes >> 1) + 1, 0, &source, &e);
	if (!e.name) {
		for (uint32_t i = 0; i < source->files; i++)
			source->file[i].coding = coding;
		expect_lines(content);
		read_lines(source, sizes & 2 ? 1 << 16 : 7, sizes & 4 ? 1000 : 3, UNPACKED, content, &e);
		read_lines(source, 1 << 16, 1000, 1 + (sizes >> 3), content, &e);
	}
	fuzz_expect(&e, refusals);
	source_free(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t choice = fuzz_byte(&data, &n) % CODINGS, sizes = fuzz_byte(&data, &n);
	enum stream_coding coding = choice < PACKED_GZIP    ? (enum stream_coding)choice
	                            : choice == PACKED_GZIP ? STREAM_GZIP
	                                                    : STREAM_ZSTD;
	struct buffer packed = { 0 }, content = { 0 };
	struct cbtm_error e = { 0 };
	struct fuzz_file f;
	enum stream_coding guessed;

	if (choice >= PACKED_GZIP)
		pack(&packed, choice, data, n, 1 + (size_t)(sizes & 15) * 37);
	f = choice >= PACKED_GZIP ? fuzz_file_open(packed.data, packed.n) : fuzz_file_open(data, n);
	stream_coding(f.path, &guessed, &e);
	unpack(f.path, coding, 1 + (size_t)sizes * 16, &content, &e);
	fuzz_expect(&e, refusals);
	if (choice >= PACKED_GZIP)
		fuzz_require(!e.name && content.n == n && (!n || !memcmp(content.data, data, n)),
		             "what was packed comes back");
	if (!e.name && guessed == coding && content.n < UNPACKED)
		check_lines(f.path, coding, sizes, &content);
	fuzz_file_close(&f);
	buffer_free(&packed);
	buffer_free(&content);
	return 0;
}
