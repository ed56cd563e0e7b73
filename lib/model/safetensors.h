/* SPDX-License-Identifier: MIT */
/*
 * Files of the format safetensors: 8 bytes length of the header (little endian), the header (a JSON
 * object: name -> dtype, shape, data_offsets), the tensors' bytes. A folder holds one
 * model.safetensors, or several files that model.safetensors.index.json names.
 *
 * Files are hostile until read: the header's length, every shape, size and offset is checked before
 * it is used; tensors must lie side by side, without overlap or gap, to the file's end. Nothing is
 * mapped: values are read in pieces, so a file that shrinks is an error and not a signal.
 */
#pragma once
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SAFETENSOR_RANK = 8 };

struct safetensor {
	const char *name;
	const char *dtype; /* "F32", "F16", "BF16" can be read as numbers; others are only listed */
	uint32_t rank;
	uint64_t shape[SAFETENSOR_RANK], elements;
	uint32_t file;
	uint64_t offset; /* of its first byte in its file */
};

struct safetensors;
/*
 * Opens the file or files of a folder. MISSING_INPUT, BAD_JSON, or BAD_DATA naming file and tensor.
 * Free with safetensors_close. Reading is thread-safe.
 */
int safetensors_open(const char *folder, struct safetensors **s, struct cbtm_error *e);
void safetensors_close(struct safetensors *s); /* NULL is fine */

size_t safetensors_count(const struct safetensors *s);
const struct safetensor *safetensors_at(const struct safetensors *s, size_t i); /* by name */
const struct safetensor *safetensors_find(const struct safetensors *s, const char *name); /* NULL */
const char *safetensors_path(const struct safetensors *s, const struct safetensor *t);

/* BAD_DATA naming the tensor if its type is none of F32, F16 and BF16. */
int safetensors_check_type(const struct safetensors *s, const struct safetensor *t,
                           struct cbtm_error *e);
/* Elements [first, first + n) as floats (F16 and BF16 are widened, exactly) into out. BAD_DATA if the
 * type is another, a value is not finite, or the file was cut off. */
int safetensors_read(const struct safetensors *s, const struct safetensor *t, uint64_t first,
                     uint64_t n, float *out, struct cbtm_error *e);

/* ---------------------------------------------------------------- writing */
/* A tensor to be written as F32: `give` fills out with all `elements` numbers, once. */
struct safetensor_source {
	char name[96];
	uint32_t rank;
	uint64_t shape[2];
	int (*give)(void *arg, const struct safetensor_source *t, float *out, struct cbtm_error *e);
	void *arg;
};

/* Writes `path` (replaced when the new file is whole), tensors in the order given, one in memory at
 * a time. The bytes depend on names, shapes and values alone. */
int safetensors_write(const char *path, const struct safetensor_source *t, size_t n,
                      struct cbtm_error *e);
