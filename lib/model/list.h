/* SPDX-License-Identifier: MIT */
/*
 * Building and checking lists of operations (include/cbtm/compute.h). model/operation.h has the
 * table that they are checked by.
 */
#pragma once
#include "base/error.h"
#include <cbtm/compute.h>
#include <stdbool.h>
#include <stddef.h>

struct list;
/* A list for B sequences of T tokens. Free with list_free. */
struct list *list_new(uint32_t batch, uint32_t length, struct cbtm_error *e);
void list_free(struct list *l); /* NULL is fine */

/* Adds a tensor of `rank` dimensions; its number, or CBTM_NONE and an error. `name` is copied. */
uint32_t list_tensor(struct list *l, const char *name, enum cbtm_role role,
                     enum cbtm_element element, uint32_t rank, const uint64_t *shape,
                     struct cbtm_error *e);
uint32_t list_find(const struct list *l, const char *name); /* CBTM_NONE: none */

/* The operations that follow belong to this section; sections come in ascending order. */
void list_section(struct list *l, enum cbtm_section section);

/*
 * Adds an operation. `slots`: its tensors in the table's order, inputs then outputs, CBTM_NONE
 * for a missing one, as many as the table has.
 * Returns it for setting heads, number, epsilon (valid until the next call), or NULL and an error.
 */
struct cbtm_operation *list_add(struct list *l, enum cbtm_operation_kind kind, uint32_t flags,
                                const uint32_t *slots, struct cbtm_error *e);

/* The finished list, owned by l and valid until it is changed or freed. Checked: required slots
 * are there, element types and shapes fit. INTERNAL error naming operation and slot. */
const struct cbtm_list *list_finish(struct list *l, struct cbtm_error *e);

uint64_t tensor_elements(const struct cbtm_tensor *t);
