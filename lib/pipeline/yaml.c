/* SPDX-License-Identifier: MIT */
#include "pipeline/yaml.h"
#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { LARGEST = 1 << 20, DEEPEST = 32 };

struct reading {
	yaml_parser_t parser;
	const char *file;
	struct arena *arena;
	struct problems *problems;
	struct cbtm_error *e;
	bool broken; /* a problem after which nothing more can be read */
};

void yaml_where(const struct yaml_node *node, const char *file, char *buf, size_t n)
{
	snprintf(buf, n, "%s:%u:%u", file, node->line, node->column);
}

const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key)
{
	if (!map || map->type != YAML_MAP)
		return NULL;
	for (const struct yaml_node *child = map->first; child; child = child->next)
		if (!strcmp(child->key, key))
			return child;
	return NULL;
}

static void refuse(struct reading *r, yaml_mark_t at, const char *what)
{
	char where[512];

	snprintf(where, sizeof where, "%s:%zu:%zu", r->file, at.line + 1, at.column + 1);
	problems_add(r->problems, r->e, CBTM_ERR_CONFIG, where, "%s", what);
}

static bool next_event(struct reading *r, yaml_event_t *event)
{
	if (!r->broken && !r->e->name && yaml_parser_parse(&r->parser, event))
		return true;
	memset(event, 0, sizeof *event);
	if (!r->broken && !r->e->name) {
		const char *what = r->parser.problem ? r->parser.problem : "cannot be read";
		bool reader = r->parser.error == YAML_READER_ERROR;
		refuse(r, r->parser.problem_mark, reader ? "is not valid UTF-8" : what);
	}
	r->broken = true;
	return false;
}

static bool is_null(const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;

	return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*text || !strcmp(text, "~") || !strcmp(text, "null"));
}

static struct yaml_node *read_node(struct reading *r, yaml_event_t *event, unsigned depth);

/* Appends children until the list ends. */
static void read_list(struct reading *r, struct yaml_node *list, unsigned depth)
{
	struct yaml_node **last = &list->first;
	yaml_event_t event;

	while (next_event(r, &event)) {
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return;
		}
		*last = read_node(r, &event, depth + 1);
		if (*last)
			last = &(*last)->next;
	}
}

static void check_duplicate(struct reading *r, const struct yaml_node *map, const char *key,
                            yaml_mark_t at)
{
	const struct yaml_node *other = yaml_find(map, key);
	char text[512];

	if (!other)
		return;
	snprintf(text, sizeof text, "%s: stands here again; it was set in line %u, column %u", key,
	         other->line, other->column);
	refuse(r, at, text);
}

static void read_map(struct reading *r, struct yaml_node *map, unsigned depth)
{
	struct yaml_node **last = &map->first, *child;
	yaml_event_t event;

	while (next_event(r, &event)) {
		yaml_mark_t at = event.start_mark;
		const char *key = NULL;
		bool end = event.type == YAML_MAPPING_END_EVENT;
		if (event.type == YAML_SCALAR_EVENT)
			key = arena_string(r->arena, (const char *)event.data.scalar.value,
			                   event.data.scalar.length, r->e);
		else if (!end)
			refuse(r, at, "a key must be a plain word");
		if (!key && !end)
			r->broken = true;
		yaml_event_delete(&event);
		if (end || !key)
			return;
		if (!next_event(r, &event))
			return;
		child = read_node(r, &event, depth + 1);
		if (!child)
			continue;
		check_duplicate(r, map, key, at);
		child->key = key;
		child->line = (unsigned)at.line + 1;
		child->column = (unsigned)at.column + 1;
		*last = child;
		last = &child->next;
	}
}

static bool is_refused(struct reading *r, const yaml_event_t *event, unsigned depth)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		break;
	default:
		refuse(r, event->start_mark, "anchors and aliases are not allowed: write the value out");
		return true;
	}
	if (anchor)
		refuse(r, event->start_mark, "anchors and aliases are not allowed: write the value out");
	else if (tag)
		refuse(r, event->start_mark, "tags are not allowed");
	else if (depth > DEEPEST)
		refuse(r, event->start_mark, "is nested too deeply: at most 32 levels");
	else
		return false;
	return true;
}

/* The node that begins with *event, which is deleted. NULL: refused. */
static struct yaml_node *read_node(struct reading *r, yaml_event_t *event, unsigned depth)
{
	bool refused = is_refused(r, event, depth);
	bool alias = event->type == YAML_ALIAS_EVENT;
	struct yaml_node *node = NULL;

	if (!refused || !alias)
		node = arena_take(r->arena, sizeof *node, r->e);
	if (!node || depth > DEEPEST) {
		r->broken |= !alias;
		node = NULL;
		goto done;
	}
	node->line = (unsigned)event->start_mark.line + 1;
	node->column = (unsigned)event->start_mark.column + 1;
	if (event->type == YAML_SEQUENCE_START_EVENT) {
		node->type = YAML_LIST;
		read_list(r, node, depth);
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		node->type = YAML_MAP;
		read_map(r, node, depth);
	} else {
		node->type = YAML_SCALAR;
		node->is_null = is_null(event);
		node->text = arena_string(r->arena, (const char *)event->data.scalar.value,
		                          event->data.scalar.length, r->e);
		if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
			refuse(r, event->start_mark, "holds a NUL character");
	}
done:
	yaml_event_delete(event);
	return node;
}

/* Stream start, documents, stream end: there must be one document. */
static struct yaml_node *read_stream(struct reading *r)
{
	struct yaml_node *root = NULL;
	yaml_event_t event;
	unsigned documents = 0;

	while (next_event(r, &event)) {
		yaml_event_type_t type = event.type;
		if (type == YAML_DOCUMENT_START_EVENT && ++documents > 1) {
			refuse(r, event.start_mark, "a second document begins: there must be one");
			r->broken = true;
		}
		if (type >= YAML_ALIAS_EVENT && type != YAML_SEQUENCE_END_EVENT &&
		    type != YAML_MAPPING_END_EVENT)
			root = read_node(r, &event, 1);
		else
			yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT)
			break;
	}
	return root;
}

int yaml_parse(const char *text, size_t n, const char *file, struct arena *a,
               struct yaml_node **root, struct problems *problems, struct cbtm_error *e)
{
	struct reading r = { .file = file, .arena = a, .problems = problems, .e = e };

	*root = NULL;
	if (n > LARGEST)
		return problems_add(problems, e, CBTM_ERR_CONFIG, file, "is larger than 1 MiB");
	if (!yaml_parser_initialize(&r.parser))
		return error_set(e, CBTM_ERR_MEMORY, file, "no memory for the YAML parser");
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n);
	*root = read_stream(&r);
	if (r.broken)
		*root = NULL;
	yaml_parser_delete(&r.parser);
	return e->name;
}
