/* SPDX-License-Identifier: MIT */
#include "ensemble/report_view.h"
#include "ensemble/small.h"
#include "ensemble/small_results.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct json_parser *parsers[SMALL_SYSTEMS];
static struct report_view views[SMALL_SYSTEMS];

static int parse(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	for (int i = 0; i < SMALL_SYSTEMS; i++) {
		parsers[i] = json_parser_new(&e);
		views[i].name = small_result_names[i];
		small_ok(json_parse(parsers[i], small_results[i], strlen(small_results[i]), "small",
		                    &views[i].root, &e),
		         &e);
	}
	return 0;
}

static int forget(void **state)
{
	(void)state;
	for (int i = 0; i < SMALL_SYSTEMS; i++)
		json_parser_free(parsers[i]);
	return 0;
}

static double perplexity(const struct report_view *v, const char *mode, size_t top_k, double t)
{
	struct json mixture, test;
	if (!view_mixture(v, mode, top_k, t, &mixture) || !json_member(mixture, "test", &test))
		return -1;
	return view_number(test, "perplexity");
}

static void test_mixtures_are_found_by_what_they_are(void **state)
{
	(void)state;
	const struct report_view *dense = &views[0], *experts = &views[1];
	assert_true(perplexity(dense, NULL, 0, 0) == 80.25);
	assert_true(perplexity(dense, "expert", 0, 0) == 80.25);
	assert_true(perplexity(dense, "context", 0, 0) == -1);
	assert_true(perplexity(dense, "uniform", 0, 0) == -1);
	assert_true(perplexity(experts, NULL, 0, 0) == 77.75);
	assert_true(perplexity(experts, "expert", 0, 0) == -1);
	assert_true(perplexity(experts, "seed", 0, 0) == 97.5);
	assert_true(perplexity(experts, "context", 1, 0) == 79.25);
	assert_true(perplexity(experts, "context", 0, 0) == 77.75);
	assert_true(perplexity(experts, "context", 2, 0.1) == 78.5);
	assert_true(perplexity(experts, "context", 0, 0.1) == 78.5);
	assert_true(perplexity(experts, "context", 3, 0) == -1);
}

static void test_missing_numbers_are_not_numbers(void **state)
{
	(void)state;
	double least, most, sum;
	assert_true(isnan(view_number(views[0].root, "nothing")));
	assert_true(isnan(view_number(views[0].root, "window")));
	assert_true(view_experts(&views[2], "tokens", &least, &most, &sum));
	assert_true(least == 990000 && most == 1010000 && sum == 2000000);
	assert_false(view_experts(&views[2], "passes", &least, &most, &sum));
}

static void test_values_of_all_systems_ascend_once_each(void **state)
{
	(void)state;
	double values[4];
	assert_int_equal(view_values(views, SMALL_SYSTEMS, "temperature", values, 4), 3);
	assert_true(values[0] == 0.05 && values[1] == 0.1 && values[2] == 0.2);
	assert_int_equal(view_values(views, SMALL_SYSTEMS, "temperature", values, 2), 2);
	assert_int_equal(view_values(views, SMALL_SYSTEMS, "top_k", values, 4), 1);
	assert_true(values[0] == 1);
}

static void test_cards_are_looked_up_where_there_are_any(void **state)
{
	(void)state;
	static const char cards[] =
		"{\"summary\":{\"objective\":0.5,\"balance\":{\"tokens\":2}},\"fields\":["
		"{\"field\":\"domain\",\"nmi\":0.25},{\"field\":\"source\",\"nmi\":null}]}";
	struct cbtm_error e = { 0 };
	struct json_parser *parser = json_parser_new(&e);
	struct report_view v = views[0];
	const char *name;
	size_t n;
	assert_true(view_is_evaluated(&v));
	assert_true(isnan(view_summary(&v, "objective")) && isnan(view_field(&v, "domain", "nmi")));
	assert_false(view_field_name(&v, 0, &name, &n));
	small_ok(json_parse(parser, cards, strlen(cards), "cards", &v.cards, &e), &e);
	assert_true(view_summary(&v, "objective") == 0.5 && view_summary(&v, "balance.tokens") == 2);
	assert_true(isnan(view_summary(&v, "balance.documents")) && isnan(view_summary(&v, "no.such")));
	assert_true(view_field_name(&v, 1, &name, &n) && n == 6 && !memcmp(name, "source", n));
	assert_false(view_field_name(&v, 2, &name, &n));
	assert_true(view_field(&v, "domain", "nmi") == 0.25);
	assert_true(isnan(view_field(&v, "source", "nmi")) && isnan(view_field(&v, "doma", "nmi")));
	json_parser_free(parser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mixtures_are_found_by_what_they_are),
		cmocka_unit_test(test_missing_numbers_are_not_numbers),
		cmocka_unit_test(test_values_of_all_systems_ascend_once_each),
		cmocka_unit_test(test_cards_are_looked_up_where_there_are_any),
	};
	return cmocka_run_group_tests(tests, parse, forget);
}
