/* SPDX-License-Identifier: MIT */
#include "base/param.h"
#include "fake.h"
#include "pipeline/sources.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_equal_options_share_a_plan_and_its_digests(void **state)
{
	const char *path[2] = { scratch_path(state, "a.txt"), NULL };
	char a[4200];
	struct cbtm_error e = { 0 };
	struct arena *arena = arena_new(&e);
	struct config_source *list = NULL;
	struct stage_config one = { .stage = &fake_read }, two = one, three = one;
	struct stage_config *all[] = { &one, &two, &three };

	fake_pipeline(*state, NULL);
	snprintf(a, sizeof a, "%s", path[0]);
	path[0] = path[1] = a;
	for (int i = 0; i < 3; i++) {
		all[i]->options = arena_take(arena, fake_read.options_size, &e);
		assert_int_equal(param_defaults(fake_read.options, all[i]->options, arena, &e), 0);
		*(struct cbtm_texts *)all[i]->options = (struct cbtm_texts){ path, i == 2 ? 2 : 1 };
		assert_int_equal(sources_plan(&list, all[i], arena, &e), 0);
	}
	assert_ptr_equal(one.source, two.source);
	assert_ptr_not_equal(one.source, three.source);
	assert_int_equal(three.source->parts, 2);
	assert_int_equal(sources_digest(three.source, arena, &e), 0);
	assert_true(digest_equal(three.source->digest[0], digest_bytes("first\n", 6)));
	assert_true(digest_equal(three.source->digest[0], three.source->digest[1]));
	sources_free(list);
	arena_free(arena);
}

static void test_the_key_of_the_files_is_found_in_the_table(void **state)
{
	(void)state;
	assert_string_equal(sources_key(&fake_read), "input");
	assert_null(sources_key(&fake_make));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_equal_options_share_a_plan_and_its_digests,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_the_key_of_the_files_is_found_in_the_table,
		                                scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
