/* SPDX-License-Identifier: MIT */
#include "stage/options.h"
#include "base/nearest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_NAME = 128, MOST_OPTIONS = 512 };

/* The items that a list option has so far. */
struct given {
	const char **item;
	size_t n, capacity;
};
struct parser {
	struct option_group *groups;
	size_t n_groups;
	struct arena *arena;
	bool lenient;
	struct given *lists; /* one a row of all groups together */
	struct cbtm_error *e;
};

static size_t table_rows(const struct cbtm_param *table)
{
	size_t n = 0;

	while (table && table[n].name)
		n++;
	return n;
}

static bool is_list(const struct cbtm_param *row)
{
	return row->type == CBTM_PARAM_COUNTS || row->type == CBTM_PARAM_REALS ||
	       row->type == CBTM_PARAM_TEXTS;
}

/* The row whose option is `name`; *group and *number (over all groups) say where it stands. */
static const struct cbtm_param *find(const struct parser *p, const char *name,
                                     struct option_group **group, size_t *number)
{
	char option[OPTION_NAME];

	*number = 0;
	for (size_t g = 0; g < p->n_groups; g++) {
		const struct cbtm_param *table = p->groups[g].table;
		for (size_t i = 0; table && table[i].name; i++, ++*number) {
			param_option_name(&table[i], option, sizeof option);
			if (!strcmp(option, name)) {
				*group = &p->groups[g];
				return &table[i];
			}
		}
	}
	return NULL;
}

static int refuse_unknown(const struct parser *p, const char *name)
{
	static const char *const words_of_all[] = { "help", "version" };
	char(*names)[OPTION_NAME] = calloc(MOST_OPTIONS, sizeof *names);
	const char *words[MOST_OPTIONS], *near = NULL;
	size_t n = 0;

	for (size_t i = 0; i < sizeof words_of_all / sizeof *words_of_all; i++)
		words[n++] = words_of_all[i];
	for (size_t g = 0; names && g < p->n_groups; g++) {
		for (const struct cbtm_param *r = p->groups[g].table; r && r->name; r++) {
			if (n == MOST_OPTIONS)
				break;
			param_option_name(r, names[n], OPTION_NAME);
			words[n] = names[n];
			n++;
		}
	}
	near = nearest_word(name, words, n);
	error_set(p->e, CBTM_ERR_USAGE, NULL, "unknown option --%s%s%s", name,
	          near ? "; the nearest is --" : "", near ? near : "");
	free(names);
	return p->e->name;
}

static int add_item(const struct parser *p, struct given *g, const char *text, size_t n)
{
	char *copy = arena_string(p->arena, text, n, p->e);

	if (!copy || array_reserve(&g->item, &g->capacity, g->n + 1, sizeof *g->item, p->e))
		return p->e->name;
	g->item[g->n++] = copy;
	return 0;
}

/* "1,2" and "[1, 2]" are two items, "[]" is none; any other text is one, whatever is in it: file
 * names have commas. */
static int add_items(const struct parser *p, const struct cbtm_param *row, struct given *g,
                     const char *text)
{
	size_t n = strlen(text);

	if (row->type == CBTM_PARAM_TEXTS)
		return strcmp(text, "[]") == 0 ? 0 : add_item(p, g, text, n);
	if (n > 1 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	for (const char *end = text + n; text < end;) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		const char *last = comma ? comma : end;
		while (text < last && *text == ' ')
			text++;
		while (last > text && last[-1] == ' ')
			last--;
		if (add_item(p, g, text, (size_t)(last - text)))
			return p->e->name;
		text = (comma ? comma : end) + 1;
	}
	return 0;
}

static int set_value(const struct parser *p, struct option_group *group, size_t number,
                     const struct cbtm_param *row, const char *text)
{
	char where[OPTION_NAME + 2] = "--";
	size_t bit = (size_t)(row - group->table);

	param_option_name(row, where + 2, sizeof where - 2);
	if (bit < 64)
		group->set |= UINT64_C(1) << bit;
	if (!is_list(row))
		return param_parse(row, text, group->values, p->arena, CBTM_ERR_USAGE, where, p->e);
	struct given *g = &p->lists[number];
	if (add_items(p, row, g, text))
		return p->e->name;
	return param_parse_list(row, (const char *const *)g->item, g->n, group->values, p->arena,
	                        CBTM_ERR_USAGE, where, p->e);
}

/* One option, argv[*i]; moves *i to its last word. */
static int parse_option(const struct parser *p, int argc, char **argv, int *i)
{
	const char *word = argv[*i] + 2, *equals = strchr(word, '=');
	struct option_group *group;
	const struct cbtm_param *row;
	char name[OPTION_NAME];
	size_t number;

	snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - word) : (int)strlen(word), word);
	row = find(p, name, &group, &number);
	if (!row && !strncmp(name, "no-", 3) && !equals) {
		row = find(p, name + 3, &group, &number);
		if (row && row->type == CBTM_PARAM_BOOL)
			return set_value(p, group, number, row, "false");
		row = NULL;
	}
	if (!row)
		return p->lenient ? 0 : refuse_unknown(p, name);
	if (equals)
		return set_value(p, group, number, row, equals + 1);
	if (row->type == CBTM_PARAM_BOOL)
		return set_value(p, group, number, row, "true");
	if (*i + 1 >= argc)
		return error_set(p->e, CBTM_ERR_USAGE, NULL, "--%s needs a value", name);
	return set_value(p, group, number, row, argv[++*i]);
}

static int check_required(const struct parser *p)
{
	char name[OPTION_NAME], allowed[256];

	for (size_t g = 0; g < p->n_groups; g++) {
		const struct cbtm_param *table = p->groups[g].table;
		for (size_t i = 0; table && table[i].name && i < 64; i++) {
			if (!(table[i].flags & CBTM_PARAM_REQUIRED) || (p->groups[g].set >> i & 1))
				continue;
			param_option_name(&table[i], name, sizeof name);
			param_allowed(&table[i], allowed, sizeof allowed);
			return error_set(p->e, CBTM_ERR_USAGE, NULL, "--%s is missing: %s (%s)", name,
			                 table[i].help, allowed);
		}
	}
	return 0;
}

static int parse_words(const struct parser *p, int argc, char **argv, int *n_arguments)
{
	bool options_end = false;
	int n = 0;

	for (int i = 1; i < argc; i++) {
		if (!options_end && !strcmp(argv[i], "--")) {
			options_end = true;
		} else if (!options_end && !strncmp(argv[i], "--", 2)) {
			if (parse_option(p, argc, argv, &i))
				return p->e->name;
		} else if (!options_end && argv[i][0] == '-' && argv[i][1]) {
			if (!p->lenient)
				return error_set(p->e, CBTM_ERR_USAGE, NULL,
				                 "unknown option %s: options begin with two dashes", argv[i]);
		} else {
			argv[++n] = argv[i];
		}
	}
	*n_arguments = n;
	return p->lenient ? 0 : check_required(p);
}

int options_parse(struct option_group *groups, size_t n_groups, struct arena *a, int argc,
                  char **argv, int *n_arguments, bool lenient, struct cbtm_error *e)
{
	struct parser p = { groups, n_groups, a, lenient, NULL, e };
	size_t rows = 0;

	for (size_t g = 0; g < n_groups; g++) {
		rows += table_rows(groups[g].table);
		groups[g].set = 0;
		if (groups[g].table && param_defaults(groups[g].table, groups[g].values, a, e))
			return e->name;
	}
	p.lists = mem_zeroed(rows, sizeof *p.lists, "options", e);
	if (p.lists)
		parse_words(&p, argc, argv, n_arguments);
	for (size_t i = 0; p.lists && i < rows; i++)
		free(p.lists[i].item);
	free(p.lists);
	return e->name;
}
