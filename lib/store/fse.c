/* SPDX-License-Identifier: MIT */
#include "store/fse.h"
#include <stdbool.h>

/* Shares of 2^log states, none of a symbol that is there 0; what is left over or missing is the
 * largest's, as far as it goes. */
static void divide(struct fse *f, const uint32_t *count, size_t n)
{
	uint64_t total = 0;
	int32_t left = 1 << f->log;
	size_t most = 0;

	for (size_t i = 0; i < n; i++) {
		total += count[i];
		most = count[i] > count[most] ? i : most;
	}
	for (size_t i = 0; i < n; i++) {
		uint64_t share = (((uint64_t)count[i] << (f->log + 1)) / total + 1) / 2;

		f->share[i] = (uint16_t)(count[i] && !share ? 1 : share);
		left -= f->share[i];
	}
	while (left < 0 && f->share[most] < 2 - left) { /* each that has several gives one */
		for (size_t i = 0; i < n && left < 0; i++)
			if (f->share[i] > 1) {
				f->share[i]--;
				left++;
			}
	}
	f->share[most] = (uint16_t)(f->share[most] + left);
}

static unsigned log_of(uint32_t x)
{
	return 31 - (unsigned)__builtin_clz(x);
}

/* The symbols of all states, spread as the format wants it, in order: those of symbol s are
 * next[first[s]] and behind it. */
static void spread(struct fse *f, size_t n)
{
	uint32_t size = 1u << f->log, step = (size >> 1) + (size >> 3) + 3, at = 0;
	uint8_t of[1 << FSE_LOG_MAX];
	uint16_t place[FSE_SYMBOLS + 1] = { 0 };

	for (size_t s = 0; s < n; s++) {
		place[s + 1] = (uint16_t)(place[s] + f->share[s]);
		for (unsigned i = 0; i < f->share[s]; i++, at = (at + step) & (size - 1))
			of[at] = (uint8_t)s;
	}
	for (uint32_t i = 0; i < size; i++)
		f->next[place[of[i]]++] = (uint16_t)(size + i);
}

void fse_make(struct fse *f, const uint32_t *count, size_t n, unsigned log)
{
	int32_t before = 0;
	size_t there = 0;

	memset(f->share, 0, sizeof f->share);
	memset(f->symbol, 0, sizeof f->symbol);
	for (size_t i = 0; i < n; i++)
		there += count[i] > 0;
	f->log = there == 1 ? 0 : log;
	f->next[0] = 0;
	if (there == 1)
		return;
	divide(f, count, n);
	spread(f, n);
	for (size_t s = 0; s < n; s++) {
		int32_t share = f->share[s], bits;

		if (!share)
			continue;
		bits = (int32_t)(share == 1 ? log : log - log_of((uint32_t)share - 1));
		f->symbol[s].bits = (bits << 16) - (share << bits);
		f->symbol[s].from = before - share;
		before += share;
	}
}

/* Symbols without a share, behind one: twos of bits. */
static void put_absent(struct bits *b, unsigned n)
{
	for (; n >= 3; n -= 3) {
		bits_put(b, 3, 2);
		bits_flush(b);
	}
	bits_put(b, n, 2);
	bits_flush(b);
}

unsigned char *fse_describe(const struct fse *f, unsigned char *to)
{
	struct bits b = { .at = to };
	uint32_t left = (1u << f->log) + 1, most = 1u << f->log;
	unsigned bits = f->log + 1, s = 0;

	bits_put(&b, f->log - 5, 4);
	while (left > 1) {
		uint32_t share = f->share[s++], spare = 2 * most - 1 - left, value = share + 1;

		left -= share;
		if (value >= most)
			value += spare;
		bits_put(&b, value, bits - (value < spare));
		bits_flush(&b);
		for (; left < most; most /= 2)
			bits--;
		if (!share && left > 1) {
			unsigned absent = 0;

			while (!f->share[s + absent])
				absent++;
			put_absent(&b, absent);
			s += absent;
		}
	}
	return bits_end(&b);
}
