/* SPDX-License-Identifier: MIT */
#include "stage/sample_corpus.h"
#include "base/error.h"
#include "base/file.h"
#include "store/tokens.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(const struct cbtm_error *e)
{
	if (!e->name)
		return;
	fprintf(stderr, "sample: %s: %s\n", e->where, e->what);
	abort();
}

static struct store_writer *open_part(const char *folder, const char *kind, uint32_t part)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	char *dir = path_join(folder, kind, &e);
	store_create(dir, part, store_kind_find(kind), digest_bytes(&part, sizeof part), &w, &e);
	must(&e);
	free(dir);
	return w;
}

static void add_document(struct store_writer *w, uint64_t i, struct cbtm_error *e)
{
	char text[32], meta[32];
	uint64_t key = 1000 + i;
	uint8_t split = i % SPLIT_COUNT;
	int n = snprintf(text, sizeof text, "text %d", (int)i);
	int m = snprintf(meta, sizeof meta, "{\"n\":%d}", (int)(i % 3));
	store_append(w, "key", &key, 1, e);
	store_append_row(w, "id", text, (uint64_t)n, e);
	store_append_row(w, "text", text, (uint64_t)n, e);
	store_append_row(w, "meta", meta, (uint64_t)m, e);
	store_append(w, "split", &split, 1, e);
}

static void add_row(struct store_writer *vectors, struct store_writer *tokens, uint64_t i,
                    struct cbtm_error *e)
{
	float x[SAMPLE_DIMS] = { 0 };
	uint32_t ids[1000] = { 0 };
	uint64_t key = 1000 + i;
	uint8_t split = i % SPLIT_COUNT;
	x[i % 3] = i % 10 != 9;
	store_append(vectors, "key", &key, 1, e);
	store_append(vectors, "vector", x, 1, e);
	store_append(tokens, "key", &key, 1, e);
	store_append(tokens, "split", &split, 1, e);
	tokens_append(tokens, ids, i, e);
}

void sample_corpus(const char *folder, uint32_t parts, uint64_t rows)
{
	static const char *const kinds[] = { "documents", "vectors", "tokens" };
	struct digest prints[16];
	struct cbtm_error e = { 0 };
	for (uint32_t part = 0; part < parts; part++) {
		struct store_writer *w[3];
		uint64_t counts[SPLIT_COUNT] = { 0 };
		for (int t = 0; t < 3; t++)
			w[t] = open_part(folder, kinds[t], part);
		store_add_column(w[1], "vector", STORE_F32, STORE_FIXED, SAMPLE_DIMS, &e);
		tokens_add_column(w[2], 100, &e);
		for (uint64_t i = rows * part / parts; i < rows * (part + 1) / parts; i++) {
			add_document(w[0], i, &e);
			add_row(w[1], w[2], i, &e);
			counts[i % SPLIT_COUNT]++;
		}
		for (int s = 0; s < SPLIT_COUNT; s++) {
			char name[32];
			snprintf(name, sizeof name, "documents.%s", split_names[s]);
			store_set_u64(w[0], name, counts[s], &e);
		}
		for (int t = 0; t < 3; t++)
			store_seal(w[t], &e);
		prints[part] = digest_bytes(&part, sizeof part);
	}
	for (int t = 0; t < 3; t++) {
		char *dir = path_join(folder, kinds[t], &e);
		dataset_seal(dir, store_kind_find(kinds[t]), prints, parts, &e);
		free(dir);
	}
	must(&e);
}

struct dataset *sample_dataset(const char *folder, const char *name)
{
	struct cbtm_error e = { 0 };
	struct dataset *d = NULL;
	char *dir = path_join(folder, name, &e);
	dataset_open(dir, NULL, &d, &e);
	must(&e);
	free(dir);
	return d;
}
