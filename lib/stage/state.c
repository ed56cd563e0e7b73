/* SPDX-License-Identifier: MIT */
#include "stage/state.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/param.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLICE ((size_t)16 << 20) /* bytes handed to the store between two commits */

/* An array that load() has asked for. */
struct array {
	char name[64];
	void *data;
	struct array *next;
};
struct cbtm_state_reader {
	struct store *store;
	struct array *arrays;
};

static const struct {
	const char *name;
	enum store_type type;
} types[] = { { "u8", STORE_U8 },
	          { "u32", STORE_U32 },
	          { "u64", STORE_U64 },
	          { "f32", STORE_F32 },
	          { "f64", STORE_F64 } };

static int find_type(const char *name, const char *type, enum store_type *found, char column[80],
                     struct cbtm_error *e)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");
	if (n == 0 || n > 60 || name[n])
		return error_set(e, CBTM_ERR_PLUGIN, name,
		                 "a state's name has only lower-case letters, digits, '-' and '_'");
	snprintf(column, 80, "state.%s", name);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (!strcmp(types[i].name, type)) {
			*found = types[i].type;
			return 0;
		}
	}
	return error_set(e, CBTM_ERR_PLUGIN, name, "unknown type of state \"%s\"", type);
}

int state_put(struct cbtm_state_writer *w, const char *name, const void *data, size_t rows,
              size_t columns, const char *type, struct cbtm_error *e)
{
	enum store_type t;
	char column[80];
	if (find_type(name, type, &t, column, e))
		return e->name;
	if (columns == 0)
		return error_set(e, CBTM_ERR_PLUGIN, name, "a state array needs at least one column");
	size_t width = columns * store_type_size(t);
	size_t step = SLICE / width ? SLICE / width : 1;
	if (store_add_column(w->out, column, t, STORE_FIXED, columns, e))
		return e->name;
	/* After a resume the first rows are there already: a state is the same each time it is made. */
	for (size_t row = store_rows(w->out, column); row < rows; row += step) {
		size_t n = rows - row < step ? rows - row : step;
		if (store_append(w->out, column, (const char *)data + row * width, n, e) ||
		    store_commit(w->out, NULL, 0, e))
			return e->name;
	}
	return 0;
}

int state_reader_open(struct store *s, struct cbtm_state_reader **r, struct cbtm_error *e)
{
	*r = mem_zeroed(1, sizeof **r, "a state", e);
	if (*r)
		(*r)->store = s;
	return e->name;
}

void state_reader_close(struct cbtm_state_reader *r)
{
	while (r && r->arrays) {
		struct array *next = r->arrays->next;
		free(r->arrays->data);
		free(r->arrays);
		r->arrays = next;
	}
	free(r);
}

int state_get(struct cbtm_state_reader *r, const char *name, const char *type, const void **data,
              size_t *rows, size_t *columns, struct cbtm_error *e)
{
	struct store_column_info info;
	struct store_reader *reader = NULL;
	struct array *array = NULL;
	enum store_type t;
	char column[80];
	size_t bytes = 0;
	if (find_type(name, type, &t, column, e))
		return e->name;
	if (!store_column_find(r->store, column, &info) || info.type != t)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(r->store),
		                 "there is no state array \"%s\" of type %s", name, type);
	if (!size_mul(info.rows, info.width, &bytes) || !size_mul(bytes, store_type_size(t), &bytes) ||
	    bytes > info.raw_bytes)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(r->store),
		                 "the state array \"%s\" is larger than its column", name);
	array = mem_zeroed(1, sizeof *array, "a state", e);
	if (!array)
		return e->name;
	array->next = r->arrays;
	r->arrays = array;
	array->data = mem_aligned(bytes ? bytes : 1, 1, "a state", e);
	if (!array->data)
		return e->name;
	if (info.rows && !store_reader_open(r->store, column, &reader, e))
		store_read_rows(reader, 0, info.rows, array->data, e);
	store_reader_close(reader);
	*data = array->data;
	*rows = info.rows;
	*columns = info.width;
	return e->name;
}

int state_put_plugin(struct store_writer *out, const struct cbtm_plugin *plugin,
                     const void *options, struct cbtm_error *e)
{
	struct buffer json = { 0 }, value = { 0 };
	json_put_open(&json, '{', e);
	for (const struct cbtm_param *p = plugin->params; p && p->name && !e->name; p++) {
		buffer_clear(&value);
		if (param_print(p, options, &value, e) || json_put_key(&json, p->name, e) ||
		    json_put_string(&json, value.n ? value.data : "", value.n, e))
			break;
	}
	if (!e->name && !json_put_close(&json, '}', e) &&
	    !store_set_text(out, "plugin", plugin->name, e) &&
	    !store_set_u64(out, "plugin_version", plugin->version, e))
		store_set_json(out, "options", json.data, e);
	buffer_free(&value);
	buffer_free(&json);
	return e->name;
}
