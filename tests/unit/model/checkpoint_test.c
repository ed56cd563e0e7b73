/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "model/checkpoint.h"
#include "model/compute_help.h"
#include "model/training_help.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct program make_program(const struct model_config *c)
{
	struct cbtm_error e = { 0 };
	struct emit_how how = { .batch = 1, .length = 12 };
	struct program p = { .compute = test_compute("reference") };
	p.names = emit_model(c, &how, &e);
	p.state = test_compile(p.compute, NULL, p.names);
	p.list = list_finish(p.names, &e);
	return p;
}

static void test_a_model_of_another_shape_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct digest any = { 1, 1 };
	struct store_writer *w = NULL;
	struct store *s = NULL;
	struct model_config wider = test_config;
	wider.ffn = 24;
	char *folder = test_folder();
	struct program p = make_program(&test_config), q = make_program(&wider);
	assert_int_equal(store_create(folder, 0, store_kind_find("checkpoint"), any, &w, &e), 0);
	assert_int_equal(checkpoint_write(&p, CBTM_ROLE_PARAMETER, w, &e), 0);
	assert_int_equal(store_set_u64(w, "step", 12, &e), 0);
	assert_int_equal(store_seal(w, &e), 0);
	assert_int_equal(store_open(folder, 0, NULL, &s, &e), 0);
	assert_int_equal(checkpoint_read(&p, CBTM_ROLE_PARAMETER, s, &e), 0);
	assert_int_equal(checkpoint_read(&q, CBTM_ROLE_PARAMETER, s, &e), CBTM_ERR_BAD_STORE);
	assert_non_null(strstr(e.what, "layer.0.ffn.in.weight"));

	struct cbtm_error missing = { 0 };
	uint64_t v = 0;
	assert_int_equal(checkpoint_fact(s, "step", &v, &missing), 0);
	assert_int_equal(v, 12);
	assert_int_equal(checkpoint_fact(s, "eod", &v, &missing), CBTM_ERR_BAD_STORE);
	store_close(s);
	program_close(&p);
	program_close(&q);
	struct cbtm_error f = { 0 };
	folder_remove(folder, &f);
	free(folder);
}

/* Facts of a checkpoint; where its best and its last parameters are ("-": nowhere). */
static void test_the_best_and_the_last_are_found_or_it_is_said_why_not(void **state)
{
	(void)state;
	static const struct {
		uint64_t step, best, last;
		const char *beside, *of_best, *of_last;
	} all[] = {
		{ 9, 5, 9, "best", "best.", "" }, { 5, 5, 9, "last", "", "last." },
		{ 9, 9, 9, "", "", "" },          { 9, 5, 9, "", "-", "" },
		{ 5, 5, 9, "", "", "-" },         { 9, 0, 9, "", "-", "" },
	};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct cbtm_error e = { 0 };
		struct store_writer *w = NULL;
		struct store *s = NULL;
		char *folder = test_folder();
		const char *prefix;
		uint64_t step;
		store_create(folder, 0, store_kind_find("checkpoint"), (struct digest){ 1, 1 }, &w, &e);
		store_set_u64(w, "step", all[i].step, &e);
		store_set_u64(w, "last_step", all[i].last, &e);
		if (all[i].best)
			store_set_u64(w, "best_step", all[i].best, &e);
		if (*all[i].beside)
			store_set_text(w, "beside", all[i].beside, &e);
		store_seal(w, &e);
		assert_int_equal(store_open(folder, 0, NULL, &s, &e), 0);
		assert_int_equal(checkpoint_which(s, WHICH_USED, &prefix, &step, &e), 0);
		assert_true(step == all[i].step && !*prefix);
		for (int which = WHICH_BEST; which <= WHICH_LAST; which++) {
			const char *expected = which == WHICH_BEST ? all[i].of_best : all[i].of_last;
			struct cbtm_error f = { 0 };
			if (*expected == '-') {
				assert_int_equal(checkpoint_which(s, (enum which)which, &prefix, &step, &f),
				                 CBTM_ERR_BAD_DATA);
				assert_non_null(strstr(f.hint, "train.keep: both"));
				continue;
			}
			assert_int_equal(checkpoint_which(s, (enum which)which, &prefix, &step, &f), 0);
			assert_string_equal(prefix, expected);
			assert_int_equal(step, which == WHICH_BEST ? all[i].best : all[i].last);
		}
		store_close(s);
		folder_remove(folder, &e);
		free(folder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_model_of_another_shape_is_refused),
		cmocka_unit_test(test_the_best_and_the_last_are_found_or_it_is_said_why_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
