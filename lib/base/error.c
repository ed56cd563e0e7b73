/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct row {
	const char *name;
	int exit;
	const char *hint;
};

static const struct row table[CBTM_ERROR_COUNT] = { [CBTM_OK] = { "OK", 0, "" },
#define ROW(name, exit, hint) [CBTM_ERR_##name] = { #name, exit, hint },
	                                                CBTM_ERRORS(ROW)
#undef ROW
};

static const struct row *row_of(enum cbtm_error_name name)
{
	if ((unsigned)name >= CBTM_ERROR_COUNT)
		return &table[CBTM_ERR_INTERNAL];
	return &table[name];
}

const char *error_name(enum cbtm_error_name name)
{
	return row_of(name)->name;
}
int error_exit_status(enum cbtm_error_name name)
{
	return row_of(name)->exit;
}
const char *error_default_hint(enum cbtm_error_name name)
{
	return row_of(name)->hint;
}

/* A text cut by snprintf may end in the middle of a UTF-8 character: that piece goes too. */
static void drop_broken_tail(char *s)
{
	size_t n = strlen(s), from = n;

	while (from > 0 && n - from < 3 && ((unsigned char)s[from - 1] & 0xC0) == 0x80)
		from--;
	if (from == 0 || ((unsigned char)s[from - 1] & 0x80) == 0)
		return;
	unsigned char lead = (unsigned char)s[from - 1];
	size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
	if (n - (from - 1) < need)
		s[from - 1] = 0;
}

/* What was quoted of a file may hold escape sequences: a terminal sees none of them. */
static void show_controls(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = *s == '\n' || *s == '\t' ? ' ' : '?';
}

static void fill(struct cbtm_error *e, enum cbtm_error_name name, const char *where,
                 const char *fmt, va_list args)
{
	e->name = name;
	e->sys_errno = 0;
	e->hint[0] = 0;
	snprintf(e->where, sizeof e->where, "%s", where ? where : "");
	vsnprintf(e->what, sizeof e->what, fmt, args);
	drop_broken_tail(e->where);
	drop_broken_tail(e->what);
	show_controls(e->where);
	show_controls(e->what);
}

enum cbtm_error_name error_set(struct cbtm_error *e, enum cbtm_error_name name, const char *where,
                               const char *fmt, ...)
{
	va_list args;

	if (!e)
		return name;
	if (e->name == CBTM_OK) {
		va_start(args, fmt);
		fill(e, name, where, fmt, args);
		va_end(args);
	}
	return e->name;
}

static enum cbtm_error_name name_of_errno(int number, enum cbtm_error_name otherwise)
{
	switch (number) {
	case ENOSPC:
	case EDQUOT:
		return CBTM_ERR_DISK_FULL;
	case ENOENT:
		return CBTM_ERR_MISSING_INPUT;
	case ENOMEM:
		return CBTM_ERR_MEMORY;
	default:
		return otherwise;
	}
}

enum cbtm_error_name error_errno(struct cbtm_error *e, enum cbtm_error_name name, const char *where,
                                 const char *fmt, ...)
{
	int number = errno;
	va_list args;
	char text[128];
	size_t n;

	name = name_of_errno(number, name);
	if (!e)
		return name;
	if (e->name != CBTM_OK)
		return e->name;
	va_start(args, fmt);
	fill(e, name, where, fmt, args);
	va_end(args);
	e->sys_errno = number;
	if (number) {
		n = strlen(e->what);
		snprintf(e->what + n, sizeof e->what - n, ": %s", strerror_r(number, text, sizeof text));
	}
	return name;
}

enum cbtm_error_name error_hint(struct cbtm_error *e, const char *fmt, ...)
{
	va_list args;

	if (!e || e->name == CBTM_OK)
		return CBTM_OK;
	va_start(args, fmt);
	vsnprintf(e->hint, sizeof e->hint, fmt, args);
	va_end(args);
	drop_broken_tail(e->hint);
	show_controls(e->hint);
	return e->name;
}

enum cbtm_error_name error_copy(struct cbtm_error *e, const struct cbtm_error *from)
{
	if (!e)
		return from->name;
	if (e->name == CBTM_OK)
		*e = *from;
	return e->name;
}

void error_format(const struct cbtm_error *e, const char *program, char *buf, size_t n)
{
	const char *hint = e->hint[0] ? e->hint : error_default_hint(e->name);
	const char *colon = e->where[0] ? ": " : "";

	if (n == 0)
		return;
	if (hint[0])
		snprintf(buf, n, "%s: %s%s%s\n%s: hint: %s", program, e->where, colon, e->what, program,
		         hint);
	else
		snprintf(buf, n, "%s: %s%s%s", program, e->where, colon, e->what);
	drop_broken_tail(buf);
}
