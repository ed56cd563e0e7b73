/* SPDX-License-Identifier: MIT */
#include "base/param.h"
#include "plugin/loader.h"
#include "stage/declaration.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_every_input_is_published_by_an_earlier_task(void **state)
{
	(void)state;
	for (size_t s = 0; stage_registry[s]; s++)
		for (const struct stage_task *t = stage_registry[s]->tasks; t->name; t++) {
			const struct cbtm_stage *own;
			assert_ptr_equal(stage_find_task(stage_registry, t->name, &own), t);
			assert_ptr_equal(own, stage_registry[s]);
			assert_non_null(store_kind_find(t->kind));
			assert_non_null(t->run);
			assert_non_null(t->sentence);
			for (const struct stage_input *in = t->reads; in->dataset; in++) {
				const struct stage_task *from = stage_find_task(stage_registry, in->dataset, NULL);
				if (from && (in->how >= READS_SAME_CLUSTER) != (from->each == EACH_CLUSTER))
					fail_msg("%s reads %s in a way that it is not made", t->name, in->dataset);
			}
		}
}

/* A dataset's folder is an option beside the stage's own: the same word cannot be both. */
static void test_no_option_of_a_stage_has_the_name_of_a_dataset(void **state)
{
	(void)state;
	for (size_t s = 0; stage_registry[s]; s++)
		for (const struct stage_task *t = stage_registry[s]->tasks; t->name; t++) {
			if (param_find(stage_registry[s]->options, t->name))
				fail_msg("%s: %s is an option and a dataset", stage_registry[s]->name, t->name);
			for (const struct stage_input *in = t->reads; in->dataset; in++)
				if (param_find(stage_registry[s]->options, in->dataset))
					fail_msg("%s: %s is an option and a dataset", stage_registry[s]->name,
					         in->dataset);
		}
}

/* What is for people must be a task of the stage that no task reads. */
static void test_what_is_for_people_is_read_by_no_task(void **state)
{
	(void)state;
	for (size_t s = 0; stage_registry[s]; s++) {
		const struct cbtm_stage *own = NULL, *stage = stage_registry[s];
		if (!stage->for_people)
			continue;
		const struct stage_task *task = stage_find_task(stage_registry, stage->for_people, &own);
		assert_ptr_equal(own, stage);
		assert_true(stage_task_is_for_people(stage, task));
		assert_false(stage_task_is_for_people(stage, &stage->tasks[0]));
		for (size_t o = 0; stage_registry[o]; o++)
			for (const struct stage_task *t = stage_registry[o]->tasks; t->name; t++)
				for (const struct stage_input *in = t->reads; in->dataset; in++)
					assert_string_not_equal(in->dataset, stage->for_people);
	}
}

extern const struct cbtm_stage stage_tokenize;

/* With a trained vocabulary the tokens need all documents first. */
static void test_tokens_go_along_with_documents_where_the_vocabulary_is_imported(void **state)
{
	const struct cbtm_stage *own[] = { &stage_tokenize, NULL };
	const struct stage_task *documents = stage_find_task(own, "documents", NULL);
	const struct stage_task *vocabulary = stage_find_task(own, "vocabulary", NULL);
	const struct stage_task *tokens = stage_find_task(own, "tokens", NULL);
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	void *options = arena_take(a, stage_tokenize.options_size, &e);
	const struct cbtm_param *row = param_find(stage_tokenize.options, "vocabulary.tokenizer");
	(void)state;
	assert_int_equal(param_defaults(stage_tokenize.options, options, a, &e), 0);
	assert_true(stage_task_needs(&stage_tokenize, vocabulary, documents, options, 1));
	assert_true(stage_task_needs(&stage_tokenize, tokens, documents, options, 1));
	assert_null(stage_task_along(&stage_tokenize, documents, options, 1));
	*(const char **)((char *)options + row->offset) = "tokenizer.json";
	assert_false(stage_task_needs(&stage_tokenize, vocabulary, documents, options, 1));
	assert_ptr_equal(stage_task_along(&stage_tokenize, documents, options, 1), tokens);
	assert_null(stage_task_along(&stage_tokenize, vocabulary, options, 1));
	arena_free(a);
}

static void test_clusters_have_readable_folders(void **state)
{
	char name[STAGE_CLUSTER_FOLDER];

	(void)state;
	stage_cluster_folder(7, name);
	assert_string_equal(name, "cluster-007");
	stage_cluster_folder(1234, name);
	assert_string_equal(name, "cluster-1234");
	assert_false(stage_if_clustered(NULL, 1));
	assert_true(stage_if_clustered(NULL, 2));
}

static void test_a_key_that_the_plugin_needs_must_be_set(void **state)
{
	const struct plugin_search built = { TEST_BUILD_DIR "/plugins", NULL };
	const struct cbtm_plugin *hidden = NULL, *hash = NULL;
	const struct cbtm_stage *embed = NULL;
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);

	(void)state;
	stage_find_task(stage_registry, "embedder", &embed);
	void *options = arena_take(a, embed->options_size, &e);
	assert_int_equal(plugin_describe("embed", "lm-hidden", &built, &hidden, &e), 0);
	assert_int_equal(plugin_describe("embed", "tfidf-hash", &built, &hash, &e), 0);
	assert_int_equal(param_defaults(embed->options, options, a, &e), 0);
	assert_int_equal(stage_check_needs(embed, options, NULL, &e), 0);
	assert_int_equal(stage_check_needs(embed, options, hash, &e), 0);
	assert_int_equal(stage_check_needs(embed, options, hidden, &e), CBTM_ERR_CONFIG);
	assert_string_equal(e.where, "model");
	memset(&e, 0, sizeof e);
	param_parse(param_find(embed->options, "model"), "seed", options, a, CBTM_ERR_USAGE, "", &e);
	assert_int_equal(stage_check_needs(embed, options, hidden, &e), 0);
	/* A plugin that asks a stage for what it does not have. */
	assert_int_equal(stage_check_needs(stage_registry[0], NULL, hidden, &e), CBTM_ERR_PLUGIN);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_input_is_published_by_an_earlier_task),
		cmocka_unit_test(test_no_option_of_a_stage_has_the_name_of_a_dataset),
		cmocka_unit_test(test_what_is_for_people_is_read_by_no_task),
		cmocka_unit_test(test_tokens_go_along_with_documents_where_the_vocabulary_is_imported),
		cmocka_unit_test(test_clusters_have_readable_folders),
		cmocka_unit_test(test_a_key_that_the_plugin_needs_must_be_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
