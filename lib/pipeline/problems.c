/* SPDX-License-Identifier: MIT */
#include "pipeline/problems.h"
#include "base/memory.h"
#include "base/number.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void problems_free(struct problems *p)
{
	buffer_free(&p->text);
	p->n = 0;
}

/* Systems share most settings, so the same is often found several times. */
static bool is_there(const struct problems *p, const char *line)
{
	const char *found = p->n ? strstr(p->text.data, line) : NULL;

	return found && (found == p->text.data || found[-1] == '\n');
}

int problems_add(struct problems *p, struct cbtm_error *e, enum cbtm_error_name name,
                 const char *where, const char *fmt, ...)
{
	char what[1024], line[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	snprintf(line, sizeof line, "%s: %s\n", where, what);
	if (is_there(p, line))
		return e->name;
	p->name = !p->n || p->name == name ? name : CBTM_ERR_CONFIG;
	p->n++;
	return buffer_text(&p->text, line, e);
}

int problems_take(struct problems *p, struct cbtm_error *found, struct cbtm_error *e)
{
	if (found->name == CBTM_OK)
		return 0;
	if (found->name == CBTM_ERR_MEMORY || found->name == CBTM_ERR_INTERNAL)
		return error_copy(e, found);
	problems_add(p, e, found->name, found->where, "%s%s%s%s", found->what,
	             found->hint[0] ? " (" : "", found->hint, found->hint[0] ? ")" : "");
	memset(found, 0, sizeof *found);
	return e->name;
}

struct line {
	uint64_t place; /* line and column */
	size_t number;  /* among all lines: equal places keep their order */
	const char *text;
	size_t n;
};

static uint64_t place_of(const char *text, const char *file)
{
	size_t n = strlen(file), digits;
	uint64_t line = 0, column = 0;

	if (strncmp(text, file, n) != 0 || text[n] != ':')
		return UINT64_MAX;
	text += n + 1;
	digits = strspn(text, "0123456789");
	if (!number_parse_u64(text, digits, &line) || text[digits] != ':')
		return UINT64_MAX;
	text += digits + 1;
	number_parse_u64(text, strspn(text, "0123456789"), &column);
	return line << 32 | (column & UINT32_MAX);
}

static int compare(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

int problems_sort(struct problems *p, const char *file, struct cbtm_error *e)
{
	struct line *line = mem_zeroed(p->n, sizeof *line, "problems", e);
	struct buffer sorted = { 0 };
	const char *at = p->text.data;

	if (!line)
		return e->name;
	for (size_t i = 0; i < p->n; i++) {
		size_t n = strcspn(at, "\n") + 1;
		line[i] = (struct line){ place_of(at, file), i, at, n };
		at += n;
	}
	if (p->n)
		qsort(line, p->n, sizeof *line, compare);
	for (size_t i = 0; i < p->n; i++)
		if (buffer_add(&sorted, line[i].text, line[i].n, e))
			break;
	free(line);
	buffer_free(&p->text);
	p->text = sorted;
	return e->name;
}
