/* SPDX-License-Identifier: MIT */
/*
 * bench/encode VOCAB.json MERGES.txt TEXT [THREADS [RUNS [IDS]]]: times reading a file of documents,
 * divided by "<|endoftext|>", and encoding them to ids in memory. Prints
 *
 *     load SECONDS                          reading the vocabulary
 *     run SECONDS BYTES DOCUMENTS IDS       the first with new encoders (cold), the others with the
 *                                           same ones (warm); bytes are those of the documents
 *
 * IDS: a file for the last run's ids, u32, each document's with the id of <|endoftext|> behind them.
 */
#include "base/error.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/pool.h"
#include "base/progress.h"
#include "text/bpe.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char divider[] = "<|endoftext|>";
enum { DIVIDER = sizeof divider - 1, CHUNK = 1 << 20 };

/* Whole documents of about CHUNK bytes: what a thread takes at a time. */
struct chunk {
	const char *text;
	size_t n;
	struct bpe_ids ids;
	uint64_t documents, bytes;
};

struct work {
	const struct bpe *bpe;
	struct bpe_encoder **encoder; /* one a thread */
	struct chunk *chunk;
	size_t chunks, cap;
	bool marked; /* put the id of the end behind each document */
};

static int encode_chunk(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct work *w = arg;
	struct chunk *c = &w->chunk[task];
	const char *at = c->text, *end = c->text + c->n;

	while (at < end) {
		const char *to = memmem(at, (size_t)(end - at), divider, DIVIDER);
		size_t n = (size_t)((to ? to : end) - at);

		if (bpe_encode(w->encoder[thread], at, n, &c->ids, e))
			return e->name;
		if (w->marked) {
			if (array_reserve(&c->ids.v, &c->ids.cap, c->ids.n + 1, sizeof *c->ids.v, e))
				return e->name;
			c->ids.v[c->ids.n++] = w->bpe->eod;
		}
		c->documents++;
		c->bytes += n;
		at += n + (to ? DIVIDER : 0);
	}
	return 0;
}

static int cut(struct work *w, const char *text, size_t n, struct cbtm_error *e)
{
	for (size_t at = 0, end; at < n; at = end) {
		const char *to =
			n - at > CHUNK ? memmem(text + at + CHUNK, n - at - CHUNK, divider, DIVIDER) : NULL;
		end = to ? (size_t)(to - text) + DIVIDER : n;
		if (array_reserve(&w->chunk, &w->cap, w->chunks + 1, sizeof *w->chunk, e))
			return e->name;
		w->chunk[w->chunks++] = (struct chunk){ .text = text + at, .n = end - at };
	}
	return 0;
}

static void forget(struct work *w)
{
	for (size_t i = 0; i < w->chunks; i++)
		bpe_ids_free(&w->chunk[i].ids);
	w->chunks = 0;
}

/* From the file's path to the ids of all its documents. */
static int run(struct work *w, struct pool *pool, const char *path, struct cbtm_error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;

	if (fd < 0 || fstat(fd, &st))
		return error_errno(e, CBTM_ERR_IO, path, "cannot open");
	text = st.st_size ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0)
	                  : MAP_FAILED;
	close(fd);
	if (text == MAP_FAILED)
		return error_set(e, CBTM_ERR_IO, path, "cannot map the file");
	for (unsigned i = 0; i < pool_threads(pool) && !e->name; i++)
		if (!w->encoder[i])
			w->encoder[i] = bpe_encoder_new(w->bpe, e);
	if (!e->name && !cut(w, text, (size_t)st.st_size, e))
		pool_run(pool, w->chunks, encode_chunk, w, e);
	munmap(text, (size_t)st.st_size);
	return e->name;
}

static void print(const struct work *w, double seconds)
{
	uint64_t documents = 0, bytes = 0, ids = 0;

	for (size_t i = 0; i < w->chunks; i++) {
		documents += w->chunk[i].documents;
		bytes += w->chunk[i].bytes;
		ids += w->chunk[i].ids.n;
	}
	printf("run %.6f %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", seconds, bytes, documents,
	       w->marked ? ids - documents : ids);
}

static int write_ids(const struct work *w, const char *path, struct cbtm_error *e)
{
	FILE *f = fopen(path, "wb");
	bool written = f;

	for (size_t i = 0; i < w->chunks && written; i++) {
		const struct bpe_ids *ids = &w->chunk[i].ids;
		written = fwrite(ids->v, sizeof *ids->v, ids->n, f) == ids->n;
	}
	if (!f || fclose(f) || !written)
		return error_errno(e, CBTM_ERR_IO, path, "cannot write");
	return 0;
}

static uint64_t argument(int argc, char **argv, int i, uint64_t otherwise)
{
	uint64_t v;
	return i < argc && number_parse_u64(argv[i], strlen(argv[i]), &v) && v ? v : otherwise;
}

static int measure(int argc, char **argv, struct work *w, struct pool *pool, struct cbtm_error *e)
{
	uint64_t runs = argument(argc, argv, 5, 2);

	for (uint64_t i = 0; i < runs; i++) {
		double start;

		forget(w);
		w->marked = argc > 6 && i + 1 == runs;
		start = clock_seconds();
		if (run(w, pool, argv[3], e))
			return e->name;
		print(w, clock_seconds() - start);
	}
	return argc > 6 ? write_ids(w, argv[6], e) : 0;
}

int main(int argc, char **argv)
{
	struct cbtm_error e = { 0 };
	struct work w = { 0 };
	struct bpe *bpe = NULL;
	struct pool *pool = pool_new((unsigned)argument(argc, argv, 4, 1), &e);
	double start = clock_seconds();

	if (argc < 4) {
		error_set(&e, CBTM_ERR_USAGE, NULL,
		          "usage: encode VOCAB.json MERGES.txt TEXT [THREADS [RUNS [IDS]]]");
	} else if (pool && !bpe_import(argv[1], argv[2], "", "", &bpe, &e)) {
		printf("load %.6f\n", clock_seconds() - start);
		w.bpe = bpe;
		w.encoder = mem_zeroed(pool_threads(pool), sizeof(struct bpe_encoder *), "encoders", &e);
		if (w.encoder)
			measure(argc, argv, &w, pool, &e);
	}
	for (unsigned i = 0; w.encoder && i < pool_threads(pool); i++)
		bpe_encoder_free(w.encoder[i]);
	free(w.encoder);
	forget(&w);
	free(w.chunk);
	bpe_free(bpe);
	pool_free(pool);
	if (e.name) {
		char text[1024];
		error_format(&e, "encode", text, sizeof text);
		fputs(text, stderr);
	}
	return error_exit_status(e.name);
}
