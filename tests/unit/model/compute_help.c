/* SPDX-License-Identifier: MIT */
#include "model/compute_help.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/pool.h"
#include "plugin/compute.h"
#include "plugin/loader.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct model_config test_config = {
	.vocabulary = 37, .length = 12, .layers = 2, .width = 8, .heads = 2, .ffn = 20
};

static struct pool *pool;

static int host_error(struct cbtm_error *e, enum cbtm_error_name name, const char *where,
                      const char *what)
{
	return error_set(e, name, where, "%s", what);
}

static void *host_take(size_t n, size_t size, struct cbtm_error *e)
{
	return mem_aligned(n, size, "a test's memory", e);
}

static struct cbtm_pool *host_pool(void)
{
	return (struct cbtm_pool *)pool;
}

static unsigned host_pool_threads(const struct cbtm_pool *p)
{
	return pool_threads((const struct pool *)p);
}

static int host_pool_run(struct cbtm_pool *p, size_t n,
                         int (*task)(void *arg, size_t i, unsigned thread, struct cbtm_error *e),
                         void *arg, struct cbtm_error *e)
{
	return pool_run((struct pool *)p, n, task, arg, e);
}

static void host_log(int level, const char *message)
{
	(void)level, (void)message;
}

static const struct cbtm_host host = { .abi = CBTM_ABI,
	                                   .size = sizeof host,
	                                   .log = host_log,
	                                   .error = host_error,
	                                   .take = host_take,
	                                   .release = free,
	                                   .pool = host_pool,
	                                   .pool_threads = host_pool_threads,
	                                   .pool_run = host_pool_run };

void test_threads(unsigned threads)
{
	struct cbtm_error e = { 0 };
	pool_free(pool);
	pool = threads > 1 ? pool_new(threads, &e) : NULL;
	assert_int_equal(e.name, CBTM_OK);
}

const struct cbtm_compute *test_compute(const char *name)
{
	struct cbtm_error e = { 0 };
	struct plugin_search search = { .option = TEST_BUILD_DIR "/plugins" };
	const struct cbtm_compute *c = NULL;
	plugin_host_set(&host);
	if (compute_open(name, &search, &c, &e))
		fail_msg("%s: %s", e.where, e.what);
	return c;
}

void *test_compile(const struct cbtm_compute *c, const void *options, struct list *l)
{
	struct cbtm_error e = { 0 };
	void *program = NULL;
	const struct cbtm_list *list = list_finish(l, &e);
	if (!list || c->compile(options, list, &program, &e))
		fail_msg("%s: %s", e.where, e.what);
	return program;
}

double *test_read(const struct cbtm_compute *c, void *program, const struct cbtm_list *l,
                  uint32_t tensor, size_t *n)
{
	struct cbtm_error e = { 0 };
	const struct cbtm_tensor *t = &l->tensor[tensor];
	*n = tensor_elements(t);
	double *v = malloc(*n * sizeof *v);
	float *f = malloc(*n * sizeof *f);
	assert_non_null(v);
	assert_non_null(f);
	if (c->read(program, tensor, t->element == CBTM_F64 ? (void *)v : (void *)f, &e))
		fail_msg("%s", e.what);
	for (size_t i = 0; t->element == CBTM_F32 && i < *n; i++)
		v[i] = f[i];
	for (size_t i = 0; t->element == CBTM_U32 && i < *n; i++) {
		uint32_t id;
		memcpy(&id, &f[i], sizeof id);
		v[i] = id == CBTM_NONE ? -1.0 : (double)id;
	}
	free(f);
	return v;
}
