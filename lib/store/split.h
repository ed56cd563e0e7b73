/* SPDX-License-Identifier: MIT */
/* Which use a document has. Train is seed and branch together. */
#pragma once
#include <stdint.h>

enum split { SPLIT_SEED, SPLIT_BRANCH, SPLIT_VALID, SPLIT_TEST, SPLIT_COUNT };
static const char *const split_names[SPLIT_COUNT] = { "seed", "branch", "valid", "test" };
