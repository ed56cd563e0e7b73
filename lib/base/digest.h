/* SPDX-License-Identifier: MIT */
/* XXH3-128 digests (identity, whole files) and CRC32C (blocks). */
#pragma once
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest {
	uint64_t high, low;
};
#define DIGEST_HEX 33 /* 32 hexadecimal digits, high first, and NUL */

struct digest digest_bytes(const void *p, size_t n);
bool digest_equal(struct digest a, struct digest b);
void digest_hex(struct digest d, char hex[DIGEST_HEX]);
bool digest_parse(const char *hex, size_t n, struct digest *d); /* with or without "xxh3-128:" */

/* Streaming. Fields are framed (length first), so ("ab","c") and ("a","bc") differ. */
struct digest_stream;
struct digest_stream *digest_begin(struct cbtm_error *e);
void digest_add(struct digest_stream *s, const void *p, size_t n);   /* raw bytes, no frame */
void digest_field(struct digest_stream *s, const void *p, size_t n); /* u64 length, then bytes */
void digest_text(struct digest_stream *s, const char *text);         /* field of a C string */
void digest_u64(struct digest_stream *s, uint64_t v);                /* 8 bytes little endian */
struct digest digest_now(const struct digest_stream *s);             /* may go on afterwards */
void digest_end(struct digest_stream *s);                            /* frees; NULL is fine */

/* The digest of a file's bytes [from, from + n); n = UINT64_MAX: to the end. */
int digest_file(const char *path, uint64_t from, uint64_t n, struct digest *d,
                struct cbtm_error *e);

/* CRC32C (Castagnoli, reflected), chainable: start with 0. SSE4.2 where the processor has it. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/* The same without the instruction: what other processors run, here for the test. */
uint32_t crc32c_by_table(uint32_t crc, const void *p, size_t n);
