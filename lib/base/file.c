/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/steps.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_PIECE = 1 << 16, WORTH_STARTING = 1 << 20 };

/* Reads from fd to its end, but at most limit + 1 bytes. */
static int read_to_end(int fd, uint64_t limit, struct buffer *b, const char *path,
                       struct cbtm_error *e)
{
	size_t start = b->n, piece = FIRST_PIECE;
	struct stat st;
	int r;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= limit)
		piece = (size_t)st.st_size + 1; /* one more, so that the end is seen without growing */
	for (;;) {
		r = buffer_reserve(b, piece, e);
		if (r)
			return r;
		ssize_t got = read(fd, b->data + b->n, b->capacity - 1 - b->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(e, CBTM_ERR_IO, path, "cannot read");
		b->n += (size_t)got;
		b->data[b->n] = 0;
		if (b->n - start > limit)
			return error_set(e, CBTM_ERR_BAD_DATA, path, "is larger than the limit of %llu bytes",
			                 (unsigned long long)limit);
		if (got == 0)
			return 0;
		piece = FIRST_PIECE;
	}
}

static int read_opened(int fd, const char *path, uint64_t limit, struct buffer *b,
                       struct cbtm_error *e)
{
	size_t start = b->n;
	int r;

	if (fd < 0)
		return error_errno(e, CBTM_ERR_IO, path, "cannot open");
	r = read_to_end(fd, limit, b, path, e);
	close(fd);
	if (r && b->data) {
		b->n = start;
		b->data[start] = 0;
	}
	return r;
}

int file_read(const char *path, uint64_t limit, struct buffer *b, struct cbtm_error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer opens, too */
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		close(fd);
		return error_set(e, CBTM_ERR_BAD_DATA, path, "is no file");
	}
	return read_opened(fd, path, limit, b, e);
}

int file_read_stream(const char *path, uint64_t limit, struct buffer *b, struct cbtm_error *e)
{
	return read_opened(open(path, O_RDONLY | O_CLOEXEC), path, limit, b, e);
}

bool file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

int file_keep(const char *path, bool force, struct cbtm_error *e)
{
	if (force || !file_exists(path))
		return 0;
	error_set(e, CBTM_ERR_CREATE, path, "is there already");
	return error_hint(e, "name another folder, or write over it with --force");
}

int file_size(const char *path, uint64_t *n, struct cbtm_error *e)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return error_errno(e, CBTM_ERR_IO, path, "cannot read its size");
	*n = (uint64_t)st.st_size;
	return 0;
}

int file_write_all(int fd, const void *p, size_t n, const char *path, struct cbtm_error *e)
{
	const char *bytes = p;

	while (n) {
		ssize_t done = write(fd, bytes, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return error_errno(e, CBTM_ERR_IO, path, "cannot write");
		bytes += done;
		n -= (size_t)done;
	}
	return 0;
}

int file_write_vector(int fd, struct iovec *piece, int n, uint64_t offset, const char *path,
                      struct cbtm_error *e)
{
	while (n) {
		ssize_t done = pwritev(fd, piece, n, (off_t)offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return error_errno(e, CBTM_ERR_IO, path, "cannot write");
		offset += (uint64_t)done;
		while (n && (size_t)done >= piece->iov_len) {
			done -= (ssize_t)piece->iov_len;
			piece++;
			n--;
		}
		if (!n)
			break;
		piece->iov_base = (char *)piece->iov_base + done;
		piece->iov_len -= (size_t)done;
	}
	return 0;
}

void file_start_writing(int fd, uint64_t offset, uint64_t n)
{
	if (n >= WORTH_STARTING)
		sync_file_range(fd, (off_t)offset, (off_t)n, SYNC_FILE_RANGE_WRITE);
}

int file_read_exact(int fd, void *p, size_t n, uint64_t offset, const char *path,
                    struct cbtm_error *e)
{
	char *bytes = p;

	while (n) {
		ssize_t got = pread(fd, bytes, n, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(e, CBTM_ERR_IO, path, "cannot read at byte %llu",
			                   (unsigned long long)offset);
		if (got == 0)
			return error_set(e, CBTM_ERR_BAD_DATA, path, "ends at byte %llu, %zu bytes early",
			                 (unsigned long long)offset, n);
		bytes += got;
		offset += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

int file_sync(int fd, const char *path, struct cbtm_error *e)
{
	double start = clock_seconds();
	int r;

	do
		r = fsync(fd);
	while (r != 0 && errno == EINTR);
	steps_add(STEP_SYNC, clock_seconds() - start);
	return r ? error_errno(e, CBTM_ERR_IO, path, "cannot sync to disk") : 0;
}

static int sync_path(const char *path, int flags, struct cbtm_error *e)
{
	int r, fd = open(path, O_RDONLY | O_CLOEXEC | flags);

	if (fd < 0)
		return error_errno(e, CBTM_ERR_IO, path, "cannot open to sync");
	r = file_sync(fd, path, e);
	if (close(fd) != 0 && !r)
		r = error_errno(e, CBTM_ERR_IO, path, "cannot close");
	return r;
}

int file_sync_folder(const char *folder, struct cbtm_error *e)
{
	return sync_path(folder, O_DIRECTORY, e);
}

/* The folder that holds `path`: "." if it names none. Free with free(). */
static char *folder_of(const char *path, struct cbtm_error *e)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	while (n > 1 && path[n - 1] == '/')
		n--;
	return n ? mem_copy(path, n, e) : mem_copy(".", 1, e);
}

/* The rename, and the folder's sync that makes it last. */
static int rename_durably(const char *temporary, const char *final, struct cbtm_error *e)
{
	char *folder = folder_of(final, e);
	int r = folder ? fault_point("file.publish", e) : CBTM_ERR_MEMORY;

	if (!r && rename(temporary, final) != 0)
		r = error_errno(e, CBTM_ERR_CREATE, final, "cannot rename %s to it", temporary);
	if (!r)
		r = fault_point("file.published", e);
	if (!r)
		r = file_sync_folder(folder, e);
	free(folder);
	return r;
}

int file_publish(const char *temporary, const char *final, struct cbtm_error *e)
{
	int r = sync_path(temporary, 0, e);

	return r ? r : rename_durably(temporary, final, e);
}

void file_rename(const char *path, const char *to)
{
	if (rename(path, to) != 0)
		errno = 0; /* the caller looks for the file itself */
}

/* Opens a new file beside `path` under a name that nobody can guess. */
static int open_beside(const char *path, mode_t mode, char **name, struct cbtm_error *e)
{
	for (int attempt = 0; attempt < 100; attempt++) {
		uint64_t noise = 0;
		int fd;

		if (getrandom(&noise, sizeof noise, 0) != sizeof noise)
			noise = (uint64_t)getpid() << 8 | (unsigned)attempt;
		*name = path_printf(e, "%s.%016llx.tmp", path, (unsigned long long)noise);
		if (!*name)
			return -1;
		fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd >= 0)
			return fd;
		free(*name);
		*name = NULL;
		if (errno != EEXIST)
			break;
	}
	error_errno(e, CBTM_ERR_CREATE, path, "cannot create a file beside it");
	return -1;
}

int file_replace(const char *path, const void *bytes, size_t n, struct cbtm_error *e)
{
	struct stat st;
	bool exists = stat(path, &st) == 0;
	char *name = NULL;
	int r, fd = open_beside(path, 0666, &name, e);

	if (fd < 0)
		return e ? (int)e->name : CBTM_ERR_CREATE;
	r = file_write_all(fd, bytes, n, name, e);
	if (!r && exists && fchmod(fd, st.st_mode & 07777) != 0)
		r = error_errno(e, CBTM_ERR_IO, name, "cannot set its mode");
	if (!r)
		r = file_sync(fd, name, e);
	if (close(fd) != 0 && !r)
		r = error_errno(e, CBTM_ERR_IO, name, "cannot close");
	if (!r)
		r = rename_durably(name, path, e);
	if (r)
		unlink(name); /* after a rename that succeeded there is nothing to unlink */
	free(name);
	return r;
}

char *path_join(const char *a, const char *b, struct cbtm_error *e)
{
	size_t n = strlen(a);
	const char *slash = n == 0 || a[n - 1] == '/' ? "" : "/";

	return path_printf(e, "%s%s%s", a, slash, b);
}

char *path_printf(struct cbtm_error *e, const char *fmt, ...)
{
	va_list args;
	char *path = NULL;
	int n;

	va_start(args, fmt);
	n = vasprintf(&path, fmt, args);
	va_end(args);
	if (n >= 0)
		return path;
	error_set(e, CBTM_ERR_MEMORY, NULL, "cannot allocate a path");
	return NULL;
}
