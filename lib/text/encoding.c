/* SPDX-License-Identifier: MIT */
#include "text/encoding.h"
#include "base/memory.h"
#include "store/split.h"
#include "store/tokens.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENCODING_ROWS = 64 }; /* texts that are encoded at once */

struct encoding {
	const struct bpe *bpe;
	const char *content;
	struct store_writer *out;
	struct bpe_encoder **encoder; /* one a thread */
	unsigned threads;
	uint64_t tokens[SPLIT_COUNT]; /* is the cursor too */
	struct bpe *own;              /* what bpe is, if nobody else has it */
	char own_content[DIGEST_HEX];
};

static int resume(struct encoding *c, struct cbtm_error *e)
{
	const void *cursor;
	size_t n;

	if (store_cursor(c->out, &cursor, &n, e))
		return e->name;
	if (n && n != sizeof c->tokens)
		return error_set(e, CBTM_ERR_BAD_STORE, NULL, "the cursor of tokens has %zu bytes", n);
	if (n)
		memcpy(c->tokens, cursor, n);
	return 0;
}

static int begin(struct encoding *c, const struct bpe *bpe, const char *content, unsigned threads,
                 struct store_writer *out, struct cbtm_error *e)
{
	c->bpe = bpe;
	c->content = content;
	c->out = out;
	c->threads = threads;
	c->encoder = mem_zeroed(threads, sizeof(struct bpe_encoder *), "encoding", e);
	for (unsigned i = 0; c->encoder && i < threads && !e->name; i++)
		c->encoder[i] = bpe_encoder_new(bpe, e);
	if (e->name || tokens_add_column(out, bpe->size, e))
		return e->name;
	return resume(c, e);
}

int encoding_new(const struct bpe *bpe, const char *content, unsigned threads,
                 struct store_writer *out, struct encoding **encoding, struct cbtm_error *e)
{
	struct encoding *c = *encoding = mem_zeroed(1, sizeof *c, "encoding", e);

	return c ? begin(c, bpe, content, threads, out, e) : (int)e->name;
}

int encoding_open(struct dataset *vocabulary, const struct bpe *known, unsigned threads,
                  struct store_writer *out, struct encoding **encoding, struct cbtm_error *e)
{
	struct encoding *c = *encoding = mem_zeroed(1, sizeof *c, "encoding", e);

	if (!c)
		return e->name;
	digest_hex(dataset_content(vocabulary), c->own_content);
	if (!known && bpe_open(vocabulary, &c->own, NULL, e))
		return e->name;
	return begin(c, known ? known : c->own, c->own_content, threads, out, e);
}

void encoding_free(struct encoding *c)
{
	if (!c)
		return;
	for (unsigned i = 0; c->encoder && i < c->threads; i++)
		bpe_encoder_free(c->encoder[i]);
	free(c->encoder);
	bpe_free(c->own);
	free(c);
}

int encoding_ids(const struct encoding *c, unsigned thread, const char *text, const size_t *start,
                 size_t rows, struct bpe_ids *ids, uint64_t *n, struct cbtm_error *e)
{
	size_t end[ENCODING_ROWS];

	ids->n = 0;
	for (size_t from = 0; from < rows; from += ENCODING_ROWS) {
		size_t some = rows - from < ENCODING_ROWS ? rows - from : ENCODING_ROWS, before = ids->n;

		if (bpe_encode_batch(c->encoder[thread], text, start + from, start + from + 1, some, ids,
		                     end, e))
			return e->name;
		for (size_t i = 0; i < some; before = end[i++])
			n[from + i] = end[i] - before;
	}
	return tokens_prepare(c->out, ids->v, ids->n, e);
}

size_t encoding_id_bytes(const struct encoding *c)
{
	return tokens_id_bytes(c->bpe->size);
}

int encoding_append(struct encoding *c, const uint64_t *key, const uint8_t *split, const void *ids,
                    const uint64_t *n, size_t rows, struct cbtm_error *e)
{
	if (store_append(c->out, "key", key, rows, e) || store_append(c->out, "split", split, rows, e))
		return e->name;
	for (size_t i = 0; i < rows; i++)
		c->tokens[split[i]] += n[i];
	return tokens_append_prepared(c->out, ids, n, rows, e);
}

uint64_t encoding_rows(const struct encoding *c)
{
	return store_rows(c->out, "key");
}

int encoding_commit(struct encoding *c, struct cbtm_error *e)
{
	return store_commit(c->out, c->tokens, sizeof c->tokens, e);
}

int encoding_finish(struct encoding *c, struct cbtm_error *e)
{
	store_set_text(c->out, "vocabulary", c->content, e);
	store_set_u64(c->out, "vocabulary_size", c->bpe->size, e);
	for (int i = 0; i < SPLIT_COUNT; i++) {
		char name[32];
		snprintf(name, sizeof name, "tokens.%s", split_names[i]);
		store_set_u64(c->out, name, c->tokens[i], e);
	}
	return e->name ? (int)e->name : encoding_commit(c, e);
}

struct store_writer *encoding_out(const struct encoding *c)
{
	return c->out;
}
