/* SPDX-License-Identifier: MIT */
#include "text/unicode.h"
#include "text/unicode_table.h"
#include <pthread.h>
#include <stddef.h>

static uint8_t flags[UNICODE_POINTS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void expand(void)
{
	uint32_t c = 0;

	for (size_t i = 0; i < sizeof unicode_runs / sizeof *unicode_runs; i++)
		for (uint32_t n = unicode_runs[i] >> 8; n; n--)
			flags[c++] = (uint8_t)unicode_runs[i];
}

const uint8_t *unicode_flags(void)
{
	pthread_once(&once, expand);
	return flags;
}

uint32_t unicode_lower(uint32_t c)
{
	size_t low = 0, high = sizeof unicode_lower_runs / sizeof *unicode_lower_runs;

	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (unicode_lower_runs[middle].last < c)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == sizeof unicode_lower_runs / sizeof *unicode_lower_runs ||
	    c < unicode_lower_runs[low].first ||
	    (c - unicode_lower_runs[low].first) % unicode_lower_runs[low].step)
		return c;
	return (uint32_t)((int32_t)c + unicode_lower_runs[low].delta);
}
