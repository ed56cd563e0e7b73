/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"
#include "stage/card_shown.h"
#include <stdio.h>
#include <string.h>

enum { MOST = 4 };

static void offer(struct card_shown *s, float distance, uint64_t key, uint32_t part, uint64_t row)
{
	struct card_document d = { .key = key, .row = row, .part = part, .distance = distance };
	card_shown_offer(s, 0, &d);
}

/* Offered in any order: the same documents, ties to the smaller key, then part and row. */
static void test_nearest_and_farthest_are_kept_in_order(void **state)
{
	(void)state;
	for (uint64_t turn = 0; turn < 2; turn++) {
		struct cbtm_error e = { 0 };
		struct card_shown s;
		assert_int_equal(card_shown_make(&s, 2, MOST, &e), 0);
		for (uint64_t i = 0; i < 90; i++) {
			uint64_t j = turn ? 89 - i : i;
			offer(&s, (float)(j % 30), 100 - j / 30, (uint32_t)j / 30, j);
		}
		assert_int_equal(s.n[0], MOST);
		assert_int_equal(s.n[1], 0);
		for (size_t i = 0; i < MOST; i++) {
			assert_true(s.nearest[i].distance == (float)(i / 3));
			assert_int_equal(s.nearest[i].key, 98 + i % 3);
			assert_true(s.farthest[i].distance == (float)(29 - i / 3));
			assert_int_equal(s.farthest[i].key, 98 + i % 3);
		}
		card_shown_free(&s);
	}
}

static void test_equal_keys_go_by_part_and_row(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct card_shown s;
	assert_int_equal(card_shown_make(&s, 1, 2, &e), 0);
	offer(&s, 1, 5, 1, 0);
	offer(&s, 1, 5, 0, 7);
	offer(&s, 1, 5, 0, 3);
	assert_true(s.nearest[0].row == 3 && s.nearest[1].row == 7);
	assert_true(s.farthest[0].row == 3 && s.farthest[1].row == 7);
	card_shown_free(&s);
	assert_int_equal(card_shown_make(&s, 1, 0, &e), 0); /* none are wanted */
	offer(&s, 1, 5, 1, 0);
	assert_int_equal(s.n[0], 0);
	card_shown_free(&s);
}

static void write_documents(const char *dir, const char *const *text, uint64_t n)
{
	struct cbtm_error e = { 0 };
	struct digest prints[2];
	for (uint32_t part = 0; part < 2; part++) {
		struct store_writer *w = NULL;
		prints[part] = digest_bytes(&part, sizeof part);
		store_create(dir, part, store_kind_find("documents"), prints[part], &w, &e);
		for (uint64_t i = 0; i < n; i++) {
			uint8_t split = 0;
			char id[16];
			int m = snprintf(id, sizeof id, "%u-%u", part, (unsigned)i);
			store_append(w, "key", &i, 1, &e);
			store_append_row(w, "id", id, (uint64_t)m, &e);
			store_append_row(w, "text", text[i], strlen(text[i]), &e);
			store_append_row(w, "meta", "{}", 2, &e);
			store_append(w, "split", &split, 1, &e);
		}
		assert_int_equal(store_seal(w, &e), 0);
	}
	assert_int_equal(dataset_seal(dir, store_kind_find("documents"), prints, 2, &e), 0);
}

static void test_texts_are_one_line_of_so_many_characters(void **state)
{
	struct cbtm_error e = { 0 };
	struct dataset *d = NULL;
	struct card_shown s;
	char wide[4 * CARD_TEXT] = "", cut[4 * CARD_TEXT] = "";
	for (int i = 0; i < CARD_TEXT + 20; i++) {
		memcpy(wide + strlen(wide), "\xC3\xA9", 3);
		if (i < CARD_TEXT)
			memcpy(cut + strlen(cut), "\xC3\xA9", 3);
	}
	const char *text[] = { "  two\n\n lines\t\x01here ", wide, "" };
	write_documents(scratch_path(state, "documents"), text, 3);
	assert_int_equal(dataset_open(scratch_path(state, "documents"), NULL, &d, &e), 0);
	assert_int_equal(card_shown_make(&s, 1, 6, &e), 0);
	for (uint32_t part = 0; part < 2; part++)
		for (uint64_t i = 0; i < 3; i++)
			offer(&s, (float)i, i, part, i);
	assert_int_equal(card_shown_read(&s, d, &e), 0);
	for (uint32_t i = 0; i < 6; i++) {
		char id[16];
		snprintf(id, sizeof id, "%u-%u", i % 2, i / 2);
		assert_string_equal(s.nearest[i].id, id);
		assert_string_equal(s.nearest[i].text, i < 2 ? "two lines here" : i < 4 ? cut : "");
		snprintf(id, sizeof id, "%u-%u", i % 2, 2 - i / 2);
		assert_string_equal(s.farthest[i].id, id);
	}
	card_shown_free(&s);
	dataset_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nearest_and_farthest_are_kept_in_order),
		cmocka_unit_test(test_equal_keys_go_by_part_and_row),
		cmocka_unit_test_setup_teardown(test_texts_are_one_line_of_so_many_characters, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
