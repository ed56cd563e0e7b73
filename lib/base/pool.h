/* SPDX-License-Identifier: MIT */
/*
 * A small pthread pool. Tasks are drawn from an atomic counter; who runs a task is unspecified,
 * so a task's result may depend on its index alone. The calling thread works too.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>

struct pool;
/* `task` in 0..n-1; `thread` in 0..pool_threads()-1, for scratch memory. Non-zero stops handing
 * out further tasks; the error of the lowest failing task index that ran is reported. */
typedef int pool_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e);

/* threads = 0: as many as the processors this process may use. Free with pool_free. */
struct pool *pool_new(unsigned threads, struct cbtm_error *e);
void pool_free(struct pool *p);              /* NULL is fine */
unsigned pool_threads(const struct pool *p); /* p = NULL: 1 */
/* Runs task(arg, 0..n-1) and waits. p = NULL or one thread: in the caller, in order. A call from
 * within a task runs there, too, in order and as thread 0: scratch memory of its own, please. */
int pool_run(struct pool *p, size_t n, pool_task *task, void *arg, struct cbtm_error *e);
