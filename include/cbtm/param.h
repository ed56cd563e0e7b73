/* SPDX-License-Identifier: MIT */
/*
 * Parameters: one row declares a parameter for its command-line option, its YAML key, --help,
 * the manual, checks, completion and the fingerprint. No plugin and no stage parses text: the
 * frame writes checked values into the struct at `offset`.
 *
 * `name` is the YAML key ("seed.tokens" is `seed: {tokens: ...}`); the option is the same word
 * with '-' for '.' and '_' (--seed-tokens).
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum cbtm_param_type {
	CBTM_PARAM_BOOL,   /* int: 0 or 1; YAML true / false */
	CBTM_PARAM_COUNT,  /* uint64_t; suffixes K, M, G, Ki, Mi, Gi */
	CBTM_PARAM_INT,    /* int64_t */
	CBTM_PARAM_REAL,   /* double */
	CBTM_PARAM_TEXT,   /* const char *, owned by the frame; "" if not set */
	CBTM_PARAM_CHOICE, /* int: index into `choices` */
	CBTM_PARAM_COUNTS, /* struct cbtm_counts: list of counts */
	CBTM_PARAM_REALS,  /* struct cbtm_reals: list of numbers */
	CBTM_PARAM_TEXTS   /* struct cbtm_texts: list of strings */
};
struct cbtm_counts {
	const uint64_t *v;
	size_t n;
};
struct cbtm_reals {
	const double *v;
	size_t n;
};
struct cbtm_texts {
	const char *const *v;
	size_t n;
};

enum {
	CBTM_PARAM_REQUIRED = 1,  /* no default */
	CBTM_PARAM_NO_RESULT = 2, /* changes no result: stays out of fingerprints */
	CBTM_PARAM_PATH = 4,      /* a path or glob: relative to the YAML file's folder */
	CBTM_PARAM_LATER = 8,     /* came after results were made: at its default out of fingerprints */
	CBTM_PARAM_COMPUTE =
		16 /* TEXT: a compute plugin, looked for at once; its version decides, too */
};

struct cbtm_param {
	const char *name;
	enum cbtm_param_type type;
	size_t offset;            /* offsetof(struct options, field) */
	const char *default_text; /* as one would write it in YAML; NULL with REQUIRED */
	double min, max;          /* for numbers (each element of a list); both 0: any */
	const char *choices;      /* "nearest|priced", CHOICE only */
	const char *help;         /* one phrase, no full stop; the unit if there is one */
	unsigned flags;
	uint32_t used_by; /* stages: bit t = task t uses it; 0 = all tasks. Plugins: 0 */
};
#define CBTM_PARAM_END                                                                             \
	{                                                                                              \
		0                                                                                          \
	} /* closes a table */
