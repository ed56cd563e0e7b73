/* SPDX-License-Identifier: MIT */
/* Language models that the host table lends to embedding plugins (struct cbtm_model). */
#pragma once
#include "plugin/search.h"
#include "store/dataset.h"
#include <cbtm/host.h>

/* Where compute plugins are looked for, from now on; it is kept, not copied. */
void lent_search(const struct plugin_search *search);
/* What lent_open opens from now on: a checkpoint and the vocabulary of its tokens; both NULL: nothing.
 * They are kept, not copied. */
void lent_offer(struct dataset *checkpoint, struct dataset *vocabulary);

/* The functions of struct cbtm_host. BAD_DATA if the checkpoint is of another vocabulary. */
struct cbtm_model *lent_open(const struct cbtm_model_use *use, struct cbtm_error *e);
int lent_save(struct cbtm_model *m, struct cbtm_state_writer *w, struct cbtm_error *e);
struct cbtm_model *lent_load(const struct cbtm_model_use *use, struct cbtm_state_reader *r,
                             struct cbtm_error *e);
void lent_close(struct cbtm_model *m);
size_t lent_width(const struct cbtm_model *m);
int lent_means(struct cbtm_model *m, const struct cbtm_document *documents, size_t n, double *mean,
               struct cbtm_error *e);
