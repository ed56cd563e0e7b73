/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "text/encode_merge.h"
#include "text/torture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The definition: again and again the leftmost pair of the lowest rank. */
static size_t merge_by_definition(const struct bpe *b, const char *s, size_t n, uint32_t *id)
{
	for (size_t i = 0; i < n; i++)
		id[i] = b->byte[(unsigned char)s[i]];
	for (;;) {
		const struct bpe_pair *best = NULL;
		size_t at = 0;
		for (size_t i = 0; i + 1 < n; i++) {
			const struct bpe_pair *p = bpe_pair_find(b, id[i], id[i + 1]);
			if (p && (!best || p->rank < best->rank)) {
				best = p;
				at = i;
			}
		}
		if (!best)
			return n;
		id[at] = best->id;
		memmove(id + at + 1, id + at + 2, (--n - at - 1) * sizeof *id);
	}
}

static void test_words_of_all_lengths_merge_as_defined(void **state)
{
	(void)state;
	for (int which = 0; which < TORTURE_VOCABULARIES; which++) {
		struct cbtm_error e = { 0 };
		struct bpe *b = torture_vocabulary((enum torture_vocabulary)which);
		struct encode_merger m = { .bpe = b };
		struct bpe_ids ids = { 0 };
		uint32_t expected[200];
		for (uint64_t number = 0; number < 1500; number++) {
			struct torture t = torture_make(number, number % 3 ? 18 : 100);
			for (size_t n = 1; n <= t.n; n += number % 3 ? 1 : 7) {
				ids.n = 0;
				assert_int_equal(encode_merge(&m, t.text, n, &ids, &e), 0);
				assert_int_equal(ids.n, merge_by_definition(b, t.text, n, expected));
				assert_memory_equal(ids.v, expected, ids.n * sizeof *ids.v);
			}
			torture_free(&t);
		}
		bpe_ids_free(&ids);
		encode_merger_free(&m);
		bpe_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_of_all_lengths_merge_as_defined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
