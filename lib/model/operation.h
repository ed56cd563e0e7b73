/* SPDX-License-Identifier: MIT */
/*
 * The table of operations: names, slots, shapes, tolerances (CBTM_OPERATIONS in <cbtm/compute.h>
 * has the equations). From it lists are checked, and examples of any shape are made, which tests
 * and benchmarks walk: a new operation or a new plugin needs no new test code.
 */
#pragma once
#include "model/list.h"
#include <cbtm/compute.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A slot of an operation. Shape: dimensions as letters, "u:" before ids and "f:" before double
 * precision. N is B x T; l heads x B x T; q = 3 d; digits are themselves; * is any shape, the same
 * in all slots that say so; other letters are free sizes, bound within one operation (R rows of
 * grouped tensors, E experts, K choices).
 */
struct operation_slot {
	char name[16], shape[8];
	bool output, optional;
	bool changed; /* added to or changed in place */
};
enum { OPERATION_SLOTS = 12 };
/* Fills the slots in the order of struct cbtm_operation, inputs then outputs; returns how many. */
size_t operation_slots(enum cbtm_operation_kind kind, struct operation_slot slot[OPERATION_SLOTS]);
const char *operation_name(enum cbtm_operation_kind kind);
/* Largest error of an fp32 plugin as a share of the largest value of the output. */
double operation_tolerance(enum cbtm_operation_kind kind);
/* The same where operands of products are rounded to bf16 (sums in fp32). */
double operation_tolerance_bf16(enum cbtm_operation_kind kind);

/* Slots bound, element types and shapes as the table says. INTERNAL naming operation and slot. */
int operation_check(const struct cbtm_operation *o, const struct cbtm_list *l,
                    struct cbtm_error *e);

/* ---------------------------------------------------------------- examples */
struct example_size {
	uint32_t batch, length, sequences; /* of them computed */
	uint64_t width, heads, ffn, vocabulary;
};
/* What an example has: all its optional slots; all its flags, of RELU and GELU the former; GELU. */
enum { EXAMPLE_OPTIONAL = 1, EXAMPLE_FLAGS = 2, EXAMPLE_GELU = 4, EXAMPLE_VARIANTS = 8 };
/* False for variants that say nothing new: GELU where an operation does not have it. */
bool example_exists(enum cbtm_operation_kind kind, unsigned variant);

/*
 * A list with one operation in FORWARD (SCORE, BACKWARD and UPDATE are empty), behind those that
 * make its inputs consistent (attention before its gradient). Tensors are named by their slots.
 * Free with list_free.
 */
struct list *example_make(enum cbtm_operation_kind kind, unsigned variant,
                          const struct example_size *size, struct cbtm_error *e);
/* Values for tensor t of an example, in its element type: ids in range, normal numbers. */
void example_fill(const struct cbtm_tensor *t, const struct example_size *size, uint64_t seed,
                  void *data);
/* Floating-point operations of an example, for benchmarks. */
double example_flops(enum cbtm_operation_kind kind, const struct example_size *size);
struct cbtm_scalars example_scalars(const struct example_size *size);
