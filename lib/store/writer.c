/* SPDX-License-Identifier: MIT */
#include "store/writer.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/json.h"
#include "base/number.h"
#include "store/dataset.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int writer_failed(struct store_writer *w, int rc, const struct cbtm_error *e)
{
	if (rc)
		error_copy(&w->failure, e);
	return rc;
}

struct writer_column *writer_find(struct store_writer *w, const char *name)
{
	if (w->last < w->n_columns && !strcmp(w->columns[w->last].name, name))
		return &w->columns[w->last];
	for (size_t i = 0; i < w->n_columns; i++)
		if (!strcmp(w->columns[i].name, name))
			return w->last = i, &w->columns[i];
	return NULL;
}

/* FIXED, TENSOR: derives a row's and a block's size from the width. */
static int set_width(struct writer_column *c, uint64_t width, struct cbtm_error *e)
{
	if (c->shape == STORE_VARIABLE)
		return 0;
	if (!column_row_bytes(c->type, width, &c->row_bytes))
		return error_set(e, CBTM_ERR_BAD_DATA, c->name,
		                 "rows of %" PRIu64 " elements are larger than a store holds (1 GiB)",
		                 width);
	c->width = width;
	c->block_rows = width ? column_block_rows(c->shape, c->row_bytes) : 0;
	c->dirty = true;
	return 0;
}

struct writer_column *writer_add(struct store_writer *w, const char *name, enum store_type type,
                                 enum store_shape shape, uint64_t width, int level,
                                 struct cbtm_error *e)
{
	if (array_reserve(&w->columns, &w->cap_columns, w->n_columns + 1, sizeof w->columns[0], e))
		return NULL;
	struct writer_column *c = &w->columns[w->n_columns];
	*c = (struct writer_column){ .type = type, .shape = shape, .level = level, .dirty = true };
	memcpy(c->name, name, strlen(name) + 1);
	if (set_width(c, width, e))
		return NULL;
	c->loaded = true;
	w->n_columns++;
	return c;
}

static int added_level(const struct store_kind *kind)
{
	const struct store_column *c = kind->columns;
	while (c->name)
		c++;
	return c->level;
}

int writer_set_fact(struct store_writer *w, const char *name, const char *json, bool dirty,
                    struct cbtm_error *e)
{
	size_t i = 0;
	while (i < w->n_facts && strcmp(w->facts[i].name, name) < 0)
		i++;
	char *copy = mem_copy(json, strlen(json), e);
	if (!copy)
		return e->name;
	if (i < w->n_facts && !strcmp(w->facts[i].name, name)) {
		free(w->facts[i].json);
		w->facts[i].json = copy;
		w->facts[i].dirty = dirty;
		return 0;
	}
	char *own = mem_copy(name, strlen(name), e);
	if (!own || array_reserve(&w->facts, &w->cap_facts, w->n_facts + 1, sizeof w->facts[0], e)) {
		free(own);
		free(copy);
		return e->name;
	}
	memmove(&w->facts[i + 1], &w->facts[i], (w->n_facts - i) * sizeof w->facts[0]);
	w->facts[i] = (struct writer_fact){ own, copy, dirty };
	w->n_facts++;
	return 0;
}

/* ---------------------------------------------------------------- opening and closing */

static int load_column(void *arg, const char *name, const void *value, size_t n,
                       struct cbtm_error *e)
{
	struct store_writer *w = arg;
	struct partial_column state;
	if (n != sizeof state)
		return error_set(e, CBTM_ERR_BAD_STORE, w->files.partial, "column '%s' has no state", name);
	memcpy(&state, value, n);
	struct writer_column *c = writer_find(w, name);
	if (!c && !(c = writer_add(w, name, (enum store_type)state.type, (enum store_shape)state.shape,
	                           state.width, added_level(w->kind), e)))
		return e->name;
	int rc = set_width(c, state.width, e);
	c->rows = state.rows;
	c->elements = state.elements;
	c->raw_bytes = state.raw_bytes;
	c->first = state.first;
	c->tail = c->committed_tail = state.first < state.rows ? state.rows : 0;
	c->loaded = !c->tail;
	c->dirty = false;
	return rc;
}

static int load_fact(void *arg, const char *name, const void *value, size_t n, struct cbtm_error *e)
{
	char *json = mem_copy(value, n, e);
	int rc = json ? writer_set_fact(arg, name, json, false, e) : (int)e->name;
	free(json);
	return rc;
}

static int load_resume(void *arg, const char *name, const void *value, size_t n,
                       struct cbtm_error *e)
{
	struct store_writer *w = arg;
	if (!strcmp(name, "sealing")) {
		w->sealing = true;
		return 0;
	}
	return buffer_add(&w->cursor, value, n, e);
}

static int load(struct store_writer *w, struct cbtm_error *e)
{
	for (const struct store_column *c = w->kind->columns; c->name; c++)
		if (!writer_add(w, c->name, c->type, c->shape, c->width, c->level, e))
			return e->name;
	int rc = partial_each(&w->partial, "column/", load_column, w, e);
	if (!rc)
		rc = partial_each(&w->partial, "fact/", load_fact, w, e);
	return rc ? rc : partial_each(&w->partial, "resume/", load_resume, w, e);
}

void writer_free(struct store_writer *w)
{
	if (!w)
		return;
	partial_close(&w->partial);
	part_unguard(&w->files, w->lock);
	for (size_t i = 0; i < w->n_columns; i++) {
		buffer_free(&w->columns[i].data);
		buffer_free(&w->columns[i].lengths);
	}
	for (size_t i = 0; i < w->n_facts; i++) {
		free(w->facts[i].name);
		free(w->facts[i].json);
	}
	free(w->columns);
	free(w->facts);
	writer_free_blocks(w);
	writer_free_packers(w);
	buffer_free(&w->cursor);
	buffer_free(&w->scratch);
	buffer_free(&w->own_ids);
	block_codec_free(w->codec);
	json_parser_free(w->json);
	arena_free(w->arena);
	free(w);
}

int store_create(const char *dir, uint32_t part, const struct store_kind *kind,
                 struct digest fingerprint, struct store_writer **writer, struct cbtm_error *e)
{
	*writer = NULL;
	struct store_writer *w = mem_zeroed(1, sizeof *w, "a store's writer", e);
	if (!w)
		return e->name;
	w->lock = -1;
	w->page = (size_t)sysconf(_SC_PAGESIZE);
	w->kind = kind;
	w->fingerprint = fingerprint;
	int rc = e->name;
	if (!(w->arena = arena_new(e)) || !(w->codec = block_codec_new(e)) ||
	    !(w->json = json_parser_new(e))) {
		rc = e->name;
		goto done;
	}
	if ((rc = part_files(dir, part, w->arena, &w->files, e)))
		goto done;
	/* The usual case of a second run needs no lock and no writable folder. */
	if (!file_exists(w->files.partial) && !file_exists(w->files.state) &&
	    !file_exists(w->files.lock) && dataset_has_part(dir, part, fingerprint))
		goto done;
	if ((w->lock = part_guard(&w->files, e)) < 0) {
		rc = e->name;
		goto done;
	}
	bool sealed = dataset_has_part(dir, part, fingerprint);
	if ((rc = part_clean_temporaries(&w->files, e)) || (rc = part_clean(&w->files, sealed, e)) ||
	    sealed)
		goto done;
	if ((rc = partial_open(&w->files, kind, fingerprint, &w->partial, e)) || (rc = load(w, e)))
		goto done;
	/* Its last rows were committed by a seal that did not come to its end: that is all that is
	 * left to do. The cursor is older than the rows and must not be handed out. */
	if (w->sealing)
		return store_seal(w, e);
	*writer = w;
	return 0;
done:
	writer_free(w);
	return rc;
}

void store_leave(struct store_writer *w)
{
	struct cbtm_error ignored = { 0 };
	if (!w)
		return;
	/* So that the next boot may trust the file too; if it fails, the file is begun anew then. */
	if (w->partial.env && !partial_sync(&w->partial, &ignored))
		part_state_clean(&w->files, &ignored);
	writer_free(w);
}

void store_abandon(struct store_writer *w)
{
	writer_free(w);
}

/* ---------------------------------------------------------------- appending */

int store_add_column(struct store_writer *w, const char *name, enum store_type type,
                     enum store_shape shape, uint64_t width, struct cbtm_error *e)
{
	struct writer_column *c = writer_find(w, name);
	int rc = column_check_name(name, e);
	if (rc)
		return rc;
	if (!c && !w->kind->open_ended)
		return error_set(e, CBTM_ERR_INTERNAL, name, "stores of kind '%s' have no such column",
		                 w->kind->name);
	if (shape == STORE_VARIABLE)
		width = 0;
	if (!c)
		return writer_add(w, name, type, shape, width, added_level(w->kind), e) ? 0 : (int)e->name;
	if (c->type != type || c->shape != shape || (c->width != width && c->width))
		return error_set(e, CBTM_ERR_INTERNAL, name,
		                 "the column is there already with another type, shape or width");
	return c->width == width ? 0 : set_width(c, width, e);
}

static struct writer_column *column_for_append(struct store_writer *w, const char *name,
                                               bool variable, struct cbtm_error *e)
{
	struct writer_column *c = writer_find(w, name);
	if (error_copy(e, &w->failure))
		return NULL;
	if (!c || variable != (c->shape == STORE_VARIABLE) || (!variable && !c->block_rows)) {
		error_set(e, CBTM_ERR_INTERNAL, name, "the store has no %s column of this name%s",
		          variable ? "variable" : "fixed or tensor", c && !variable ? " with a width" : "");
		return NULL;
	}
	if (fault_point("store.append", e) || (!c->loaded && writer_load_tail(w, c, e)))
		return NULL;
	return c;
}

int store_append(struct store_writer *w, const char *column, const void *data, uint64_t rows,
                 struct cbtm_error *e)
{
	struct writer_column *c = column_for_append(w, column, false, e);
	const char *at = data;
	int rc = c ? 0 : (int)e->name;
	if (c && c->rows == c->first && c->rows % c->block_rows)
		rc = error_set(e, CBTM_ERR_INTERNAL, column, "the column was ended: it takes no more rows");
	while (!rc && rows > 0) {
		uint64_t room = c->block_rows - (c->rows - c->first);
		uint64_t take = rows < room ? rows : room;
		if ((rc = buffer_add(&c->data, at, take * c->row_bytes, e)))
			break;
		at += take * c->row_bytes;
		rows -= take;
		c->rows += take;
		c->elements += take * c->width;
		c->dirty = true;
		w->open_bytes += take * c->row_bytes;
		if (take == room)
			rc = writer_close_block(w, c, e);
		if (!rc)
			rc = writer_relieve(w, e);
		/* Relief may have put the open block away. */
		if (!rc && rows > 0 && !c->loaded)
			rc = writer_load_tail(w, c, e);
	}
	return writer_failed(w, rc, e);
}

int store_end_column(struct store_writer *w, const char *name, struct cbtm_error *e)
{
	struct writer_column *c = column_for_append(w, name, false, e);
	if (!c || c->rows == c->first)
		return e->name;
	int rc = writer_close_block(w, c, e);
	return writer_failed(w, rc ? rc : writer_relieve(w, e), e);
}

static int append_row(struct store_writer *w, struct writer_column *c, const void *data, uint64_t n,
                      uint64_t bytes, struct cbtm_error *e)
{
	if (column_block_is_full(c->rows - c->first, c->data.n, bytes) && writer_close_block(w, c, e))
		return e->name;
	/* At once, and with the lengths that come behind: growing would copy. */
	if (!c->data.n &&
	    buffer_reserve(&c->data, bytes + 4 < STORE_BLOCK_BYTES ? STORE_BLOCK_BYTES : bytes + 4, e))
		return e->name;
	if (buffer_add(&c->data, data, bytes, e) || buffer_u32(&c->lengths, (uint32_t)n, e))
		return e->name;
	c->rows++;
	c->elements += n;
	c->dirty = true;
	w->open_bytes += bytes + 4;
	return writer_relieve(w, e);
}

int store_append_rows(struct store_writer *w, const char *column, const void *data,
                      const uint64_t *n, uint64_t rows, struct cbtm_error *e)
{
	const char *at = data;

	for (uint64_t i = 0; i < rows; i++) {
		struct writer_column *c = column_for_append(w, column, true, e);
		uint64_t bytes;

		if (!c)
			return e->name;
		if (!column_row_bytes(c->type, n[i], &bytes) || bytes > STORE_RAW_BYTES_MAX - 4)
			return error_set(e, CBTM_ERR_BAD_DATA, column,
			                 "a row of %" PRIu64 " elements is larger than a store holds (1 GiB)",
			                 n[i]);
		if (append_row(w, c, at, n[i], bytes, e))
			return writer_failed(w, e->name, e);
		if (bytes)
			at += bytes;
	}
	return 0;
}

int store_append_row(struct store_writer *w, const char *column, const void *data, uint64_t n,
                     struct cbtm_error *e)
{
	return store_append_rows(w, column, data, &n, 1, e);
}

uint64_t store_rows(const struct store_writer *w, const char *column)
{
	for (size_t i = 0; i < w->n_columns; i++)
		if (!strcmp(w->columns[i].name, column))
			return w->columns[i].rows;
	return 0;
}

/* ---------------------------------------------------------------- facts */

int store_set_json(struct store_writer *w, const char *name, const char *json, struct cbtm_error *e)
{
	struct buffer text = { 0 };
	struct json root;
	int rc = column_check_name(name, e);
	if (!rc)
		rc = json_parse(w->json, json, strlen(json), name, &root, e);
	if (!rc)
		rc = json_print(root, &text, e);
	if (!rc)
		rc = writer_set_fact(w, name, text.data, true, e);
	buffer_free(&text);
	return rc;
}

int store_set_u64(struct store_writer *w, const char *name, uint64_t v, struct cbtm_error *e)
{
	struct buffer text = { 0 };
	int rc = buffer_printf(&text, e, "%" PRIu64, v);
	if (!rc)
		rc = store_set_json(w, name, text.data, e);
	buffer_free(&text);
	return rc;
}

int store_set_f64(struct store_writer *w, const char *name, double v, struct cbtm_error *e)
{
	char text[32];
	text[number_print_f64(v, text)] = 0;
	return store_set_json(w, name, text, e);
}

int store_set_text(struct store_writer *w, const char *name, const char *text, struct cbtm_error *e)
{
	struct buffer json = { 0 };
	int rc = json_put_string(&json, text, strlen(text), e);
	if (!rc)
		rc = store_set_json(w, name, json.data, e);
	buffer_free(&json);
	return rc;
}

int store_cursor(struct store_writer *w, const void **cursor, size_t *n, struct cbtm_error *e)
{
	(void)e;
	*cursor = w->cursor.data;
	*n = w->cursor.n;
	return 0;
}
