/* SPDX-License-Identifier: MIT */
#pragma once
#include "text/scan.h"

/* Needs avx512f bw dq vl vbmi vbmi2 and gfni. Not defined but on x86-64. */
extern const struct scan_kernel scan_avx512;
