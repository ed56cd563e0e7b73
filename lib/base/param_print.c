/* SPDX-License-Identifier: MIT */
/* Values to canonical text, and what a parameter allows in words. */
#include "base/number.h"
#include "base/param.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int print_real(double v, struct buffer *out, struct cbtm_error *e)
{
	char text[32];

	return buffer_add(out, text, number_print_f64(v == 0 ? 0.0 : v, text), e);
}

/* An item that a list could not tell from something else is quoted. */
static int print_item(const char *s, struct buffer *out, struct cbtm_error *e)
{
	size_t n = strlen(s);
	bool plain = n > 0 && !strpbrk(s, ",[]\"\\\t\n") && s[0] != ' ' && s[n - 1] != ' ';
	int r;

	if (plain)
		return buffer_add(out, s, n, e);
	r = buffer_add(out, "\"", 1, e);
	for (; !r && *s; s++) {
		if (*s == '"' || *s == '\\')
			r = buffer_add(out, "\\", 1, e);
		if (!r)
			r = buffer_add(out, s, 1, e);
	}
	return r ? r : buffer_add(out, "\"", 1, e);
}

static int print_list(const struct cbtm_param *p, const void *at, struct buffer *out,
                      struct cbtm_error *e)
{
	struct cbtm_counts list;
	int r = buffer_add(out, "[", 1, e);

	memcpy(&list, at, sizeof list); /* the three lists are laid out alike: pointer, length */
	for (size_t i = 0; i < list.n && !r; i++) {
		if (i)
			r = buffer_add(out, ",", 1, e);
		if (r)
			break;
		if (p->type == CBTM_PARAM_COUNTS)
			r = buffer_printf(out, e, "%llu",
			                  (unsigned long long)((const struct cbtm_counts *)at)->v[i]);
		else if (p->type == CBTM_PARAM_REALS)
			r = print_real(((const struct cbtm_reals *)at)->v[i], out, e);
		else
			r = print_item(((const struct cbtm_texts *)at)->v[i], out, e);
	}
	return r ? r : buffer_add(out, "]", 1, e);
}

static int print_choice(const struct cbtm_param *p, int index, struct buffer *out,
                        struct cbtm_error *e)
{
	const char *c = p->choices;

	for (int i = 0; i < index && c; i++) {
		c = strchr(c, '|');
		c = c ? c + 1 : NULL;
	}
	if (!c || index < 0)
		return error_set(e, CBTM_ERR_INTERNAL, p->name, "has no choice number %d", index);
	return buffer_add(out, c, strcspn(c, "|"), e);
}

int param_print(const struct cbtm_param *p, const void *options, struct buffer *out,
                struct cbtm_error *e)
{
	const void *at = (const char *)options + p->offset;
	const char *text;

	switch (p->type) {
	case CBTM_PARAM_BOOL:
		return buffer_text(out, *(const int *)at ? "true" : "false", e);
	case CBTM_PARAM_COUNT:
		return buffer_printf(out, e, "%llu", (unsigned long long)*(const uint64_t *)at);
	case CBTM_PARAM_INT:
		return buffer_printf(out, e, "%lld", (long long)*(const int64_t *)at);
	case CBTM_PARAM_REAL:
		return print_real(*(const double *)at, out, e);
	case CBTM_PARAM_TEXT:
		text = *(const char *const *)at;
		return buffer_text(out, text ? text : "", e);
	case CBTM_PARAM_CHOICE:
		return print_choice(p, *(const int *)at, out, e);
	default:
		return print_list(p, at, out, e);
	}
}

/* A text that grows in a buffer of fixed size, cut where it ends. */
struct words {
	char *buf;
	size_t n, used;
};

static void CBTM_PRINTF(2, 3) add(struct words *w, const char *fmt, ...)
{
	va_list args;
	int n;

	if (w->used + 1 >= w->n)
		return;
	va_start(args, fmt);
	n = vsnprintf(w->buf + w->used, w->n - w->used, fmt, args);
	va_end(args);
	if (n > 0)
		w->used += (size_t)n;
}

static void bound(double v, char text[32])
{
	number_print_f64(v, text);
}

static void add_range(struct words *w, const struct cbtm_param *p)
{
	char min[32], max[32];
	const char *each = p->type >= CBTM_PARAM_COUNTS ? "each " : "";

	if (p->min == 0 && p->max == 0)
		return;
	bound(p->min, min);
	bound(p->max, max);
	if (p->max < p->min || strcmp(max, "null") == 0)
		add(w, ", %s%s or more", each, min);
	else
		add(w, ", %s%s to %s", each, min, max);
}

void param_allowed(const struct cbtm_param *p, char *buf, size_t n)
{
	static const char *const nouns[] = {
		[CBTM_PARAM_BOOL] = "true or false",
		[CBTM_PARAM_COUNT] = "a count",
		[CBTM_PARAM_INT] = "an integer",
		[CBTM_PARAM_REAL] = "a number",
		[CBTM_PARAM_TEXT] = "a text",
		[CBTM_PARAM_CHOICE] = "one of ",
		[CBTM_PARAM_COUNTS] = "a list of counts",
		[CBTM_PARAM_REALS] = "a list of numbers",
		[CBTM_PARAM_TEXTS] = "a list of texts",
	};
	struct words w = { buf, n, 0 };

	if (n == 0)
		return;
	buf[0] = 0;
	add(&w, "%s", nouns[p->type]);
	if (p->type == CBTM_PARAM_CHOICE) {
		for (const char *c = p->choices; *c; c++)
			add(&w, "%.*s", *c == '|' ? 2 : 1, *c == '|' ? ", " : c);
	} else if (p->type != CBTM_PARAM_TEXT && p->type != CBTM_PARAM_TEXTS) {
		add_range(&w, p);
	}
}
