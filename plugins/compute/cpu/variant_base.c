/* SPDX-License-Identifier: MIT */
#include "kernels.h"
#include "vector_base.h"

const struct variant variant_base = { "base", PANEL, REGION_FUNCTIONS, pack };
