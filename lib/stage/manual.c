/* SPDX-License-Identifier: MIT */
#include "stage/manual.h"
#include "base/param.h"
#include <stdbool.h>
#include <string.h>

/* Wide enough for an allowed range in words and for an option's name. */
enum { ALLOWED_SIZE = 256, NAME_SIZE = 128 };

static const char *shown_default(const struct cbtm_param *p)
{
	if (p->flags & CBTM_PARAM_REQUIRED)
		return "must be given";
	return p->default_text && p->default_text[0] ? p->default_text : "none";
}

/* A cell of a Markdown table: '|' would end it. */
static int add_cell(struct buffer *out, const char *text, struct cbtm_error *e)
{
	for (const char *c = text; *c; c++) {
		int r = *c == '|' ? buffer_text(out, "\\|", e) : buffer_add(out, c, 1, e);
		if (r)
			return r;
	}
	return buffer_text(out, " |", e);
}

static int reference_row(const struct cbtm_param *p, struct buffer *out, struct cbtm_error *e)
{
	char allowed[ALLOWED_SIZE];
	int r = buffer_printf(out, e, "| `%s` | ", p->name);

	param_allowed(p, allowed, sizeof allowed);
	if (r == 0)
		r = add_cell(out, p->help, e);
	if (r == 0)
		r = buffer_text(out, " ", e);
	if (r == 0)
		r = add_cell(out, allowed, e);
	if (r == 0)
		r = buffer_text(out, " ", e);
	if (r == 0)
		r = add_cell(out, shown_default(p), e);
	return r ? r : buffer_text(out, "\n", e);
}

int manual_reference(const struct manual_section *s, struct buffer *out, struct cbtm_error *e)
{
	int r = buffer_printf(out, e, "\n## %s\n", s->title);

	if (r == 0 && s->sentence)
		r = buffer_printf(out, e, "%s.\n", s->sentence);
	if (r == 0 && (!s->table || !s->table[0].name))
		return buffer_text(out, "It has no keys.\n", e);
	if (r == 0)
		r = buffer_text(out, "\n| key | meaning | allowed | default |\n|---|---|---|---|\n", e);
	for (const struct cbtm_param *p = s->table; r == 0 && p->name; p++)
		r = reference_row(p, out, e);
	return r;
}

/* Text for troff: '-' is a minus, '\' is doubled, a dot or quote must not begin a line. */
static int add_troff(struct buffer *out, const char *text, struct cbtm_error *e)
{
	int r = text[0] == '.' || text[0] == '\'' ? buffer_text(out, "\\&", e) : 0;

	for (const char *c = text; r == 0 && *c; c++) {
		if (*c == '-')
			r = buffer_text(out, "\\-", e);
		else if (*c == '\\')
			r = buffer_text(out, "\\e", e);
		else
			r = buffer_add(out, c, 1, e);
	}
	return r;
}

/* A request with its text on one line: ".SH NAME". */
static int add_line(struct buffer *out, const char *request, const char *text, struct cbtm_error *e)
{
	int r = buffer_text(out, request, e);

	if (r == 0)
		r = add_troff(out, text, e);
	return r ? r : buffer_text(out, "\n", e);
}

static int page_row(const struct cbtm_param *p, struct buffer *out, struct cbtm_error *e)
{
	char name[NAME_SIZE], allowed[ALLOWED_SIZE];
	int r;

	param_option_name(p, name, sizeof name);
	param_allowed(p, allowed, sizeof allowed);
	r = buffer_text(out, ".TP\n.B \\-\\-", e);
	if (r == 0)
		r = add_troff(out, name, e);
	if (r == 0)
		r = buffer_text(out, "\n", e);
	if (r == 0)
		r = add_line(out, "", p->help, e);
	if (r == 0)
		r = buffer_text(out, "(", e);
	if (r == 0)
		r = add_troff(out, allowed, e);
	if (r == 0)
		r = buffer_text(out, p->flags & CBTM_PARAM_REQUIRED ? "; " : "; default ", e);
	if (r == 0)
		r = add_troff(out, shown_default(p), e);
	return r ? r : buffer_text(out, ")\n", e);
}

static int page_section(const struct manual_section *s, struct buffer *out, struct cbtm_error *e)
{
	int r;

	if (!s->table || !s->table[0].name)
		return 0;
	r = add_line(out, ".SS ", s->title, e);
	if (r == 0 && s->sentence)
		r = buffer_printf(out, e, "%s.\n", s->sentence);
	for (const struct cbtm_param *p = s->table; r == 0 && p->name; p++)
		r = page_row(p, out, e);
	return r;
}

/* Whether a table of the page has --help itself. */
static bool has_help(const struct manual_page *p)
{
	for (size_t i = 0; i < p->n_sections; i++)
		if (p->sections[i].table && param_find(p->sections[i].table, "help"))
			return true;
	return false;
}

int manual_page(const struct manual_page *p, const char *version, struct buffer *out,
                struct cbtm_error *e)
{
	int r = buffer_text(out, ".\\\" Made from the program's tables by `cbtm document`.\n.TH \"", e);

	for (const char *c = p->name; r == 0 && *c; c++) {
		char upper = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c == ' ' ? '-' : *c);
		r = buffer_add(out, &upper, 1, e);
	}
	if (r == 0)
		r = buffer_printf(out, e, "\" 1 \"\" \"cbtm %s\"\n.SH NAME\n", version);
	for (const char *c = p->name; r == 0 && *c; c++)
		r = *c == ' ' || *c == '-' ? buffer_text(out, "\\-", e) : buffer_add(out, c, 1, e);
	if (r == 0)
		r = add_line(out, " \\- ", p->sentence, e);
	if (r == 0)
		r = add_line(out, ".SH SYNOPSIS\n.B ", p->name, e);
	if (r == 0)
		r = buffer_printf(out, e, "[\\fIoption\\fR]... %s\n.SH OPTIONS\n", p->arguments);
	for (size_t i = 0; r == 0 && i < p->n_sections; i++)
		r = page_section(&p->sections[i], out, e);
	if (r == 0 && !has_help(p))
		r = buffer_text(out, ".TP\n.B \\-\\-help\nPrint a short help and exit.\n", e);
	if (r == 0 && p->example)
		r = add_line(out, ".SH EXAMPLE\n.nf\n", p->example, e);
	if (r == 0 && p->example)
		r = buffer_text(out, ".fi\n", e);
	return r ? r : buffer_text(out, ".SH SEE ALSO\n.BR cbtm (1)\n", e);
}

int manual_completion(const struct manual_page *p, struct buffer *out, struct cbtm_error *e)
{
	char name[NAME_SIZE];
	int r = buffer_printf(out, e, "\t\"%s\") options=\"%s", p->name, has_help(p) ? "" : "--help");

	for (size_t i = 0; r == 0 && i < p->n_sections; i++) {
		for (const struct cbtm_param *q = p->sections[i].table; r == 0 && q && q->name; q++) {
			param_option_name(q, name, sizeof name);
			r = buffer_printf(out, e, " --%s", name);
		}
	}
	return r ? r : buffer_text(out, "\" ;;\n", e);
}
