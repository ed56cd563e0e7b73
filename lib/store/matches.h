/* SPDX-License-Identifier: MIT */
/*
 * Matches for frames (frame.h): where bytes have stood before. They are looked for and remembered at
 * anchors alone: places that a sum of four bytes chooses, one in 16 or so, and every 64th. A text that
 * comes again has its anchors at the same bytes, so few of them find most of what there is. Three
 * passes over some 4096 bytes do so without branches that cannot be foretold: the anchors; those at
 * which eight bytes have stood before; how long these matches are. Then those that do not begin in
 * one that was taken are taken.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
	MATCHES_BYTES = 1 << 17,                    /* the largest piece */
	MATCHES_LEAST = 8,                          /* bytes of the shortest match */
	MATCHES_EXCESS = 64,                        /* bytes that may be written behind literals */
	MATCHES_TABLE = 12,                         /* 2^ places are remembered */
	MATCHES_GROUPS = 64,                        /* of 64 bytes, whose anchors are found at once */
	MATCHES_ANCHORS = 64 * MATCHES_GROUPS + 64, /* room: stores reach on */
	MATCHES_BEHIND = 192 /* bytes behind a group: the last ones of all have no anchors */
};

/* So many literals, then `length` bytes that stand `distance` bytes before. */
struct match {
	uint32_t literals, length, distance;
};

struct matches {
	uint32_t place[1 << MATCHES_TABLE]; /* by a hash of eight bytes; 0: none */
	/* Anchors, from where the groups begin; those that are left: where their bytes have stood, and
	 * how many are equal from there on and, up to 16, before. */
	uint16_t anchor[MATCHES_ANCHORS];
	uint32_t there[MATCHES_ANCHORS], length[MATCHES_ANCHORS];
	uint8_t back[MATCHES_ANCHORS];
	/* What is found of a piece: matches, and the literals of all and those behind the last. */
	struct match match[MATCHES_BYTES / MATCHES_LEAST + 1];
	size_t n;
	unsigned char literal[MATCHES_BYTES + MATCHES_EXCESS];
	size_t literals;
};

/* Forgets all places: before the first piece of something else. */
void matches_begin(struct matches *m);

/* Finds matches and literals of text[from .. to), at most MATCHES_BYTES, a piece of text[0 .. n),
 * n < 2^32. The pieces before it were given before. All variants find the same. */
typedef void matches_finder(struct matches *m, const unsigned char *text, size_t n, size_t from,
                            size_t to);
matches_finder matches_find_plain, matches_find_avx512;
