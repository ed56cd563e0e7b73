/* SPDX-License-Identifier: MIT */
/*
 * bench/embed THREADS RUNS DOCUMENTS PIECES [VECTORS]: times the embedding tfidf-svd on texts in
 * memory: the fit, the vectors of all documents, and the route of one document, whose vector and
 * distances to 16 centres are found again behind each piece (a token's text). DOCUMENTS and PIECES
 * hold texts, each a line of JSON: a string. A line a run: `fit SECONDS transform SECONDS route
 * SECONDS`. The vectors go to the file VECTORS (float32, a document a row). bench/embed.py calls it.
 */
#include "plugin/embed.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/param.h"
#include "base/pool.h"
#include "base/progress.h"
#include "bench/texts.h"
#include "ensemble/router.h"
#include "stage/host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CENTRES = 16, TASK_SIZE = 32 };

struct bench {
	const struct cbtm_embed *embed;
	struct pool *pool;
	struct texts documents, pieces;
	void *options, *state;
	float *vector;
	size_t d;
};

static int transform_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	struct bench *b = arg;
	size_t from = task * TASK_SIZE, n = b->documents.n - from;
	return b->embed->transform(b->state, b->documents.document + from,
	                           n < TASK_SIZE ? n : TASK_SIZE, b->vector + from * b->d, e);
}

/* The route of the document that the pieces make, its first vectors as centres. */
static int route(struct bench *b, double *seconds, struct cbtm_error *e)
{
	size_t n = b->pieces.n;
	double share[CENTRES] = { 0 },
		   *distance = mem_aligned(n + 1, sizeof *distance * CENTRES, "", e);
	uint32_t *id = mem_aligned(n + 1, sizeof *id, "", e);
	const char **symbol = mem_aligned(n, sizeof *symbol, "", e);
	size_t *size = mem_aligned(n, sizeof *size, "", e);
	uint8_t *known = mem_aligned(n + 1, 1, "", e);
	struct embed_context *context = embed_context_new(b->embed, b->state, e);
	struct router router = { b->vector, share, CENTRES, b->d };
	if (e->name)
		goto done;
	for (size_t i = 0; i < n; i++) {
		id[i] = (uint32_t)i;
		symbol[i] = b->pieces.document[i].text;
		size[i] = b->pieces.document[i].text_size;
	}
	struct route_text text = { id, n + 1, symbol, size };
	double start = clock_seconds();
	route_document(&router, context, &text, 1, distance, known, e);
	*seconds = clock_seconds() - start;
done:
	embed_context_free(context);
	free(known), free(size), free(symbol), free(id), free(distance);
	return e->name;
}

static int run(struct bench *b, struct cbtm_error *e)
{
	double seconds[3] = { 0 }, start = clock_seconds();
	struct cbtm_documents stream = texts_stream(&b->documents);
	b->state = b->embed->fit(b->options, &stream, e);
	if (!b->state)
		return e->name;
	seconds[0] = clock_seconds() - start;
	b->d = b->embed->dims(b->state);
	free(b->vector);
	b->vector = mem_aligned(b->documents.n, b->d * sizeof *b->vector, "vectors", e);
	start = clock_seconds();
	size_t tasks = (b->documents.n + TASK_SIZE - 1) / TASK_SIZE;
	if (!b->vector || pool_run(b->pool, tasks, transform_task, b, e))
		goto done;
	seconds[1] = clock_seconds() - start;
	if (b->documents.n < CENTRES || route(b, &seconds[2], e))
		goto done;
	printf("fit %.6f transform %.6f route %.6f\n", seconds[0], seconds[1], seconds[2]);
	fflush(stdout);
done:
	b->embed->free(b->state);
	return e->name;
}

int main(int argc, char **argv)
{
	struct cbtm_error e = { 0 };
	struct plugin_search search = { 0 };
	struct bench b = { 0 };
	struct arena *a = arena_new(&e);
	uint64_t threads = 0, runs = 0;
	char text[512];
	if (argc < 5 || !number_parse_u64(argv[1], strlen(argv[1]), &threads) ||
	    !number_parse_u64(argv[2], strlen(argv[2]), &runs)) {
		fputs("usage: embed THREADS RUNS DOCUMENTS PIECES [VECTORS]\n", stderr);
		return 64;
	}
	b.pool = pool_new((unsigned)threads, &e);
	host_start(b.pool);
	log_open("embed", NULL, LOG_WARNING, false, &e);
	if (!e.name && !embed_open("tfidf-svd", &search, &b.embed, &e) &&
	    !texts_read(argv[3], &b.documents, a, &e) && !texts_read(argv[4], &b.pieces, a, &e)) {
		b.options = arena_take(a, b.embed->plugin.options_size, &e);
		param_defaults(b.embed->plugin.params, b.options, a, &e);
	}
	while (!e.name && runs--)
		run(&b, &e);
	if (!e.name && argc > 5) {
		FILE *f = fopen(argv[5], "wb");
		if (!f || fwrite(b.vector, b.d * sizeof *b.vector, b.documents.n, f) != b.documents.n ||
		    fclose(f))
			error_set(&e, CBTM_ERR_IO, argv[5], "cannot write the vectors");
	}
	if (e.name) {
		error_format(&e, "embed", text, sizeof text);
		fputs(text, stderr);
	}
	free(b.vector), free(b.pieces.document), free(b.documents.document);
	arena_free(a);
	pool_free(b.pool);
	return error_exit_status(e.name);
}
