/* SPDX-License-Identifier: MIT */
#include "store/jsonl.h"
#include "base/json.h"
#include "base/memory.h"
#include "store/cell.h"
#include "store/column.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct shown_column {
	struct store_column_info info;
	struct store_reader *reader;
};

static int print_header(const struct store *s, uint32_t part, const struct shown_column *columns,
                        size_t n, bool whole, struct buffer *out, struct cbtm_error *e)
{
	char hex[DIGEST_HEX];
	const char *name, *json;
	digest_hex(store_fingerprint(s), hex);
	int rc = buffer_printf(out, e,
	                       "{\"store\":\"%s\",\"version\":%" PRIu32 ",\"part\":%" PRIu32
	                       ",\"fingerprint\":\"xxh3-128:%s\"",
	                       store_kind_of(s)->name, store_kind_of(s)->version, part, hex);
	digest_hex(store_content(s), hex);
	if (!rc && whole)
		rc = buffer_printf(out, e, ",\"content\":\"xxh3-128:%s\"", hex);
	if (!rc)
		rc = buffer_text(out, ",\"facts\":{", e);
	for (size_t i = 0; !rc && store_fact_at(s, i, &name, &json); i++)
		rc = buffer_printf(out, e, "%s\"%s\":%s", i ? "," : "", name, json);
	if (!rc)
		rc = buffer_text(out, "},\"columns\":[", e);
	for (size_t i = 0; !rc && i < n; i++) {
		const struct store_column_info *c = &columns[i].info;
		rc = buffer_printf(out, e,
		                   "%s{\"name\":\"%s\",\"type\":\"%s\",\"shape\":\"%s\",\"width\":%" PRIu64
		                   ",\"rows\":%" PRIu64 "}",
		                   i ? "," : "", c->name, store_type_name(c->type),
		                   store_shape_name(c->shape), c->width, c->rows);
	}
	return rc ? rc : buffer_text(out, "]}\n", e);
}

static int print_row(struct shown_column *columns, size_t n, uint64_t from, uint64_t row,
                     struct buffer *out, struct cbtm_error *e)
{
	bool first = true;
	int rc = buffer_add(out, "{", 1, e);
	for (size_t i = 0; !rc && i < n; i++) {
		struct shown_column *c = &columns[i];
		const void *data = NULL;
		uint64_t elements = 0;
		if (row >= c->info.rows)
			continue;
		rc = c->info.shape == STORE_TENSOR
		         ? store_map_rows(c->reader, from + row, &data, &elements, e)
		         : store_read_row(c->reader, from + row, &data, &elements, e);
		if (c->info.shape == STORE_TENSOR)
			elements = c->info.width;
		if (!rc)
			rc = buffer_printf(out, e, "%s\"%s\":", first ? "" : ",", c->info.name);
		if (!rc)
			rc = cell_print(&c->info, data, elements, out, e);
		first = false;
	}
	return rc ? rc : buffer_add(out, "}\n", 2, e);
}

static int write_line(struct buffer *line, FILE *out, struct cbtm_error *e)
{
	if (fwrite(line->data, 1, line->n, out) != line->n)
		return error_errno(e, CBTM_ERR_IO, "output", "cannot write");
	buffer_clear(line);
	return 0;
}

static bool is_chosen(const struct jsonl_choice *choice, const char *name)
{
	for (size_t i = 0; i < choice->n_columns; i++)
		if (!strcmp(choice->columns[i], name))
			return true;
	return !choice->n_columns;
}

static int choose(const struct store *s, const struct jsonl_choice *choice,
                  struct shown_column *columns, size_t *n, bool *whole, struct cbtm_error *e)
{
	struct store_column_info info;
	int rc = 0;
	for (size_t i = 0; i < choice->n_columns; i++)
		if (!store_column_find(s, choice->columns[i], &info))
			return error_set(e, CBTM_ERR_USAGE, choice->columns[i], "%s has no such column",
			                 store_path(s));
	*whole = true;
	for (size_t i = 0; !rc && i < store_column_count(s); i++) {
		struct shown_column *c = &columns[*n];
		rc = store_column_at(s, i, &c->info, e);
		if (rc || !is_chosen(choice, c->info.name)) {
			*whole = false;
			continue;
		}
		*whole = *whole && !choice->from && c->info.rows <= choice->rows;
		c->info.rows -= c->info.rows < choice->from ? c->info.rows : choice->from;
		if (c->info.rows > choice->rows)
			c->info.rows = choice->rows;
		if (!(rc = store_reader_open(s, c->info.name, &c->reader, e)))
			++*n;
	}
	return rc;
}

int jsonl_print(const struct store *s, uint32_t part, const struct jsonl_choice *choice, FILE *out,
                struct cbtm_error *e)
{
	struct buffer line = { 0 };
	size_t n = 0;
	uint64_t rows = 0;
	bool whole = true;
	struct shown_column *columns = mem_zeroed(store_column_count(s), sizeof *columns, "columns", e);
	int rc = columns ? choose(s, choice, columns, &n, &whole, e) : (int)e->name;
	if (!rc)
		rc = print_header(s, part, columns, n, whole, &line, e);
	if (!rc)
		rc = write_line(&line, out, e);
	for (size_t i = 0; i < n; i++)
		rows = columns[i].info.rows > rows ? columns[i].info.rows : rows;
	for (uint64_t row = 0; !rc && row < rows; row++) {
		rc = print_row(columns, n, choice->from, row, &line, e);
		if (!rc)
			rc = write_line(&line, out, e);
	}
	for (size_t i = 0; columns && i < n; i++)
		store_reader_close(columns[i].reader);
	free(columns);
	buffer_free(&line);
	return rc;
}
