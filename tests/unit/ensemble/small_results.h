/* SPDX-License-Identifier: MIT */
/* Results of three made-up systems, as results.json has them, for the tests of the report. */
#pragma once

#define SMALL_SYSTEMS 3
extern const char *const small_result_names[SMALL_SYSTEMS]; /* dense, experts, random-clusters */
extern const char *const small_results[SMALL_SYSTEMS];
