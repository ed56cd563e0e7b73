/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"
#include "stage/card_data.h"
#include <string.h>

static char film[] = "film", id[] = "a-1", text[] = "A \"film\"";

/* Two clusters by hand; the second is empty. */
struct sample {
	struct card_total total[3];
	struct card_neighbour neighbour[2];
	struct card_overlap overlap[2];
	struct card_term term[2];
	size_t terms[2], words[2], shown[2];
	struct card_word word[2];
	struct card_document document[2];
	struct card_data data;
};

static void make(struct sample *s, struct store *centres)
{
	struct cbtm_error e = { 0 };
	*s = (struct sample){
		.total = { { { 2, 1, 0, 1 }, { 20, 10, 0, 5 }, 1, 0.75, 1.5, 0.5, 2 },
		           { { 0 }, { 0 }, 0, 0, 0, 0, 0 },
		           { { 2, 1, 0, 1 }, { 20, 10, 0, 5 }, 1, 0.75, 1.5, 0.5, 2 } },
		.neighbour = { { 1, 1.5, 2 }, { 0, 1.5, 0 } },
		.overlap = { { 3, 1, 1, 0.75 }, { 0, 0, 0, 0 } },
		.term = { { film, 0.5 } },
		.terms = { 1, 0 },
		.words = { 1, 0 },
		.shown = { 1, 0 },
		.word = { { film, 4, 7, 1, 2.5 } },
		.document = { { 0xabc, 0, 0, SPLIT_TEST, 0.25F, id, text } },
	};
	s->data = (struct card_data){ .k = 2, .centres = centres, .total = s->total, .terms = 1 };
	s->data.margin.neighbours = 1;
	s->data.margin.neighbour = s->neighbour;
	s->data.margin.overlap = s->overlap;
	s->data.shown = (struct card_shown){ 2, 1, s->document, s->document, s->shown, NULL };
	s->data.words = (struct card_ranking){ s->word, s->words, 3, 9, 2, 0 };
	s->data.term = s->term;
	s->data.term_count = s->terms;
	s->data.quantiles = quantiles_new(3, card_shares, CARD_SHARES, &e);
	for (int pass = 0; pass < QUANTILE_PASSES; pass++) {
		quantiles_add(s->data.quantiles, 0, 0.25F);
		quantiles_add(s->data.quantiles, 2, 0.25F);
		quantiles_next(s->data.quantiles);
	}
}

static const char first_card[] =
	"{\"cluster\":0,\"documents\":{\"all\":4,\"train\":3,\"seed\":2,\"branch\":1,\"valid\":0,"
	"\"test\":1},\"tokens\":{\"all\":35,\"train\":30,\"seed\":20,\"branch\":10,\"valid\":0,"
	"\"test\":5},\"share\":{\"documents\":1,\"tokens\":1},\"zero_vectors\":1,\"distance\":{"
	"\"mean\":0.5,\"mean_square\":0.25,\"min\":0.5,\"p5\":0.5,\"p25\":0.5,\"p50\":0.5,"
	"\"p75\":0.5,\"p95\":0.5,\"max\":0.5},\"overlap\":{\"documents\":3,\"margin\":0.25,"
	"\"nearer_elsewhere\":0.3333333333333333,\"neighbours\":[{\"cluster\":1,\"distance\":1.5,"
	"\"second\":0.6666666666666666}],\"second_elsewhere\":0.3333333333333333},"
	"\"terms\":[{\"term\":\"film\",\"weight\":0.5}],\"words\":[{\"word\":\"film\",\"z\":2.5,"
	"\"count\":7,\"rest\":1}],\"nearest\":[{\"id\":\"a-1\",\"key\":\"0000000000000abc\","
	"\"split\":\"test\",\"distance\":0.5,\"text\":\"A \\\"film\\\"\"}],\"farthest\":[{"
	"\"id\":\"a-1\",\"key\":\"0000000000000abc\",\"split\":\"test\",\"distance\":0.5,"
	"\"text\":\"A \\\"film\\\"\"}]}";

static void test_a_card_holds_everything_of_its_cluster(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer json = { 0 };
	struct sample s;
	make(&s, NULL);
	assert_int_equal(card_data_put(&s.data, 0, &json, &e), 0);
	assert_string_equal(json.data, first_card);
	buffer_free(&json);
	quantiles_free(s.data.quantiles);
}

/* No document: nothing is divided by zero, what has no value is null. */
static void test_an_empty_cluster_has_a_card(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer json = { 0 };
	struct sample s;
	make(&s, NULL);
	s.data.term = NULL;
	assert_int_equal(card_data_put(&s.data, 1, &json, &e), 0);
	assert_non_null(strstr(json.data, "\"share\":{\"documents\":0,\"tokens\":0}"));
	assert_non_null(strstr(json.data, "\"mean\":null,\"mean_square\":null,\"min\":null"));
	assert_non_null(strstr(json.data, "\"margin\":null,\"nearer_elsewhere\":0,"));
	assert_non_null(
		strstr(json.data, "\"terms\":null,\"words\":[],\"nearest\":[],\"farthest\":[]}"));
	buffer_free(&json);
	quantiles_free(s.data.quantiles);
}

static void test_the_summary_takes_the_fits_facts(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer json = { 0 };
	struct store_writer *w = NULL;
	struct store *centres = NULL;
	struct sample s;
	store_create(scratch_path(state, "centres"), 0, store_kind_find("centres"),
	             digest_bytes("c", 1), &w, &e);
	store_set_text(w, "plugin", "sample", &e);
	store_set_f64(w, "objective", 1.5, &e);
	assert_int_equal(store_seal(w, &e), 0);
	assert_int_equal(store_open(scratch_path(state, "centres"), 0, NULL, &centres, &e), 0);
	make(&s, centres);
	assert_int_equal(card_data_put_summary(&s.data, &json, &e), 0);
	assert_non_null(strstr(json.data, "\"fit\":{\"plugin\":\"sample\",\"capacity\":null,"));
	assert_non_null(strstr(json.data, "\"objective\":1.5,\"gap\":null},\"objective\":0.25,"
	                                  "\"balance\":{\"documents\":2,\"tokens\":2},"));
	assert_non_null(strstr(json.data, "\"sampled\":3,\"margin\":0.25,"));
	assert_non_null(
		strstr(json.data, "\"words\":{\"counted\":9,\"distinct\":2,\"undercount\":0}}"));
	buffer_free(&json);
	quantiles_free(s.data.quantiles);
	store_close(centres);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_card_holds_everything_of_its_cluster),
		cmocka_unit_test(test_an_empty_cluster_has_a_card),
		cmocka_unit_test_setup_teardown(test_the_summary_takes_the_fits_facts, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
