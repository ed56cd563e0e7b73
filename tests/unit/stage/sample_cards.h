/* SPDX-License-Identifier: MIT */
/* Clusters of the sample corpus (stage/sample_corpus.h): three, at its three directions. */
#pragma once
#include "stage/card_rows.h"

enum { SAMPLE_CLUSTERS = 3 };

/*
 * Below `folder`, beside the sample corpus of so many parts and rows: assignments and centres. Document i
 * is in cluster i mod 3, whose centre is a half at i mod 3; its squared distance is 1/4 + (i mod 7) / 100.
 */
void sample_cards(const char *folder, uint32_t parts, uint64_t rows);
/* The four datasets, opened; close them with sample_cards_close. */
struct card_datasets sample_cards_open(const char *folder);
void sample_cards_close(struct card_datasets *in);
