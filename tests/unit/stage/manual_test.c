/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage/manual.h"
#include <string.h>

static const struct cbtm_param table[] = {
	{ .name = "seed.tokens",
	  .type = CBTM_PARAM_COUNT,
	  .default_text = "6M",
	  .min = 1,
	  .max = 1e15,
	  .help = "tokens of the seed|phase" },
	{ .name = "text", .type = CBTM_PARAM_TEXT, .help = ".field", .flags = CBTM_PARAM_REQUIRED },
	CBTM_PARAM_END,
};
static const struct manual_section section = { "train", "Trains a seed", table };
static const struct manual_page page = {
	"cbtm-train", "Trains experts", "", &section, 1, "cbtm-train --text x",
};

static void assert_holds(const struct buffer *b, const char *text)
{
	if (b->data == NULL || strstr(b->data, text) == NULL)
		fail_msg("\"%s\" is not in:\n%s", text, b->data ? b->data : "");
}

static void test_reference_has_a_row_for_each_key(void **state)
{
	struct buffer b = { 0 };
	struct cbtm_error e = { 0 };
	(void)state;

	assert_int_equal(manual_reference(&section, &b, &e), 0);
	assert_holds(&b, "## train\nTrains a seed.\n");
	assert_holds(&b, "| `seed.tokens` | tokens of the seed\\|phase | a count");
	assert_holds(&b, " | 6M |\n");
	assert_holds(&b, "| `text` | .field | a text | must be given |\n");
	buffer_free(&b);
}

static void test_reference_says_that_there_are_no_keys(void **state)
{
	const struct manual_section none = { "cluster: random", NULL, NULL };
	struct buffer b = { 0 };
	struct cbtm_error e = { 0 };
	(void)state;

	assert_int_equal(manual_reference(&none, &b, &e), 0);
	assert_string_equal(b.data, "\n## cluster: random\nIt has no keys.\n");
	buffer_free(&b);
}

static void test_page_escapes_what_troff_would_read(void **state)
{
	struct buffer b = { 0 };
	struct cbtm_error e = { 0 };
	(void)state;

	assert_int_equal(manual_page(&page, "1.0", &b, &e), 0);
	assert_holds(&b, ".TH \"CBTM-TRAIN\" 1");
	assert_holds(&b, ".B \\-\\-seed\\-tokens\n");
	assert_holds(&b, "\n\\&.field\n");
	assert_holds(&b, ".SH EXAMPLE\n.nf\ncbtm\\-train \\-\\-text x\n.fi\n");
	buffer_free(&b);
}

static void test_completion_lists_every_option(void **state)
{
	struct buffer b = { 0 };
	struct cbtm_error e = { 0 };
	(void)state;

	assert_int_equal(manual_completion(&page, &b, &e), 0);
	assert_string_equal(b.data, "\t\"cbtm-train\") options=\"--help --seed-tokens --text\" ;;\n");
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference_has_a_row_for_each_key),
		cmocka_unit_test(test_reference_says_that_there_are_no_keys),
		cmocka_unit_test(test_page_escapes_what_troff_would_read),
		cmocka_unit_test(test_completion_lists_every_option),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
