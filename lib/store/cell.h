/* SPDX-License-Identifier: MIT */
/*
 * A cell: what a row has in one column, as JSON and back without a bit lost.
 *
 *   FIXED, TENSOR of width 1   a number
 *   FIXED, TENSOR else         an array of `width` numbers
 *   VARIABLE of u8             a string if the bytes are valid UTF-8, else {"base64": "..."}
 *   VARIABLE else              an array of numbers
 *
 * Floats are the shortest text that reads back; "inf", "-inf" and "nan" are strings, and a NaN
 * other than the usual one is "nan:" and its bits in hexadecimal.
 */
#pragma once
#include "base/json.h"
#include "store/store.h"

int cell_print(const struct store_column_info *c, const void *data, uint64_t n, struct buffer *out,
               struct cbtm_error *e);

/* Appends the elements to *out (cleared first) and sets *n. BAD_DATA if they do not fit. */
int cell_parse(enum store_type type, enum store_shape shape, uint64_t width, struct json v,
               struct buffer *out, uint64_t *n, struct cbtm_error *e);
