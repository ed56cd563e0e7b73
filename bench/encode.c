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
	size_t *start, *stop,
		*end; /* documents: where each begins and ends in text; the end of its ids */
	size_t documents, cap[3];
	struct bpe_ids ids;
};

struct work {
	const struct bpe *bpe;
	struct bpe_encoder **encoder; /* one a thread */
	struct chunk *chunk;
	size_t chunks, cap;
};

static int find_documents(struct chunk *c, struct cbtm_error *e)
{
	for (size_t at = 0, i; at < c->n; at = c->stop[i] + DIVIDER) {
		const char *to = memmem(c->text + at, c->n - at, divider, DIVIDER);

		i = c->documents++;
		if (array_reserve(&c->start, &c->cap[0], i + 1, sizeof *c->start, e) ||
		    array_reserve(&c->stop, &c->cap[1], i + 1, sizeof *c->stop, e) ||
		    array_reserve(&c->end, &c->cap[2], i + 1, sizeof *c->end, e))
			return e->name;
		c->start[i] = at;
		c->stop[i] = to ? (size_t)(to - c->text) : c->n;
	}
	return 0;
}

static int encode_chunk(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct work *w = arg;
	struct chunk *c = &w->chunk[task];

	if (find_documents(c, e))
		return e->name;
	return bpe_encode_batch(w->encoder[thread], c->text, c->start, c->stop, c->documents, &c->ids,
	                        c->end, e);
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
	for (size_t i = 0; i < w->chunks; i++) {
		bpe_ids_free(&w->chunk[i].ids);
		free(w->chunk[i].start);
		free(w->chunk[i].stop);
		free(w->chunk[i].end);
	}
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

	for (const struct chunk *c = w->chunk; c < w->chunk + w->chunks; c++) {
		documents += c->documents;
		ids += c->ids.n;
		for (size_t i = 0; i < c->documents; i++)
			bytes += c->stop[i] - c->start[i];
	}
	printf("run %.6f %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", seconds, bytes, documents, ids);
}

static int write_ids(const struct work *w, const char *path, struct cbtm_error *e)
{
	FILE *f = fopen(path, "wb");
	bool written = f;

	for (const struct chunk *c = w->chunk; c < w->chunk + w->chunks; c++)
		for (size_t i = 0, from = 0; i < c->documents && written; from = c->end[i++])
			written = fwrite(c->ids.v + from, sizeof *c->ids.v, c->end[i] - from, f) ==
			              c->end[i] - from &&
			          fwrite(&w->bpe->eod, sizeof w->bpe->eod, 1, f) == 1;
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
	const struct bpe_choice choice = { .eod = "", .bos = "" };
	struct pool *pool = pool_new((unsigned)argument(argc, argv, 4, 1), &e);
	double start = clock_seconds();

	if (argc < 4) {
		error_set(&e, CBTM_ERR_USAGE, NULL,
		          "usage: encode VOCAB.json MERGES.txt TEXT [THREADS [RUNS [IDS]]]");
	} else if (pool && !bpe_import(argv[1], argv[2], &choice, &bpe, &e)) {
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
