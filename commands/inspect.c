/* SPDX-License-Identifier: MIT */
/* cbtm inspect: what stores hold, for a person or as JSON. */
#include "commands/inspect.h"
#include "base/json.h"
#include "base/number.h"
#include "commands/command.h"
#include "stage/card_page.h"
#include "store/cell.h"
#include "store/named.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct options {
	int json;
	uint64_t rows;
};

static const struct cbtm_param options[] = {
	{ "json", CBTM_PARAM_BOOL, offsetof(struct options, json), "false", 0, 0, NULL,
	  "one JSON object a part, a line each", 0, 0 },
	{ "rows", CBTM_PARAM_COUNT, offsetof(struct options, rows), "2", 0, 0, NULL,
	  "first rows to show of each column but tensors; of cards: documents a cluster", 0, 0 },
	CBTM_PARAM_END,
};

enum { LINE = 100, NAME_MAX_SHOWN = 32 };

static void print_digest(const char *label, struct digest d)
{
	char hex[DIGEST_HEX];
	digest_hex(d, hex);
	printf("  %-12s xxh3-128:%s\n", label, hex);
}

/* "u8 []", "f32 [100]", "f32 tensor [64]" */
static void print_column(const struct store_column_info *c, size_t name_width)
{
	char type[64], raw[16], stored[16];
	if (c->shape == STORE_VARIABLE)
		snprintf(type, sizeof type, "%s []", store_type_name(c->type));
	else if (c->shape == STORE_FIXED && c->width == 1)
		snprintf(type, sizeof type, "%s", store_type_name(c->type));
	else
		snprintf(type, sizeof type, "%s%s [%" PRIu64 "]", store_type_name(c->type),
		         c->shape == STORE_TENSOR ? " tensor" : "", c->width);
	number_human_bytes(c->raw_bytes, raw);
	number_human_bytes(c->stored_bytes, stored);
	printf("  %-*s  %-18s %12" PRIu64 " %12" PRIu64 " %9s %9s", (int)name_width, c->name, type,
	       c->rows, c->elements, raw, stored);
	if (c->stored_bytes)
		printf(" %6.1f", (double)c->raw_bytes / (double)c->stored_bytes);
	printf("\n");
}

/* One line, cut at a character's border. */
static void print_cell(uint64_t row, const char *name, struct buffer *text)
{
	size_t n = text->n;
	if (n > LINE) {
		for (n = LINE; n > 0 && ((unsigned char)text->data[n] & 0xC0) == 0x80;)
			n--;
	}
	printf("  %s[%" PRIu64 "] = %.*s%s\n", name, row, (int)n, text->data, n < text->n ? "..." : "");
}

static int print_sample(const struct store *s, const struct store_column_info *c, uint64_t rows,
                        struct cbtm_error *e)
{
	struct store_reader *r = NULL;
	struct buffer text = { 0 };
	/* Tensors say nothing to the eye, and a model has hundreds. */
	bool shown = c->rows && rows && c->shape != STORE_TENSOR;
	int rc = shown ? store_reader_open(s, c->name, &r, e) : 0;
	for (uint64_t row = 0; !rc && r && row < c->rows && row < rows; row++) {
		const void *data;
		uint64_t n;
		buffer_clear(&text);
		if ((rc = store_read_row(r, row, &data, &n, e)))
			break;
		/* More elements than a line shows need no text. Strings may end in half a character. */
		if (n > LINE && (c->shape != STORE_VARIABLE || c->type != STORE_U8))
			n = LINE;
		rc = cell_print(c, data, n, &text, e);
		if (!rc)
			print_cell(row, c->name, &text);
	}
	store_reader_close(r);
	buffer_free(&text);
	return rc;
}

/* Cards are made to be looked at: they have a page of their own. */
static bool is_cards(const struct store *s)
{
	return !strcmp(store_kind_of(s)->name, "cards");
}

static int print_cards(const struct store *s, uint64_t rows, struct cbtm_error *e)
{
	struct buffer page = { 0 };
	if (!card_page(s, rows, &page, e))
		printf("\n%s", page.data);
	buffer_free(&page);
	return e->name;
}

static int print_part(const struct store *s, uint64_t rows, struct cbtm_error *e)
{
	const char *name, *json;
	struct store_column_info c;
	size_t width = 6;
	int rc = 0;
	printf("%s: %s, version %" PRIu32 "\n", store_path(s), store_kind_of(s)->name,
	       store_kind_of(s)->version);
	print_digest("fingerprint", store_fingerprint(s));
	print_digest("content", store_content(s));
	for (size_t i = 0; store_fact_at(s, i, &name, &json); i++)
		printf("  %-20s %.*s%s\n", name, LINE, json, strlen(json) > LINE ? "..." : "");
	if (!strcmp(store_kind_of(s)->name, "vocabulary"))
		inspect_vocabulary(s);
	if (!strcmp(store_kind_of(s)->name, "checkpoint")) {
		inspect_training(s);
		inspect_parameters(s);
		inspect_experts(s);
	}
	if (!strcmp(store_kind_of(s)->name, "sequences"))
		inspect_sources(s);
	for (size_t i = 0; i < store_column_count(s); i++)
		if (!store_column_at(s, i, &c, e) && strlen(c.name) > width)
			width = strlen(c.name) < NAME_MAX_SHOWN ? strlen(c.name) : NAME_MAX_SHOWN;
	printf("  %-*s  %-18s %12s %12s %9s %9s %6s\n", (int)width, "column", "type", "rows",
	       "elements", "raw", "stored", "ratio");
	for (size_t i = 0; !rc && i < store_column_count(s); i++)
		if (!(rc = store_column_at(s, i, &c, e)))
			print_column(&c, width);
	if (!rc && is_cards(s))
		return print_cards(s, rows, e);
	for (size_t i = 0; !rc && i < store_column_count(s); i++)
		if (!(rc = store_column_at(s, i, &c, e)))
			rc = print_sample(s, &c, rows, e);
	return rc;
}

static int json_column(const struct store_column_info *c, bool first, struct buffer *b,
                       struct cbtm_error *e)
{
	char hex[DIGEST_HEX];
	digest_hex(c->content, hex);
	return buffer_printf(b, e,
	                     "%s{\"name\":\"%s\",\"type\":\"%s\",\"shape\":\"%s\",\"width\":%" PRIu64
	                     ",\"rows\":%" PRIu64 ",\"elements\":%" PRIu64 ",\"raw_bytes\":%" PRIu64
	                     ",\"stored_bytes\":%" PRIu64 ",\"content\":\"xxh3-128:%s\"}",
	                     first ? "" : ",", c->name, store_type_name(c->type),
	                     store_shape_name(c->shape), c->width, c->rows, c->elements, c->raw_bytes,
	                     c->stored_bytes, hex);
}

static int json_part(const struct store *s, struct cbtm_error *e)
{
	struct buffer b = { 0 };
	struct store_column_info c;
	char fingerprint[DIGEST_HEX], content[DIGEST_HEX];
	const char *name, *json;
	digest_hex(store_fingerprint(s), fingerprint);
	digest_hex(store_content(s), content);
	int rc = json_put_open(&b, '{', e);
	if (!rc)
		rc = json_put_key(&b, "path", e);
	if (!rc)
		rc = json_put_string(&b, store_path(s), strlen(store_path(s)), e);
	if (!rc)
		rc = buffer_printf(&b, e,
		                   ",\"kind\":\"%s\",\"version\":%" PRIu32
		                   ",\"fingerprint\":\"xxh3-128:%s\",\"content\":\"xxh3-128:%s\","
		                   "\"facts\":{",
		                   store_kind_of(s)->name, store_kind_of(s)->version, fingerprint, content);
	for (size_t i = 0; !rc && store_fact_at(s, i, &name, &json); i++)
		rc = buffer_printf(&b, e, "%s\"%s\":%s", i ? "," : "", name, json);
	if (!rc)
		rc = buffer_text(&b, "},\"columns\":[", e);
	for (size_t i = 0; !rc && i < store_column_count(s); i++)
		if (!(rc = store_column_at(s, i, &c, e)))
			rc = json_column(&c, i == 0, &b, e);
	if (!rc)
		rc = buffer_text(&b, "]", e);
	if (!rc && !strcmp(store_kind_of(s)->name, "checkpoint") &&
	    !(rc = json_put_key(&b, "summary", e)))
		rc = inspect_training_json(s, &b, e);
	if (!rc && is_cards(s) && !(rc = buffer_text(&b, ",\"cards\":", e)))
		rc = card_json(s, &b, e);
	if (!rc)
		printf("%s}\n", b.data);
	buffer_free(&b);
	return rc;
}

static int inspect(const char *path, const struct options *o, struct cbtm_error *e)
{
	struct named_store named;
	int rc = named_open(path, &named, e);
	if (!rc && named.dataset && !o->json) {
		printf("%s: a dataset of '%s', %" PRIu32 " part%s\n", path, dataset_kind(named.dataset),
		       named.n, named.n == 1 ? "" : "s");
		print_digest("fingerprint", dataset_fingerprint(named.dataset));
		print_digest("content", dataset_content(named.dataset));
	}
	for (uint32_t i = 0; !rc && i < named.n; i++) {
		struct store *s;
		rc = named_part(&named, i, &s, e);
		if (!rc)
			rc = o->json ? json_part(s, e) : print_part(s, o->rows, e);
		store_close(s);
	}
	named_close(&named);
	return rc;
}

static int run(const void *given, char **arguments, int n, struct cbtm_error *e)
{
	int rc = 0;
	if (n == 0)
		return error_set(e, CBTM_ERR_USAGE, NULL, "name a dataset's folder or a part's file");
	for (int i = 0; !rc && i < n; i++)
		rc = inspect(arguments[i], given, e);
	return rc;
}

const struct command command_inspect = {
	.name = "inspect",
	.sentence = "Show what stores hold: facts, columns, sizes, the first rows",
	.arguments = "STORE...",
	.options = options,
	.options_size = sizeof(struct options),
	.example = "cbtm inspect work/documents/*",
	.run = run,
};
