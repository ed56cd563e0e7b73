/* SPDX-License-Identifier: MIT */
#include "text/bpe_added.h"
#include "text/recorded.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/recorded_added.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* The recorded vocabulary with tokens added; their ids go on where its end. */
static struct bpe *with_added(const struct bpe_symbol *more, uint32_t n, const uint32_t *id,
                              const struct bpe_choice *choice, struct cbtm_error *e)
{
	struct bpe *b = recorded_vocabulary(), *made;
	struct bpe_symbol *symbol = calloc(b->size + n, sizeof *symbol);
	uint32_t size = b->size;

	memcpy(symbol, b->symbol, b->size * sizeof *symbol);
	for (uint32_t i = 0; i < n; i++) {
		symbol[id[i]] = more[i];
		size = id[i] >= size ? id[i] + 1 : size;
	}
	bpe_make(symbol, size, (const uint32_t(*)[2])b->merge, b->merges, choice, "here", &made, e);
	free(symbol);
	bpe_free(b);
	return made;
}

static struct bpe *with_recorded(const struct recorded_added *added, uint32_t n, bool match_special,
                                 bool prefix_space)
{
	struct bpe_choice choice = { "", "", match_special, prefix_space };
	struct bpe_symbol more[COUNT(recorded_added)];
	uint32_t id[COUNT(recorded_added)];
	struct cbtm_error e = { 0 };

	for (uint32_t i = 0; i < n; i++) {
		more[i] = (struct bpe_symbol){ added[i].name, (uint32_t)strlen(added[i].name),
			                           added[i].special, added[i].added };
		id[i] = added[i].id;
	}
	struct bpe *b = with_added(more, n, id, &choice, &e);
	assert_string_equal(e.what, "");
	return b;
}

static struct bpe *recorded(bool match_special, bool prefix_space)
{
	return with_recorded(recorded_added, COUNT(recorded_added), match_special, prefix_space);
}

static void check(struct bpe_encoder *c, const char *text, size_t n, const char *expected)
{
	struct cbtm_error e = { 0 };
	struct bpe_ids ids = { 0 };
	struct buffer list = { 0 };

	assert_int_equal(bpe_encode(c, text, n, &ids, &e), 0);
	buffer_text(&list, "", &e);
	for (size_t i = 0; i < ids.n; i++)
		buffer_printf(&list, &e, "%s%u", i ? " " : "", ids.v[i]);
	if (strcmp(list.data, expected))
		print_error("text: %.*s\n", (int)n, text);
	assert_string_equal(list.data, expected);
	buffer_free(&list);
	bpe_ids_free(&ids);
}

#define CHECK_ALL(table, vocabulary)                                                               \
	do {                                                                                           \
		struct cbtm_error e = { 0 };                                                               \
		struct bpe *b = (vocabulary);                                                              \
		struct bpe_encoder *c = bpe_encoder_new(b, &e);                                            \
		assert_non_null(c);                                                                        \
		for (size_t i = 0; i < COUNT(table); i++)                                                  \
			check(c, (table)[i].text, (table)[i].n, (table)[i].result);                            \
		bpe_encoder_free(c);                                                                       \
		bpe_free(b);                                                                               \
	} while (0)

static void test_added_tokens_are_found_as_hugging_face_does(void **state)
{
	(void)state;
	CHECK_ALL(recorded_added_ids, recorded(false, false));
	CHECK_ALL(recorded_added_space_ids, recorded(false, true));
}

static void test_special_tokens_are_found_when_asked(void **state)
{
	(void)state;
	CHECK_ALL(recorded_added_special_ids, recorded(true, false));
	CHECK_ALL(recorded_added_special_space_ids, recorded(true, true));
}

static void test_white_space_that_one_token_took_is_no_other_one(void **state)
{
	(void)state;
	CHECK_ALL(recorded_white_ids,
	          with_recorded(recorded_white, COUNT(recorded_white), false, false));
}

static void test_without_a_token_to_find_nothing_is_looked_for(void **state)
{
	(void)state;
	struct bpe *b = recorded_vocabulary();
	assert_int_equal(b->symbol[0].added, BPE_ADDED);
	assert_null(b->added);
	bpe_free(b);
}

static void test_bytes_that_are_no_text_stand_beside_added_tokens(void **state)
{
	(void)state;
	static const char text[] = "\x80word\xff\xe2\x80[R]\xe2\x80\xa8\x80";
	struct cbtm_error e = { 0 };
	struct bpe *b = recorded(false, false);
	struct bpe_encoder *c = bpe_encoder_new(b, &e);
	struct bpe_ids ids = { 0 };
	struct buffer back = { 0 };
	bool word = false;
	assert_int_equal(bpe_encode(c, text, sizeof text - 1, &ids, &e), 0);
	for (size_t i = 0; i < ids.n; i++)
		word |= ids.v[i] == 605;
	assert_true(word);
	/* All comes back but U+2028, which [R] took. */
	assert_int_equal(bpe_decode(b, ids.v, ids.n, &back, &e), 0);
	assert_int_equal(back.n, sizeof text - 1 - 3);
	assert_memory_equal(back.data, "\x80word\xff\xe2\x80[R]\x80", back.n);
	buffer_free(&back);
	bpe_ids_free(&ids);
	bpe_encoder_free(c);
	bpe_free(b);
}

static void refused(const struct bpe_symbol *more, uint32_t n, const char *what)
{
	static const uint32_t id[] = { 600, 601 };
	struct bpe_choice choice = { .eod = "", .bos = "" };
	struct cbtm_error e = { 0 };
	assert_null(with_added(more, n, id, &choice, &e));
	assert_int_equal(e.name, CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, what));
}

static void test_names_that_cannot_be_told_apart_are_refused(void **state)
{
	(void)state;
	static char long_name[5000];
	memset(long_name, 'x', sizeof long_name);
	refused((struct bpe_symbol[]){ { "x y", 3, false, BPE_ADDED }, { "x y", 3, true, BPE_ADDED } },
	        2, "\"x y\" is there twice");
	refused((struct bpe_symbol[]){ { "", 0, false, BPE_ADDED } }, 1, "0 bytes");
	refused((struct bpe_symbol[]){ { long_name, sizeof long_name, false, BPE_ADDED } }, 1,
	        "5000 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_added_tokens_are_found_as_hugging_face_does),
		cmocka_unit_test(test_special_tokens_are_found_when_asked),
		cmocka_unit_test(test_white_space_that_one_token_took_is_no_other_one),
		cmocka_unit_test(test_without_a_token_to_find_nothing_is_looked_for),
		cmocka_unit_test(test_bytes_that_are_no_text_stand_beside_added_tokens),
		cmocka_unit_test(test_names_that_cannot_be_told_apart_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
