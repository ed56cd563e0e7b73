/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "base/param.h"
#include "fake.h"
#include "model/identity.h"
#include "model/training_help.h"
#include "plugin/loader.h"
#include "stage/declaration.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
	test_folder_make(state);
	test_sequences(folder, 50, 12, 1);
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
	all[n++].plan.cut = 20;
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
		assert_int_equal(d.in_extent, i == 4 || i == 9 || i == 10 || i == 18);
		assert_int_equal(d.in_end, i == 18);
	}
	a.checkpoint_every++;
	a.title = "another";
	a.explode_factor = 7;
	a.use_best = a.keep_both = a.keep_stable = true; /* which of its parameters are left */
	assert_int_equal(difference(a, test_training()).n, 0);
}

/* ---------------------------------------------------------------- every key */

/*
 * Every key of a training: with the value `other` another identity is made than without it or, if `why`
 * says so, the same one. A key that is in none of these lists fails the test: whoever adds one decides.
 */
struct decision {
	const char *key, *other, *why;
};
static const char by_content[] = "the seed's content is in the identity of what begins from it";
static const char only_watched[] = "stops a model or does not; what it has done is the same";
static const char chosen[] = "which of its parameters are published, not what they are";
static const struct decision of_train[] = {
	{ "compute", "reference", NULL },
	{ "model.architecture", "gpt2", NULL },
	{ "model.layers", "1", NULL },
	{ "model.width", "16", NULL },
	{ "model.heads", "1", NULL },
	{ "model.ffn", "8", NULL },
	{ "seed.import", NULL, by_content },
	{ "seed.length", NULL, by_content },
	{ "seed.tokens", "144", NULL },
	{ "seed.batch", "2", NULL },
	{ "seed.lr", "1e-3", NULL },
	{ "seed.warmup", "2", NULL },
	{ "seed.schedule", "cosine", NULL },
	{ "seed.cooldown", "0.5", NULL },
	{ "seed.cooldown_shape", "1-sqrt", NULL },
	{ "branch.tokens", "144", NULL },
	{ "branch.batch", "2", NULL },
	{ "branch.lr", "1e-3", NULL },
	{ "branch.warmup", "2", NULL },
	{ "branch.schedule", "linear", NULL },
	{ "branch.cooldown", "0.5", NULL },
	{ "branch.cooldown_shape", "1-sqrt", NULL },
	{ "branch.budget", "proportional", NULL },
	{ "match", "batch", NULL },
	{ "moe.experts", "3", NULL },
	{ "moe.every", "1", NULL },
	{ "moe.top_k", "3", NULL },
	{ "moe.capacity_factor", "3", NULL },
	{ "moe.balance_loss", "0.1", NULL },
	{ "beta1", "0.8", NULL },
	{ "beta2", "0.8", NULL },
	{ "epsilon", "1e-6", NULL },
	{ "weight_decay", "0.2", NULL },
	{ "clip", "2", NULL },
	{ "dropout", "0.2", NULL },
	{ "attention_dropout", "0.2", NULL },
	{ "embedding_dropout", "0.2", NULL },
	{ "random_seed", "2", NULL },
	{ "micro_batch", "1", NULL },
	{ "activation_checkpointing", "layers", "the same operations, some of them twice" },
	{ "valid_every", "1", NULL },
	{ "use", "best", chosen },
	{ "keep", "used", chosen },
	{ "seed.keep", "48", "copies of states on the way" },
	{ "branch.at", "48", NULL },
	{ "log_every", "1", NULL },
	{ "explode_factor", "9", only_watched },
	{ "explode_steps", "9", only_watched },
	{ "keep_stable", "false", "what is kept is a copy of a state on the way" },
	{ "checkpoint_every", "0", "a training goes on bit for bit from where it was saved" },
	{ 0 }
};
static const struct decision of_cpu[] = { { "kernels", "base", NULL },
	                                      { "precision", "bf16", NULL },
	                                      { "timings", "true", "it is logged" },
	                                      { "packs", "one",
	                                        "a second pack holds the same numbers" },
	                                      { 0 } };
/* What shard makes is known by its ids: test_other_sequences_make_another_run. */
static const struct decision of_shard[] = {
	{ "length", NULL, "of a sequence of ids" },  { "random_seed", NULL, "the sequences' order" },
	{ "memory", NULL, "how they are shuffled" }, { "weights", NULL, "which sequences there are" },
	{ "weight_field", NULL, "which there are" }, { 0 }
};

/* The identity of a task of train with the words `base` and the option `key` (NULL: none) = `value`. */
static char *trained(const struct cbtm_stage *train, const char *task, const char *const *base,
                     const char *key, const char *value)
{
	static unsigned runs;
	struct cbtm_error e = { 0 };
	struct store *s = NULL;
	char out[4200], to[80], option[80] = "--", word[200], *identity;
	const char *words[40] = {
		"--quiet", "--plugin-path", TEST_BUILD_DIR "/plugins", "--task", task, "--threads", "1", to,
		out
	};
	size_t n = 9;
	snprintf(to, sizeof to, "--%s", task);
	snprintf(out, sizeof out, "%s/run-%u", folder, runs++);
	for (; *base; base++)
		words[n++] = *base;
	if (key) {
		param_option_name(&(struct cbtm_param){ .name = key }, option + 2, sizeof option - 2);
		snprintf(word, sizeof word, "%s=%s", option, value);
		words[n++] = word;
	}
	if (fake_call(folder, train, words))
		fail_msg("%s = %s: %s", key ? key : "", value ? value : "", fake_read_file(folder, "out"));
	if (store_open(out, 0, NULL, &s, &e))
		fail_msg("%s: %s", e.where, e.what);
	identity = strdup(store_get_json(s, IDENTITY_FACT));
	store_close(s);
	return identity;
}

static const struct decision *decided(const struct decision *list, const char *stage,
                                      const char *key)
{
	for (; list->key; list++)
		if (!strcmp(list->key, key))
			return list;
	fail_msg("%s.%s: decide in identity_test.c whether it makes another training", stage, key);
	return NULL;
}

/* Nothing in a list that is no key any more. */
static void check_list(const struct decision *list, const struct cbtm_param *table)
{
	for (; list->key; list++)
		if (!param_find(table, list->key))
			fail_msg("%s is no key any more", list->key);
}

/* All keys of a table that concern the task (used_by) and begin with `prefix`. */
static void check_keys(const struct cbtm_stage *train, const struct cbtm_param *table,
                       const struct decision *list, const char *task, const char *const *base,
                       const char *prefix)
{
	unsigned bit = stage_task_index(train, stage_find_task(stage_registry, task, NULL));
	char *plain = trained(train, task, base, NULL, NULL);
	for (const struct cbtm_param *row = table; row && row->name; row++) {
		const struct decision *d = decided(list, train->name, row->name);
		if (!d->other || (row->used_by && !(row->used_by >> bit & 1)) ||
		    !strncmp(row->name, "moe.", 4) != !strcmp(prefix, "moe."))
			continue;
		char *changed = trained(train, task, base, row->name, d->other);
		if (!d->why != !!strcmp(plain, changed))
			fail_msg("%s.%s = %s: %s", train->name, row->name, d->other,
			         d->why ? "makes another training, though not: " : "makes no other training");
		/* What changes the training is no key that a fingerprint may leave out. */
		if (!d->why && row->flags & CBTM_PARAM_NO_RESULT)
			fail_msg("%s.%s: is flagged as one that changes no result", train->name, row->name);
		free(changed);
	}
	free(plain);
}

static void test_every_key_makes_another_run_or_says_why_not(void **state)
{
	(void)state;
	const struct plugin_search built = { TEST_BUILD_DIR "/plugins", NULL };
	const struct cbtm_stage *train = NULL, *shard = NULL;
	const struct cbtm_plugin *cpu = NULL;
	struct cbtm_error e = { 0 };
	char sequences[4200], seed[4200];
	snprintf(sequences, sizeof sequences, "%s/cluster", folder);
	snprintf(seed, sizeof seed, "%s/run-0", folder);
	test_cluster(sequences, 40, 12, 2, 40 * 12 * 3);
	const char *const of_seed[] = { "--seed-sequences",
		                            folder,
		                            "--model-layers",
		                            "2",
		                            "--model-width",
		                            "8",
		                            "--seed-tokens",
		                            "96",
		                            "--seed-batch",
		                            "4",
		                            "--seed-warmup",
		                            "1",
		                            NULL };
	const char *const of_expert[] = { "--sequences",
		                              sequences,
		                              "--seed",
		                              seed,
		                              "--cluster",
		                              "0",
		                              "--branch-tokens",
		                              "96",
		                              "--branch-batch",
		                              "4",
		                              "--branch-warmup",
		                              "1",
		                              "--branch-schedule",
		                              "constant",
		                              NULL };
	const char *const of_moe[] = { "--sequences",
		                           sequences,
		                           "--seed",
		                           seed,
		                           "--cluster",
		                           "0",
		                           "--branch-tokens",
		                           "96",
		                           "--branch-batch",
		                           "4",
		                           "--branch-warmup",
		                           "1",
		                           "--moe-experts",
		                           "4",
		                           NULL };
	stage_find_task(stage_registry, "expert", &train);
	stage_find_task(stage_registry, "sequences", &shard);
	assert_int_equal(plugin_describe("compute", "cpu", &built, &cpu, &e), 0);
	check_list(of_train, train->options);
	check_list(of_shard, shard->options);
	check_list(of_cpu, cpu->params);
	for (const struct cbtm_param *row = shard->options; row->name; row++)
		decided(of_shard, "shard", row->name);
	check_keys(train, train->options, of_train, "seed", of_seed, "");
	check_keys(train, cpu->params, of_cpu, "seed", of_seed, "");
	check_keys(train, train->options, of_train, "expert", of_expert, "");
	check_keys(train, train->options, of_train, "expert", of_moe, "moe.");
}

static void test_other_sequences_make_another_run(void **state)
{
	(void)state;
	char *here = folder, other[4200];
	struct training a = test_training();
	struct buffer x = printed(a), y;
	snprintf(other, sizeof other, "%s/other", here);
	test_sequences(other, 51, 12, 1);
	folder = other;
	y = printed(a);
	folder = here;
	assert_string_not_equal(x.data, y.data);
	buffer_free(&x), buffer_free(&y);
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
	identity_family(x.data, false, false, one, &e);
	identity_family(y.data, false, false, two, &e);
	identity_family(z.data, false, false, other, &e);
	assert_int_equal(e.name, CBTM_OK);
	assert_string_equal(one, two);
	assert_string_not_equal(one, other);
	struct identity_difference d = difference(b, a);
	assert_true(d.in_extent && d.constant && d.stable == 900 && d.end == 999);
	identity_family(x.data, false, true, other, &e); /* states with the best parameters */
	assert_string_not_equal(one, other);
	buffer_free(&x), buffer_free(&y), buffer_free(&z);
}

static void test_a_run_that_is_cut_is_of_the_whole_ones_family(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char one[17], two[17], other[17];
	struct training a = test_training(), b = a, c = a;
	a.plan.schedule = b.plan.schedule = c.plan.schedule = SCHEDULE_LINEAR;
	b.plan.cut = 7;
	c.plan.steps++;
	struct buffer x = printed(a), y = printed(b), z = printed(c);
	identity_family(x.data, true, false, one, &e);
	identity_family(y.data, true, false, two, &e);
	identity_family(z.data, true, false, other, &e);
	assert_string_equal(one, two);
	assert_string_not_equal(one, other); /* another rate from the first step on */
	struct identity_difference d = difference(a, b);
	assert_true(d.in_end && d.end == 30 && d.stable == 0);
	d = difference(b, a);
	assert_true(d.in_end && d.end == 7);
	assert_false(difference(a, c).in_end);
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
		cmocka_unit_test(test_every_key_makes_another_run_or_says_why_not),
		cmocka_unit_test(test_other_sequences_make_another_run),
		cmocka_unit_test(test_a_family_is_all_but_the_length),
		cmocka_unit_test(test_a_run_that_is_cut_is_of_the_whole_ones_family),
		cmocka_unit_test(test_what_is_no_identity_is_refused),
	};
	return cmocka_run_group_tests(tests, set_up, test_folder_remove);
}
