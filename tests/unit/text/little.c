/* SPDX-License-Identifier: MIT */
#include "text/little.h"
#include "base/file.h"
#include "base/random.h"
#include "text/corpus.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct reading_rules little_rules = {
	.document = { .format = DOCUMENT_JSONL,
	              .text = "text",
	              .id = "id",
	              .meta = "meta",
	              .split_field = "",
	              .valid = 0.2,
	              .test = 0.1,
	              .seed = 0.5,
	              .split_seed = 1 },
	.line_bytes = 1 << 20,
};

void little_corpus_write(const char *path)
{
	static const char *const words[] = {
		"river", "stone", "is", "the", "cold", "and", "old", "42"
	};
	struct random_key key = random_key(5, RANDOM_TEST);
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };

	for (uint64_t i = 0; i < LITTLE_DOCUMENTS; i++) {
		uint64_t n = random_below(key, i, 0, 40);
		buffer_printf(&b, &e, "{\"id\": \"d%d\", \"text\": \"", (int)i);
		for (uint64_t j = 0; j < n; j++)
			buffer_printf(&b, &e, "%s ", words[random_below(key, i, (uint32_t)j + 1, 8)]);
		buffer_printf(&b, &e, "\", \"meta\": {\"n\": %d}}\n", (int)n);
	}
	assert_int_equal(file_replace(path, b.data, b.n, &e), 0);
	buffer_free(&b);
}

struct source *little_plan(const char *path, uint64_t part_bytes)
{
	struct cbtm_error e = { 0 };
	struct source *s;

	assert_int_equal(source_plan(&path, 1, part_bytes, 0, &s, &e), 0);
	return s;
}

static int seal(const char *dir, const char *kind, uint32_t parts, struct cbtm_error *e)
{
	struct digest fingerprints[64];

	assert_true(parts <= 64);
	for (uint32_t i = 0; i < parts; i++)
		fingerprints[i] = (struct digest){ 7, i };
	return dataset_seal(dir, store_kind_find(kind), fingerprints, parts, e);
}

static int begin(const char *dir, const char *kind, uint32_t part, struct store_writer **w,
                 struct cbtm_error *e)
{
	return store_create(dir, part, store_kind_find(kind), (struct digest){ 7, part }, w, e);
}

int little_documents(const char *corpus, const char *folder, uint64_t part_bytes, unsigned threads,
                     const struct reading_rules *rules, struct cbtm_error *e)
{
	struct source *s = little_plan(corpus, part_bytes);
	struct pool *pool = pool_new(threads, e);
	char *dir = path_join(folder, "documents", e);

	for (uint32_t i = 0; i < s->parts && !e->name; i++) {
		struct store_writer *w;
		if (begin(dir, "documents", i, &w, e))
			break;
		struct ingest in = { .source = s, .part = i, .rules = rules, .pool = pool, .out = w };
		if (ingest_part(&in, e))
			store_leave(w);
		else
			store_seal(w, e);
	}
	if (!e->name)
		seal(dir, "documents", s->parts, e);
	free(dir);
	pool_free(pool);
	source_free(s);
	return e->name;
}

struct dataset *little_open(const char *folder, const char *name)
{
	struct cbtm_error e = { 0 };
	char *dir = path_join(folder, name, &e);
	struct dataset *d;

	assert_int_equal(dataset_open(dir, NULL, &d, &e), 0);
	free(dir);
	return d;
}

static int write_vocabulary(const struct dataset *documents, const char *dir, struct pool *pool,
                            struct cbtm_error *e)
{
	static const struct bpe_training training = { .size = 280, .choice = { .eod = "", .bos = "" } };
	struct store_writer *w;
	struct bpe *b;

	if (corpus_vocabulary(documents, &training, pool, &b, e))
		return e->name;
	if (!begin(dir, "vocabulary", 0, &w, e) && !bpe_save(b, w, e) && !store_seal(w, e))
		seal(dir, "vocabulary", 1, e);
	bpe_free(b);
	return e->name;
}

int little_tokens(const char *folder, unsigned threads, struct cbtm_error *e)
{
	struct pool *pool = pool_new(threads, e);
	char *dir = path_join(folder, "tokens", e), *vocabulary = path_join(folder, "vocabulary", e);
	struct dataset *documents = little_open(folder, "documents"), *v = NULL;
	struct bpe *b = NULL;
	char content[DIGEST_HEX];

	if (write_vocabulary(documents, vocabulary, pool, e) || dataset_open(vocabulary, NULL, &v, e) ||
	    bpe_open(v, &b, content, e))
		goto done;
	for (uint32_t i = 0; i < dataset_parts(documents) && !e->name; i++) {
		struct store_writer *w;
		struct store *s;
		if (dataset_part(documents, i, &s, e) || begin(dir, "tokens", i, &w, e))
			break;
		struct encoding *encoding;
		if (encoding_new(b, content, threads, w, &encoding, e) ||
		    corpus_encode(s, encoding, pool, e))
			store_leave(w);
		else
			store_seal(w, e);
		encoding_free(encoding);
		store_close(s);
	}
	if (!e->name)
		seal(dir, "tokens", dataset_parts(documents), e);
done:
	bpe_free(b);
	dataset_close(v);
	dataset_close(documents);
	free(dir);
	free(vocabulary);
	pool_free(pool);
	return e->name;
}
