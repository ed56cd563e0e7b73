/* SPDX-License-Identifier: MIT */
/*
 * Frames of our own writer. The first byte says how large the text is that is made of the others:
 * they are the text, over and over, or steps that make it, over and over: bytes of the input, runs,
 * random bytes of few or many kinds, ids, copies from anywhere before. All kernels write the same
 * frame, whatever they wrote before, within its bound, and zstd reads the text out of it, at once and
 * in small pieces.
 */
#include "store/frame.h"
#include "fuzz.h"
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { MANY = 300, WINDOW_LOG = 23 /* which stores are read with */ };
enum step { OWN, RUN, RANDOM, IDS, COPY, STEPS };

struct text {
	uint8_t *bytes;
	size_t n, made;
	uint64_t drawn; /* the random number before */
};

static uint32_t draw(struct text *t)
{
	t->drawn = t->drawn * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(t->drawn >> 32);
}

static void add(struct text *t, uint8_t byte)
{
	if (t->made < t->n)
		t->bytes[t->made++] = byte;
}

/* A number of so many bytes, as far as there are any. */
static size_t number(const uint8_t **data, size_t *n, unsigned bytes)
{
	size_t x = 0;

	while (bytes--)
		x = x << 8 | fuzz_byte(data, n);
	return x;
}

static void add_ids(struct text *t, size_t some, uint8_t kind)
{
	for (size_t i = 0; i < some; i++) {
		uint32_t below = 1 + draw(t) % 50000, id = draw(t) % below;

		add(t, (uint8_t)id);
		add(t, (uint8_t)(id >> 8));
		for (unsigned j = 0; j < 2 * (kind & 1u); j++)
			add(t, 0);
	}
}

static void add_copy(struct text *t, size_t some, size_t back)
{
	if (t->made)
		for (back = 1 + back % t->made; some--;)
			add(t, t->made < t->n ? t->bytes[t->made - back] : 0);
}

static void add_step(struct text *t, const uint8_t **data, size_t *n)
{
	enum step step = fuzz_byte(data, n) % STEPS;
	size_t some = number(data, n, step == OWN ? 1 : 2);
	uint8_t kind = step == OWN || step == COPY ? 0 : fuzz_byte(data, n);

	some = some < t->n - t->made ? some : t->n - t->made;
	if (step == COPY)
		add_copy(t, some, number(data, n, 3));
	else if (step == IDS)
		add_ids(t, some / 2, kind);
	else
		for (size_t i = 0; i < some; i++)
			add(t, step == OWN   ? fuzz_byte(data, n)
			       : step == RUN ? kind
			                     : (uint8_t)(draw(t) & draw(t) & kind));
}

/* Sizes at which something ends, and any. */
static size_t size_of(uint8_t choice, size_t any)
{
	static const size_t sizes[] = { FRAME_LEAST, MATCHES_BYTES, 2 * MATCHES_BYTES, FRAME_MOST };
	size_t size = sizes[choice % 4] + any % MANY - (choice & 4 ? MANY / 2 : 0);

	if (choice & 8) /* the last is for the few inputs that say so */
		size = choice == 0xff && any == 0xffff ? FRAME_MOST : FRAME_LEAST + any * 5;
	else if (choice % 4 == 3)
		size = FRAME_LEAST + any % MANY;
	return size < FRAME_LEAST ? FRAME_LEAST : size;
}

static void make(struct text *t, bool steps, const uint8_t *data, size_t n)
{
	while (t->made < t->n) {
		const uint8_t *at = data;
		size_t left = n, before = t->made;

		while (left && t->made < t->n)
			if (steps)
				add_step(t, &at, &left);
			else
				add(t, fuzz_byte(&at, &left));
		if (t->made == before)
			add(t, 0);
	}
}

static void check_pieces(const uint8_t *frame, size_t size, const struct text *t, size_t piece)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer in = { frame, 0, 0 };
	size_t left = 1, made = 0;
	uint8_t out[1 << 14];

	fuzz_require(stream &&
	                 !ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, WINDOW_LOG)),
	             "zstd can read streams");
	while (left) {
		ZSTD_outBuffer to = { out, sizeof out, 0 };
		size_t before = in.pos;

		in.size = in.pos + piece < size ? in.pos + piece : size;
		left = ZSTD_decompressStream(stream, &to, &in);
		fuzz_require(!ZSTD_isError(left), "zstd reads a frame in pieces");
		fuzz_require(to.pos <= t->n - made && !memcmp(out, t->bytes + made, to.pos),
		             "a frame in pieces has the text");
		fuzz_require(to.pos || in.pos > before || in.size < size, "a frame has an end");
		made += to.pos;
	}
	fuzz_require(made == t->n && in.pos == size, "a frame in pieces has all of the text");
	ZSTD_freeDStream(stream);
}

static void check_frame(const uint8_t *frame, size_t size, const struct text *t, size_t piece)
{
	uint8_t *back = malloc(t->n);

	fuzz_require(back, "there is memory");
	fuzz_require(size <= frame_bound(t->n), "a frame is within its bound");
	fuzz_require(ZSTD_getFrameContentSize(frame, size) == t->n, "a frame tells its size");
	fuzz_require(ZSTD_findFrameCompressedSize(frame, size) == size, "a frame is one frame");
	fuzz_require(ZSTD_decompress(back, t->n, frame, size) == t->n && !memcmp(back, t->bytes, t->n),
	             "zstd reads the text out of a frame");
	check_pieces(frame, size, t, piece);
	free(back);
}

static struct frame_writer *new_writer(const struct frame_kernel *k)
{
	struct cbtm_error e = { 0 };
	struct frame_writer *w = frame_writer_new(k, &e);

	fuzz_require(w, "there is memory");
	return w;
}

/* A frame by a writer that has written nothing yet, and by writers that have written all before. */
static void check(const struct text *t, size_t piece)
{
	static struct frame_writer *used[8];
	const struct frame_kernel *const *kernels = frame_kernels();
	struct frame_writer *fresh = new_writer(*kernels);
	size_t bound = frame_bound(t->n);
	uint8_t *frame = malloc(bound), *other = malloc(bound);
	size_t size;

	fuzz_require(frame && other, "there is memory");
	size = frame_write(fresh, t->bytes, t->n, frame);
	check_frame(frame, size, t, piece);
	for (size_t i = 0; kernels[i] && i < sizeof used / sizeof *used; i++) {
		if (!used[i])
			used[i] = new_writer(kernels[i]);
		fuzz_require(frame_write(used[i], t->bytes, t->n, other) == size &&
		                 !memcmp(frame, other, size),
		             "all kernels write the same frame, whatever they wrote before");
	}
	free(frame);
	free(other);
	free(fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t choice = fuzz_byte(&data, &n);
	size_t any = number(&data, &n, 2);
	struct text t = { .n = size_of(choice, any) };

	t.bytes = malloc(t.n);
	fuzz_require(t.bytes, "there is memory");
	make(&t, choice & 16, data, n);
	check(&t, 1 + any % 70000);
	free(t.bytes);
	return 0;
}
