/* SPDX-License-Identifier: MIT */
/* A shared object, but no plugin. */
#include <cbtm/plugin.h>

CBTM_EXPORT const int something_else = 1;
