/* SPDX-License-Identifier: MIT */
#include "pipeline/devices.h"
#include "base/error.h"
#include "base/number.h"
#include <stdlib.h>
#include <string.h>

enum { DEVICES_MAX = 1024 };

/* The first of these variables that is set says what is visible. */
static const char *visible(const char **variable)
{
	static const char *const variables[] = { "CUDA_VISIBLE_DEVICES", "SLURM_STEP_GPUS",
		                                     "SLURM_JOB_GPUS" };

	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		if (getenv(variables[i])) {
			*variable = variables[i];
			return getenv(variables[i]);
		}
	return NULL;
}

/* The names of a list "0,3,GPU-8f". */
static size_t split(const char *list, const char **name, struct arena *a, struct cbtm_error *e)
{
	size_t n = 0;

	while (*list && n < DEVICES_MAX && !e->name) {
		size_t length = strcspn(list, ",");
		if (length)
			name[n++] = arena_string(a, list, length, e);
		list += length + (list[length] == ',');
	}
	return n;
}

static const char *find(const char *asked, const char *const *there, size_t n, bool known)
{
	uint64_t number;

	if (number_parse_u64(asked, strlen(asked), &number))
		return !known ? asked : number < n ? there[number] : NULL;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(there[i], asked))
			return asked;
	return known ? NULL : asked;
}

int devices_choose(const struct cbtm_texts *asked, struct arena *a, struct devices *d,
                   struct cbtm_error *e)
{
	const char *variable = "", *list = visible(&variable);
	const char **there = arena_take(a, DEVICES_MAX * sizeof *there, e);
	size_t n = there && list ? split(list, there, a, e) : 0;

	*d = (struct devices){ 0 };
	if (e->name || !asked->n)
		return e->name;
	if (asked->n == 1 && !strcmp(asked->v[0], "all")) {
		if (!n)
			return error_set(e, CBTM_ERR_CONFIG, "devices", "all: %s%s lists none",
			                 list ? "" : "nothing says which there are: ",
			                 list ? variable : "CUDA_VISIBLE_DEVICES");
		*d = (struct devices){ there, n };
		return 0;
	}
	d->name = arena_take(a, asked->n * sizeof *d->name, e);
	for (size_t i = 0; d->name && i < asked->n; i++) {
		const char *name = find(asked->v[i], there, n, list != NULL);
		if (!name)
			return error_set(e, CBTM_ERR_CONFIG, "devices",
			                 "there is no device %s: %s=\"%.200s\" lists %zu, counted from 0",
			                 asked->v[i], variable, list, n);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(d->name[j], name))
				return error_set(e, CBTM_ERR_CONFIG, "devices", "the device %s is there twice",
				                 asked->v[i]);
		d->name[d->n++] = name;
	}
	return e->name;
}
