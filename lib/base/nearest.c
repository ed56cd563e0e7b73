/* SPDX-License-Identifier: MIT */
#include "base/nearest.h"
#include <stdint.h>
#include <string.h>

enum { LONGEST = 63 };

static char letter(char c)
{
	return c == '_' || c == '.' ? '-' : c;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: Levenshtein's table, three rows of it, with swaps. */
size_t nearest_distance(const char *a, const char *b)
{
	size_t rows[3][LONGEST + 1], n = strlen(a), m = strlen(b);
	size_t *before = rows[0], *above = rows[1], *row = rows[2], *spare;

	if (n > LONGEST || m > LONGEST)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		spare = before;
		before = above;
		above = row;
		row = spare;
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			char x = letter(a[i - 1]), y = letter(b[j - 1]);
			row[j] = least(above[j - 1] + (x != y), 1 + least(above[j], row[j - 1]));
			if (i > 1 && j > 1 && x == letter(b[j - 2]) && y == letter(a[i - 2]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[m];
}

const char *nearest_word(const char *word, const char *const *words, size_t n)
{
	const char *best = NULL;
	size_t best_distance = SIZE_MAX;

	for (size_t i = 0; i < n; i++) {
		size_t d = words[i] ? nearest_distance(word, words[i]) : SIZE_MAX, a, b;
		if (d >= best_distance)
			continue;
		a = strlen(word);
		b = strlen(words[i]);
		if (d <= ((a > b ? a : b) + 2) / 3) {
			best = words[i];
			best_distance = d;
		}
	}
	return best;
}
