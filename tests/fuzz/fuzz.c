/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "base/error.h"
#include "base/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_require(bool holds, const char *promise)
{
	if (holds)
		return;
	fprintf(stderr, "broken promise: %s\n", promise);
	abort();
}

void fuzz_expect(const struct cbtm_error *e, const enum cbtm_error_name *allowed)
{
	for (; *allowed; allowed++)
		if (e->name == *allowed)
			return;
	if (!e->name)
		return;
	fprintf(stderr, "unexpected error %s: %s: %s\n", error_name(e->name), e->where, e->what);
	abort();
}

struct fuzz_file fuzz_file_open(const void *bytes, size_t n)
{
	struct fuzz_file f = { .fd = memfd_create("fuzz", MFD_CLOEXEC) };
	struct cbtm_error e = { 0 };

	fuzz_require(f.fd >= 0, "a file in memory can be made");
	snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
	fuzz_require(!file_write_all(f.fd, bytes, n, f.path, &e), "a file in memory can be written");
	return f;
}

void fuzz_file_close(struct fuzz_file *f)
{
	close(f->fd);
}

void fuzz_note_nothing(void) {}

uint8_t fuzz_byte(const uint8_t **data, size_t *n)
{
	if (!*n)
		return 0;
	--*n;
	return *(*data)++;
}

struct fuzz_piece fuzz_piece(const uint8_t **data, size_t *n, const char *divider)
{
	size_t length = strlen(divider);
	const uint8_t *end = *n ? memmem(*data, *n, divider, length) : NULL;
	struct fuzz_piece piece = { *data, end ? (size_t)(end - *data) : *n };
	size_t taken = piece.n + (end ? length : 0);

	*data += taken;
	*n -= taken;
	return piece;
}
