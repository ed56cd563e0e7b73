/* SPDX-License-Identifier: MIT */
/*
 * bench/ops [PLUGIN [THREADS [WIDTH [BATCH [VOCABULARY [OPERATION]]]]]]: times every operation of
 * the table (or one) by a compute plugin, at sequences of 256 tokens: milliseconds and GFLOP/s, the
 * best of several runs.
 */
#include "base/error.h"
#include "base/number.h"
#include "base/pool.h"
#include "base/progress.h"
#include "model/operation.h"
#include "plugin/compute.h"
#include "plugin/loader.h"
#include "stage/host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 12 };

static int time_operation(const struct cbtm_compute *c, enum cbtm_operation_kind kind,
                          const struct example_size *size, double *seconds, struct cbtm_error *e)
{
	void *program = NULL;
	struct list *l = example_make(kind, EXAMPLE_OPTIONAL, size, e);
	const struct cbtm_list *list = l ? list_finish(l, e) : NULL;
	struct cbtm_scalars scalars = example_scalars(size);
	scalars.dropout = scalars.dropout_attention = 0;
	*seconds = 1e9;
	if (!list || c->compile(NULL, list, &program, e))
		goto done;
	for (uint32_t t = 0; t < list->tensors; t++) {
		void *data = malloc(tensor_elements(&list->tensor[t]) * sizeof(double));
		if (data)
			example_fill(&list->tensor[t], size, 1, data);
		if (!data || c->write(program, t, data, e))
			goto done;
		free(data);
	}
	for (int i = 0; i < RUNS; i++) {
		double start = clock_seconds();
		if (c->run(program, CBTM_FORWARD, &scalars, e))
			goto done;
		double now = clock_seconds() - start;
		*seconds = now < *seconds ? now : *seconds;
	}
done:
	c->free(program);
	list_free(l);
	return e->name;
}

static uint64_t argument(int argc, char **argv, int i, uint64_t otherwise)
{
	uint64_t v;
	return i < argc && number_parse_u64(argv[i], strlen(argv[i]), &v) && v ? v : otherwise;
}

int main(int argc, char **argv)
{
	struct cbtm_error e = { 0 };
	struct plugin_search search = { 0 };
	const struct cbtm_compute *c = NULL;
	struct example_size size = { .batch = (uint32_t)argument(argc, argv, 4, 16),
		                         .length = 256,
		                         .width = argument(argc, argv, 3, 64),
		                         .vocabulary = argument(argc, argv, 5, 4096) };
	size.sequences = size.batch;
	size.heads = size.width / 32 ? size.width / 32 : 1;
	size.ffn = 4 * size.width;
	struct pool *pool = pool_new((unsigned)argument(argc, argv, 2, 1), &e);
	host_start(pool);
	char text[512];
	if (pool && !compute_open(argc > 1 ? argv[1] : "cpu", &search, &c, &e)) {
		printf("%s (%s), %u threads, %u x 256 tokens, width %llu, vocabulary %llu\n",
		       c->plugin.name, c->variant(NULL), pool_threads(pool), size.batch,
		       (unsigned long long)size.width, (unsigned long long)size.vocabulary);
		for (int kind = 0; kind < CBTM_OP_COUNT && !e.name; kind++) {
			double seconds;
			if (argc > 6 && strcmp(argv[6], operation_name(kind)))
				continue;
			if (!time_operation(c, kind, &size, &seconds, &e))
				printf("%-20s %9.3f ms %8.1f GFLOP/s\n", operation_name(kind), seconds * 1e3,
				       example_flops(kind, &size) / seconds * 1e-9);
		}
	}
	if (e.name) {
		error_format(&e, "ops", text, sizeof text);
		fputs(text, stderr);
	}
	pool_free(pool);
	return error_exit_status(e.name);
}
