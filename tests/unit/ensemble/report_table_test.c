/* SPDX-License-Identifier: MIT */
#include "ensemble/report_table.h"
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

static const char three_systems[] =
	"                                        dense          experts  random-clusters\n"
	"clusters                                    1                2                2\n"
	"seed tokens                             6.00M            6.00M            6.00M\n"
	"branch tokens, together                 2.00M            2.00M            2.00M\n"
	"branch tokens, each model               2.00M            1.00M       990K-1.01M\n"
	"updates, each model                       244              244          240-248\n"
	"passes, each model                       0.80        0.50-1.25                -\n"
	"parameters, each model                   430K             430K             430K\n"
	"test documents                              3                3                3\n"
	"test tokens                               300              300              300\n"
	"test perplexity\n"
	"  seed                                  97.50            97.50            97.50\n"
	"  one model                             80.25                -                -\n"
	"  routed, top-1                             -            79.25                -\n"
	"  routed, all experts                       -            77.75            94.00\n"
	"    all, T = 0.05                           -            77.75                -\n"
	"    all, T = 0.1                            -            78.50                -\n"
	"    all, T = 0.2                            -                -            94.00\n"
	"  uniform mixture                           -            90.12            91.00\n"
	"  posterior (bayes)                         -            79.00            92.00\n"
	"  own cluster (oracle)                      -            74.50            93.00\n"
	"chosen on valid\n"
	"  temperature                               -             0.05              0.2\n"
	"  experts used                              -                2                2\n"
	"  test perplexity                       80.25            77.75            94.00\n"
	"  bits per byte                        1.9000           1.5000           1.5000\n"
	"best on own cluster                         -           2 of 2           0 of 2\n"
	"\n"
	"experts: test perplexity of expert (row) on cluster (column), * = best\n"
	"                  0          1\n"
	"       0     *70.00     150.00\n"
	"       1     155.50     *77.12\n"
	"\n"
	"random-clusters: test perplexity of expert (row) on cluster (column), * = best\n"
	"                  0          1\n"
	"       0      90.00      95.00\n"
	"       1      90.00          -\n"
	"\n"
	"experts against dense: test perplexity -3.1 % [-4.9, -1.3], 3 documents\n";

static void assert_table(const struct report_view *v, size_t n, size_t pairs, const char *want)
{
	static const struct report_comparison compared[] = {
		{ "experts", "dense", { 0.969, 0.951, 0.9874, 3 } },
	};
	struct cbtm_error e = { 0 };
	struct buffer text = { 0 };
	small_ok(report_table(v, n, compared, pairs, &text, &e), &e);
	if (strcmp(text.data, want) != 0)
		fail_msg("got\n%s", text.data);
	buffer_free(&text);
}

static void test_systems_stand_side_by_side(void **state)
{
	(void)state;
	assert_table(views, SMALL_SYSTEMS, 1, three_systems);
}

/* What no system has is no row: one model has nothing to route. */
static void test_one_model_has_a_short_table(void **state)
{
	(void)state;
	assert_table(views, 1, 0,
	             "                                   dense\n"
	             "clusters                               1\n"
	             "seed tokens                        6.00M\n"
	             "branch tokens, together            2.00M\n"
	             "branch tokens, each model          2.00M\n"
	             "updates, each model                  244\n"
	             "passes, each model                  0.80\n"
	             "parameters, each model              430K\n"
	             "test documents                         3\n"
	             "test tokens                          300\n"
	             "test perplexity\n"
	             "  seed                             97.50\n"
	             "  one model                        80.25\n"
	             "chosen on valid\n"
	             "  test perplexity                  80.25\n"
	             "  bits per byte                   1.9000\n"
	             "\n");
}

static void test_many_systems_stand_in_groups_of_at_most_100_columns(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer text = { 0 };
	struct report_view many[8];
	size_t tables = 0;
	for (int i = 0; i < 8; i++)
		many[i] = views[i % 2];
	many[7].name = "a-name-of-a-system-that-is-longer-than-any-column-may-be";
	small_ok(report_table(many, 8, NULL, 0, &text, &e), &e);
	for (char *line = text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
		assert_in_range(end - line, 0, 100);
		assert_true(end == line || end[-1] != ' ');
		tables += strncmp(line, "clusters ", 9) == 0;
	}
	assert_int_equal(tables, 4); /* two columns of 36 beside the labels */
	buffer_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_systems_stand_side_by_side),
		cmocka_unit_test(test_one_model_has_a_short_table),
		cmocka_unit_test(test_many_systems_stand_in_groups_of_at_most_100_columns),
	};
	return cmocka_run_group_tests(tests, parse, forget);
}
