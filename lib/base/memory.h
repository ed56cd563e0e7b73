/* SPDX-License-Identifier: MIT */
/* Memory: checked sizes, allocation that reports errors, growing arrays, arenas. */
#pragma once
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Checked arithmetic on sizes that a file may influence: false (and *r untouched) on overflow. */
static inline bool size_add(size_t a, size_t b, size_t *r)
{
	return !__builtin_add_overflow(a, b, r);
}
static inline bool size_mul(size_t a, size_t b, size_t *r)
{
	return !__builtin_mul_overflow(a, b, r);
}
/* Rounds a up to a multiple of `to` (a power of two). */
bool size_align(size_t a, size_t to, size_t *r);

/* n elements of `size` bytes, zeroed; NULL and a MEMORY error (naming `what`) when it fails or
 * overflows. n = 0 gives a valid pointer. Free with free(). */
void *mem_zeroed(size_t n, size_t size, const char *what, struct cbtm_error *e);
/* The same, not zeroed, aligned to 64 bytes. Free with free(). */
void *mem_aligned(size_t n, size_t size, const char *what, struct cbtm_error *e);
/* Asks for huge pages where n bytes at p hold such; before they are first written to. */
void mem_wish_huge(void *p, size_t n);
enum { MEM_HUGE_PAGE = 2 << 20 };
/* For a process whose threads take and give back large buffers all the time: at its start, before
 * there are threads. The first `bytes` of malloc's memory are in huge pages as far as they are used,
 * and stay with the process; all threads share them. Does nothing where the C library cannot. */
void mem_keep_heap(size_t bytes);
/* A copy of n bytes plus a terminating NUL. Free with free(). */
char *mem_copy(const void *bytes, size_t n, struct cbtm_error *e);

/*
 * Growing array: makes room for `need` elements of `size` bytes in *array (capacity *cap), at
 * least doubling. Returns 0, or a MEMORY error with *array untouched. Free *array with free().
 */
int array_reserve(void *array_pointer, size_t *cap, size_t need, size_t size, struct cbtm_error *e);

/* An arena: what is made in it dies with it. */
struct arena;
struct arena *arena_new(struct cbtm_error *e);
void arena_free(struct arena *a);                                  /* NULL is fine */
void *arena_take(struct arena *a, size_t n, struct cbtm_error *e); /* zeroed, 16-byte aligned */
char *arena_string(struct arena *a, const char *s, size_t n, struct cbtm_error *e); /* NUL added */
char *arena_printf(struct arena *a, struct cbtm_error *e, const char *fmt, ...) CBTM_PRINTF(3, 4);
