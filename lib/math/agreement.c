/* SPDX-License-Identifier: MIT */
#include "math/agreement.h"
#include "base/memory.h"
#include <math.h>
#include <stdlib.h>

static double entropy_term(uint64_t count, double n)
{
	return count ? -((double)count / n) * log((double)count / n) : 0;
}

static double ratio(double x, double y)
{
	return y > 0 ? x / y : 1; /* nothing to agree on */
}

static double entropy(const uint64_t *count, size_t n, double sum)
{
	double h = 0;
	for (size_t i = 0; i < n; i++)
		h += entropy_term(count[i], sum);
	return h;
}

int agreement_of(const struct contingency *table, struct agreement *a, struct cbtm_error *e)
{
	uint64_t *row = mem_zeroed(table->rows, sizeof *row, "a contingency table", e);
	uint64_t *column = mem_zeroed(table->columns, sizeof *column, "a contingency table", e);
	uint64_t *largest = mem_zeroed(table->columns, sizeof *largest, "a contingency table", e);
	*a = (struct agreement){ 0, NAN, NAN, NAN, NAN };
	if (!row || !column || !largest)
		goto done;
	for (size_t i = 0; i < table->rows; i++)
		for (uint64_t c = table->start[i]; c < table->start[i + 1]; c++) {
			uint64_t count = table->count[c], *most = &largest[table->column[c]];
			row[i] += count;
			column[table->column[c]] += count;
			*most = count > *most ? count : *most;
			a->n += count;
		}
	if (!a->n)
		goto done;
	double n = (double)a->n, mutual = 0, pure = 0;
	for (size_t i = 0; i < table->rows; i++)
		for (uint64_t c = table->start[i]; c < table->start[i + 1]; c++) {
			double x = (double)table->count[c];
			if (table->count[c])
				mutual +=
					x / n * (log(x / (double)row[i]) - log((double)column[table->column[c]] / n));
		}
	for (size_t j = 0; j < table->columns; j++)
		pure += (double)largest[j];
	double values = entropy(row, table->rows, n), clusters = entropy(column, table->columns, n);
	mutual = mutual > 0 ? mutual : 0;
	a->nmi = ratio(mutual, (values + clusters) / 2);
	a->homogeneity = ratio(mutual, values);
	a->completeness = ratio(mutual, clusters);
	a->purity = pure / n;
done:
	free(largest), free(column), free(row);
	return e->name;
}
