/* SPDX-License-Identifier: MIT */
/* A corpus of made-up lines, and the datasets that follow from it. */
#pragma once
#include "store/dataset.h"
#include "text/ingest.h"

enum { LITTLE_DOCUMENTS = 400 };

/* Rules with shares for every split. */
extern const struct reading_rules little_rules;
/* Writes LITTLE_DOCUMENTS JSON lines. */
void little_corpus_write(const char *path);
/* The parts of a file or folder. */
struct source *little_plan(const char *path, uint64_t part_bytes);
/* documents, vocabulary and tokens below `folder`, from the file at `corpus`. Returns the status. */
int little_documents(const char *corpus, const char *folder, uint64_t part_bytes, unsigned threads,
                     const struct reading_rules *rules, struct cbtm_error *e);
int little_tokens(const char *folder, unsigned threads, struct cbtm_error *e);
/* Opens folder/name; the test fails if it is not there. */
struct dataset *little_open(const char *folder, const char *name);
