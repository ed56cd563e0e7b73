/* SPDX-License-Identifier: MIT */
/* What tests of the model share: compute plugins of the build tree, on a pool of any size. */
#pragma once
#include "model/emit.h"
#include "model/operation.h"
#include <cbtm/compute.h>

/* Pool of the host table; 1 at start. */
void test_threads(unsigned threads);
/* Loads build/plugins/compute/NAME.so; fails the test if it cannot be. */
const struct cbtm_compute *test_compute(const char *name);
/* Compiles a list, with options (NULL: defaults); fails the test on an error. */
void *test_compile(const struct cbtm_compute *c, const void *options, struct list *l);
/* All that a program's RESULT, PARAMETER, GRADIENT and MOMENT tensors hold, as doubles one after
 * the other; *n of them. free() it. */
double *test_read(const struct cbtm_compute *c, void *program, const struct cbtm_list *l,
                  uint32_t tensor, size_t *n);
extern const struct model_config test_config; /* V 37, T 12, 2 layers, width 8, 2 heads */
