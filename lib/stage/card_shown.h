/* SPDX-License-Identifier: MIT */
/* The documents of each cluster that are shown: the nearest to its centre, and the farthest. */
#pragma once
#include "store/dataset.h"
#include <stdbool.h>

struct card_document {
	uint64_t key, row;
	uint32_t part;
	uint8_t split;
	float distance; /* squared */
	char *id,
		*text; /* of card_shown_read: UTF-8, NUL-terminated; the text's beginning on one line */
};

/* {0} and card_shown_make to begin with. */
struct card_shown {
	uint32_t k;
	size_t most;                              /* of each kind */
	struct card_document *nearest, *farthest; /* k x most, the nearest (the farthest) first */
	size_t *n;                                /* k: how many there are of both */
	struct arena *arena;
};
int card_shown_make(struct card_shown *s, uint32_t k, size_t most, struct cbtm_error *e);
void card_shown_free(struct card_shown *s);
/* Offers a document of the cluster. Ties go to the smaller key, then part and row. */
void card_shown_offer(struct card_shown *s, uint32_t cluster, const struct card_document *d);

enum { CARD_TEXT = 160 }; /* characters of a text that are kept */
/* Reads id and text of all of them. */
int card_shown_read(struct card_shown *s, const struct dataset *documents, struct cbtm_error *e);
