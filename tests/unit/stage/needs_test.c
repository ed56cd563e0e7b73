/* SPDX-License-Identifier: MIT */
#include "base/param.h"
#include "model/config.h"
#include "stage/declaration.h"
#include "stage/needs.h"
#include <cbtm/compute.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { STAGES = 16 };
struct fixture {
	struct arena *arena;
	const void *options[STAGES];
	const struct cbtm_plugin *plugin[STAGES];
	const void *plugin_options[STAGES];
	struct needs_system system;
};

static struct fixture *make(void)
{
	static struct fixture f;
	struct cbtm_error e = { 0 };

	f = (struct fixture){ .arena = arena_new(&e) };
	for (size_t i = 0; stage_registry[i]; i++) {
		void *options = arena_take(f.arena, stage_registry[i]->options_size, &e);
		assert_int_equal(param_defaults(stage_registry[i]->options, options, f.arena, &e), 0);
		f.options[i] = options;
	}
	f.system = (struct needs_system){ stage_registry, f.options, f.plugin, f.plugin_options };
	return &f;
}

static void set(struct fixture *f, const char *stage, const char *key, const char *text)
{
	struct cbtm_error e = { 0 };

	for (size_t i = 0; stage_registry[i]; i++)
		if (!strcmp(stage_registry[i]->name, stage))
			assert_int_equal(param_parse(param_find(stage_registry[i]->options, key), text,
			                             (void *)(uintptr_t)f->options[i], f->arena,
			                             CBTM_ERR_CONFIG, key, &e),
			                 0);
}

static struct need ask(struct fixture *f, const char *task, const struct needs_corpus *c,
                       uint64_t k)
{
	struct cbtm_error e = { 0 };
	struct need n;

	if (needs_of(&f->system, c, stage_find_task(stage_registry, task, NULL), k, 1, &n, &e))
		fail_msg("%s: %s", e.where, e.what);
	return n;
}

static const struct needs_corpus corpus = { .bytes = 100000000, .documents = 20000 };

/* 16 bytes a parameter, as <cbtm/compute.h> has them; 4 of a checkpoint, 12 of a state to go on from. */
static void test_a_models_bytes_are_those_of_its_parameters(void **state)
{
	struct fixture *f = make();
	struct model_config c = {
		.vocabulary = 8192, .length = 256, .layers = 8, .width = 512, .heads = 8, .ffn = 2048
	};
	uint64_t parameters = model_config_parameters(&c);
	struct need n;

	(void)state;
	set(f, "tokenize", "vocabulary.size", "8192");
	set(f, "train", "model.layers", "8");
	set(f, "train", "model.width", "512");
	set(f, "train", "model.heads", "8");
	set(f, "train", "keep_stable", "false");
	set(f, "train", "keep", "used");
	n = ask(f, "seed", &corpus, 1);
	assert_true(n.exact);
	assert_true(n.disk > 4 * parameters && n.disk < 4 * parameters + (3 << 20));
	assert_true(n.spare > 36 * parameters && n.spare < 36 * parameters + (16 << 20));
	assert_true(n.memory > 16 * parameters);
	set(f, "train", "keep_stable", "true");
	assert_true(ask(f, "seed", &corpus, 1).disk > 16 * parameters);
	/* The best parameters: in the model, and in the state beside it. */
	set(f, "train", "keep", "both");
	assert_true(ask(f, "seed", &corpus, 1).disk > 24 * parameters);
	assert_true(ask(f, "seed", &corpus, 1).memory > n.memory + 3 * parameters);
	assert_false(ask(f, "seed", &corpus, 1).exact);
	arena_free(f->arena);
}

static const char *bf16(const void *options)
{
	(void)options;
	return "avx512bf16";
}

/* cbtm-train's peak, of three steps on two threads: MB. */
static void test_memory_is_what_was_measured(void **state)
{
	static const struct {
		const char *layers, *width, *heads, *vocabulary, *length, *batch, *key, *value;
		bool bf16;
		double peak;
	} measured[] = {
		{ "6", "128", "4", "4000", "128", "16", "", "", true, 112.1 },
		{ "6", "128", "4", "4000", "128", "16", "", "", false, 147.3 },
		{ "6", "128", "4", "4000", "128", "16", "activation_checkpointing", "layers", true, 69.4 },
		{ "6", "128", "4", "4000", "128", "16", "moe.experts", "8", true, 192.1 },
		{ "4", "256", "4", "8192", "256", "8", "", "", true, 203.6 },
		{ "4", "256", "4", "8192", "256", "8", "", "", false, 266.4 },
		{ "4", "256", "4", "8192", "256", "8", "activation_checkpointing", "layers", true, 159.8 },
		{ "4", "256", "4", "8192", "256", "8", "moe.experts", "8", true, 388.7 },
		{ "8", "512", "8", "8192", "512", "4", "", "", true, 843.8 },
		{ "8", "512", "8", "8192", "512", "4", "", "", false, 1166.0 },
		{ "8", "512", "8", "8192", "512", "4", "activation_checkpointing", "layers", true, 649.9 },
		{ "8", "512", "8", "8192", "512", "4", "moe.experts", "8", true, 2022.7 },
		{ "12", "768", "12", "50272", "1024", "1", "", "", true, 2623.0 },
		{ "12", "768", "12", "50272", "1024", "1", "", "", false, 3508.1 },
		{ "12", "768", "12", "50272", "1024", "1", "activation_checkpointing", "layers", true,
		  2355.6 },
		{ "6", "1024", "16", "16000", "256", "4", "", "", true, 1913.7 },
		{ "6", "1024", "16", "16000", "256", "4", "", "", false, 2577.0 },
	};
	static const struct cbtm_compute compute = { .variant = bf16 };
	(void)state;
	for (size_t i = 0; i < sizeof measured / sizeof measured[0]; i++) {
		struct fixture *f = make();
		bool mixture = !strcmp(measured[i].key, "moe.experts");
		set(f, "train", "model.layers", measured[i].layers);
		set(f, "train", "model.width", measured[i].width);
		set(f, "train", "model.heads", measured[i].heads);
		set(f, "tokenize", "vocabulary.size", measured[i].vocabulary);
		set(f, "shard", "length", measured[i].length);
		set(f, "train", mixture ? "branch.batch" : "seed.batch", measured[i].batch);
		set(f, "train", "micro_batch", measured[i].batch);
		set(f, "train", "keep", "used");
		if (*measured[i].key)
			set(f, "train", measured[i].key, measured[i].value);
		for (size_t s = 0; stage_registry[s] && measured[i].bf16; s++)
			if (!strcmp(stage_registry[s]->name, "train"))
				f->plugin[s] = &compute.plugin;
		double ratio =
			(double)ask(f, mixture ? "expert" : "seed", &corpus, 1).memory / 1e6 / measured[i].peak;
		if (ratio < 1 || ratio > 1.4)
			fail_msg("row %zu: the estimate is %.2f of the peak", i, ratio);
		arena_free(f->arena);
	}
}

static void test_what_is_counted_is_exact_and_what_is_not_is_estimated(void **state)
{
	struct fixture *f = make();
	struct needs_corpus counted = corpus;
	struct need n;

	(void)state;
	assert_false(ask(f, "vectors", &corpus, 4).exact);
	assert_false(ask(f, "documents", &corpus, 4).exact);
	counted.exact_documents = true;
	n = ask(f, "vectors", &counted, 4);
	assert_true(n.exact);
	assert_true(n.disk >= counted.documents * 64 * 4 &&
	            n.disk < counted.documents * 64 * 4 + 300000);
	arena_free(f->arena);
}

static void test_experts_share_the_branch_tokens(void **state)
{
	struct fixture *f = make();
	struct needs_corpus c = corpus;
	uint64_t one, four;

	(void)state;
	c.tokens[1] = 8000000;
	c.tokens[0] = 2000000;
	c.exact_tokens = true;
	one = ask(f, "sequences", &c, 1).disk, four = ask(f, "sequences", &c, 4).disk;
	assert_true(one > 8000000 * 3 / 2 && one < 8000000 * 2);
	assert_true(four > one / 4 - 1 && four < one / 4 + (64 << 10));
	arena_free(f->arena);
}

static void test_sizes_beyond_64_bits_stop_at_the_most(void **state)
{
	struct fixture *f = make();
	struct needs_corpus huge = { .bytes = UINT64_MAX, .documents = UINT64_MAX };
	static const char *const tasks[] = { "documents", "tokens",    "embedder", "vectors",
		                                 "centres",   "sequences", "scores",   "results" };

	(void)state;
	assert_true(needs_add(UINT64_MAX - 1, 2) == UINT64_MAX);
	assert_true(needs_add(1, 2) == 3);
	assert_true(needs_times(1ull << 33, 1ull << 33) == UINT64_MAX);
	assert_true(needs_times(6, 7) == 42);
	for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++) {
		struct need n = ask(f, tasks[i], &huge, 1);
		assert_true(n.disk > 0 && n.memory > 1 << 20);
	}
	assert_true(ask(f, "vectors", &huge, 1).disk == UINT64_MAX);
	assert_true(ask(f, "centres", &huge, 1).memory == UINT64_MAX);
	arena_free(f->arena);
}

static void test_an_imported_model_that_cannot_be_read_is_not_guessed(void **state)
{
	struct fixture *f = make();
	struct need n;

	(void)state;
	set(f, "train", "seed.import", "nowhere");
	n = ask(f, "expert", &corpus, 1);
	assert_true(!n.disk && !n.memory && !n.exact);
	arena_free(f->arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_models_bytes_are_those_of_its_parameters),
		cmocka_unit_test(test_memory_is_what_was_measured),
		cmocka_unit_test(test_what_is_counted_is_exact_and_what_is_not_is_estimated),
		cmocka_unit_test(test_experts_share_the_branch_tokens),
		cmocka_unit_test(test_sizes_beyond_64_bits_stop_at_the_most),
		cmocka_unit_test(test_an_imported_model_that_cannot_be_read_is_not_guessed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
