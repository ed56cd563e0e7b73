/* SPDX-License-Identifier: MIT */
/*
 * Parameters (and moments) of a program to and from stores of kind "checkpoint": a column a
 * tensor, of the tensor's name, a row of it a row; of E matrices those of one after the other.
 */
#pragma once
#include "base/error.h"
#include "model/config.h"
#include "model/list.h"
#include "store/dataset.h"
#include <cbtm/compute.h>
#include <stdbool.h>

/* A program with its list: what tensors are called, and where they are. */
struct program {
	const struct cbtm_compute *compute;
	const void *options; /* the plugin's; they outlive the program */
	struct list *names;
	const struct cbtm_list *list;
	void *state; /* the plugin's */
};
void program_close(struct program *p); /* {0} is fine */

/*
 * The numbers of the list's tensors that have either role, by name: in that order a store has them, and
 * whoever writes them in it writes them once (store_end_column). Free it.
 */
uint32_t *checkpoint_order(const struct cbtm_list *l, enum cbtm_role role, enum cbtm_role other,
                           size_t *n, struct cbtm_error *e);
/* Appends all tensors of a role, by name. */
int checkpoint_write(const struct program *p, enum cbtm_role role, struct store_writer *w,
                     struct cbtm_error *e);
/* Appends the i-th tensor of the list. */
int checkpoint_write_tensor(const struct program *p, uint32_t i, struct store_writer *w,
                            struct cbtm_error *e);
/* Reads them back. BAD_STORE if one is missing or of another shape. */
int checkpoint_read(const struct program *p, enum cbtm_role role, const struct store *s,
                    struct cbtm_error *e);

/* Reads n numbers, `width` a row, of a column that has them all. BAD_STORE naming it otherwise. */
int checkpoint_tensor(const struct store *s, const char *name, uint64_t n, uint64_t width, float *v,
                      struct cbtm_error *e);
/* The model that a checkpoint's store holds, its fact "model". */
int checkpoint_config(const struct store *s, struct model_config *c, struct cbtm_error *e);
/* Appends the parameters of one checkpoint to another, a few MiB in memory at a time. BAD_STORE if
 * one is missing or of another shape. */
int checkpoint_copy(const struct store *from, const struct model_config *c, struct store_writer *w,
                    struct cbtm_error *e);

/* T of a checkpoint's sequences, its fact "length": 1 to the config's positions, else BAD_STORE. */
int checkpoint_length(const struct store *s, const struct model_config *c, uint64_t *length,
                      struct cbtm_error *e);
/* A u64 fact that must be there: BAD_STORE otherwise. */
int checkpoint_fact(const struct store *s, const char *name, uint64_t *v, struct cbtm_error *e);

/* Of the parameters that a run has: those that it used ("": under their own names), the best of its validations, the
 * last ones. */
enum which { WHICH_USED, WHICH_BEST, WHICH_LAST };
/* Where a checkpoint has them: *prefix is "", "best." or "last.", in front of the tensors' names; *step their step.
 * BAD_DATA, saying why, if it has not. */
int checkpoint_which(const struct store *s, enum which which, const char **prefix, uint64_t *step,
                     struct cbtm_error *e);
