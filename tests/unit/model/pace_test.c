/* SPDX-License-Identifier: MIT */
#include "model/pace.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A run of steps of a second each, in which a save takes `cost`: its length. A save is given up as soon as it
 * may be. */
static double simulate(struct pace *p, double every, uint64_t bytes, double cost, int steps)
{
	double now = 1000;
	pace_start(p, every, bytes, now);
	for (int i = 0; i < steps; i++) {
		now += 1;
		if (pace_due(p, now)) {
			double patience = pace_patience(p, now);
			if (patience > 0 && cost > patience) {
				pace_gave_up(p, now, now + patience, cost);
				now += patience;
			} else {
				pace_saved(p, now, now + cost);
				now += cost;
			}
		}
		if (every > 0)
			assert_true(pace_share(p, now) <= PACE_SHARE + 1e-9);
	}
	return now - 1000;
}

static void test_a_quick_save_comes_at_every_interval(void **state)
{
	(void)state;
	struct pace p;
	double seconds = simulate(&p, 60, 1 << 20, 0.01, 6000);
	assert_true(fabs((double)p.saves - seconds / 61) < 2);
}

static void test_a_slow_save_comes_less_often_and_takes_no_more_than_its_share(void **state)
{
	(void)state;
	struct pace p;
	double seconds = simulate(&p, 60, UINT64_C(1500) << 20, 12, 36000);
	assert_true(p.saves > 50); /* ten hours, one at 600 s */
	assert_true(p.spent <= PACE_SHARE * seconds);
}

static void test_a_first_one_on_a_slow_disk_takes_no_more_than_its_share(void **state)
{
	(void)state;
	struct pace p;
	/* 1.5 GiB at 10 MB/s: simulate() checks the share after each step. */
	double seconds = simulate(&p, 60, UINT64_C(1500) << 20, 157, 36000);
	assert_true(p.saves >= 3 && p.spent <= PACE_SHARE * seconds);
}

/* For a moment the disk hung; what the rest would have taken was guessed from that. */
static void test_one_that_something_held_up_is_soon_tried_again(void **state)
{
	(void)state;
	struct pace p;
	double now = 0;
	pace_start(&p, 5, 65 << 20, 0);
	while (!pace_due(&p, now))
		now += 0.2;
	double patience = pace_patience(&p, now);
	assert_true(now < 6 && patience > 0 && patience < 0.13);
	pace_gave_up(&p, now, now + patience, 10);
	while (!pace_due(&p, now))
		now += 0.2;
	assert_true(now < 35 && pace_patience(&p, now) > 3 * patience); /* not at 500 s */
	pace_saved(&p, now, now + 0.03);
	assert_true(pace_share(&p, now + 1) <= PACE_SHARE);
	/* From here on it is known. */
	assert_true(pace_due(&p, now + 5.1) && pace_patience(&p, now + 5.1) == 0);
}

static void test_what_was_waited_beside_it_counts(void **state)
{
	(void)state;
	struct pace p;
	pace_start(&p, 10, 1000, 0);
	pace_waited(&p, 5);
	assert_false(pace_due(&p, 200));
	assert_true(pace_due(&p, 260) && pace_share(&p, 250) == 0.02);
}

static void test_who_waits_for_the_end_does_not_wait_for_two_slow_saves(void **state)
{
	(void)state;
	assert_true(pace_another(0.2, 0.4) && pace_another(5, 5));
	assert_false(pace_another(3, 8));
	assert_false(pace_another(12, 0.1));
}

static void test_0_seconds_are_every_step(void **state)
{
	(void)state;
	struct pace p;
	simulate(&p, 0, UINT64_C(1) << 40, 100, 50);
	assert_int_equal(p.saves, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_quick_save_comes_at_every_interval),
		cmocka_unit_test(test_a_slow_save_comes_less_often_and_takes_no_more_than_its_share),
		cmocka_unit_test(test_a_first_one_on_a_slow_disk_takes_no_more_than_its_share),
		cmocka_unit_test(test_one_that_something_held_up_is_soon_tried_again),
		cmocka_unit_test(test_what_was_waited_beside_it_counts),
		cmocka_unit_test(test_who_waits_for_the_end_does_not_wait_for_two_slow_saves),
		cmocka_unit_test(test_0_seconds_are_every_step),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
