/* SPDX-License-Identifier: MIT */

#include "vector_base.h"

#include "kernels.h"

const struct variant variant_base = { .name = "base", KERNELS };
