/* SPDX-License-Identifier: MIT */
/* One row of each type, for the tests of params. */
#pragma once
#include <cbtm/param.h>

struct options {
	int exact, rule;
	uint64_t dims, tokens, seed_tokens, free;
	int64_t shift;
	double lr, ratio;
	const char *path, *text;
	struct cbtm_counts top_k;
	struct cbtm_reals temperature;
	struct cbtm_texts names;
};
#define AT(field) offsetof(struct options, field)

static const struct cbtm_param options_table[] = {
	{ "exact", CBTM_PARAM_BOOL, AT(exact), "true", 0, 0, NULL, "", 0, 0 },
	{ "rule", CBTM_PARAM_CHOICE, AT(rule), "priced", 0, 0, "nearest|priced", "", 0, 0 },
	{ "dims", CBTM_PARAM_COUNT, AT(dims), "100", 1, 4096, NULL, "", 0, 0 },
	{ "tokens", CBTM_PARAM_COUNT, AT(tokens), "6M", 1, 0, NULL, "", 0, 0 },
	{ "seed.tokens", CBTM_PARAM_COUNT, AT(seed_tokens), "6M", 0, 0, NULL, "", 0, 0 },
	{ "free", CBTM_PARAM_COUNT, AT(free), NULL, 0, 0, NULL, "", CBTM_PARAM_REQUIRED, 0 },
	{ "shift", CBTM_PARAM_INT, AT(shift), "-3", 0, 0, NULL, "", 0, 0 },
	{ "lr", CBTM_PARAM_REAL, AT(lr), "3e-3", 1e-9, 1, NULL, "", 0, 0 },
	{ "budget.ratio", CBTM_PARAM_REAL, AT(ratio), NULL, 0, 0, NULL, "", CBTM_PARAM_REQUIRED, 0 },
	{ "path", CBTM_PARAM_TEXT, AT(path), NULL, 0, 0, NULL, "", CBTM_PARAM_PATH, 0 },
	{ "text", CBTM_PARAM_TEXT, AT(text), "text", 0, 0, NULL, "", 0, 0 },
	{ "top_k", CBTM_PARAM_COUNTS, AT(top_k), "[1, 2, 4]", 1, 64, NULL, "", 0, 0 },
	{ "temperature", CBTM_PARAM_REALS, AT(temperature), "[0.05, 0.1]", 0, 10, NULL, "", 0, 0 },
	{ "names", CBTM_PARAM_TEXTS, AT(names), NULL, 0, 0, NULL, "", 0, 0 },
	CBTM_PARAM_END
};
