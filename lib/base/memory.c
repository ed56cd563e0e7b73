/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum {
	LARGEST_HEAP_PIECE = 32 << 20, /* larger ones come from the kernel and go back to it */
	HEAP_STEP = 1 << 20            /* by which the heap grows beyond what it has at the start */
};

bool size_align(size_t a, size_t to, size_t *r)
{
	size_t up;

	if (!size_add(a, to - 1, &up))
		return false;
	*r = up & ~(to - 1);
	return true;
}

static void *no_memory(size_t n, size_t size, const char *what, struct cbtm_error *e)
{
	size_t bytes;

	if (size_mul(n, size, &bytes))
		error_set(e, CBTM_ERR_MEMORY, NULL, "cannot allocate %zu bytes for %s", bytes, what);
	else
		error_set(e, CBTM_ERR_MEMORY, NULL, "cannot allocate %zu times %zu bytes for %s", n, size,
		          what);
	return NULL;
}

void *mem_zeroed(size_t n, size_t size, const char *what, struct cbtm_error *e)
{
	void *p = calloc(n ? n : 1, size ? size : 1); /* calloc checks the product */

	return p ? p : no_memory(n, size, what, e);
}

void *mem_aligned(size_t n, size_t size, const char *what, struct cbtm_error *e)
{
	size_t bytes;
	void *p = NULL;

	if (size_mul(n, size, &bytes) && size_align(bytes ? bytes : 1, 64, &bytes))
		p = aligned_alloc(64, bytes);
	return p ? p : no_memory(n, size, what, e);
}

void mem_wish_huge(void *p, size_t n)
{
	size_t before = -(uintptr_t)p % MEM_HUGE_PAGE;

	if (n >= before + MEM_HUGE_PAGE)
		madvise((char *)p + before, (n - before) / MEM_HUGE_PAGE * MEM_HUGE_PAGE, MADV_HUGEPAGE);
}

#ifdef __GLIBC__
void mem_keep_heap(size_t bytes)
{
	char *before, *p;

	if (bytes > INT_MAX)
		bytes = INT_MAX;
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, LARGEST_HEAP_PIECE);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_TOP_PAD, (int)bytes);
	before = sbrk(0);
	/* More than the heap has left, so that it grows; written to, so that no compiler leaves it out. */
	p = malloc(HEAP_STEP);
	if (p)
		*(volatile char *)p = 0;
	mem_wish_huge(before, (size_t)((char *)sbrk(0) - before));
	free(p);
	mallopt(M_TOP_PAD, HEAP_STEP);
}
#else
void mem_keep_heap(size_t bytes)
{
	(void)bytes;
}
#endif

char *mem_copy(const void *bytes, size_t n, struct cbtm_error *e)
{
	size_t room;
	char *p = NULL;

	if (size_add(n, 1, &room))
		p = malloc(room);
	if (!p)
		return no_memory(n, 1, "a copy", e);
	if (n)
		memcpy(p, bytes, n);
	p[n] = 0;
	return p;
}

int array_reserve(void *array_pointer, size_t *cap, size_t need, size_t size, struct cbtm_error *e)
{
	void *old, *new;
	size_t room, bytes;

	if (need <= *cap)
		return 0;
	if (!size_mul(*cap, 2, &room) || room < need)
		room = need;
	if (room < 8)
		room = 8;
	if (!size_mul(room, size, &bytes)) {
		room = need;
		if (!size_mul(room, size, &bytes)) {
			no_memory(need, size, "an array", e);
			return CBTM_ERR_MEMORY;
		}
	}
	/* Through memcpy: *array_pointer is a pointer to some other type than void. */
	memcpy(&old, array_pointer, sizeof old);
	new = realloc(old, bytes ? bytes : 1);
	if (!new) {
		no_memory(room, size, "an array", e);
		return CBTM_ERR_MEMORY;
	}
	memcpy(array_pointer, &new, sizeof new);
	*cap = room;
	return 0;
}
