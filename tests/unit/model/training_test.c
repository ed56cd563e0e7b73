/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/signals.h"
#include "model/compute_help.h"
#include "model/history.h"
#include "model/training.h"
#include "model/training_help.h"
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char path_buffer[8][4200];

static const char *in_folder(const char *name)
{
	static unsigned next;
	char *p = path_buffer[next++ % 8];
	/* Each run in a folder of its own: what lies beside one may be taken over. */
	size_t n = strcspn(name, "/");
	snprintf(p, sizeof path_buffer[0], "%s/%.*s/run%s", folder, (int)n, name, name + n);
	return p;
}

static int set_up(void **state)
{
	test_folder_make(state);
	test_sequences(in_folder("sequences"), 50, 12, 1);
	return 0;
}

static void read_losses(const char *dir, double *first, double *last, double *valid)
{
	struct cbtm_error e = { 0 };
	struct store *s = NULL;
	struct store_reader *r = NULL;
	assert_int_equal(store_open(dir, 0, NULL, &s, &e), 0);
	uint64_t n = store_row_count(s, "curve.loss");
	assert_int_equal(n, 8); /* steps 4, 8 ... 28 and 30 */
	assert_int_equal(store_reader_open(s, "curve.loss", &r, &e), 0);
	store_read_rows(r, 0, 1, first, &e);
	store_read_rows(r, n - 1, 1, last, &e);
	store_reader_close(r);
	assert_int_equal(store_row_count(s, "valid.loss"), 3);
	assert_int_equal(store_reader_open(s, "valid.loss", &r, &e), 0);
	assert_int_equal(store_read_rows(r, 2, 1, valid, &e), 0);
	store_reader_close(r);
	store_close(s);
}

static void test_a_model_learns(void **state)
{
	(void)state;
	double first, last, valid;
	struct training t = test_training();
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("a")), CBTM_OK);
	read_losses(in_folder("a"), &first, &last, &valid);
	assert_true(first > 3 && last < first - 0.4);
	assert_true(fabs(valid - last) < 0.6);
}

static void test_threads_change_no_byte_of_a_checkpoint(void **state)
{
	(void)state;
	char a[64], b[64];
	struct training t = test_training();
	test_threads(1);
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("one")), CBTM_OK);
	test_threads(2);
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("two")), CBTM_OK);
	test_threads(1);
	assert_string_equal(test_content(in_folder("one"), a), test_content(in_folder("two"), b));
}

/* A child in which a crash is a crash: cmocka's handlers would go on with the next test in it. */
static pid_t fork_child(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	pid_t child = fork();
	assert_true(child >= 0);
	for (size_t i = 0; !child && i < sizeof signals / sizeof signals[0]; i++)
		signal(signals[i], SIG_DFL);
	return child;
}

/* Runs the training in a child that is killed after a while; true if it came to its end. */
static bool train_and_kill(struct training t, useconds_t after, const char *dir)
{
	int status;
	pid_t child = fork_child();
	if (!child)
		_exit(test_train(t, in_folder("sequences"), NULL, dir) != CBTM_OK);
	usleep(after);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGKILL);
	else
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFEXITED(status);
}

static void check_kills(struct training t, const char *whole, const char *killed)
{
	char a[64], b[64], last[32];
	t.plan.steps = 200;
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder(whole)), CBTM_OK);
	t.checkpoint_every = 0; /* after each step: kills fall into writing and rotation too */
	for (useconds_t after = 20000; !train_and_kill(t, after, in_folder(killed)); after += 13000)
		;
	assert_string_equal(test_content(in_folder(whole), a), test_content(in_folder(killed), b));
	snprintf(last, sizeof last, "%s/resume-000000000199", killed);
	assert_false(file_exists(in_folder(last)));
}

static struct training mixture_training(void)
{
	struct training t = test_training();
	t.config.moe = (struct moe_config){ 4, 2, 2 };
	t.capacity_factor = 1.25;
	t.balance_loss = 0.01;
	return t;
}

static void test_resume_after_kill_is_bit_identical(void **state)
{
	(void)state;
	check_kills(test_training(), "whole", "killed");
}

static void test_a_mixture_resumes_bit_identical_too(void **state)
{
	(void)state;
	check_kills(mixture_training(), "whole-mixture", "killed-mixture");
}

/* Nor do threads, with experts or without. */
static void test_checkpointing_changes_no_byte_of_a_checkpoint(void **state)
{
	(void)state;
	for (int mixed = 0; mixed < 2; mixed++) {
		char a[64], b[64], name[2][16];
		struct training t = mixed ? mixture_training() : test_training();
		snprintf(name[0], sizeof name[0], "kept-%d", mixed);
		snprintf(name[1], sizeof name[1], "again-%d", mixed);
		test_threads(1);
		assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder(name[0])), CBTM_OK);
		test_threads(2);
		t.checkpointing = true;
		assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder(name[1])), CBTM_OK);
		test_threads(1);
		assert_string_equal(test_content(in_folder(name[0]), a),
		                    test_content(in_folder(name[1]), b));
	}
}

static void test_a_stop_leaves_a_checkpoint_to_go_on_from(void **state)
{
	(void)state;
	char a[64], b[64];
	int status;
	struct training t = test_training();
	pid_t child = fork_child();
	if (!child) {
		signals_install();
		raise(SIGTERM);
		_exit(test_train(t, in_folder("sequences"), NULL, in_folder("stopped")) == CBTM_ERR_STOPPED
		          ? 42
		          : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 42);
	assert_true(file_exists(in_folder("stopped/resume-000000000001")));
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("stopped")), CBTM_OK);
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("unstopped")), CBTM_OK);
	assert_string_equal(test_content(in_folder("stopped"), a),
	                    test_content(in_folder("unstopped"), b));
}

static void test_an_expert_starts_from_the_seed(void **state)
{
	(void)state;
	double first, last, valid;
	struct training t = test_training();
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("seed")), CBTM_OK);
	t.plan = (struct schedule_plan){ .steps = 30, .batch = 6, .lr = 1e-9 };
	assert_int_equal(test_train(t, in_folder("sequences"), in_folder("seed"), in_folder("expert")),
	                 CBTM_OK);
	read_losses(in_folder("expert"), &first, &last, &valid);
	assert_true(first < 3.2);
}

static void test_a_loss_that_is_not_finite_stops_and_keeps_the_checkpoint(void **state)
{
	(void)state;
	struct training t = test_training();
	t.plan.lr = 1e30;
	t.plan.warmup = 0;
	t.clip = 0;
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("wild")),
	                 CBTM_ERR_NOT_FINITE);
	assert_true(file_exists(in_folder("wild/resume-000000000001")));
	assert_false(file_exists(in_folder("wild/DATASET.json")));
}

static void test_a_loss_that_explodes_stops_the_run(void **state)
{
	(void)state;
	struct training t = test_training();
	t.explode_factor = 0.5; /* so that any loss is too high, once there is a median */
	t.explode_steps = 3;
	t.checkpoint_every = 0;
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("explodes")),
	                 CBTM_ERR_DIVERGED);
	assert_true(file_exists(in_folder("explodes/resume-000000000016"))); /* before the first */
	assert_false(file_exists(in_folder("explodes/resume-000000000017")));
	/* It does so again; a person may let it go on. */
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("explodes")),
	                 CBTM_ERR_DIVERGED);
	t.checkpoint_every = 1000; /* nothing was kept: what the first high loss leaves */
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("later")),
	                 CBTM_ERR_DIVERGED);
	assert_true(file_exists(in_folder("later/resume-000000000017")));
	t.explode_factor = 0;
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("explodes")), CBTM_OK);
}

/* ---------------------------------------------------------------- longer runs */

static struct training constant_run(uint64_t steps, uint64_t cooldown)
{
	struct training t = test_training();
	t.plan.steps = steps;
	t.plan.cooldown = cooldown;
	t.keep_stable = true;
	t.log_every = 3; /* the short run's last step, 40, is on no such border; so is 75 not with 3 */
	t.valid_every = 9;
	return t;
}

/* Trains with a log of its own; the first step that it names, 0: none. */
static uint64_t first_trained(struct training t, const char *dir)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	const char *log = in_folder("sequences/log.jsonl"), *at;
	uint64_t step = 0;
	unlink(log);
	assert_int_equal(log_open("test", log, LOG_ERROR, false, &e), 0);
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, dir), CBTM_OK);
	log_close();
	assert_int_equal(file_read(log, 1 << 20, &b, &e), 0);
	at = b.data ? strstr(b.data, "\"step\":") : NULL;
	if (at)
		step = strtoull(at + strlen("\"step\":"), NULL, 10);
	buffer_free(&b);
	return step;
}

static void check_longer(uint64_t cooldown, const char *name)
{
	char beside[64], longer[64], again[64], a[64], b[64];
	snprintf(beside, sizeof beside, "%s/short", name);
	snprintf(longer, sizeof longer, "%s/long", name);
	snprintf(again, sizeof again, "%s-whole", name);
	assert_int_equal(first_trained(constant_run(40, cooldown), in_folder(beside)), 3);
	uint64_t first = first_trained(constant_run(75, cooldown), in_folder(longer));
	assert_int_equal(first, 3 * ((40 - cooldown) / 3 + 1));
	first_trained(constant_run(75, cooldown), in_folder(again));
	assert_string_equal(test_content(in_folder(longer), a), test_content(in_folder(again), b));
}

static void test_a_longer_run_trains_only_what_is_more(void **state)
{
	(void)state;
	check_longer(10, "cooled"); /* from step 30 on */
	check_longer(0, "constant");
}

static void test_a_falling_rate_begins_anew(void **state)
{
	(void)state;
	struct training t = constant_run(40, 0);
	t.plan.schedule = SCHEDULE_LINEAR;
	first_trained(t, in_folder("falling/short"));
	t.plan.steps = 75;
	assert_int_equal(first_trained(t, in_folder("falling/long")), 3);
}

static void test_the_same_run_is_taken_over(void **state)
{
	(void)state;
	char a[64], b[64];
	struct training t = test_training();
	t.log_every = 3;
	assert_int_equal(first_trained(t, in_folder("same/one")), 3);
	assert_int_equal(first_trained(t, in_folder("same/two")), 0); /* not a step */
	assert_string_equal(test_content(in_folder("same/one"), a),
	                    test_content(in_folder("same/two"), b));
	t.beta2 = 0.951;
	assert_int_equal(first_trained(t, in_folder("same/three")), 3);
}

/* The facts and the least validation loss of what a run published. */
static uint64_t published_step(const char *dir, uint64_t *best)
{
	struct cbtm_error e = { 0 };
	struct store *s = NULL;
	struct history h = { 0 };
	uint64_t step = 0;
	double least = INFINITY;
	assert_int_equal(store_open(dir, 0, NULL, &s, &e), 0);
	assert_int_equal(history_read(&h, s, &e), 0);
	for (size_t i = 0; i < h.valids; i++)
		if (h.valid[i].loss < least) {
			least = h.valid[i].loss;
			*best = h.valid[i].step;
		}
	store_get_u64(s, "step", &step);
	history_free(&h);
	store_close(s);
	return step;
}

/* 50 sequences, 14 times: the best is not the last. */
static struct training overfitted(void)
{
	struct training t = test_training();
	t.plan.steps = 120;
	t.plan.lr = 0.05;
	t.dropout = t.attention_dropout = t.embedding_dropout = 0;
	t.log_every = 3;
	return t;
}

static void test_the_best_parameters_are_published_if_asked_for(void **state)
{
	(void)state;
	char a[64], b[64];
	uint64_t best = 0;
	struct training t = overfitted(), at;
	t.use_best = true;
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("best")), CBTM_OK);
	uint64_t step = published_step(in_folder("best"), &best);
	assert_int_equal(step, best);
	assert_in_range(best, 1, 119);
	/* They are those that a run of so many steps ends with. */
	at = t;
	at.plan.steps = best;
	at.use_best = false;
	assert_int_equal(test_train(at, in_folder("sequences"), NULL, in_folder("at-best")), CBTM_OK);
	assert_string_equal(test_column(in_folder("best"), "token", a),
	                    test_column(in_folder("at-best"), "token", b));
	/* Killed behind the best one, it is still known. */
	t.checkpoint_every = 0;
	for (useconds_t after = 30000; !train_and_kill(t, after, in_folder("best-killed"));
	     after += 40000)
		;
	assert_string_equal(test_content(in_folder("best"), a),
	                    test_content(in_folder("best-killed"), b));
}

static bool has_column(const char *dir, const char *column)
{
	struct cbtm_error e = { 0 };
	struct store *s = NULL;
	struct store_column_info info;
	assert_int_equal(store_open(dir, 0, NULL, &s, &e), 0);
	bool has = store_column_find(s, column, &info);
	store_close(s);
	return has;
}

static void first_numbers(const char *dir, const char *column, float v[8])
{
	struct cbtm_error e = { 0 };
	struct store *s = NULL;
	struct store_reader *r = NULL;
	if (store_open(dir, 0, NULL, &s, &e) || store_reader_open(s, column, &r, &e) ||
	    store_read_rows(r, 0, 1, v, &e))
		fail_msg("%s: %s: %s", dir, column, e.what);
	store_reader_close(r);
	store_close(s);
}

/* The first row of a column of one run is that of another's. */
static void assert_same(const char *dir, const char *column, const char *there, const char *other)
{
	float a[8] = { 0 }, b[8] = { 0 };
	first_numbers(dir, column, a);
	first_numbers(there, other, b);
	assert_memory_equal(a, b, sizeof a);
}

static void test_the_best_and_the_last_are_kept_and_either_is_used_without_training(void **state)
{
	(void)state;
	char a[64], b[64];
	struct training last = overfitted(), best = last;
	last.keep_both = best.keep_both = true;
	best.use_best = true;
	assert_int_equal(first_trained(last, in_folder("both-last/one")), 3);
	assert_int_equal(first_trained(best, in_folder("both-best/one")), 3);
	assert_same(in_folder("both-last/one"), "token", in_folder("both-best/one"), "last.token");
	assert_same(in_folder("both-last/one"), "best.norm.gain", in_folder("both-best/one"),
	            "norm.gain");
	/* The other way round there is no step, and the same result. */
	assert_int_equal(first_trained(best, in_folder("both-last/two")), 0);
	assert_string_equal(test_content(in_folder("both-best/one"), a),
	                    test_content(in_folder("both-last/two"), b));
	assert_int_equal(first_trained(last, in_folder("both-best/two")), 0);
	assert_string_equal(test_content(in_folder("both-last/one"), a),
	                    test_content(in_folder("both-best/two"), b));
	/* Nor for those alone that are used, be it of both. */
	best.keep_both = last.keep_both = false;
	assert_int_equal(first_trained(best, in_folder("both-best/three")), 0);
	assert_false(has_column(in_folder("both-best/three"), "last.token"));
	assert_int_equal(first_trained(last, in_folder("both-best/four")), 0);
	assert_false(has_column(in_folder("both-best/four"), "best.token"));
	assert_same(in_folder("both-best/four"), "token", in_folder("both-best/one"), "last.token");
	/* Killed anywhere, both are there. */
	last.keep_both = true;
	last.checkpoint_every = 0;
	for (useconds_t after = 30000; !train_and_kill(last, after, in_folder("both-killed"));
	     after += 40000)
		;
	assert_string_equal(test_content(in_folder("both-last/one"), a),
	                    test_content(in_folder("both-killed"), b));
}

static void test_what_is_the_best_at_the_end_is_kept_once(void **state)
{
	(void)state;
	struct training t = test_training();
	t.keep_both = true;
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("once")), CBTM_OK);
	assert_false(has_column(in_folder("once"), "best.token"));
	struct cbtm_error e = { 0 };
	struct store *s = NULL;
	uint64_t best = 0, last = 0;
	assert_int_equal(store_open(in_folder("once"), 0, NULL, &s, &e), 0);
	assert_true(store_get_u64(s, "best_step", &best) && store_get_u64(s, "last_step", &last));
	assert_true(best == 30 && last == 30);
	store_close(s);
}

/* ---------------------------------------------------------------- a part of a schedule */

/* `cut` steps of 75 of a falling rate, or of a constant one that ends in a cooldown. */
static struct training part(enum schedule schedule, uint64_t cut)
{
	struct training t = constant_run(75, schedule == SCHEDULE_CONSTANT ? 30 : 0);
	t.plan.schedule = schedule;
	t.plan.cut = cut;
	t.keep_both = true;
	return t;
}

static void test_a_part_of_a_schedule_is_that_of_the_whole(void **state)
{
	(void)state;
	char a[64], b[64], c[64];
	static const enum schedule schedules[] = { SCHEDULE_LINEAR, SCHEDULE_COSINE,
		                                       SCHEDULE_CONSTANT };
	for (size_t i = 0; i < 3; i++) {
		char name[3][32];
		for (int k = 0; k < 3; k++)
			snprintf(name[k], sizeof name[k], "part-%zu-%d", i, k);
		char beside[2][64];
		snprintf(beside[0], sizeof beside[0], "%s/one", name[0]);
		snprintf(beside[1], sizeof beside[1], "%s/two", name[0]);
		/* Behind 50 steps, then 60, then all: each trains what is more, and is what it is alone. */
		assert_int_equal(first_trained(part(schedules[i], 50), in_folder(beside[0])), 3);
		test_column(in_folder(beside[0]), "token", a);
		assert_int_equal(first_trained(part(schedules[i], 60), in_folder(beside[1])), 51);
		assert_int_equal(first_trained(part(schedules[i], 60), in_folder(name[1])), 3);
		assert_string_equal(test_content(in_folder(beside[1]), b),
		                    test_content(in_folder(name[1]), c));
		assert_string_not_equal(a, test_column(in_folder(name[1]), "token", c));
		snprintf(beside[0], sizeof beside[0], "%s/whole", name[0]);
		assert_int_equal(first_trained(part(schedules[i], 0), in_folder(beside[0])), 63);
		assert_int_equal(first_trained(part(schedules[i], 0), in_folder(name[2])), 3);
		assert_string_equal(test_content(in_folder(beside[0]), b),
		                    test_content(in_folder(name[2]), c));
	}
}

static void test_a_point_that_was_kept_needs_no_step(void **state)
{
	(void)state;
	char a[64], b[64];
	const uint64_t tokens[] = { 20 * 6 * 12, 50 * 6 * 12 };
	struct cbtm_counts keep = { tokens, 2 };
	struct training t = part(SCHEDULE_LINEAR, 0);
	t.keep_tokens = &keep;
	assert_int_equal(first_trained(t, in_folder("kept/whole")), 3);
	/* 50 is on no border of the log: its point is said, and was not trained. */
	assert_int_equal(first_trained(part(SCHEDULE_LINEAR, 50), in_folder("kept/part")), 50);
	assert_int_equal(first_trained(part(SCHEDULE_LINEAR, 50), in_folder("part-alone")), 3);
	assert_string_equal(test_content(in_folder("kept/part"), a),
	                    test_content(in_folder("part-alone"), b));
	/* What lies between is trained from the point before. */
	assert_int_equal(first_trained(part(SCHEDULE_LINEAR, 40), in_folder("kept/between")), 21);
	t = part(SCHEDULE_LINEAR, 50);
	t.checkpoint_every = 0;
	for (useconds_t after = 30000; !train_and_kill(t, after, in_folder("part-killed"));
	     after += 40000)
		;
	assert_string_equal(test_content(in_folder("part-alone"), a),
	                    test_content(in_folder("part-killed"), b));
}

static void test_other_settings_are_refused_by_name(void **state)
{
	(void)state;
	struct training t = test_training();
	t.plan.lr = 1e30;
	t.plan.warmup = 0;
	t.clip = 0;
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("other")),
	                 CBTM_ERR_NOT_FINITE);
	t.plan.lr = 1e-3;
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("other")),
	                 CBTM_ERR_CONFIG);
}

static void test_a_foreign_token_is_refused(void **state)
{
	(void)state;
	struct training t = test_training();
	t.config.vocabulary = 30;
	assert_int_equal(test_train(t, in_folder("sequences"), NULL, in_folder("foreign")),
	                 CBTM_ERR_BAD_DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_model_learns),
		cmocka_unit_test(test_threads_change_no_byte_of_a_checkpoint),
		cmocka_unit_test(test_resume_after_kill_is_bit_identical),
		cmocka_unit_test(test_a_mixture_resumes_bit_identical_too),
		cmocka_unit_test(test_checkpointing_changes_no_byte_of_a_checkpoint),
		cmocka_unit_test(test_a_stop_leaves_a_checkpoint_to_go_on_from),
		cmocka_unit_test(test_an_expert_starts_from_the_seed),
		cmocka_unit_test(test_a_loss_that_is_not_finite_stops_and_keeps_the_checkpoint),
		cmocka_unit_test(test_a_loss_that_explodes_stops_the_run),
		cmocka_unit_test(test_a_longer_run_trains_only_what_is_more),
		cmocka_unit_test(test_a_falling_rate_begins_anew),
		cmocka_unit_test(test_the_same_run_is_taken_over),
		cmocka_unit_test(test_the_best_parameters_are_published_if_asked_for),
		cmocka_unit_test(test_the_best_and_the_last_are_kept_and_either_is_used_without_training),
		cmocka_unit_test(test_what_is_the_best_at_the_end_is_kept_once),
		cmocka_unit_test(test_a_part_of_a_schedule_is_that_of_the_whole),
		cmocka_unit_test(test_a_point_that_was_kept_needs_no_step),
		cmocka_unit_test(test_other_settings_are_refused_by_name),
		cmocka_unit_test(test_a_foreign_token_is_refused),
	};
	return cmocka_run_group_tests(tests, set_up, test_folder_remove);
}
