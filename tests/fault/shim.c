/* SPDX-License-Identifier: MIT */
/*
 * A preloaded library that makes the n-th call of one function fail, in any program:
 *
 *     LD_PRELOAD=tests/fault/shim.so CBTM_SHIM=fsync:3:EIO CBTM_SHIM_FIRED=f program ...
 *
 * CBTM_SHIM is FUNCTION:N:ERROR, or FUNCTION:N+:ERROR for the n-th and all later calls (a disk
 * that stays full). FUNCTION is malloc (with calloc and realloc), write (with pwrite and pwritev),
 * fsync (with fdatasync), rename, ftruncate or mmap; ERROR is one of `errors` below, "short" (a
 * write of half the bytes) or "slow" (the call succeeds, a third of a second later). The file CBTM_SHIM_FIRED is made when a call failed, so that a loop
 * over n = 1, 2, ... knows when it has passed the last call.
 *
 * With CBTM_SHIM_SITES=FILE instead nothing fails: a line "FUNCTION SITE" is added to FILE for each
 * call, in order, where SITE stands for the return addresses of the last few functions, good within
 * the process: which n have a call of their own, and which only repeat one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* glibc's own names: dlsym may allocate, so malloc cannot be found through it. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

enum { SHORT_WRITE = -1, SLOW = -2 };
static const struct {
	const char *name;
	int value;
} errors[] = {
	{ "EIO", EIO },       { "ENOSPC", ENOSPC },     { "EDQUOT", EDQUOT },
	{ "EROFS", EROFS },   { "ENOMEM", ENOMEM },     { "EINTR", EINTR },
	{ "ESTALE", ESTALE }, { "short", SHORT_WRITE }, { "slow", SLOW },
};

static struct {
	char function[16];
	unsigned long n;
	bool later; /* all calls from the n-th on */
	int error;  /* 0: nothing is to fail */
	const char *fired;
} plan;
static atomic_ulong calls;
static int sites = -1; /* what CBTM_SHIM_SITES is open as */

/* Frames that tell one call from another: the shim's own two, the caller, and what it does it for. */
#define FRAMES 8

__attribute__((constructor)) static void read_plan(void)
{
	const char *text = getenv("CBTM_SHIM"), *list = getenv("CBTM_SHIM_SITES");
	char error[16] = "", plus[2] = "";

	if (list != NULL)
		sites = (int)syscall(SYS_openat, AT_FDCWD, list, O_CREAT | O_WRONLY | O_APPEND, 0600);
	if (text == NULL)
		return;
	if (sscanf(text, "%15[a-z]:%lu%1[+]:%15[A-Za-z]", plan.function, &plan.n, plus, error) != 4 &&
	    sscanf(text, "%15[a-z]:%lu:%15[A-Za-z]", plan.function, &plan.n, error) != 3)
		_exit(64);
	plan.later = plus[0] == '+';
	plan.fired = getenv("CBTM_SHIM_FIRED");
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (strcmp(errors[i].name, error) == 0)
			plan.error = errors[i].value;
	if (plan.error == 0)
		_exit(64);
	atomic_store(&calls, 0);
}

static void list_site(const char *function)
{
	static _Thread_local bool inside; /* backtrace() allocates, the first time */
	void *frame[FRAMES];
	uint64_t hash = 14695981039346656037u;
	char line[64];

	if (inside)
		return;
	inside = true;
	int n = backtrace(frame, FRAMES);
	for (int i = 0; i < n; i++)
		hash = (hash ^ (uint64_t)(uintptr_t)frame[i]) * 1099511628211u;
	n = snprintf(line, sizeof line, "%s %016llx\n", function, (unsigned long long)hash);
	syscall(SYS_write, sites, line, (size_t)n);
	inside = false;
}

/* Whether this call of `function` is to fail; sets errno unless the plan is a short write. */
static bool fails(const char *function)
{
	unsigned long call;

	if (sites >= 0)
		list_site(function);
	if (plan.error == 0 || strcmp(function, plan.function) != 0)
		return false;
	call = atomic_fetch_add(&calls, 1) + 1;
	if (call != plan.n && !(plan.later && call > plan.n))
		return false;
	if (plan.fired != NULL) {
		long fd = syscall(SYS_openat, AT_FDCWD, plan.fired, O_CREAT | O_WRONLY, 0600);

		if (fd >= 0)
			syscall(SYS_close, fd);
	}
	if (plan.error == SLOW) {
		nanosleep(&(struct timespec){ .tv_nsec = 333333333 }, NULL);
		return false;
	}
	if (plan.error != SHORT_WRITE)
		errno = plan.error;
	return true;
}

static bool is_short(void)
{
	return plan.error == SHORT_WRITE;
}

void *malloc(size_t n)
{
	return fails("malloc") ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails("malloc") ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails("malloc") ? NULL : __libc_realloc(p, n);
}

ssize_t write(int fd, const void *p, size_t n)
{
	/* What is printed is not stored: standard output and error work on. */
	if (fd > 2 && fails("write")) {
		if (!is_short())
			return -1;
		n = n > 1 ? n / 2 : n;
	}
	return syscall(SYS_write, fd, p, n);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t offset)
{
	if (fails("write")) {
		if (!is_short())
			return -1;
		n = n > 1 ? n / 2 : n;
	}
	return syscall(SYS_pwrite64, fd, p, n, offset);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t offset)
{
	return pwrite64(fd, p, n, offset);
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t offset)
{
	if (fails("write")) {
		if (!is_short())
			return -1;
		n = n > 1 ? n / 2 : n;
	}
	return syscall(SYS_pwritev, fd, v, (long)n, offset, 0L);
}

int fsync(int fd)
{
	return fails("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return fails("fsync") ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
	return fails("rename") ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int ftruncate64(int fd, off64_t n)
{
	return fails("ftruncate") ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

int ftruncate(int fd, off_t n)
{
	return ftruncate64(fd, n);
}

void *mmap64(void *at, size_t n, int protection, int flags, int fd, off64_t offset)
{
	/* Anonymous memory is the allocator's: only files are meant. */
	if (fd >= 0 && fails("mmap"))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, n, protection, flags, (long)fd, offset);
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
	return mmap64(at, n, protection, flags, fd, offset);
}
