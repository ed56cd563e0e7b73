/* SPDX-License-Identifier: MIT */
/* Numbers to text and back, free of the locale (never strtod, atof, printf %g on data). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All return true and set *v only if the whole of s[0..n) is one number in range.
 * Counts take an optional suffix K, M, G, T (powers of 1000) or Ki, Mi, Gi (of 1024) and may
 * have a fraction before it if the result is whole ("1.5M"). */
bool number_parse_u64(const char *s, size_t n, uint64_t *v);
bool number_parse_i64(const char *s, size_t n, int64_t *v);
bool number_parse_count(const char *s, size_t n, uint64_t *v);
bool number_parse_f64(const char *s, size_t n, double *v); /* exactly rounded; no inf, no nan */

/* Shortest text that reads back to the same double ("0.1", "1e-05", "3"); "null" if not finite.
 * buf holds 32 bytes. Returns the length. */
size_t number_print_f64(double v, char buf[32]);
/* 12345678 -> "12.3M", bytes -> "1.2 GB", seconds -> "1:02:03" or "4.1 s"; for people, 16 bytes. */
void number_human(double v, char buf[16]);
void number_human_bytes(uint64_t v, char buf[16]);
void number_human_seconds(double v, char buf[16]);
