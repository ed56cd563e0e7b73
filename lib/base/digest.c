/* SPDX-License-Identifier: MIT */
#include "base/digest.h"
#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef CBTM_XXHASH_DISPATCH
#include <xxh_x86dispatch.h> /* the same functions, chosen by processor when they are called */
#else
#include <xxhash.h>
#endif

enum { PIECE = 128 << 10 }; /* bytes read at once: they stay in the processor's cache */

struct digest_stream {
	XXH3_state_t *state;
};

static struct digest from_xxh(XXH128_hash_t h)
{
	return (struct digest){ .high = h.high64, .low = h.low64 };
}

struct digest digest_bytes(const void *p, size_t n)
{
	return from_xxh(XXH3_128bits(p, n));
}

bool digest_equal(struct digest a, struct digest b)
{
	return a.high == b.high && a.low == b.low;
}

void digest_hex(struct digest d, char hex[DIGEST_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 16; i++) {
		hex[i] = digits[d.high >> (60 - 4 * i) & 15];
		hex[16 + i] = digits[d.low >> (60 - 4 * i) & 15];
	}
	hex[32] = 0;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool digest_parse(const char *hex, size_t n, struct digest *d)
{
	static const char prefix[] = "xxh3-128:";
	struct digest r = { 0, 0 };
	size_t skip = sizeof prefix - 1;

	if (n == skip + 32 && memcmp(hex, prefix, skip) == 0) {
		hex += skip;
		n -= skip;
	}
	if (n != 32)
		return false;
	for (int i = 0; i < 32; i++) {
		int v = digit_value(hex[i]);
		uint64_t *half = i < 16 ? &r.high : &r.low;
		if (v < 0)
			return false;
		*half = *half << 4 | (uint64_t)v;
	}
	*d = r;
	return true;
}

struct digest_stream *digest_begin(struct cbtm_error *e)
{
	struct digest_stream *s = mem_zeroed(1, sizeof *s, "a digest", e);

	if (!s)
		return NULL;
	s->state = XXH3_createState();
	if (!s->state) {
		error_set(e, CBTM_ERR_MEMORY, NULL, "cannot allocate a digest");
		free(s);
		return NULL;
	}
	XXH3_128bits_reset(s->state);
	return s;
}

void digest_add(struct digest_stream *s, const void *p, size_t n)
{
	if (n)
		XXH3_128bits_update(s->state, p, n);
}

void digest_u64(struct digest_stream *s, uint64_t v)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(v >> 8 * i);
	digest_add(s, bytes, sizeof bytes);
}

void digest_field(struct digest_stream *s, const void *p, size_t n)
{
	digest_u64(s, n);
	digest_add(s, p, n);
}

void digest_text(struct digest_stream *s, const char *text)
{
	digest_field(s, text, strlen(text));
}

struct digest digest_now(const struct digest_stream *s)
{
	return from_xxh(XXH3_128bits_digest(s->state));
}

void digest_end(struct digest_stream *s)
{
	if (!s)
		return;
	XXH3_freeState(s->state);
	free(s);
}

/* Adds the bytes [from, from + n) of an open file; n = UINT64_MAX: to the end. */
static int add_file(struct digest_stream *s, int fd, const char *path, uint64_t from, uint64_t n,
                    struct cbtm_error *e)
{
	unsigned char *piece = mem_aligned(PIECE, 1, "reading a file", e);
	bool to_the_end = n == UINT64_MAX;
	int r = piece ? 0 : CBTM_ERR_MEMORY;

	while (!r && n > 0) {
		ssize_t got = pread(fd, piece, n < PIECE ? n : PIECE, (off_t)from);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			r = error_errno(e, CBTM_ERR_IO, path, "cannot read");
		else if (got == 0 && !to_the_end)
			r = error_set(e, CBTM_ERR_BAD_DATA, path, "ends %llu bytes early",
			              (unsigned long long)n);
		if (got <= 0)
			break;
		digest_add(s, piece, (size_t)got);
		from += (uint64_t)got;
		n -= to_the_end ? 0 : (uint64_t)got;
	}
	free(piece);
	return r;
}

int digest_file(const char *path, uint64_t from, uint64_t n, struct digest *d, struct cbtm_error *e)
{
	struct digest_stream *s = NULL;
	int r, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(e, CBTM_ERR_IO, path, "cannot open");
	s = digest_begin(e);
	r = s ? add_file(s, fd, path, from, n, e) : CBTM_ERR_MEMORY;
	if (!r)
		*d = digest_now(s);
	digest_end(s);
	close(fd);
	return r;
}
