/* SPDX-License-Identifier: MIT */
#include "pipeline/problems.h"
#include <stdbool.h>
#include <stdio.h>
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
