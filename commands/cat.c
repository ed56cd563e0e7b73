/* SPDX-License-Identifier: MIT */
/* cbtm cat: stores as JSON lines that cbtm load reads back. */
#include "commands/command.h"
#include "store/jsonl.h"
#include "store/named.h"
#include <stdio.h>

struct options {
	struct cbtm_texts columns;
	uint64_t rows, from;
};

static const struct cbtm_param options[] = {
	{ "column", CBTM_PARAM_TEXTS, offsetof(struct options, columns), "[]", 0, 0, NULL,
	  "only this column; may be repeated", 0, 0 },
	{ "rows", CBTM_PARAM_COUNT, offsetof(struct options, rows), "0", 0, 0, NULL,
	  "at most so many rows of each part; 0: all", 0, 0 },
	{ "from", CBTM_PARAM_COUNT, offsetof(struct options, from), "0", 0, 0, NULL,
	  "begin with this row of each part; those before it are not read", 0, 0 },
	CBTM_PARAM_END,
};

static int cat_store(const char *path, const struct jsonl_choice *choice, struct cbtm_error *e)
{
	struct named_store named;
	int rc = named_open(path, &named, e);
	for (uint32_t i = 0; !rc && i < named.n; i++) {
		struct store *s;
		rc = named_part(&named, i, &s, e);
		if (!rc)
			rc = jsonl_print(s, named.first + i, choice, stdout, e);
		store_close(s);
	}
	named_close(&named);
	return rc;
}

static int run(const void *given, char **arguments, int n, struct cbtm_error *e)
{
	const struct options *o = given;
	struct jsonl_choice choice = { o->columns.v, o->columns.n, o->rows ? o->rows : UINT64_MAX,
		                           o->from };
	int rc = 0;
	if (n == 0)
		return error_set(e, CBTM_ERR_USAGE, NULL, "name a dataset's folder or a part's file");
	for (int i = 0; !rc && i < n; i++)
		rc = cat_store(arguments[i], &choice, e);
	if (fflush(stdout) && !rc)
		rc = error_errno(e, CBTM_ERR_IO, "output", "cannot write");
	return rc;
}

const struct command command_cat = {
	.name = "cat",
	.sentence = "Print stores as JSON lines, which cbtm load reads back",
	.arguments = "STORE...",
	.options = options,
	.options_size = sizeof(struct options),
	.example = "cbtm cat --rows 3 --column id --column text work/documents/*/part-00000.lmdb",
	.run = run,
};
