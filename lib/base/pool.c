/* SPDX-License-Identifier: MIT */
/*
 * One region (a pool_run) at a time. Its door is one word: CLOSED, and how many workers are inside.
 * A worker may only look at the job between a successful enter() and leave(); the caller closes the
 * door when all tasks are drawn and waits for those inside alone, so a worker that sleeps, or gets
 * no processor, delays nobody. Workers spin a little before they sleep: training has a hundred
 * short regions a step.
 */
#include "base/pool.h"
#include "base/memory.h"
#include "base/processors.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLOSED 0x80000000u
enum { SPIN_NANOSECONDS = 30000, LOOKS_PER_CLOCK = 64 };

struct worker {
	struct pool *pool;
	unsigned index;
	pthread_t thread;
	struct cbtm_error error; /* clean between tasks */
};

struct pool {
	unsigned threads;
	bool spin;
	struct worker *worker; /* `threads` of them; 0 is the caller, without a thread */

	/* The job: written by the caller while the door is closed and nobody is inside. */
	size_t n;
	pool_task *task;
	void *arg;

	_Alignas(64) atomic_size_t next;
	_Alignas(64) atomic_uint door;
	atomic_uint generation; /* goes up when a door opens */
	atomic_bool ending;
	atomic_uint sleepers;      /* workers waiting for a generation */
	atomic_bool caller_sleeps; /* waiting for the last worker inside */
	pthread_mutex_t mutex;     /* sleeping, and the error */
	pthread_cond_t opened, left;
	size_t failed;           /* lowest failing task, SIZE_MAX: none */
	struct cbtm_error error; /* its error */
};

/* Whether this thread works on a task: a region that begins there is its own affair. */
static _Thread_local bool inside;

static int64_t nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/* Waits a little for *word != unwanted (or, with `equal`, for *word == wanted). */
static bool spin_until(const struct pool *p, atomic_uint *word, unsigned value, bool equal)
{
	int64_t end = 0;

	for (unsigned looks = 0;; looks++) {
		if ((atomic_load_explicit(word, memory_order_acquire) == value) == equal)
			return true;
		if (!p->spin)
			return false;
		relax();
		if (looks % LOOKS_PER_CLOCK == LOOKS_PER_CLOCK - 1) {
			int64_t now = nanoseconds();
			if (end == 0)
				end = now + SPIN_NANOSECONDS;
			else if (now > end)
				return false;
		}
	}
}

static bool enter(struct pool *p)
{
	unsigned door = atomic_load(&p->door);

	while (!(door & CLOSED))
		if (atomic_compare_exchange_weak(&p->door, &door, door + 1))
			return true;
	return false;
}

static void leave(struct pool *p)
{
	if (atomic_fetch_sub(&p->door, 1) != (CLOSED | 1) || !atomic_load(&p->caller_sleeps))
		return;
	pthread_mutex_lock(&p->mutex);
	pthread_cond_signal(&p->left);
	pthread_mutex_unlock(&p->mutex);
}

static void record_failure(struct pool *p, size_t task, struct cbtm_error *e)
{
	if (e->name == CBTM_OK)
		error_set(e, CBTM_ERR_INTERNAL, NULL, "task %zu failed without saying why", task);
	pthread_mutex_lock(&p->mutex);
	if (task < p->failed) {
		p->failed = task;
		p->error = *e;
	}
	pthread_mutex_unlock(&p->mutex);
	memset(e, 0, sizeof *e);
}

/* Draws and runs tasks until none is left. Tasks are drawn in order, so all below a failing one
 * have been drawn and run to their end: the lowest failing task does not depend on threads. */
static void work(struct pool *p, struct worker *w)
{
	inside = true;
	for (;;) {
		size_t task = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);
		if (task >= p->n)
			break;
		if (p->task(p->arg, task, w->index, &w->error)) {
			record_failure(p, task, &w->error);
			atomic_store_explicit(&p->next, p->n, memory_order_relaxed);
		}
	}
	inside = false;
}

static void sleep_until_opened(struct pool *p, unsigned seen)
{
	pthread_mutex_lock(&p->mutex);
	atomic_fetch_add(&p->sleepers, 1);
	while (atomic_load(&p->generation) == seen)
		pthread_cond_wait(&p->opened, &p->mutex);
	atomic_fetch_sub(&p->sleepers, 1);
	pthread_mutex_unlock(&p->mutex);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct pool *p = w->pool;
	unsigned seen = 0;

	for (;;) {
		if (!spin_until(p, &p->generation, seen, false))
			sleep_until_opened(p, seen);
		seen = atomic_load(&p->generation);
		if (atomic_load(&p->ending))
			return NULL;
		if (enter(p)) {
			work(p, w);
			leave(p);
		}
	}
}

/* A new generation for all workers. The order "generation, then sleepers" here and "sleepers, then
 * generation" there (all sequentially consistent) makes sure that none is missed. */
static void wake_workers(struct pool *p)
{
	atomic_fetch_add(&p->generation, 1);
	if (atomic_load(&p->sleepers) == 0)
		return;
	pthread_mutex_lock(&p->mutex);
	pthread_cond_broadcast(&p->opened);
	pthread_mutex_unlock(&p->mutex);
}

static void wait_for_workers(struct pool *p)
{
	if (spin_until(p, &p->door, CLOSED, true))
		return;
	pthread_mutex_lock(&p->mutex);
	atomic_store(&p->caller_sleeps, true);
	while (atomic_load(&p->door) != CLOSED)
		pthread_cond_wait(&p->left, &p->mutex);
	atomic_store(&p->caller_sleeps, false);
	pthread_mutex_unlock(&p->mutex);
}

static int run_in_caller(size_t n, pool_task *task, void *arg, struct cbtm_error *e)
{
	struct cbtm_error own = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (!task(arg, i, 0, &own))
			continue;
		if (own.name == CBTM_OK)
			error_set(&own, CBTM_ERR_INTERNAL, NULL, "task %zu failed without saying why", i);
		error_copy(e, &own);
		return own.name;
	}
	return 0;
}

int pool_run(struct pool *p, size_t n, pool_task *task, void *arg, struct cbtm_error *e)
{
	if (!p || p->threads == 1 || n <= 1 || inside)
		return run_in_caller(n, task, arg, e);
	p->n = n;
	p->task = task;
	p->arg = arg;
	p->failed = SIZE_MAX;
	atomic_store_explicit(&p->next, 0, memory_order_relaxed);
	atomic_store(&p->door, 0);
	wake_workers(p);
	work(p, &p->worker[0]);
	atomic_fetch_or(&p->door, CLOSED);
	wait_for_workers(p);
	if (p->failed == SIZE_MAX)
		return 0;
	error_copy(e, &p->error);
	return p->error.name;
}

static void stop_workers(struct pool *p, unsigned started)
{
	atomic_store(&p->ending, true);
	wake_workers(p);
	for (unsigned i = 1; i < started; i++)
		pthread_join(p->worker[i].thread, NULL);
}

struct pool *pool_new(unsigned threads, struct cbtm_error *e)
{
	unsigned have = processors_available(), started = 1;
	struct pool *p = mem_aligned(1, sizeof *p, "a thread pool", e);
	int failed = 0;

	if (!p)
		return NULL;
	memset(p, 0, sizeof *p);
	p->threads = threads ? threads : have;
	p->spin = p->threads <= have;
	p->door = CLOSED;
	p->worker = mem_zeroed(p->threads, sizeof *p->worker, "threads", e);
	if (!p->worker) {
		free(p);
		return NULL;
	}
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->opened, NULL);
	pthread_cond_init(&p->left, NULL);
	for (; started < p->threads && !failed; started += !failed) {
		struct worker *w = &p->worker[started];
		w->pool = p;
		w->index = started;
		failed = pthread_create(&w->thread, NULL, worker_main, w);
	}
	if (failed) {
		stop_workers(p, started);
		p->threads = 1;
		pool_free(p);
		error_set(e, CBTM_ERR_MEMORY, NULL, "cannot start thread %u: %s", started,
		          strerror(failed));
		return NULL;
	}
	return p;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	stop_workers(p, p->threads);
	pthread_cond_destroy(&p->opened);
	pthread_cond_destroy(&p->left);
	pthread_mutex_destroy(&p->mutex);
	free(p->worker);
	free(p);
}

unsigned pool_threads(const struct pool *p)
{
	return p ? p->threads : 1;
}
