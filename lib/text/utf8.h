/* SPDX-License-Identifier: MIT */
/* UTF-8: validation, decoding, repair as Python's bytes.decode("utf-8", errors="replace"). */
#pragma once
#include "base/buffer.h"
#include <stdbool.h>

#define UTF8_INVALID UINT32_MAX

/* The length of the longest valid prefix of s[0..n); n if all is valid. */
size_t utf8_valid_prefix(const char *s, size_t n);

/*
 * The first character of s[0..n), n > 0; *length is set to its bytes. Invalid: UTF8_INVALID, and
 * *length is that of the maximal subpart (Unicode 3.9, table 3-8), at least 1: what one U+FFFD
 * stands for. Surrogates, overlong forms and values over U+10FFFF are invalid.
 */
uint32_t utf8_get(const char *s, size_t n, unsigned *length);

/* Writes c (a scalar value) to out; returns its bytes, 1 to 4. */
unsigned utf8_put(uint32_t c, char out[4]);

/* Appends s to *out with each maximal subpart of invalid bytes replaced by U+FFFD; adds how many
 * were replaced to *replaced. */
int utf8_repair(struct buffer *out, const char *s, size_t n, uint64_t *replaced,
                struct cbtm_error *e);
