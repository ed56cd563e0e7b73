/* SPDX-License-Identifier: MIT */
/* Text to values. The way back, and what is allowed in words, are in param_print.c. */
#include "base/param.h"
#include "base/nearest.h"
#include "base/number.h"
#include <stdio.h>
#include <string.h>

enum { LONGEST_CHOICES = 512, LONGEST_SHOWN = 60, MOST_ITEMS = 4096 };

/* Where a value comes from and what an error is called; what every function below needs. */
struct source {
	const struct cbtm_param *param;
	struct arena *arena;
	enum cbtm_error_name error;
	const char *where;
	struct cbtm_error *e;
};

const struct cbtm_param *param_find(const struct cbtm_param *table, const char *name)
{
	for (const struct cbtm_param *p = table; p && p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

const char *param_text(const struct cbtm_param *p, const void *options)
{
	return *(const char *const *)((const char *)options + p->offset);
}

const struct cbtm_param *param_nearest(const struct cbtm_param *table, const char *name)
{
	const struct cbtm_param *best = NULL, *p;
	size_t least = SIZE_MAX, n = strlen(name);

	for (p = table; p && p->name; p++) {
		size_t d = nearest_word(name, &p->name, 1) ? nearest_distance(name, p->name) : SIZE_MAX;
		if (d < least) {
			best = p;
			least = d;
		}
	}
	/* "tokens" for "seed.tokens": the last part of a name is what people remember. */
	for (p = table; p && p->name && !best; p++) {
		size_t length = strlen(p->name);
		if (n > 1 && length > n + 1 && p->name[length - n - 1] == '.' &&
		    strcmp(p->name + length - n, name) == 0)
			best = p;
	}
	return best;
}

void param_option_name(const struct cbtm_param *p, char *buf, size_t n)
{
	if (n == 0)
		return;
	snprintf(buf, n, "%s", p->name);
	for (; *buf; buf++)
		if (*buf == '.' || *buf == '_')
			*buf = '-';
}

/* `copy` gets the choices, and what is returned points into it. */
static const char *nearest_choice(const struct cbtm_param *p, const char *text,
                                  char copy[LONGEST_CHOICES])
{
	const char *words[32];
	size_t n = 0;

	snprintf(copy, LONGEST_CHOICES, "%s", p->choices);
	for (char *rest = copy; rest && n < sizeof words / sizeof *words;) {
		words[n++] = rest;
		rest = strchr(rest, '|');
		if (rest)
			*rest++ = 0;
	}
	return nearest_word(text, words, n);
}

/* `must be a count, 1 to 4096, not "x"`: one sentence for a wrong type, range or choice. */
static int refuse(const struct source *s, const char *text)
{
	char allowed[LONGEST_CHOICES], choices[LONGEST_CHOICES];
	const char *near = NULL, *dots = strlen(text) > LONGEST_SHOWN ? "..." : "";

	param_allowed(s->param, allowed, sizeof allowed);
	if (s->param->type == CBTM_PARAM_CHOICE)
		near = nearest_choice(s->param, text, choices);
	return error_set(s->e, s->error, s->where, "must be %s, not \"%.*s%s\"%s%s%s", allowed,
	                 LONGEST_SHOWN, text, dots, near ? " (nearest: " : "", near ? near : "",
	                 near ? ")" : "");
}

/* Long double, which holds every 64-bit count, so that a large one is not rounded into range. */
static bool in_range(const struct cbtm_param *p, long double v)
{
	if (p->min == 0 && p->max == 0)
		return true;
	return v >= (long double)p->min && (p->max < p->min || v <= (long double)p->max);
}

/* Index of text among "a|b|c", -1 if it is none. */
static int choice_index(const char *choices, const char *text)
{
	size_t n = strlen(text), length;

	for (int i = 0;; i++) {
		length = strcspn(choices, "|");
		if (length == n && memcmp(choices, text, n) == 0)
			return i;
		if (!choices[length])
			return -1;
		choices += length + 1;
	}
}

/* One number, flag, choice or text of `type` into *value. */
static int parse_one(const struct source *s, enum cbtm_param_type type, const char *text,
                     void *value)
{
	const struct cbtm_param *p = s->param;
	size_t n = strlen(text);
	int *flag = value;

	switch (type) {
	case CBTM_PARAM_BOOL:
		*flag = strcmp(text, "true") == 0;
		return *flag || strcmp(text, "false") == 0 ? 0 : refuse(s, text);
	case CBTM_PARAM_CHOICE:
		*flag = choice_index(p->choices, text);
		return *flag >= 0 ? 0 : refuse(s, text);
	case CBTM_PARAM_COUNT: {
		uint64_t v;
		if (!number_parse_count(text, n, &v) || !in_range(p, v))
			return refuse(s, text);
		*(uint64_t *)value = v;
		return 0;
	}
	case CBTM_PARAM_INT: {
		int64_t v;
		if (!number_parse_i64(text, n, &v) || !in_range(p, v))
			return refuse(s, text);
		*(int64_t *)value = v;
		return 0;
	}
	case CBTM_PARAM_REAL: {
		double v;
		if (!number_parse_f64(text, n, &v) || !in_range(p, v))
			return refuse(s, text);
		*(double *)value = v;
		return 0;
	}
	default:
		*(const char **)value = arena_string(s->arena, text, n, s->e);
		return *(const char **)value ? 0 : CBTM_ERR_MEMORY;
	}
}

static enum cbtm_param_type item_type(enum cbtm_param_type type)
{
	return type == CBTM_PARAM_COUNTS  ? CBTM_PARAM_COUNT
	       : type == CBTM_PARAM_REALS ? CBTM_PARAM_REAL
	                                  : CBTM_PARAM_TEXT;
}

static bool is_list(const struct cbtm_param *p)
{
	return p->type >= CBTM_PARAM_COUNTS;
}

static int parse_items(const struct source *s, const char *const *items, size_t n, void *options)
{
	/* Elements of all three lists are 8 bytes wide: a count, a double or a pointer. */
	_Static_assert(sizeof(uint64_t) == 8 && sizeof(double) == 8 && sizeof(char *) <= 8, "");
	enum cbtm_param_type type = item_type(s->param->type);
	size_t width = type == CBTM_PARAM_TEXT ? sizeof(char *) : 8, bytes;
	char *at = (char *)options + s->param->offset, *v;

	if (!size_mul(n, width, &bytes))
		return error_set(s->e, CBTM_ERR_MEMORY, s->where, "has too many items");
	v = arena_take(s->arena, bytes, s->e);
	if (!v)
		return CBTM_ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		int r = parse_one(s, type, items[i], v + i * width);
		if (r)
			return r;
	}
	if (s->param->type == CBTM_PARAM_COUNTS)
		*(struct cbtm_counts *)at = (struct cbtm_counts){ (const uint64_t *)(void *)v, n };
	else if (s->param->type == CBTM_PARAM_REALS)
		*(struct cbtm_reals *)at = (struct cbtm_reals){ (const double *)(void *)v, n };
	else
		*(struct cbtm_texts *)at = (struct cbtm_texts){ (const char *const *)(void *)v, n };
	return 0;
}

static const char *skip_blanks(const char *t)
{
	while (*t == ' ' || *t == '\t')
		t++;
	return t;
}

/* Reads one item: plain up to a comma or the end, without blanks around it, or "quoted" with \"
 * and \\. Returns what follows it, NULL if a quote is not closed or something stands behind it. */
static const char *cut_item(const char *t, const char *end, struct arena *a, char **item,
                            struct cbtm_error *e)
{
	size_t n = 0;
	const char *last;

	if (*t != '"') {
		last = memchr(t, ',', (size_t)(end - t));
		last = last ? last : end;
		n = (size_t)(last - t);
		while (n && (t[n - 1] == ' ' || t[n - 1] == '\t'))
			n--;
		*item = arena_string(a, t, n, e);
		return *item ? last : NULL;
	}
	*item = arena_take(a, (size_t)(end - t) + 1, e);
	if (!*item)
		return NULL;
	for (t++; t < end && *t != '"'; t++) {
		if (*t == '\\' && t + 1 < end)
			t++;
		(*item)[n++] = *t;
	}
	if (t >= end)
		return NULL;
	t = skip_blanks(t + 1);
	return t >= end || *t == ',' ? t : NULL;
}

/* "a,b,c" or "[a, b, c]"; "" and "[]" are the empty list. */
static int parse_list_text(const struct source *s, const char *text, void *options)
{
	const char *t = skip_blanks(text), *end = t + strlen(t);
	char *items[MOST_ITEMS];
	size_t n = 0;

	while (end > t && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (*t == '[') {
		if (end[-1] != ']' || end - t < 2)
			return refuse(s, text);
		t = skip_blanks(t + 1);
		end--;
		while (end > t && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
	}
	while (t < end) {
		if (n == MOST_ITEMS)
			return error_set(s->e, s->error, s->where, "has more than %d items", MOST_ITEMS);
		t = cut_item(skip_blanks(t), end, s->arena, &items[n], s->e);
		if (!t)
			return s->e->name == CBTM_OK ? refuse(s, text) : (int)s->e->name;
		n++;
		if (t < end && ++t == end)
			return refuse(s, text); /* a comma with nothing behind it */
	}
	return parse_items(s, (const char *const *)items, n, options);
}

int param_parse(const struct cbtm_param *p, const char *text, void *options, struct arena *a,
                enum cbtm_error_name error, const char *where, struct cbtm_error *e)
{
	struct source s = { p, a, error, where, e };

	if (is_list(p))
		return parse_list_text(&s, text, options);
	return parse_one(&s, p->type, text, (char *)options + p->offset);
}

int param_parse_list(const struct cbtm_param *p, const char *const *items, size_t n, void *options,
                     struct arena *a, enum cbtm_error_name error, const char *where,
                     struct cbtm_error *e)
{
	struct source s = { p, a, error, where, e };

	if (is_list(p))
		return parse_items(&s, items, n, options);
	return refuse(&s, "a list");
}

int param_defaults(const struct cbtm_param *table, void *options, struct arena *a,
                   struct cbtm_error *e)
{
	for (const struct cbtm_param *p = table; p && p->name; p++) {
		void *at = (char *)options + p->offset;
		const char *text = p->default_text;
		int r = 0;

		if (!text && is_list(p))
			text = "";
		if (text)
			r = param_parse(p, text, options, a, CBTM_ERR_INTERNAL, p->name, e);
		else if (p->type == CBTM_PARAM_TEXT)
			*(const char **)at = "";
		else if (p->type == CBTM_PARAM_BOOL || p->type == CBTM_PARAM_CHOICE)
			*(int *)at = 0;
		else
			memset(at, 0, 8); /* uint64_t, int64_t, double */
		if (r)
			return r;
	}
	return 0;
}
