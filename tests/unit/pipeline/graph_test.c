/* SPDX-License-Identifier: MIT */
#include "fake.h"
#include "pipeline/graph.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct graph_dataset *find(const struct graph *g, size_t system, const char *name)
{
	const struct graph_system *s = &g->system[system];

	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->dataset[i]->name, name))
			return s->dataset[i];
	return NULL;
}

static void open_run(void **state, const char *const *set, struct run *run)
{
	struct cbtm_error e = { 0 };

	if (fake_open(*state, set, run, &e))
		fail_msg("%s: %s", e.where, e.what);
}

static void test_one_cluster_needs_no_clustering(void **state)
{
	struct run run;

	fake_pipeline(*state, NULL);
	open_run(state, NULL, &run);
	assert_null(find(run.graph, 0, "groups"));
	assert_null(find(run.graph, 0, "copies")); /* only groups read them */
	assert_non_null(find(run.graph, 1, "groups"));
	assert_int_equal(find(run.graph, 0, "thing 0")->inputs, 1);
	assert_int_equal(find(run.graph, 1, "thing 0")->inputs, 2);
	assert_int_equal(run.graph->system[0].n, 4); /* pages letters thing total */
	assert_int_equal(run.graph->system[1].n, 7);
	assert_ptr_equal(run.graph->system[1].last, find(run.graph, 1, "total"));
	run_close(&run);
}

static void test_systems_share_what_is_equal(void **state)
{
	struct run run;

	fake_pipeline(*state, NULL);
	open_run(state, NULL, &run);
	assert_ptr_equal(find(run.graph, 0, "letters"), find(run.graph, 1, "letters"));
	assert_ptr_not_equal(find(run.graph, 0, "thing 0"), find(run.graph, 1, "thing 0"));
	assert_int_equal(run.graph->n, 9);
	run_close(&run);
}

static void test_only_dependants_of_a_changed_key_change(void **state)
{
	const char *const set[] = { "group.k=3", NULL };
	struct digest letters, groups, thing;
	struct run run;

	fake_pipeline(*state, NULL);
	open_run(state, NULL, &run);
	letters = find(run.graph, 1, "letters")->fingerprint;
	groups = find(run.graph, 1, "groups")->fingerprint;
	thing = find(run.graph, 0, "thing 0")->fingerprint;
	run_close(&run);
	open_run(state, set, &run);
	assert_true(digest_equal(letters, find(run.graph, 1, "letters")->fingerprint));
	assert_false(digest_equal(groups, find(run.graph, 1, "groups")->fingerprint));
	assert_true(digest_equal(thing, find(run.graph, 0, "thing 0")->fingerprint));
	assert_non_null(find(run.graph, 1, "thing 2"));
	run_close(&run);
}

static void test_content_of_the_source_decides_not_its_path(void **state)
{
	struct digest before;
	struct run run;

	fake_pipeline(*state, NULL);
	open_run(state, NULL, &run);
	before = find(run.graph, 0, "total")->fingerprint;
	run_close(&run);
	fake_pipeline(*state, "name: fake\nread: {input: [c.txt, b.txt], letters: {size: 20}, loud: "
	                      "true}\nmake: {weight: 0.250}\ngroup: {k: 1}\n");
	fake_file(*state, "c.txt", "first\n");
	open_run(state, NULL, &run);
	assert_true(digest_equal(before, find(run.graph, 0, "total")->fingerprint));
	run_close(&run);
	fake_file(*state, "c.txt", "First\n");
	open_run(state, NULL, &run);
	assert_false(digest_equal(before, find(run.graph, 0, "total")->fingerprint));
	run_close(&run);
}

static void test_a_changed_part_leaves_the_other_parts_alone(void **state)
{
	struct digest pages[2], copies[2];
	const struct graph_dataset *d;
	struct run run;

	fake_pipeline(*state, NULL);
	open_run(state, NULL, &run);
	for (int i = 0; i < 2; i++) {
		pages[i] = find(run.graph, 1, "pages")->part[i].fingerprint;
		copies[i] = find(run.graph, 1, "copies")->part[i].fingerprint;
	}
	run_close(&run);
	fake_file(*state, "b.txt", "changed\n");
	open_run(state, NULL, &run);
	d = find(run.graph, 1, "pages");
	assert_true(digest_equal(d->part[0].fingerprint, pages[0]));
	assert_false(digest_equal(d->part[1].fingerprint, pages[1]));
	d = find(run.graph, 1, "copies"); /* they read letters, which read all pages */
	assert_false(digest_equal(d->part[0].fingerprint, copies[0]));
	run_close(&run);
}

/* A task that nobody reads: a part of every system with clusters, and of no other. */
static void test_what_is_for_people_is_planned_where_there_are_clusters(void **state)
{
	struct stage_task tasks[3] = { fake_group.tasks[0], fake_group.tasks[0], { 0 } };
	struct cbtm_stage group = fake_group;
	const struct cbtm_stage *const registry[] = { &fake_read, &group, &fake_make, NULL };
	struct pipeline_request request = { .file = scratch_path(state, "pipeline.yaml") };
	struct cbtm_error e = { 0 };
	struct run run;

	fake_pipeline(*state, NULL);
	tasks[1].name = "views";
	tasks[1].reads[0] = (struct stage_input){ "groups", READS_ALL, NULL };
	group.tasks = tasks;
	assert_int_equal(run_open(&request, registry, &run, &e), 0);
	assert_null(find(run.graph, 1, "views"));
	run_close(&run);
	group.for_people = "views";
	assert_int_equal(run_open(&request, registry, &run, &e), 0);
	assert_null(find(run.graph, 0, "views"));
	assert_non_null(find(run.graph, 1, "views"));
	assert_ptr_equal(run.graph->system[1].last, find(run.graph, 1, "total"));
	assert_int_equal(find(run.graph, 1, "total")->inputs, 2); /* it changes no other task */
	run_close(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_cluster_needs_no_clustering, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_systems_share_what_is_equal, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_only_dependants_of_a_changed_key_change, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_content_of_the_source_decides_not_its_path,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_changed_part_leaves_the_other_parts_alone,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_is_for_people_is_planned_where_there_are_clusters,
		                                scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
