/* SPDX-License-Identifier: MIT */
#include "stage/sample_vocabulary.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct bpe *sample_vocabulary(void)
{
	enum { SIZE = 259 };
	struct cbtm_error e = { 0 };
	static char byte[256];
	struct bpe_symbol symbol[SIZE] = { { "<|endoftext|>", 13, true, 0 } };
	uint32_t merge[2][2] = { { 1 + 'a', 1 + 'b' }, { 257, 257 } };
	struct bpe_choice choice = { "<|endoftext|>", "", false, false };
	struct bpe *b = NULL;
	for (uint32_t i = 0; i < 256; i++) {
		byte[i] = (char)i;
		symbol[1 + i] = (struct bpe_symbol){ &byte[i], 1, false, 0 };
	}
	symbol[257] = (struct bpe_symbol){ "ab", 2, false, 0 };
	symbol[258] = (struct bpe_symbol){ "abab", 4, false, 0 };
	if (bpe_make(symbol, SIZE, (const uint32_t(*)[2])merge, 2, &choice, "sample", &b, &e))
		fail_msg("%s: %s", e.where, e.what);
	return b;
}
