/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "commands/inspect.h"
#include "store/dataset.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double number(struct json row, const char *name)
{
	struct json v;
	double x = 0;

	return json_member(row, name, &v) && json_f64(v, &x) ? x : 0;
}

static void print_row(struct json row)
{
	struct json v;
	const char *text = "(all others)";
	size_t n = strlen(text);

	if (json_member(row, "value", &v))
		json_string(v, &text, &n);
	printf("  %-28.*s %8g %12.0f %9.3f %% %9.3f %% %9.3f %% %9.3f %%\n", (int)n, text,
	       number(row, "weight"), number(row, "tokens"), 100 * number(row, "target"),
	       100 * number(row, "share"), 100 * number(row, "target_all"),
	       100 * number(row, "share_all"));
}

void inspect_sources(const struct store *s)
{
	const char *text = store_get_json(s, "sources");
	struct cbtm_error e = { 0 };
	struct json root, sources, row;
	size_t cursor = 0;
	struct json_parser *p = text ? json_parser_new(&e) : NULL;

	if (p && !json_parse(p, text, strlen(text), store_path(s), &root, &e) &&
	    json_member(root, "sources", &sources)) {
		printf("  %-28s %8s %12s %11s %11s %11s %11s\n", "weighted", "weight", "tokens",
		       "asked for", "achieved", "of all: ask", "achieved");
		while (json_next(sources, &cursor, NULL, NULL, &row))
			print_row(row);
	}
	json_parser_free(p);
}

/* Nothing of one that is not complete, or has no weights. */
static int print_dataset(const char *folder, const char *system, const char *name,
                         struct cbtm_error *e)
{
	struct dataset *d = NULL;
	struct store *s = NULL;
	char *dir = path_join(folder, name, e), *seal = dir ? path_join(dir, "DATASET.json", e) : NULL;

	if (seal && file_exists(seal) && !dataset_open(dir, NULL, &d, e) &&
	    !dataset_part(d, 0, &s, e) && store_get_json(s, "sources")) {
		printf("\n%s of %s\n", name, system);
		inspect_sources(s);
	}
	store_close(s);
	dataset_close(d);
	free(seal);
	free(dir);
	return e->name;
}

int report_sources(const char *folder, const char *system, bool seed, struct cbtm_error *e)
{
	char **names = NULL;
	size_t n = 0;

	if (!file_exists(folder) || folder_list(folder, &names, &n, e))
		return e->name;
	for (size_t i = 0; i < n && !e->name; i++)
		if (!strncmp(names[i], "sequences", 9) || (seed && !strcmp(names[i], "seed_sequences")))
			print_dataset(folder, system, names[i], e);
	folder_list_free(names, n);
	return e->name;
}
