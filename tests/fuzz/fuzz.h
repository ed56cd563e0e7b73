/* SPDX-License-Identifier: MIT */
/*
 * What fuzz targets share. A target is a file with LLVMFuzzerTestOneInput, which keeps its promises
 * for every input or ends the process with fuzz_require.
 */
#pragma once
#include "base/buffer.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Says which promise is broken and aborts, unless it holds. */
void fuzz_require(bool holds, const char *promise);
/* Nothing but these errors (or none) may come of an input; a list ends with CBTM_OK. */
void fuzz_expect(const struct cbtm_error *e, const enum cbtm_error_name *allowed);

/* Stands for libFuzzer's functions that note comparisons, where fuzz.mk says so. */
void fuzz_note_nothing(void);

/* A file in memory with these bytes; the path is good until it is closed. */
struct fuzz_file {
	int fd;
	char path[32];
};
struct fuzz_file fuzz_file_open(const void *bytes, size_t n);
void fuzz_file_close(struct fuzz_file *f);

/* Takes the first byte (0 if there is none) off an input. */
uint8_t fuzz_byte(const uint8_t **data, size_t *n);
/* Takes off what stands before the first `divider` (all, if there is none), and the divider. */
struct fuzz_piece {
	const uint8_t *data;
	size_t n;
};
struct fuzz_piece fuzz_piece(const uint8_t **data, size_t *n, const char *divider);
