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
/* Exactly rounded; no inf, no nan, and no number that overflows or underflows to zero. */
bool number_parse_f64(const char *s, size_t n, double *v);

/* Shortest text that reads back to the same double: "0.1", "3", "-0.0", and with an exponent below
 * 1e-4 and from 1e16 ("1e-05"); "null" if not finite. Returns the length. */
size_t number_print_f64(double v, char buf[32]);
/* The same for a float: shortest text that, read as a double and rounded, is the same float. */
size_t number_print_f32(float v, char buf[32]);
/* For people: 12345678 -> "12.3M", bytes -> "1.23 GB", seconds -> "1:02:03" or "4.1 s". */
void number_human(double v, char buf[16]);
void number_human_bytes(uint64_t v, char buf[16]);
void number_human_seconds(double v, char buf[16]);
