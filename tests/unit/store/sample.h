/* SPDX-License-Identifier: MIT */
/* Folders, and stores with rows that follow from their number, for the tests of lib/store. */
#pragma once
#include "store/dataset.h"
#include "store/store.h"

/* A new empty folder, free()d and removed by sample_folder_free. */
char *sample_folder(void);
void sample_folder_free(char *folder);
char *sample_path(const char *folder, const char *name); /* free() it */

/* A kind with a column of every sort: key u64, text u8 variable, pair f32 fixed 3, plain raw. */
extern const struct store_kind *sample_kind(void); /* "state": open-ended */
struct digest sample_fingerprint(uint64_t n);

/* The rows [store_rows, rows) are appended and committed every `interval` rows. The cursor is
 * the number of rows as u64. Facts and tensors come with the last row. */
int sample_fill(struct store_writer *w, uint64_t rows, uint64_t interval, struct cbtm_error *e);
/* create + fill + seal of part 0 */
int sample_write(const char *folder, uint64_t rows, uint64_t interval, struct cbtm_error *e);
/* Fails the test unless part 0 reads back as sample_fill wrote it. */
void sample_check(const char *folder, uint64_t rows);

/* Whole files: the test fails if they differ. */
void sample_same_files(const char *folder_a, const char *folder_b, const char *name);
void sample_ok(int rc, const struct cbtm_error *e);
