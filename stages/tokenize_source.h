/* SPDX-License-Identifier: MIT */
/* Where the corpus of tokenize comes from; for tokenize.c alone. */
#pragma once
#include "stage/stage.h"
#include "text/lines.h"
#include "tokenize_options.h"

static int plan(const void *options, void **source, uint32_t *parts, struct cbtm_error *e)
{
	const struct options *o = options;
	struct source *s;

	if (source_plan(o->input.v, o->input.n, o->part_bytes,
	                o->rules.document.format == DOCUMENT_TEXT, &s, e))
		return e->name;
	*source = s;
	*parts = s->parts;
	return 0;
}

static int slice_digest(void *source, uint32_t part, struct digest *d, struct cbtm_error *e)
{
	return source_digest(source, part, d, e);
}

static void plan_free(void *source)
{
	source_free(source);
}

static int measure(const void *options, const void *plan, struct stage_amount *amount,
                   struct cbtm_error *e)
{
	const struct options *o = options;

	return source_measure(plan, o->rules.document.format == DOCUMENT_TEXT, &amount->bytes,
	                      &amount->documents, &amount->exact, e);
}

static void read_ahead(const void *options, void *source, uint32_t part, const atomic_bool *enough)
{
	const struct reading_rules *r = &((const struct options *)options)->rules;

	lines_ahead(source, part, r->line_bytes, r->document.format == DOCUMENT_TEXT, enough);
}

static const struct stage_source source = { plan, slice_digest, plan_free, measure, read_ahead };
