/* SPDX-License-Identifier: MIT */
/* Resume checkpoints; model/checkpoint.h's reading and writing is under them. */
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "model/compute_help.h"
#include "model/resume.h"
#include "model/training_help.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct run_owner mine = { { 1, 1 }, "{\"steps\":40,\"lr\":0.1}", 0, 40, false },
							  another = { { 2, 2 }, "{\"steps\":40,\"lr\":0.2}", 0, 40, false };

/* Written and sealed, as a thread does it while training goes on. */
static void save_state(struct program *p, const struct run_owner *owner, struct run_state *s)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	uint64_t bytes = 0;
	double whole = 1;
	char *to = resume_path(folder, s->step, &e);
	if (resume_write(to, owner, p, s, 0, &w, &whole, &e) || resume_seal(to, w, &bytes, &e) ||
	    resume_keep(folder, &e))
		fail_msg("%s: %s", e.where, e.what);
	assert_true(whole == 0 && bytes > 3 * 4 * 1000);
	free(to);
	run_state_free(s);
}

static void save(struct program *p, uint64_t step)
{
	struct cbtm_error e = { 0 };
	struct run_state s = { .step = step, .last = { step, 7, 2.5, 0.1, 0.5, 0 } };
	history_add(&s.history, (struct curve_point){ .step = step }, &e);
	watch_add(&s.watch, (double)step, 2, 5);
	test_fill(p, (float)step);
	save_state(p, &mine, &s);
}

static uint64_t load(struct program *p, struct run_owner owner)
{
	struct cbtm_error e = { 0 };
	struct run_state s = { 0 };
	if (resume_load(folder, &owner, p, &s, &e))
		fail_msg("%s: %s", e.where, e.what);
	uint64_t step = s.step;
	assert_int_equal(s.history.curves, step ? 1 : 0);
	assert_true(!step || (s.last.step == step && s.last.tokens == 7 && s.last.loss == 2.5));
	assert_true(s.watch.calms == (step ? 1 : 0) && s.watch.calm[0] == (double)step);
	run_state_free(&s);
	return step;
}

static char *path(const char *name)
{
	static char p[4200];
	snprintf(p, sizeof p, "%s/%s", folder, name);
	return p;
}

static void test_parameters_and_moments_come_back(void **state)
{
	(void)state;
	struct program p = test_program();
	save(&p, 7);
	test_fill(&p, 0);
	assert_int_equal(load(&p, mine), 7);
	assert_true(test_value(&p, "token", 0) == 7 && test_value(&p, "norm.gain.v", 0) == 7);
	program_close(&p);
}

static void test_the_last_two_are_kept(void **state)
{
	(void)state;
	struct program p = test_program();
	save(&p, 9);
	save(&p, 10);
	save(&p, 11);
	assert_false(file_exists(path("resume-000000000009")));
	assert_true(file_exists(path("resume-000000000010")));
	assert_int_equal(load(&p, mine), 11);
	program_close(&p);
}

static void test_an_unfinished_one_gives_way_to_the_one_before(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct program p = test_program();
	save(&p, 5);
	save(&p, 6);
	assert_int_equal(folder_remove(path("resume-000000000006/part-00000.json"), &e), 0);
	assert_int_equal(load(&p, mine), 5);
	assert_true(test_value(&p, "token", 0) == 5);
	program_close(&p);
}

static void test_a_damaged_one_gives_way_with_a_warning(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer log = { 0 };
	struct program p = test_program();
	save(&p, 5);
	save(&p, 6);
	FILE *f = fopen(path("resume-000000000006/part-00000.lmdb"), "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, 20000, SEEK_SET), 0);
	fputc(fgetc(f) ^ 1, f);
	fclose(f);
	assert_int_equal(log_open("test", path("log.jsonl"), LOG_WARNING, false, &e), 0);
	assert_int_equal(load(&p, mine), 5);
	log_close();
	assert_true(test_value(&p, "token", 0) == 5);
	assert_int_equal(file_read(path("log.jsonl"), 1 << 20, &log, &e), 0);
	assert_non_null(strstr(log.data, "\"level\":\"warning\""));
	assert_non_null(strstr(log.data, "resume-000000000006 is discarded"));
	buffer_free(&log);
	program_close(&p);
}

static void test_one_that_takes_too_long_is_given_up(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct program p = test_program();
	struct run_state at = { .step = 3 };
	struct store_writer *w = NULL;
	double whole = 0;
	save(&p, 2);
	assert_int_equal(
		resume_write(path("resume-000000000003"), &mine, &p, &at, 1e-9, &w, &whole, &e), 0);
	assert_null(w);
	assert_true(whole > 0);
	assert_false(file_exists(path("resume-000000000003")));
	assert_int_equal(load(&p, mine), 2);
	program_close(&p);
}

static void test_another_configurations_is_refused_with_both_values(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct run_state s = { 0 };
	struct program p = test_program();
	save(&p, 5);
	assert_int_equal(resume_load(folder, &another, &p, &s, &e), CBTM_ERR_CONFIG);
	assert_non_null(strstr(e.what, "lr: 0.1 there, 0.2 here"));
	assert_null(strstr(e.what, "steps"));
	assert_true(file_exists(path("resume-000000000005")));
	program_close(&p);
}

static void test_a_longer_run_takes_what_is_the_same_in_both(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct run_state s = { 0 };
	const char *shorter = "{\"steps\":40,\"cooldown\":10,\"schedule\":\"constant\"}";
	const char *longer = "{\"steps\":80,\"cooldown\":20,\"schedule\":\"constant\"}";
	struct run_owner from = { { 1, 1 }, shorter, 30, 40, false };
	struct run_owner to = { { 2, 2 }, longer, 60, 80, false };
	struct program p = test_program();
	for (uint64_t step = 30; step <= 31; step++) {
		struct run_state at = { .step = step };
		save_state(&p, &from, &at);
	}
	assert_int_equal(resume_load_at(path("resume-000000000030"), &to, &p, &s, &e), 0);
	assert_int_equal(s.step, 30);
	run_state_free(&s);
	assert_int_equal(resume_load_at(path("resume-000000000031"), &to, &p, &s, &e),
	                 CBTM_ERR_CONFIG); /* cooled down for a step */
	program_close(&p);
}

static void test_a_run_that_ends_elsewhere_takes_what_both_do(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	const char *whole = "{\"steps\":40,\"schedule\":\"linear\"}";
	const char *cut = "{\"steps\":40,\"schedule\":\"linear\",\"end\":30}";
	struct run_owner from = { { 1, 1 }, whole, 0, 40, false }, to = { { 2, 2 }, cut, 0, 30, false };
	struct program p = test_program();
	for (uint64_t step = 30; step <= 31; step++) {
		struct run_state at = { .step = step }, s = { 0 };
		save_state(&p, &from, &at);
		assert_int_equal(resume_load(folder, &to, &p, &s, &e), step > 30 ? CBTM_ERR_CONFIG : 0);
		run_state_free(&s);
	}
	program_close(&p);
}

static void test_a_state_without_the_best_is_none_for_who_wants_them(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct run_state at = { .step = 20 }, s = { 0 };
	struct run_owner to = mine;
	struct program p = test_program();
	history_add_valid(&at.history, (struct valid_point){ 10, 2 }, &e);
	save_state(&p, &mine, &at);
	to.best = true;
	assert_int_equal(resume_load(folder, &to, &p, &s, &e), CBTM_ERR_CONFIG);
	assert_non_null(strstr(e.hint, "train.keep"));
	e = (struct cbtm_error){ 0 };
	at = (struct run_state){ .step = 21 };
	history_add_valid(&at.history, (struct valid_point){ 10, 2 }, &e);
	best_note(&at.best, &p, &at.history.valid[0], false, &e);
	save_state(&p, &to, &at);
	assert_int_equal(resume_load(folder, &to, &p, &s, &e), 0);
	assert_true(s.best.v && s.best.step == 10);
	run_state_free(&s);
	assert_int_equal(resume_load(folder, &mine, &p, &s, &e),
	                 0); /* no memory for what is not wanted */
	assert_true(!s.best.v && !s.best.known);
	run_state_free(&s);
	program_close(&p);
}

static void test_all_go_in_the_end(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct program p = test_program();
	save(&p, 5);
	assert_int_equal(resume_remove(folder, &e), 0);
	assert_false(file_exists(path("resume-000000000005")));
	assert_int_equal(load(&p, mine), 0);
	program_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_parameters_and_moments_come_back, test_folder_make,
		                                test_folder_remove),
		cmocka_unit_test_setup_teardown(test_the_last_two_are_kept, test_folder_make,
		                                test_folder_remove),
		cmocka_unit_test_setup_teardown(test_an_unfinished_one_gives_way_to_the_one_before,
		                                test_folder_make, test_folder_remove),
		cmocka_unit_test_setup_teardown(test_a_damaged_one_gives_way_with_a_warning,
		                                test_folder_make, test_folder_remove),
		cmocka_unit_test_setup_teardown(test_one_that_takes_too_long_is_given_up, test_folder_make,
		                                test_folder_remove),
		cmocka_unit_test_setup_teardown(test_another_configurations_is_refused_with_both_values,
		                                test_folder_make, test_folder_remove),
		cmocka_unit_test_setup_teardown(test_a_longer_run_takes_what_is_the_same_in_both,
		                                test_folder_make, test_folder_remove),
		cmocka_unit_test_setup_teardown(test_a_run_that_ends_elsewhere_takes_what_both_do,
		                                test_folder_make, test_folder_remove),
		cmocka_unit_test_setup_teardown(test_a_state_without_the_best_is_none_for_who_wants_them,
		                                test_folder_make, test_folder_remove),
		cmocka_unit_test_setup_teardown(test_all_go_in_the_end, test_folder_make,
		                                test_folder_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
