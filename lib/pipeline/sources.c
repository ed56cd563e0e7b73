/* SPDX-License-Identifier: MIT */
#include "pipeline/sources.h"
#include "base/param.h"
#include <string.h>

const char *sources_key(const struct cbtm_stage *stage)
{
	for (const struct cbtm_param *row = stage->options; row && row->name; row++)
		if (row->type == CBTM_PARAM_TEXTS && (row->flags & CBTM_PARAM_PATH))
			return row->name;
	return NULL;
}

static const char *options_text(const struct stage_config *config, struct arena *a,
                                struct cbtm_error *e)
{
	struct buffer b = { 0 };
	const char *text = NULL;

	for (const struct cbtm_param *row = config->stage->options; row && row->name; row++)
		if (buffer_printf(&b, e, "%s=", row->name) || param_print(row, config->options, &b, e) ||
		    buffer_text(&b, "\n", e))
			break;
	if (!e->name)
		text = arena_string(a, b.data ? b.data : "", b.n, e);
	buffer_free(&b);
	return text;
}

int sources_plan(struct config_source **list, struct stage_config *config, struct arena *a,
                 struct cbtm_error *e)
{
	const char *text = options_text(config, a, e);
	struct config_source *s;

	if (!text)
		return e->name;
	for (s = *list; s; s = s->next)
		if (s->stage == config->stage && !strcmp(s->options, text)) {
			config->source = s;
			return 0;
		}
	s = arena_take(a, sizeof *s, e);
	if (!s || config->stage->source->plan(config->options, &s->plan, &s->parts, e))
		return e->name;
	s->stage = config->stage;
	s->options = text;
	s->next = *list;
	*list = config->source = s;
	return 0;
}

int sources_digest(struct config_source *source, struct arena *a, struct cbtm_error *e)
{
	struct digest *d;

	if (source->digest)
		return 0;
	d = arena_take(a, source->parts * sizeof *d, e);
	for (uint32_t i = 0; d && i < source->parts; i++)
		if (source->stage->source->digest(source->plan, i, &d[i], e))
			return e->name;
	source->digest = d;
	return e->name;
}

void sources_free(struct config_source *list)
{
	for (; list; list = list->next)
		list->stage->source->free(list->plan);
}
