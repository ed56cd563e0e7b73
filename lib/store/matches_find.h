/* SPDX-License-Identifier: MIT */
/* The search of matches.h, for variants that say how bytes are compared. */
#pragma once
#include "store/matches.h"
#include <stdbool.h>
#include <string.h>

enum {
	/* An anchor: ((byte 0 x 3 + byte 1) x 5 + byte 2) x 3 + byte 3, of which the lowest eight bits are
	 * at least ... No byte that comes four times in a row makes one. */
	MATCHES_ANCHOR = 240,
	MATCHES_BACK = 16, /* bytes that are looked at before an anchor */
	/* Bytes that are looked at behind one until its match is taken: all anchors of a run have long
	 * ones, of which one is taken. */
	MATCHES_MEASURED = 256
};

/* The anchors of groups x 64 bytes, in order; returns how many. 3 bytes more are read. */
typedef size_t matches_anchors(const unsigned char *text, size_t groups, uint16_t *anchor);
/* How many of n bytes are equal. */
typedef size_t matches_common(const unsigned char *a, const unsigned char *b, size_t n);
/* How many of the MATCHES_BACK bytes before are equal. */
typedef size_t matches_common_back(const unsigned char *a, const unsigned char *b);

static inline uint64_t matches_load(const unsigned char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof x);
	return x;
}

/* The first of n anchors at which eight bytes have stood before; returns how many these are. */
static inline size_t matches_choose(struct matches *m, const unsigned char *text, size_t at,
                                    size_t anchors)
{
	size_t n = 0;

	for (size_t i = 0; i < anchors; i++) {
		size_t here = at + m->anchor[i], there;
		uint64_t x = matches_load(text + here);
		uint32_t *place = &m->place[x * 0x9e3779b97f4a7c15u >> (64 - MATCHES_TABLE)];

		there = *place;
		*place = (uint32_t)here;
		m->anchor[n] = m->anchor[i];
		m->there[n] = (uint32_t)there;
		n += (matches_load(text + there) == x) & (there < here);
	}
	return n;
}

static inline void matches_measure(struct matches *m, const unsigned char *text, size_t at,
                                   size_t to, size_t n, matches_common *common,
                                   matches_common_back *common_back)
{
	for (size_t i = 0; i < n; i++) {
		size_t here = at + m->anchor[i], there = m->there[i];

		m->back[i] = (uint8_t)(there >= MATCHES_BACK ? common_back(text + here, text + there) : 0);
		m->length[i] = (uint32_t)common(
			text + here, text + there, to - here < MATCHES_MEASURED ? to - here : MATCHES_MEASURED);
	}
}

/* 64 bytes behind text[at .. at + n) may be read. */
static inline void matches_literals(struct matches *m, const unsigned char *text, size_t n)
{
	unsigned char *to = m->literal + m->literals;

	memcpy(to, text, 64);
	if (__builtin_expect(n > 64, 0))
		memcpy(to + 64, text + 64, n - 64);
	m->literals += n;
}

/* Takes what can be taken of n; `done`: where what was taken before ends. Returns where it does now. */
static inline size_t matches_take(struct matches *m, const unsigned char *text, size_t at,
                                  size_t to, size_t n, size_t done, matches_common *common)
{
	for (size_t i = 0; i < n; i++) {
		size_t here = at + m->anchor[i], length = m->length[i], back = m->back[i], literals;

		if (here < done || length < MATCHES_LEAST) /* the piece ends in it */
			continue;
		if (__builtin_expect(length == MATCHES_MEASURED, 0))
			length += common(text + here + length, text + m->there[i] + length, to - here - length);
		literals = here - done;
		back = back < literals ? back : literals;
		literals -= back;
		matches_literals(m, text + done, literals);
		m->match[m->n++] = (struct match){ (uint32_t)literals, (uint32_t)(back + length),
			                               (uint32_t)(here - m->there[i]) };
		done = here + length;
	}
	return done;
}

static inline void matches_find(struct matches *m, const unsigned char *text, size_t n, size_t from,
                                size_t to, matches_anchors *anchors, matches_common *common,
                                matches_common_back *common_back)
{
	size_t done = from;

	m->literals = m->n = 0;
	for (size_t at = from; at < to && at + MATCHES_BEHIND < n; at += 64 * MATCHES_GROUPS) {
		size_t end = to < n - MATCHES_BEHIND ? to : n - MATCHES_BEHIND;
		size_t groups = (end - at) / 64, found;

		found = anchors(text + at, groups < MATCHES_GROUPS ? groups : MATCHES_GROUPS, m->anchor);
		found = matches_choose(m, text, at, found);
		matches_measure(m, text, at, to, found, common, common_back);
		done = matches_take(m, text, at, to, found, done, common);
	}
	memcpy(m->literal + m->literals, text + done, to - done);
	m->literals += to - done;
}
