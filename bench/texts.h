/* SPDX-License-Identifier: MIT */
/* Texts of a file, for benchmarks: each a line of JSON, a string. Included by the programs that read some. */
#pragma once
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include <cbtm/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct texts {
	struct cbtm_document *document; /* n; keys are their numbers */
	size_t n, room, at;
};

/* Their bytes live in the arena, the list is freed with free(). */
static int texts_read(const char *path, struct texts *t, struct arena *a, struct cbtm_error *e)
{
	FILE *f = fopen(path, "rb");
	struct json_parser *parser = json_parser_new(e);
	char *line = NULL;
	size_t room = 0;
	if (!f)
		error_set(e, CBTM_ERR_MISSING_INPUT, path, "cannot open this file");
	for (ssize_t n; !e->name && (n = getline(&line, &room, f)) > 0;) {
		struct json value;
		const char *text = NULL;
		size_t size = 0;
		if (json_parse(parser, line, (size_t)n, path, &value, e) ||
		    array_reserve(&t->document, &t->room, t->n + 1, sizeof *t->document, e))
			break;
		if (!json_string(value, &text, &size))
			error_set(e, CBTM_ERR_BAD_DATA, path, "a line is no JSON string");
		else
			text = arena_string(a, text, size, e);
		t->document[t->n] = (struct cbtm_document){
			.key = t->n, .text = text, .text_size = size, .meta = "{}", .meta_size = 2
		};
		t->n++;
	}
	free(line);
	json_parser_free(parser);
	if (f)
		fclose(f);
	return e->name;
}

/* The functions of struct cbtm_documents; arg: struct texts. */
static int texts_next(void *arg, struct cbtm_document *out, size_t max, size_t *n,
                      struct cbtm_error *e)
{
	struct texts *t = arg;
	(void)e;
	*n = t->n - t->at < max ? t->n - t->at : max;
	memcpy(out, t->document + t->at, *n * sizeof *out);
	t->at += *n;
	return 0;
}

static int texts_again(void *arg, struct cbtm_error *e)
{
	(void)e;
	((struct texts *)arg)->at = 0;
	return 0;
}

static inline struct cbtm_documents texts_stream(struct texts *t)
{
	t->at = 0;
	return (struct cbtm_documents){ t->n, t, texts_next, texts_again };
}
