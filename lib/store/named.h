/* SPDX-License-Identifier: MIT */
/* The parts that an argument STORE names: a part's file, or the folder of a whole dataset. */
#pragma once
#include "store/dataset.h"

struct named_store {
	char folder[4096];
	struct dataset *dataset; /* NULL: one part */
	uint32_t first, n;       /* parts first .. first + n - 1 */
};

/* Fills *named, which named_close() frees also after an error. */
int named_open(const char *path, struct named_store *named, struct cbtm_error *e);
void named_close(struct named_store *named);
/* Opens the i-th part (0 .. n-1). */
int named_part(const struct named_store *named, uint32_t i, struct store **s, struct cbtm_error *e);
