/* SPDX-License-Identifier: MIT */
#include "text/shuffle.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_BUCKETS = 512, WRITE_BYTES = 1 << 16 };

struct bucket {
	struct buffer bytes; /* header and record, again and again; not yet written */
	uint64_t written;    /* in its file */
	int fd;              /* -1: none */
};

struct header {
	uint64_t number, n;
};

struct place {
	uint64_t number;
	size_t at; /* of the header: order of arrival */
};

struct shuffle {
	char *folder;
	struct bucket *bucket;
	unsigned bits; /* 2^bits buckets */
	size_t buckets, next_bucket;
	struct buffer loaded;
	struct place *place;
	size_t places, cap, next_place;
};

int shuffle_new(const char *folder, uint64_t expected, uint64_t memory, struct shuffle **out,
                struct cbtm_error *e)
{
	struct shuffle *s = mem_zeroed(1, sizeof *s, "a shuffle", e);

	*out = NULL;
	if (!s)
		return e->name;
	/* Half of the memory for a bucket: they are not equal, and some are longer than expected. */
	s->buckets = 1;
	if (expected > memory)
		while (s->buckets < MOST_BUCKETS && expected / s->buckets > memory / 2) {
			s->buckets *= 2;
			s->bits++;
		}
	s->folder = mem_copy(folder, strlen(folder), e);
	s->bucket = mem_zeroed(s->buckets, sizeof *s->bucket, "a shuffle", e);
	for (size_t i = 0; s->bucket && i < s->buckets; i++)
		s->bucket[i].fd = -1;
	if (s->folder && s->bucket) {
		*out = s;
		return 0;
	}
	shuffle_free(s);
	return e->name;
}

static void bucket_close(struct bucket *b)
{
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
	buffer_free(&b->bytes);
}

void shuffle_free(struct shuffle *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->bucket && i < s->buckets; i++)
		bucket_close(&s->bucket[i]);
	buffer_free(&s->loaded);
	free(s->place);
	free(s->bucket);
	free(s->folder);
	free(s);
}

/* A file without a name: it ends with the process. */
static int open_file(struct shuffle *s, struct bucket *b, struct cbtm_error *e)
{
	char *path = path_printf(e, "%s/shuffle-XXXXXX", s->folder);

	if (!path)
		return e->name;
	b->fd = mkostemp(path, O_CLOEXEC);
	if (b->fd < 0)
		error_errno(e, CBTM_ERR_CREATE, s->folder, "cannot create a temporary file");
	else
		unlink(path);
	free(path);
	return e->name;
}

int shuffle_add(struct shuffle *s, uint64_t number, const void *record, size_t n,
                struct cbtm_error *e)
{
	struct bucket *b = &s->bucket[s->bits ? number >> (64 - s->bits) : 0];
	struct header h = { number, n };

	if (buffer_add(&b->bytes, &h, sizeof h, e) || buffer_add(&b->bytes, record, n, e))
		return e->name;
	if (s->buckets == 1 || b->bytes.n < WRITE_BYTES)
		return 0;
	if ((b->fd < 0 && open_file(s, b, e)) ||
	    file_write_all(b->fd, b->bytes.data, b->bytes.n, s->folder, e))
		return e->name;
	b->written += b->bytes.n;
	buffer_clear(&b->bytes);
	return 0;
}

static int in_order(const void *a, const void *b)
{
	const struct place *p = a, *q = b;

	if (p->number != q->number)
		return p->number < q->number ? -1 : 1;
	return p->at < q->at ? -1 : p->at > q->at;
}

static int load_bucket(struct shuffle *s, struct bucket *b, struct cbtm_error *e)
{
	buffer_clear(&s->loaded);
	if (b->written) {
		if (buffer_reserve(&s->loaded, b->written + b->bytes.n, e) ||
		    file_read_exact(b->fd, s->loaded.data, b->written, 0, s->folder, e))
			return e->name;
		s->loaded.n = b->written;
		if (buffer_add(&s->loaded, b->bytes.data, b->bytes.n, e))
			return e->name;
	} else {
		struct buffer swapped = s->loaded;
		s->loaded = b->bytes;
		b->bytes = swapped;
	}
	bucket_close(b);
	s->places = s->next_place = 0;
	for (size_t at = 0; at < s->loaded.n;) {
		struct header h;

		memcpy(&h, s->loaded.data + at, sizeof h);
		if (array_reserve(&s->place, &s->cap, s->places + 1, sizeof *s->place, e))
			return e->name;
		s->place[s->places++] = (struct place){ h.number, at };
		at += sizeof h + h.n;
	}
	if (s->places)
		qsort(s->place, s->places, sizeof *s->place, in_order);
	return 0;
}

int shuffle_next(struct shuffle *s, const void **record, size_t *n, struct cbtm_error *e)
{
	struct header h;

	*record = NULL;
	while (s->next_place == s->places) {
		if (s->next_bucket == s->buckets)
			return 0;
		if (load_bucket(s, &s->bucket[s->next_bucket++], e))
			return e->name;
	}
	memcpy(&h, s->loaded.data + s->place[s->next_place].at, sizeof h);
	*record = s->loaded.data + s->place[s->next_place++].at + sizeof h;
	*n = h.n;
	return 0;
}
