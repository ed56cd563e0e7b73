/* SPDX-License-Identifier: MIT */
#include "store/fse.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LOG = 8, STATES = 1 << LOG, LENGTH = 3000 };

static unsigned shares(const struct fse *f)
{
	unsigned all = 0;

	for (int i = 0; i < FSE_SYMBOLS; i++)
		all += f->share[i];
	return all;
}

static void test_every_symbol_that_comes_has_a_share(void **state)
{
	(void)state;
	for (unsigned n = 2; n <= FSE_SYMBOLS; n++)
		for (unsigned common = 1; common < 1u << 20; common *= 7) {
			uint32_t count[FSE_SYMBOLS] = { 0 };
			struct fse f;

			for (unsigned i = 0; i < n; i += 1 + i % 3)
				count[i] = 1 + i * i % 5;
			count[n - 1] = common;
			fse_make(&f, count, n, LOG);
			assert_int_equal(f.log, LOG);
			assert_int_equal(shares(&f), STATES);
			for (unsigned i = 0; i < n; i++)
				assert_int_equal(count[i] > 0, f.share[i] > 0);
		}
}

/* Bits from the end of a stream. */
struct back {
	const unsigned char *bytes;
	size_t left;
};

static uint32_t take(struct back *b, unsigned n)
{
	uint32_t x = 0;

	assert_true(b->left >= n);
	for (; n; n--) {
		b->left--;
		x = x << 1 | (b->bytes[b->left / 8] >> b->left % 8 & 1u);
	}
	return x;
}

/* What RFC 8878, 4.1.1, makes of shares: a state's symbol, bits to be read, and what these are added
 * to. */
struct row {
	unsigned symbol, bits, base;
};

static void make_rows(const struct fse *f, struct row row[STATES])
{
	unsigned next[FSE_SYMBOLS], at = 0;

	for (unsigned s = 0; s < FSE_SYMBOLS; s++) {
		next[s] = f->share[s];
		for (unsigned i = 0; i < f->share[s]; i++) {
			row[at].symbol = s;
			at = (at + STATES / 2 + STATES / 8 + 3) % STATES;
		}
	}
	for (unsigned i = 0; i < STATES; i++) {
		unsigned x = next[row[i].symbol]++;

		row[i].bits = LOG - (31 - (unsigned)__builtin_clz(x));
		row[i].base = (x << row[i].bits) - STATES;
	}
}

static void test_a_stream_reads_back_from_its_end(void **state)
{
	uint32_t count[FSE_SYMBOLS] = { 0 }, now;
	unsigned char symbol[LENGTH], stream[2 * LENGTH];
	struct row row[STATES];
	struct fse f;
	struct bits b = { .at = stream };
	struct back from;

	(void)state;
	for (unsigned i = 0; i < LENGTH; i++)
		count[symbol[i] = (unsigned char)(i * i % 53 % (1 + i % 40))]++;
	fse_make(&f, count, FSE_SYMBOLS, LOG);
	now = fse_begin(&f, symbol[LENGTH - 1]);
	for (unsigned i = LENGTH - 1; i--; bits_flush(&b))
		now = fse_put(&f, &b, now, symbol[i]);
	fse_end(&f, &b, now);
	from.bytes = stream;
	from.left = 8 * (size_t)(bits_end_mark(&b) - stream);
	while (!take(&from, 1))
		;
	make_rows(&f, row);
	now = take(&from, LOG);
	for (unsigned i = 0; i < LENGTH; i++) {
		assert_int_equal(row[now].symbol, symbol[i]);
		if (i + 1 < LENGTH)
			now = row[now].base + take(&from, row[now].bits);
	}
	assert_int_equal(from.left, 0);
}

static void test_a_single_symbol_takes_no_bits(void **state)
{
	uint32_t count[4] = { 0, 0, 9, 0 }, now;
	unsigned char stream[16];
	struct bits b = { .at = stream };
	struct fse f;

	(void)state;
	fse_make(&f, count, 4, LOG);
	assert_int_equal(f.log, 0);
	now = fse_put(&f, &b, fse_begin(&f, 2), 2);
	fse_end(&f, &b, now);
	assert_int_equal(b.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_symbol_that_comes_has_a_share),
		cmocka_unit_test(test_a_stream_reads_back_from_its_end),
		cmocka_unit_test(test_a_single_symbol_takes_no_bits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
