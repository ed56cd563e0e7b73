/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "model/identity.h"
#include "model/training_help.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *folder;

static int set_up(void **state)
{
	(void)state;
	folder = test_folder();
	test_sequences(folder, 50, 12, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	folder_remove(folder, &e);
	free(folder);
	return 0;
}

static struct buffer printed(struct training t)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	struct store *s = NULL;
	assert_int_equal(store_open(folder, 0, NULL, &s, &e), 0);
	if (identity_print(&t, s, &b, &e))
		fail_msg("%s: %s", e.where, e.what);
	store_close(s);
	return b;
}

static struct identity_difference difference(struct training a, struct training b)
{
	struct cbtm_error e = { 0 };
	struct identity_difference d;
	struct buffer x = printed(a), y = printed(b);
	assert_int_equal(identity_compare(x.data, y.data, "there", &d, &e), 0);
	buffer_free(&x);
	buffer_free(&y);
	return d;
}

static void test_both_values_of_what_differs_are_named(void **state)
{
	(void)state;
	struct training a = test_training(), b = a;
	assert_int_equal(difference(a, b).n, 0);
	b.plan.lr = 0.5;
	b.config.ffn = 24;
	struct identity_difference d = difference(a, b);
	assert_int_equal(d.n, 2);
	assert_false(d.in_extent);
	assert_string_equal(d.text, "model.ffn: 20 there, 24 here; lr: 0.01 there, 0.5 here");
}

/* What a field is missing in this list would let two different runs be taken for one. */
static void test_every_setting_makes_another_run(void **state)
{
	(void)state;
	struct training a = test_training(), all[27];
	size_t n = 0;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		all[i] = a;
	all[n++].config.layers++;
	all[n++].config.architecture = ARCHITECTURE_GPT2;
	all[n++].config.length++;
	all[n++].length--;
	all[n++].plan.steps++;
	all[n++].plan.batch++;
	all[n++].plan.lr *= 2;
	all[n++].plan.warmup++;
	all[n++].plan.schedule = SCHEDULE_COSINE;
	all[n++].plan.cooldown++;
	all[n++].plan.shape = COOLDOWN_ROOT;
	all[n++].beta1 = 0.8;
	all[n++].beta2 = 0.8;
	all[n++].epsilon = 1e-6;
	all[n++].weight_decay = 0.2;
	all[n++].clip = 2;
	all[n++].capacity_factor = 3;
	all[n++].balance_loss = 3;
	all[n++].use_best = true;
	all[n++].dropout = 0.2;
	all[n++].attention_dropout = 0.2;
	all[n++].embedding_dropout = 0.2;
	all[n++].random_seed++;
	all[n++].micro_batch++;
	all[n++].log_every++;
	all[n++].valid_every++;
	assert_true(n <= sizeof all / sizeof all[0]);
	for (size_t i = 0; i < n; i++) {
		struct identity_difference d = difference(a, all[i]);
		assert_int_equal(d.n, 1);
		assert_int_equal(d.in_extent, i == 4 || i == 9 || i == 10);
	}
	a.checkpoint_every++;
	a.title = "another";
	a.explode_factor = 7;
	assert_int_equal(difference(a, test_training()).n, 0);
}

static void test_a_family_is_all_but_the_length(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char one[17], two[17], other[17];
	struct training a = test_training(), b = a, c = a;
	b.plan.steps = 999;
	b.plan.cooldown = 99;
	c.random_seed = 2;
	struct buffer x = printed(a), y = printed(b), z = printed(c);
	identity_family(x.data, one, &e);
	identity_family(y.data, two, &e);
	identity_family(z.data, other, &e);
	assert_int_equal(e.name, CBTM_OK);
	assert_string_equal(one, two);
	assert_string_not_equal(one, other);
	struct identity_difference d = difference(b, a);
	assert_true(d.in_extent && d.constant && d.stable == 900);
	buffer_free(&x), buffer_free(&y), buffer_free(&z);
}

static void test_what_is_no_identity_is_refused(void **state)
{
	(void)state;
	struct identity_difference d;
	const char *texts[] = { "", "[1]", "{\"steps\":", "7" };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct cbtm_error e = { 0 };
		assert_int_not_equal(identity_compare(texts[i], "{}", "there", &d, &e), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_values_of_what_differs_are_named),
		cmocka_unit_test(test_every_setting_makes_another_run),
		cmocka_unit_test(test_a_family_is_all_but_the_length),
		cmocka_unit_test(test_what_is_no_identity_is_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
