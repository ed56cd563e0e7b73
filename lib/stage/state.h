/* SPDX-License-Identifier: MIT */
/*
 * A plugin's state in a store: each named array is a column "state.NAME", FIXED, of the array's
 * rows and columns; beside it the facts of the store say which plugin it is.
 */
#pragma once
#include "store/store.h"
#include <cbtm/plugin.h>

/* save() writes straight through. A value of the caller: { writer }. */
struct cbtm_state_writer {
	struct store_writer *out;
};

/* What load() reads from; arrays live until state_reader_close. */
int state_reader_open(struct store *s, struct cbtm_state_reader **r, struct cbtm_error *e);
void state_reader_close(struct cbtm_state_reader *r); /* NULL is fine */

/* The functions of struct cbtm_host. */
int state_put(struct cbtm_state_writer *w, const char *name, const void *data, size_t rows,
              size_t columns, const char *type, struct cbtm_error *e);
int state_get(struct cbtm_state_reader *r, const char *name, const char *type, const void **data,
              size_t *rows, size_t *columns, struct cbtm_error *e);

/* Facts "plugin", "plugin_version", "options" (a JSON object: name -> canonical text). */
int state_put_plugin(struct store_writer *out, const struct cbtm_plugin *plugin,
                     const void *options, struct cbtm_error *e);
