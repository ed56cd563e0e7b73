/* SPDX-License-Identifier: MIT */
#include "math/sample_sparse.h"
#include "base/random.h"
#include <stdlib.h>

void sample_sparse(size_t rows, size_t columns, double share, size_t rank, uint64_t seed,
                   struct sparse_owned *sparse, double **dense)
{
	struct random_key key = random_key(seed, RANDOM_TEST);
	size_t n = 0;
	sparse->start = calloc(rows + 1, sizeof *sparse->start);
	sparse->column = calloc(rows * columns + 1, sizeof *sparse->column);
	sparse->value = calloc(rows * columns + 1, sizeof *sparse->value);
	*dense = calloc(rows * columns + 1, sizeof **dense);
	for (size_t i = 0; i < rows; i++) {
		for (size_t j = 0; j < columns; j++) {
			double value = rank ? 0 : random_normal(key, i, (uint32_t)j);
			for (size_t t = 0; t < rank; t++)
				value += random_normal(key, i, (uint32_t)(100000 + t)) *
				         random_normal(key, 200000 + j, (uint32_t)t);
			if (!rank && random_unit(key, i, (uint32_t)(300000 + j)) >= share)
				continue;
			sparse->column[n] = (uint32_t)j;
			sparse->value[n++] = (float)value;
			(*dense)[i * columns + j] = (float)value;
		}
		sparse->start[i + 1] = n;
	}
	sparse->matrix =
		(struct cbtm_sparse){ rows, columns, sparse->start, sparse->column, sparse->value };
}
