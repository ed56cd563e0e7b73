/* SPDX-License-Identifier: MIT */
/* Options as help text: two columns, wrapped at 80. */
#include "stage/options.h"
#include <stdio.h>
#include <string.h>

enum { WIDTH = 80, SECOND_COLUMN = 30 };

/* What stands for the value: "N", "PATH", "nearest|priced". */
static const char *value_word(const struct cbtm_param *row)
{
	bool path = row->flags & CBTM_PARAM_PATH;

	switch (row->type) {
	case CBTM_PARAM_BOOL:
		return "";
	case CBTM_PARAM_COUNT:
	case CBTM_PARAM_INT:
		return " N";
	case CBTM_PARAM_REAL:
		return " X";
	case CBTM_PARAM_COUNTS:
		return " N,...";
	case CBTM_PARAM_REALS:
		return " X,...";
	case CBTM_PARAM_TEXTS:
		return path ? " PATH..." : " TEXT...";
	default:
		return path ? " PATH" : " TEXT";
	}
}

static int print_left(const struct cbtm_param *row, char *left, size_t size)
{
	char name[96];

	param_option_name(row, name, sizeof name);
	if (row->type == CBTM_PARAM_CHOICE)
		return snprintf(left, size, "  --%s %s", name, row->choices);
	if (row->type == CBTM_PARAM_BOOL && row->default_text && !strcmp(row->default_text, "true"))
		return snprintf(left, size, "  --no-%s", name);
	return snprintf(left, size, "  --%s%s", name, value_word(row));
}

static int print_right(const struct cbtm_param *row, struct buffer *right, struct cbtm_error *e)
{
	const char *text = row->default_text;

	if (buffer_text(right, row->help, e))
		return e->name;
	if (row->flags & CBTM_PARAM_REQUIRED)
		return buffer_text(right, " (required)", e);
	if (!text || !*text || !strcmp(text, "[]") || row->type == CBTM_PARAM_BOOL)
		return 0;
	return buffer_printf(right, e, " (%s)", text);
}

/* Words of `text` from `column` on, continued at SECOND_COLUMN. */
static int wrap(const char *text, size_t column, struct buffer *out, struct cbtm_error *e)
{
	while (*text) {
		size_t n = strcspn(text, " ");
		if (column > SECOND_COLUMN && column + 1 + n > WIDTH) {
			if (buffer_printf(out, e, "\n%*s", SECOND_COLUMN, ""))
				return e->name;
			column = SECOND_COLUMN;
		} else if (column > SECOND_COLUMN) {
			if (buffer_text(out, " ", e))
				return e->name;
			column++;
		}
		if (buffer_add(out, text, n, e))
			return e->name;
		column += n;
		text += n + (text[n] == ' ');
	}
	return buffer_text(out, "\n", e);
}

static int print_row(const struct cbtm_param *row, struct buffer *out, struct cbtm_error *e)
{
	struct buffer right = { 0 };
	char left[512];
	int n = print_left(row, left, sizeof left);

	if (print_right(row, &right, e))
		goto done;
	if (n + 1 < SECOND_COLUMN)
		buffer_printf(out, e, "%-*s", SECOND_COLUMN, left);
	else
		buffer_printf(out, e, "%s\n%*s", left, SECOND_COLUMN, "");
	if (!e->name)
		wrap(right.data, SECOND_COLUMN, out, e);
done:
	buffer_free(&right);
	return e->name;
}

int options_help(const struct option_group *groups, size_t n_groups, struct buffer *out,
                 struct cbtm_error *e)
{
	for (size_t g = 0; g < n_groups; g++) {
		if (!groups[g].table || !groups[g].table[0].name)
			continue;
		if (groups[g].title && buffer_printf(out, e, "%s:\n", groups[g].title))
			return e->name;
		for (const struct cbtm_param *row = groups[g].table; row->name; row++)
			if (print_row(row, out, e))
				return e->name;
	}
	return 0;
}
