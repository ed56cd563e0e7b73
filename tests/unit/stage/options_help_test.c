/* SPDX-License-Identifier: MIT */
#include "stage/options.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct cbtm_param table[] = {
	{ "input", CBTM_PARAM_TEXTS, 0, NULL, 0, 0, NULL,
	  "files to read, plain or compressed, and so many words that this line has to be continued on "
	  "the next one",
	  CBTM_PARAM_REQUIRED | CBTM_PARAM_PATH, 0 },
	{ "assign", CBTM_PARAM_CHOICE, 0, "nearest", 0, 0, "nearest|priced", "how to assign", 0, 0 },
	{ "cache", CBTM_PARAM_BOOL, 0, "true", 0, 0, NULL, "use no cache", 0, 0 },
	CBTM_PARAM_END
};

static void test_rows_are_aligned_wrapped_and_show_defaults(void **state)
{
	struct option_group group = { "Options", table, NULL, 0 };
	struct buffer out = { 0 };
	struct cbtm_error e = { 0 };

	(void)state;
	assert_int_equal(options_help(&group, 1, &out, &e), 0);
	assert_string_equal(
		out.data, "Options:\n"
				  "  --input PATH...             files to read, plain or compressed, and so many\n"
				  "                              words that this line has to be continued on the\n"
				  "                              next one (required)\n"
				  "  --assign nearest|priced     how to assign (nearest)\n"
				  "  --no-cache                  use no cache\n");
	buffer_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_aligned_wrapped_and_show_defaults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
