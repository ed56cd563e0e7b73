/* SPDX-License-Identifier: MIT */
/* Compute plugins: opening one. lib/model emits the list of operations that it runs. */
#pragma once
#include "plugin/search.h"
#include <cbtm/compute.h>

int compute_open(const char *name, const struct plugin_search *search,
                 const struct cbtm_compute **compute, struct cbtm_error *e);
