/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "text/encode_cache.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct encode_key key_of(const char *word)
{
	struct encode_key key = { 0 };
	memcpy(&key, word, strlen(word));
	return (struct encode_key){ { key.half[0] ^ ENCODE_SALT, key.half[1] ^ ENCODE_SALT } };
}

/* Adds or finds the word of a number, with as many ids as it has digits. */
static void meet(struct encode_cache *c, unsigned number, unsigned expected_new)
{
	struct cbtm_error e = { 0 };
	uint32_t ids[16], slot, list, added;
	char word[16];
	size_t n = (size_t)snprintf(word, sizeof word, "%u", number);
	struct encode_key key = key_of(word);
	for (size_t i = 0; i < n; i++)
		ids[i] = number % 1000 + (uint32_t)i;
	slot = c->hash(&key) & c->mask;
	assert_int_equal(encode_cache_find(c, &key, &slot, &list), !expected_new);
	if (expected_new) {
		encode_cache_claim(c, &key, slot);
		slot = c->hash(&key) & c->mask;
		assert_true(encode_cache_find(c, &key, &slot, &list));
		assert_int_equal(list, 0);
		assert_int_equal(encode_ids_at(c->line, slot)->as.n, 0);
		assert_int_equal(encode_cache_set(c, slot, ids, n, &added, &e), 0);
		slot = c->hash(&key) & c->mask;
		assert_true(encode_cache_find(c, &key, &slot, &list));
		assert_int_equal(list, added);
	}
	if (list) {
		assert_true(n > c->holds);
		assert_int_equal(c->lists.v[list], n);
		assert_memory_equal(c->lists.v + list + 1, ids, n * sizeof *ids);
	} else {
		const union encode_ids *at = encode_ids_at(c->line, slot);
		assert_int_equal(at->as.n, n);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(c->holds == ENCODE_WIDE_IDS ? at->wide[i] : at->narrow[i], ids[i]);
	}
}

static void test_words_stay_while_it_grows_and_go_when_it_is_full(void **state)
{
	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		struct cbtm_error e = { 0 };
		struct encode_cache c;
		unsigned i = 0;
		assert_int_equal(encode_cache_make(&c, &encode_plain, wide, 8192, 32768, &e), 0);
		for (; i < 12000; i++) {
			assert_int_equal(encode_cache_tidy(&c, &e), 0);
			meet(&c, i * 733, 1);
		}
		assert_int_equal(c.slots, 32768);
		for (i = 0; i < 12000; i++)
			meet(&c, i * 733, 0);
		for (; c.used >= 12000 && i < 40000; i++) {
			assert_int_equal(encode_cache_tidy(&c, &e), 0);
			if (c.used >= 12000)
				meet(&c, i * 733, 1);
		}
		assert_int_equal(c.used, 0);
		meet(&c, 0, 1);
		encode_cache_free(&c);
	}
}

static void test_long_words_are_told_apart_by_all_bytes_and_their_length(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct encode_cache c;
	char word[ENCODE_LONG] = { 0 };
	uint64_t hash;
	uint32_t list;
	assert_int_equal(encode_cache_make(&c, &encode_plain, false, 8192, 8192, &e), 0);
	for (int round = 0; round < 2; round++)
		for (uint32_t n = 1; n <= ENCODE_LONG; n++)
			for (uint32_t at = 0; at < n; at += n / 3 + 1) {
				uint32_t ids[2] = { n, at };
				word[at] = 'x';
				list = encode_cache_find_long(&c, word, n, &hash);
				if (!round) {
					assert_int_equal(list, 0);
					assert_int_equal(encode_cache_tidy(&c, &e), 0);
					encode_cache_add_long(&c, word, n, hash, ids, 2, &list, &e);
				}
				assert_int_equal(c.lists.v[list], 2);
				assert_memory_equal(c.lists.v + list + 1, ids, sizeof ids);
				word[at] = 0;
			}
	encode_cache_free(&c);
}

/* Narrow ids, of which a line holds 7: more are in it if the rest is the last of them again. */
static void test_words_that_end_in_the_same_id_again_and_again_need_no_list(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct encode_cache c;
	uint32_t listed = 0;
	assert_int_equal(encode_cache_make(&c, &encode_plain, false, 8192, 8192, &e), 0);
	for (uint32_t n = 1; n <= ENCODE_KEY; n++)
		for (uint32_t same = 1; same <= n; same++) {
			uint32_t ids[ENCODE_KEY], slot, list;
			struct encode_key key = { { n, same } };
			for (uint32_t i = 0; i < n; i++)
				ids[i] = i < n - same ? i : 100;
			slot = c.hash(&key) & c.mask;
			assert_false(encode_cache_find(&c, &key, &slot, &list));
			encode_cache_claim(&c, &key, slot);
			assert_int_equal(encode_cache_set(&c, slot, ids, n, &list, &e), 0);
			assert_int_equal(!list, n <= 7 || n - same <= 6);
			listed += list != 0;
			if (list)
				continue;
			assert_int_equal(encode_ids_at(c.line, slot)->as.n, n);
			for (uint32_t i = 0; i < n; i++)
				assert_int_equal(encode_ids_at(c.line, slot)->narrow[i < 7 ? i : 6], ids[i]);
		}
	assert_int_equal(listed, 45);
	encode_cache_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_stay_while_it_grows_and_go_when_it_is_full),
		cmocka_unit_test(test_words_that_end_in_the_same_id_again_and_again_need_no_list),
		cmocka_unit_test(test_long_words_are_told_apart_by_all_bytes_and_their_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
