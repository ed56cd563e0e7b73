/* SPDX-License-Identifier: MIT */
#include "stage/sample_cards.h"
#include "base/file.h"
#include "stage/sample_corpus.h"
#include <stdio.h>
#include <stdlib.h>

static void must(const struct cbtm_error *e)
{
	if (!e->name)
		return;
	fprintf(stderr, "sample: %s: %s\n", e->where, e->what);
	abort();
}

static void seal(const char *dir, const char *kind, const struct digest *prints, uint32_t parts)
{
	struct cbtm_error e = { 0 };
	dataset_seal(dir, store_kind_find(kind), prints, parts, &e);
	must(&e);
}

static void write_centres(const char *folder, uint64_t rows)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	struct digest print = digest_bytes("centres", 7);
	char *dir = path_join(folder, "centres", &e);
	store_create(dir, 0, store_kind_find("centres"), print, &w, &e);
	must(&e);
	store_add_column(w, "centre", STORE_F32, STORE_FIXED, SAMPLE_DIMS, &e);
	for (size_t j = 0; j < SAMPLE_CLUSTERS; j++) {
		float centre[SAMPLE_DIMS] = { 0 };
		double price = 0;
		uint64_t size = rows / SAMPLE_CLUSTERS;
		centre[j] = 0.5;
		store_append(w, "centre", centre, 1, &e);
		store_append(w, "price", &price, 1, &e);
		store_append(w, "documents", &size, 1, &e);
		store_append(w, "tokens", &size, 1, &e);
	}
	store_set_u64(w, "clusters", SAMPLE_CLUSTERS, &e);
	store_set_text(w, "plugin", "sample", &e);
	store_set_f64(w, "objective", 12.5, &e);
	store_set_u64(w, "fitted", rows, &e);
	store_set_u64(w, "iterations", 4, &e);
	store_seal(w, &e);
	must(&e);
	seal(dir, "centres", &print, 1);
	free(dir);
}

void sample_cards(const char *folder, uint32_t parts, uint64_t rows)
{
	struct cbtm_error e = { 0 };
	struct digest prints[16];
	char *dir = path_join(folder, "assignments", &e);
	for (uint32_t part = 0; part < parts; part++) {
		struct store_writer *w = NULL;
		prints[part] = digest_bytes(&part, sizeof part);
		store_create(dir, part, store_kind_find("assignments"), prints[part], &w, &e);
		must(&e);
		for (uint64_t i = rows * part / parts; i < rows * (part + 1) / parts; i++) {
			uint64_t key = 1000 + i;
			uint32_t cluster = i % SAMPLE_CLUSTERS;
			float distance = 0.25F + (float)(i % 7) / 100;
			store_append(w, "key", &key, 1, &e);
			store_append(w, "cluster", &cluster, 1, &e);
			store_append(w, "distance", &distance, 1, &e);
		}
		store_seal(w, &e);
		must(&e);
	}
	seal(dir, "assignments", prints, parts);
	free(dir);
	write_centres(folder, rows);
}

struct card_datasets sample_cards_open(const char *folder)
{
	return (struct card_datasets){ sample_dataset(folder, "documents"),
		                           sample_dataset(folder, "tokens"),
		                           sample_dataset(folder, "vectors"),
		                           sample_dataset(folder, "assignments") };
}

void sample_cards_close(struct card_datasets *in)
{
	dataset_close((struct dataset *)in->documents);
	dataset_close((struct dataset *)in->tokens);
	dataset_close((struct dataset *)in->vectors);
	dataset_close((struct dataset *)in->assignments);
}
