/* SPDX-License-Identifier: MIT */
#include "text/stream.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/steps.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { INPUT = 1 << 18, WINDOW_LOG = 27, MAGIC = 2 /* bytes that say that it is gzip */ };

struct stream {
	const char *path; /* as errors call it */
	int fd;
	enum stream_coding coding;
	unsigned char *input; /* INPUT bytes; packed codings only */
	size_t at, end;       /* the unread ones */
	bool inside;          /* in a member or frame that is not finished */
	z_stream zlib;
	bool zlib_open;
	bool unpacked; /* a member or frame is finished */
	ZSTD_DStream *zstd;
};

static bool ends_in(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n >= m && !memcmp(path + n - m, end, m);
}

static int read_some(int fd, void *bytes, size_t cap, size_t *n, const char *path,
                     struct cbtm_error *e)
{
	double start = clock_seconds();
	ssize_t got;

	do
		got = read(fd, bytes, cap);
	while (got < 0 && errno == EINTR);
	steps_add(STEP_READ, clock_seconds() - start);
	if (got < 0)
		return error_errno(e, CBTM_ERR_IO, path, "cannot read");
	*n = (size_t)got;
	return 0;
}

int stream_coding(const char *path, enum stream_coding *coding, struct cbtm_error *e)
{
	unsigned char first[4] = { 0 };
	size_t n = 0;
	int fd, status;

	*coding = ends_in(path, ".gz")    ? STREAM_GZIP
	          : ends_in(path, ".zst") ? STREAM_ZSTD
	                                  : STREAM_PLAIN;
	if (*coding != STREAM_PLAIN)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(e, CBTM_ERR_IO, path, "cannot open");
	status = read_some(fd, first, sizeof first, &n, path, e);
	close(fd);
	if (n >= 2 && first[0] == 0x1f && first[1] == 0x8b)
		*coding = STREAM_GZIP;
	/* A zstd frame, or one of those that are skipped. */
	if (n == 4 && (!memcmp(first, "\x28\xb5\x2f\xfd", 4) ||
	               ((first[0] & 0xf0) == 0x50 && !memcmp(first + 1, "\x2a\x4d\x18", 3))))
		*coding = STREAM_ZSTD;
	return status;
}

static int skip(struct stream *s, uint64_t from, struct cbtm_error *e)
{
	char bytes[16384];
	size_t n = 1;

	if (s->coding == STREAM_PLAIN) {
		if (lseek(s->fd, (off_t)from, SEEK_SET) < 0)
			return error_errno(e, CBTM_ERR_IO, s->path, "cannot seek");
		return 0;
	}
	while (from && n) {
		if (stream_read(s, bytes, from < sizeof bytes ? (size_t)from : sizeof bytes, &n, e))
			return e->name;
		from -= n;
	}
	return 0;
}

static int open_decoder(struct stream *s, struct cbtm_error *e)
{
	if (s->coding == STREAM_PLAIN)
		return 0;
	s->input = malloc(INPUT);
	if (!s->input)
		return error_set(e, CBTM_ERR_MEMORY, s->path, "no memory to unpack");
	if (s->coding == STREAM_GZIP) {
		if (inflateInit2(&s->zlib, 15 + 16) != Z_OK)
			return error_set(e, CBTM_ERR_MEMORY, s->path, "no memory to unpack gzip");
		s->zlib_open = true;
		return 0;
	}
	s->zstd = ZSTD_createDStream();
	if (!s->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, WINDOW_LOG)))
		return error_set(e, CBTM_ERR_MEMORY, s->path, "no memory to unpack zstd");
	return 0;
}

int stream_open(const char *path, const char *name, enum stream_coding coding, uint64_t from,
                struct stream **out, struct cbtm_error *e)
{
	struct stream *s = mem_zeroed(1, sizeof *s, "a stream", e);

	*out = NULL;
	if (!s)
		return e->name;
	s->path = name;
	s->coding = coding;
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		error_errno(e, CBTM_ERR_IO, name, "cannot open");
	else if (!open_decoder(s, e) && !skip(s, from, e))
		*out = s;
	if (*out)
		return 0;
	stream_close(s);
	return e->name;
}

void stream_close(struct stream *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	if (s->zlib_open)
		inflateEnd(&s->zlib);
	ZSTD_freeDStream(s->zstd);
	free(s->input);
	free(s);
}

static int damaged(const struct stream *s, const char *coding, const char *why,
                   struct cbtm_error *e)
{
	error_set(e, CBTM_ERR_BAD_DATA, s->path, "damaged %s data: %s", coding, why);
	return error_hint(e, "copy or download the file again");
}

/* Bytes that begin as no member or frame does. */
static int not_packed(const struct stream *s, const char *coding, struct cbtm_error *e)
{
	if (s->unpacked)
		return damaged(s, coding, "something else follows them", e);
	error_set(e, CBTM_ERR_BAD_DATA, s->path, "it holds no %s data, which its name promises",
	          coding);
	return error_hint(e, "unpacked files must not be named .gz or .zst");
}

/* Members may be padded with zeros (tapes and disks write whole blocks). */
static void skip_zeros(struct stream *s)
{
	while (s->unpacked && s->at < s->end && !s->input[s->at])
		s->at++;
}

/* One step of inflate; a finished member may be followed by another. */
static int step_gzip(struct stream *s, unsigned char *out, size_t cap, size_t *made,
                     struct cbtm_error *e)
{
	int status;

	if (!s->inside)
		skip_zeros(s);
	*made = 0;
	if (!s->inside && s->unpacked && s->at == s->end)
		return 0;
	if (!s->inside && inflateReset(&s->zlib) != Z_OK)
		return error_set(e, CBTM_ERR_INTERNAL, s->path, "zlib does not start anew");
	s->inside = true;
	s->zlib.next_in = s->input + s->at;
	s->zlib.avail_in = (uInt)(s->end - s->at);
	s->zlib.next_out = out;
	s->zlib.avail_out = cap > INPUT ? INPUT : (uInt)cap;
	*made = s->zlib.avail_out;
	status = inflate(&s->zlib, Z_NO_FLUSH);
	*made -= s->zlib.avail_out;
	s->at = s->end - s->zlib.avail_in;
	if (status == Z_STREAM_END) {
		s->inside = false;
		s->unpacked = true;
	} else if (status == Z_DATA_ERROR && s->zlib.total_in <= MAGIC)
		return not_packed(s, "gzip", e);
	else if (status != Z_OK && status != Z_BUF_ERROR)
		return damaged(s, "gzip", s->zlib.msg ? s->zlib.msg : "not a gzip member", e);
	return 0;
}

static int step_zstd(struct stream *s, unsigned char *out, size_t cap, size_t *made,
                     struct cbtm_error *e)
{
	ZSTD_inBuffer in = { s->input + s->at, s->end - s->at, 0 };
	ZSTD_outBuffer to = { out, cap, 0 };
	size_t left = ZSTD_decompressStream(s->zstd, &to, &in);

	if (ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge) {
		error_set(e, CBTM_ERR_BAD_DATA, s->path,
		          "unpacking it needs more than the 128 MiB of memory that are allowed");
		return error_hint(e, "pack the file again with a smaller window: zstd without --long, or "
		                     "--long=27");
	}
	if (ZSTD_getErrorCode(left) == ZSTD_error_prefix_unknown)
		return not_packed(s, "zstd", e);
	if (ZSTD_isError(left))
		return damaged(s, "zstd", ZSTD_getErrorName(left), e);
	s->at += in.pos;
	s->inside = left != 0;
	s->unpacked |= !left;
	*made = to.pos;
	return 0;
}

int stream_read(struct stream *s, void *bytes, size_t cap, size_t *n, struct cbtm_error *e)
{
	*n = 0;
	if (s->coding == STREAM_PLAIN)
		return read_some(s->fd, bytes, cap, n, s->path, e);
	while (!*n) {
		bool ended = false;

		if (s->at == s->end) {
			s->at = 0;
			if (read_some(s->fd, s->input, INPUT, &s->end, s->path, e))
				return e->name;
			ended = !s->end;
		}
		if (ended && !s->inside)
			return 0;
		double start = clock_seconds();
		(s->coding == STREAM_GZIP ? step_gzip : step_zstd)(s, bytes, cap, n, e);
		steps_add(STEP_DECOMPRESS, clock_seconds() - start);
		if (e->name)
			return e->name;
		if (ended && !*n && s->inside) {
			error_set(e, CBTM_ERR_BAD_DATA, s->path, "the file is cut off: its %s data do not end",
			          s->coding == STREAM_GZIP ? "gzip" : "zstd");
			return error_hint(e, "copy or download the file again");
		}
	}
	return 0;
}
