/* SPDX-License-Identifier: MIT */
/*
 * bench/encode VOCAB.json MERGES.txt TEXT [THREADS [RUNS [IDS]]]: times reading a file of documents,
 * divided by "<|endoftext|>", and encoding them to ids in memory. Prints
 *
 *     load SECONDS                          reading the vocabulary
 *     run SECONDS BYTES DOCUMENTS IDS       the first with new encoders and memory (cold), the others
 *                                           with the same ones (warm); bytes are those of documents
 *
 * IDS: a file for the last run's ids, u32, each document's with the id of <|endoftext|> behind them.
 * The file is read in pieces that stay in a processor's cache until they are encoded. Each thread has
 * a share of the file in a row, so that it meets fewer different words and the same in each run, and
 * then helps the others from the ends of theirs.
 *
 * Before the first run as much memory as runs will take is taken and given back: a virtual machine may
 * have given it to its host, which is not what is measured.
 */
#include "base/error.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/pool.h"
#include "base/progress.h"
#include "text/bpe.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char divider[] = "<|endoftext|>";
enum {
	DIVIDER = sizeof divider - 1,
	CHUNK = 1 << 20,
	PIECE = 128 << 10,
	FROM_HOST = 8 /* bytes of memory for each of text */
};

/* A thread's: text that is being read, and the documents of all that it has read. */
struct reader {
	struct bpe_encoder *encoder;
	char *text;
	size_t text_cap, *start, *stop, *end, cap[3];
	size_t rows;      /* documents that are whole in text: start, stop */
	size_t documents; /* all: end, the ends of their ids */
	uint64_t bytes;
	struct bpe_ids ids;
};

/* The chunks that are left of a thread's share: from the lower half's number to before the upper's. */
struct share {
	alignas(64) atomic_uint_fast64_t left;
};

/* The documents that begin in CHUNK bytes of the file: what a thread takes at a time. */
struct chunk {
	unsigned thread;
	size_t first, documents, first_id; /* of the thread's */
};

struct work {
	const struct bpe *bpe;
	const char *path;
	int fd;
	uint64_t size;
	struct reader *reader; /* one a thread */
	struct share *share;   /* one a thread */
	unsigned threads;
	struct chunk *chunk;
	size_t chunks, cap;
};

static int add_row(struct reader *r, size_t start, size_t stop, struct cbtm_error *e)
{
	if (array_reserve(&r->start, &r->cap[0], r->rows + 1, sizeof *r->start, e) ||
	    array_reserve(&r->stop, &r->cap[1], r->rows + 1, sizeof *r->stop, e))
		return e->name;
	r->start[r->rows] = start;
	r->stop[r->rows++] = stop;
	r->bytes += stop - start;
	return 0;
}

static int encode_rows(struct reader *r, struct cbtm_error *e)
{
	if (array_reserve(&r->end, &r->cap[2], r->documents + r->rows, sizeof *r->end, e) ||
	    bpe_encode_batch(r->encoder, r->text, r->start, r->stop, r->rows, &r->ids,
	                     r->end + r->documents, e))
		return e->name;
	r->documents += r->rows;
	r->rows = 0;
	return 0;
}

/* The first divider in text[from .. n), or n. */
static size_t find_divider(const char *text, size_t from, size_t n)
{
	const char *bar;

	for (size_t at = from + 1; at < n && (bar = memchr(text + at, '|', n - at));) {
		at = (size_t)(bar - text);
		if (n - at >= DIVIDER - 1 && !memcmp(bar - 1, divider, DIVIDER))
			return at - 1;
		at++;
	}
	return n;
}

static int read_piece(const struct work *w, struct reader *r, uint64_t at, size_t n, size_t *got,
                      struct cbtm_error *e)
{
	ssize_t some;

	if (array_reserve(&r->text, &r->text_cap, n + PIECE, 1, e))
		return e->name;
	some = pread(w->fd, r->text + n, PIECE, (off_t)at);
	if (some < 0)
		return error_errno(e, CBTM_ERR_IO, w->path, "cannot read");
	*got = (size_t)some;
	return 0;
}

static int begin_thread(const struct work *w, struct reader *r, struct cbtm_error *e)
{
	if (r->encoder)
		return 0;
	r->encoder = bpe_encoder_new(w->bpe, e);
	if (!r->encoder)
		return e->name;
	/* More than text has; what is not written to takes no memory. */
	return bpe_ids_reserve(&r->ids, w->size / w->threads / 2, e);
}

/* Reads and encodes the documents that begin before `stop`, from the divider before `start` on. */
static int encode_range(const struct work *w, struct reader *r, uint64_t start, uint64_t stop,
                        struct cbtm_error *e)
{
	uint64_t base = start ? start - DIVIDER : 0; /* of the text in the file */
	size_t at = 0, n = 0, got = 0;               /* a document, or what has been looked through */
	bool inside = !start;

	for (;;) {
		size_t from = n > at + DIVIDER ? n - DIVIDER : at;

		if (read_piece(w, r, base + n, n, &got, e))
			return e->name;
		n += got;
		while ((from = find_divider(r->text, from, n)) < n) {
			if (inside && add_row(r, at, from, e))
				return e->name;
			at = from += DIVIDER;
			inside = base + at < stop;
			if (!inside)
				return encode_rows(r, e);
		}
		if (!got && inside && at < n && add_row(r, at, n, e))
			return e->name;
		if (encode_rows(r, e) || !got)
			return e->name;
		if (!inside && n > DIVIDER)
			at = n - DIVIDER;
		memmove(r->text, r->text + at, n - at);
		base += at;
		n -= at;
		at = 0;
	}
}

static int encode_chunk(struct work *w, size_t chunk, unsigned thread, struct cbtm_error *e)
{
	struct reader *r = &w->reader[thread];
	struct chunk *c = &w->chunk[chunk];
	uint64_t start = (uint64_t)chunk * CHUNK;

	*c = (struct chunk){ .thread = thread, .first = r->documents, .first_id = r->ids.n };
	if (encode_range(w, r, start, start + CHUNK, e))
		return e->name;
	c->documents = r->documents - c->first;
	return 0;
}

/* The next chunk of a share, its first one or its last; false: there is none. */
static bool take(struct share *s, bool last, size_t *chunk)
{
	uint_fast64_t left = atomic_load(&s->left), then;

	do {
		uint32_t from = (uint32_t)left, end = (uint32_t)(left >> 32);

		if (from == end)
			return false;
		*chunk = last ? end - 1 : from;
		then = last ? left - ((uint_fast64_t)1 << 32) : left + 1;
	} while (!atomic_compare_exchange_weak(&s->left, &left, then));
	return true;
}

static int encode_share(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct work *w = arg;
	size_t chunk;

	(void)task;
	if (begin_thread(w, &w->reader[thread], e))
		return e->name;
	for (unsigned i = 0; i < w->threads; i++)
		while (take(&w->share[(thread + i) % w->threads], i, &chunk))
			if (encode_chunk(w, chunk, thread, e))
				return e->name;
	return 0;
}

/* From the file's path to the ids of all its documents. */
static int run(struct work *w, struct pool *pool, struct cbtm_error *e)
{
	struct stat st;

	w->fd = open(w->path, O_RDONLY | O_CLOEXEC);
	if (w->fd < 0 || fstat(w->fd, &st))
		return error_errno(e, CBTM_ERR_IO, w->path, "cannot open");
	w->size = (uint64_t)st.st_size;
	w->chunks = (w->size + CHUNK - 1) / CHUNK;
	for (uint64_t i = 0; i < w->threads; i++) {
		uint64_t from = w->chunks * i / w->threads, end = w->chunks * (i + 1) / w->threads;

		w->reader[i].documents = w->reader[i].bytes = w->reader[i].ids.n = 0;
		atomic_store(&w->share[i].left, end << 32 | from);
	}
	if (!array_reserve(&w->chunk, &w->cap, w->chunks, sizeof *w->chunk, e))
		pool_run(pool, w->threads, encode_share, w, e);
	close(w->fd);
	return e->name;
}

static void print(const struct work *w, double seconds)
{
	uint64_t documents = 0, bytes = 0, ids = 0;

	for (unsigned i = 0; i < w->threads; i++) {
		documents += w->reader[i].documents;
		bytes += w->reader[i].bytes;
		ids += w->reader[i].ids.n;
	}
	printf("run %.6f %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", seconds, bytes, documents, ids);
}

static int write_ids(const struct work *w, const char *path, struct cbtm_error *e)
{
	FILE *f = fopen(path, "wb");
	bool written = f;

	for (const struct chunk *c = w->chunk; c < w->chunk + w->chunks; c++) {
		const struct reader *r = &w->reader[c->thread];
		for (size_t i = c->first, from = c->first_id; i < c->first + c->documents && written;
		     from = r->end[i++])
			written = fwrite(r->ids.v + from, sizeof *r->ids.v, r->end[i] - from, f) ==
			              r->end[i] - from &&
			          fwrite(&w->bpe->eod, sizeof w->bpe->eod, 1, f) == 1;
	}
	if (!f || fclose(f) || !written)
		return error_errno(e, CBTM_ERR_IO, path, "cannot write");
	return 0;
}

static void free_work(struct work *w)
{
	for (struct reader *r = w->reader; w->reader && r < w->reader + w->threads; r++) {
		bpe_encoder_free(r->encoder);
		bpe_ids_free(&r->ids);
		free(r->text);
		free(r->start);
		free(r->stop);
		free(r->end);
	}
	free(w->reader);
	free(w->share);
	free(w->chunk);
}

/* Takes memory from the machine, and gives it back. That there is none is no error. */
static void ask_host(uint64_t n)
{
	char *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FILE *peak;

	if (memory == MAP_FAILED)
		return;
	mem_wish_huge(memory, n);
	memset(memory, 1, n);
	munmap(memory, n);
	peak = fopen("/proc/self/clear_refs", "w");
	if (peak) {
		fputs("5", peak); /* what is its own peak begins now */
		fclose(peak);
	}
}

static uint64_t argument(int argc, char **argv, int i, uint64_t otherwise)
{
	uint64_t v;
	return i < argc && number_parse_u64(argv[i], strlen(argv[i]), &v) && v ? v : otherwise;
}

static int measure(int argc, char **argv, struct work *w, struct pool *pool, struct cbtm_error *e)
{
	uint64_t runs = argument(argc, argv, 5, 2);
	struct stat st;

	if (!stat(w->path, &st) && st.st_size > 0)
		ask_host(FROM_HOST * (uint64_t)st.st_size);
	for (uint64_t i = 0; i < runs; i++) {
		double start = clock_seconds();

		if (run(w, pool, e))
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
		w.path = argv[3];
		w.threads = pool_threads(pool);
		w.reader = mem_zeroed(w.threads, sizeof *w.reader, "readers", &e);
		w.share = mem_aligned(w.threads, sizeof *w.share, "shares", &e);
		if (w.reader && w.share)
			measure(argc, argv, &w, pool, &e);
	}
	free_work(&w);
	bpe_free(bpe);
	pool_free(pool);
	if (e.name) {
		char text[1024];
		error_format(&e, "encode", text, sizeof text);
		fputs(text, stderr);
	}
	return error_exit_status(e.name);
}
