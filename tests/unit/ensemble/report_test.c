/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "base/json.h"
#include "ensemble/report.h"
#include "ensemble/small.h"
#include "ensemble/small_results.h"
#include "scratch.h"
#include "store/dataset.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct report_system systems[SMALL_SYSTEMS];

static void write_results(const char *dir, const char *text)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	struct digest f = digest_bytes(text, strlen(text));
	const struct store_kind *kind = store_kind_find("results");
	small_ok(store_create(dir, 0, kind, f, &w, &e), &e);
	store_append_row(w, "results", text, strlen(text), &e);
	small_ok(store_seal(w, &e), &e);
	small_ok(dataset_seal(dir, kind, &f, 1, &e), &e);
}

static int make(void **state)
{
	struct cbtm_error e = { 0 };
	if (scratch_make(state))
		return -1;
	for (int i = 0; i < SMALL_SYSTEMS; i++) {
		char *dir = path_join(*state, small_result_names[i], &e);
		write_results(dir, small_results[i]);
		systems[i] = (struct report_system){ small_result_names[i], dir, NULL };
	}
	return 0;
}

static int forget(void **state)
{
	for (int i = 0; i < SMALL_SYSTEMS; i++)
		free((char *)systems[i].results_dir);
	return scratch_remove(state);
}

static struct json item(struct json list, size_t index)
{
	struct json one = { 0 };
	size_t cursor = 0;
	for (size_t i = 0; i <= index; i++)
		assert_true(json_next(list, &cursor, NULL, NULL, &one));
	return one;
}

static double number(struct json object, const char *name)
{
	struct json v;
	double x;
	assert_true(json_member(object, name, &v) && json_f64(v, &x));
	return x;
}

static void assert_pair(struct json pair, const char *system, const char *against, double ratio)
{
	struct json a, b;
	const char *s;
	size_t n;
	assert_true(json_member(pair, "system", &a) && json_string(a, &s, &n));
	assert_true(n == strlen(system) && !memcmp(s, system, n));
	assert_true(json_member(pair, "against", &b) && json_string(b, &s, &n));
	assert_true(n == strlen(against) && !memcmp(s, against, n));
	small_near(number(pair, "perplexity_ratio"), ratio, 1e-12);
	assert_true(number(pair, "low") <= ratio && ratio <= number(pair, "high"));
	assert_true(number(pair, "documents") == 3);
}

static void test_every_pair_of_few_systems_is_compared(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer text = { 0 };
	struct json root, list, pairs;
	struct json_parser *p = json_parser_new(&e);
	small_ok(report_make(systems, SMALL_SYSTEMS, &text, NULL, &e), &e);
	small_ok(json_parse(p, text.data, text.n, "report", &root, &e), &e);
	assert_true(json_member(root, "systems", &list) && json_count(list) == SMALL_SYSTEMS);
	struct json results;
	assert_true(json_member(item(list, 1), "results", &results));
	assert_true(number(results, "clusters") == 2 && number(results, "answer") == 9);
	assert_true(json_member(root, "comparisons", &pairs) && json_count(pairs) == 3);
	assert_pair(item(pairs, 0), "experts", "dense", exp((1309.0 - 1320) / 300));
	assert_pair(item(pairs, 1), "random-clusters", "dense", exp((1363.0 - 1320) / 300));
	assert_pair(item(pairs, 2), "random-clusters", "experts", exp((1363.0 - 1309) / 300));
	json_parser_free(p);
	buffer_free(&text);
}

static void test_many_systems_are_compared_with_the_first(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer text = { 0 };
	struct json root, pairs;
	struct json_parser *p = json_parser_new(&e);
	struct report_system five[] = { systems[0], systems[1], systems[2], systems[1], systems[2] };
	small_ok(report_make(five, 5, &text, NULL, &e), &e);
	small_ok(json_parse(p, text.data, text.n, "report", &root, &e), &e);
	assert_true(json_member(root, "comparisons", &pairs) && json_count(pairs) == 4);
	assert_pair(item(pairs, 3), "random-clusters", "dense", exp((1363.0 - 1320) / 300));
	json_parser_free(p);
	buffer_free(&text);
}

/* Document 0b is of other length here, ff only there: what both have is compared, or nothing. */
static void test_only_documents_that_both_have_are_compared(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer text = { 0 };
	struct json root, pairs;
	struct json_parser *p = json_parser_new(&e);
	char *some = path_join(*state, "some", &e), *none = path_join(*state, "none", &e);
	write_results(some, "{\"clusters\":1,\"test_documents\":["
	                    "{\"key\":\"000000000000000b\",\"tokens\":99,\"nll\":1},"
	                    "{\"key\":\"ff00000000000001\",\"tokens\":100,\"nll\":432}]}");
	write_results(none, "{\"clusters\":1,\"test_documents\":[]}");
	struct report_system three[] = { systems[0], { "some", some, NULL }, { "none", none, NULL } };
	small_ok(report_make(three, 3, &text, NULL, &e), &e);
	small_ok(json_parse(p, text.data, text.n, "report", &root, &e), &e);
	assert_true(json_member(root, "comparisons", &pairs) && json_count(pairs) == 1);
	small_near(number(item(pairs, 0), "perplexity_ratio"), exp(-0.1), 1e-12);
	assert_true(number(item(pairs, 0), "documents") == 1);
	json_parser_free(p);
	buffer_free(&text);
	free(some);
	free(none);
}

static void test_the_file_holds_what_was_made(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer made = { 0 }, file = { 0 }, table = { 0 };
	const char *path = scratch_path(state, "results.json");
	small_ok(report_write(systems, 2, path, &table, &e), &e);
	small_ok(file_read(path, 1 << 20, &file, &e), &e);
	small_ok(report_make(systems, 2, &made, NULL, &e), &e);
	assert_string_equal(file.data, made.data);
	assert_non_null(strstr(table.data, "experts against dense: test perplexity -3.6 %"));
	buffer_free(&made);
	buffer_free(&file);
	buffer_free(&table);
}

static void test_malformed_results_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	char *dir = path_join(*state, "bad", &e);
	write_results(dir, "{\"clusters\":1,\"test_documents\":[{\"key\":\"12\",\"tokens\":1}]}");
	small_refused(report_make(&(struct report_system){ "bad", dir, NULL }, 1, NULL, NULL, &e),
	              CBTM_ERR_BAD_DATA, "malformed", &e);
	assert_string_equal(e.where, "bad");
	e = (struct cbtm_error){ 0 };
	struct report_system missing = { "missing", "/nonexistent", NULL };
	assert_int_equal(report_make(&missing, 1, NULL, NULL, &e), CBTM_ERR_MISSING_INPUT);
	free(dir);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, forget)

static void write_cards(const char *dir, const char *summary, const char *field)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	struct digest f = digest_bytes(summary, strlen(summary));
	const struct store_kind *kind = store_kind_find("cards");
	small_ok(store_create(dir, 0, kind, f, &w, &e), &e);
	store_append_row(w, "summary", summary, strlen(summary), &e);
	store_append_row(w, "field", field, strlen(field), &e);
	small_ok(store_seal(w, &e), &e);
	small_ok(dataset_seal(dir, kind, &f, 1, &e), &e);
}

/* Cards stand beside results, and alone where nothing was trained: a comparison over k. */
static void test_cards_are_compared_with_results_and_without(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer text = { 0 }, table = { 0 };
	char two[600], four[600];
	snprintf(two, sizeof two, "%s", scratch_path(state, "two"));
	snprintf(four, sizeof four, "%s", scratch_path(state, "four"));
	write_cards(two,
	            "{\"clusters\":2,\"objective\":0.75,\"balance\":{\"documents\":1.25,\"tokens\":2},"
	            "\"margin\":0.125}",
	            "{\"field\":\"domain\",\"nmi\":0.5,\"purity\":0.75,\"values\":[]}");
	write_cards(four, "{\"clusters\":4,\"objective\":0.5}", "{\"field\":\"source\",\"nmi\":0.625}");
	struct report_system three[] = { systems[0],
		                             { systems[1].name, systems[1].results_dir, two },
		                             { "k-4", NULL, four } };
	small_ok(report_make(three, 3, &text, &table, &e), &e);
	assert_non_null(strstr(table.data,
	                       "\n  objective                            -      0.7500      0.5000\n"
	                       "  largest / mean, documents            -        1.25           -\n"
	                       "  largest / mean, tokens               -        2.00           -\n"
	                       "  margin                               -       0.125           -\n"
	                       "  NMI with domain                      -       0.500           -\n"
	                       "  NMI with source                      -           -       0.625\n"));
	assert_non_null(strstr(table.data, "test perplexity"));
	assert_non_null(strstr(
		text.data, "\"cards\":{\"objective\":0.75,\"balance_documents\":1.25,\"balance_tokens\":2,"
				   "\"margin\":0.125,\"fields\":[{\"field\":\"domain\",\"nmi\":0.5,\"purity\":0.75,"
				   "\"homogeneity\":null,\"completeness\":null}]}"));
	assert_non_null(strstr(text.data, "{\"name\":\"k-4\",\"results\":null,\"cards\":{"));
	buffer_clear(&table);
	small_ok(report_make(three + 2, 1, NULL, &table, &e), &e);
	assert_non_null(strstr(table.data, "clusters                               4\n"));
	assert_null(strstr(table.data, "test perplexity"));
	buffer_free(&text);
	buffer_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cards_are_compared_with_results_and_without, make,
		                                forget),
		TEST(test_every_pair_of_few_systems_is_compared),
		TEST(test_many_systems_are_compared_with_the_first),
		TEST(test_only_documents_that_both_have_are_compared),
		TEST(test_the_file_holds_what_was_made),
		TEST(test_malformed_results_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
