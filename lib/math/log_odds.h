/* SPDX-License-Identifier: MIT */
/*
 * Which words set a group of texts apart from the others: log-odds ratios with an informative
 * Dirichlet prior (Monroe, Colaresi and Quinn, "Fightin' Words", Political Analysis 16(4), 2008,
 * equations 16, 20, 22 and 23). With y_w the count of word w in the group and n all words of the
 * group, y'_w and n' the same of the rest, and the prior a_w = a_0 (y_w + y'_w) / (n + n'),
 *
 *   delta_w = ln((y_w + a_w) / (n + a_0 - y_w - a_w)) - ln((y'_w + a_w) / (n' + a_0 - y'_w - a_w))
 *   variance_w = 1 / (y_w + a_w) + 1 / (y'_w + a_w)
 *   z_w = delta_w / sqrt(variance_w).
 */
#pragma once
#include <stdint.h>

/* a_0: the prior weighs as much as a text of so many words. */
#define LOG_ODDS_PRIOR 1000.0

/* z of a word that stands y times among n words of the group, and rest_y times among rest_n. */
double log_odds_z(uint64_t y, uint64_t n, uint64_t rest_y, uint64_t rest_n, double prior);
