/* SPDX-License-Identifier: MIT */
#include "plugin/loader.h"
#include "stage/fingerprint.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct options {
	uint64_t k, batch, later;
	struct cbtm_texts added;
	const char *plugin, *file;
	struct cbtm_texts input;
};
#define AT(field) offsetof(struct options, field)
static const struct cbtm_param rows[] = {
	{ "k", CBTM_PARAM_COUNT, AT(k), "4", 0, 0, NULL, "", 0, 0 },
	{ "batch", CBTM_PARAM_COUNT, AT(batch), "4", 0, 0, NULL, "", CBTM_PARAM_NO_RESULT, 0 },
	{ "later", CBTM_PARAM_COUNT, AT(later), "4", 0, 0, NULL, "", 0, 2 },
	{ "added", CBTM_PARAM_TEXTS, AT(added), "[]", 0, 0, NULL, "", CBTM_PARAM_LATER, 0 },
	{ "plugin", CBTM_PARAM_TEXT, AT(plugin), "", 0, 0, NULL, "", 0, 0 },
	{ "file", CBTM_PARAM_TEXT, AT(file), "", 0, 0, NULL, "", CBTM_PARAM_PATH, 0 },
	{ "input", CBTM_PARAM_TEXTS, AT(input), "[]", 0, 0, NULL, "", CBTM_PARAM_PATH, 0 },
	CBTM_PARAM_END
};
static const struct stage_task tasks[] = {
	{ .name = "first", .kind = "vectors", .version = 1, .each = EACH_ONCE, .plugin = "embed" },
	{ .name = "second", .kind = "vectors", .version = 1, .each = EACH_CLUSTER },
	{ 0 }
};
static const struct cbtm_stage stage = { .name = "fake",
	                                     .options = rows,
	                                     .options_size = sizeof(struct options),
	                                     .plugin_param = "plugin",
	                                     .tasks = tasks };
static const struct cbtm_param plugin_rows[] = {
	{ "dims", CBTM_PARAM_COUNT, 0, "9", 0, 0, NULL, "", 0, 0 }, CBTM_PARAM_END
};

struct fixture {
	struct options o;
	uint64_t dims;
	struct cbtm_plugin plugin;
	struct digest input[2];
	const char *name[2];
	struct stage_identity id;
};

static void reset(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	f->o.plugin = "p";
	f->o.file = "";
	f->plugin.name = "p";
	f->plugin.version = 3;
	f->plugin.params = plugin_rows;
	f->name[0] = "documents";
	f->name[1] = "vectors";
	f->id = (struct stage_identity){ .stage = &stage,
		                             .task = &tasks[0],
		                             .options = &f->o,
		                             .plugin = &f->plugin,
		                             .plugin_options = &f->dims,
		                             .inputs = f->input,
		                             .input_names = f->name,
		                             .n_inputs = 2 };
}

static struct digest take(const struct fixture *f)
{
	struct cbtm_error e = { 0 };
	struct digest d = { 0 };

	assert_int_equal(stage_fingerprint(&f->id, &d, &e), 0);
	return d;
}

static void test_everything_that_decides_changes_the_fingerprint(void **state)
{
	struct fixture f;
	struct digest before;

	(void)state;
	reset(&f);
	before = take(&f);
	assert_true(digest_equal(before, take(&f)));
	f.o.k = 8;
	assert_false(digest_equal(before, take(&f)));
	reset(&f);
	f.dims = 1;
	assert_false(digest_equal(before, take(&f)));
	reset(&f);
	f.plugin.version++;
	assert_false(digest_equal(before, take(&f)));
	reset(&f);
	f.input[1].low = 1;
	assert_false(digest_equal(before, take(&f)));
	reset(&f);
	f.name[1] = "other";
	assert_false(digest_equal(before, take(&f)));
	reset(&f);
	f.id.n_inputs = 1;
	assert_false(digest_equal(before, take(&f)));
}

static void test_what_changes_no_result_stays_out(void **state)
{
	struct fixture f;
	struct digest before;
	const char *path = "elsewhere";

	(void)state;
	reset(&f);
	before = take(&f);
	f.o.batch = 100; /* flagged */
	f.o.later = 100; /* of the other task */
	f.o.input = (struct cbtm_texts){ &path, 1 };
	assert_true(digest_equal(before, take(&f)));
	f.id.cluster = 3; /* the task has none */
	assert_true(digest_equal(before, take(&f)));
}

static void test_a_key_that_came_later_counts_only_when_it_is_set(void **state)
{
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	const char *one = "x=2";
	struct stage_cause *list;
	struct fixture f;
	struct digest before;
	size_t n, after;

	(void)state;
	reset(&f);
	before = take(&f);
	assert_int_equal(stage_causes(&f.id, a, &list, &n, &e), 0);
	f.o.added = (struct cbtm_texts){ &one, 1 };
	assert_false(digest_equal(before, take(&f)));
	assert_int_equal(stage_causes(&f.id, a, &list, &after, &e), 0);
	assert_int_equal(after, n + 1);
	arena_free(a);
}

static void test_tasks_and_clusters_differ(void **state)
{
	struct fixture f;
	struct digest first;

	(void)state;
	reset(&f);
	f.id.task = &tasks[1];
	first = take(&f);
	f.id.cluster = 1;
	assert_false(digest_equal(first, take(&f)));
	f.id.cluster = 0;
	f.plugin.version++; /* this task uses no plugin */
	assert_true(digest_equal(first, take(&f)));
	f.o.later = 9;
	assert_false(digest_equal(first, take(&f)));
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_a_file_counts_by_its_content(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char a[512], b[512];
	struct fixture f;
	struct digest first;

	(void)state;
	snprintf(a, sizeof a, "%s/fingerprint-a-%d", tmp ? tmp : "/tmp", (int)getpid());
	snprintf(b, sizeof b, "%s/fingerprint-b-%d", tmp ? tmp : "/tmp", (int)getpid());
	put(a, "one");
	put(b, "one");
	reset(&f);
	f.o.file = a;
	first = take(&f);
	f.o.file = b;
	assert_true(digest_equal(first, take(&f)));
	put(b, "two");
	assert_false(digest_equal(first, take(&f)));
	unlink(a);
	unlink(b);
}

static const struct cbtm_param computing_rows[] = {
	{ "runs", CBTM_PARAM_TEXT, 0, "cpu", 0, 0, NULL, "", CBTM_PARAM_COMPUTE, 0 }, CBTM_PARAM_END
};

/* lm-hidden's vectors are what the compute plugin makes of the model. */
static void test_a_compute_plugin_that_an_option_names_decides_by_its_version(void **state)
{
	const struct plugin_search built = { TEST_BUILD_DIR "/plugins", NULL };
	const struct cbtm_plugin *cpu = NULL;
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	const char *name = "cpu";
	char expected[80];
	struct stage_cause *list;
	struct fixture f;
	size_t n;

	(void)state;
	reset(&f);
	f.plugin.params = computing_rows;
	f.id.plugin_options = &name;
	f.id.search = &built;
	assert_int_equal(plugin_describe("compute", "cpu", &built, &cpu, &e), 0);
	snprintf(expected, sizeof expected, "cpu %u", cpu->version);
	assert_int_equal(stage_causes(&f.id, a, &list, &n, &e), 0);
	assert_string_equal(list[5].name, "fake.runs");
	assert_string_equal(list[5].value, expected);
	name = "not-there";
	assert_int_equal(stage_causes(&f.id, a, &list, &n, &e), CBTM_ERR_PLUGIN);
	arena_free(a);
}

static void test_causes_have_the_names_of_keys(void **state)
{
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	struct stage_cause *list;
	struct fixture f;
	size_t n;

	(void)state;
	reset(&f);
	f.o.k = 4;
	assert_int_equal(stage_causes(&f.id, a, &list, &n, &e), 0);
	assert_int_equal(n, 8);
	assert_string_equal(list[0].name, "task");
	assert_string_equal(list[0].value, "fake.first");
	assert_string_equal(list[2].name, "plugin");
	assert_string_equal(list[2].value, "p 3");
	assert_string_equal(list[3].name, "fake.k");
	assert_string_equal(list[3].value, "4");
	assert_string_equal(list[5].name, "fake.dims");
	assert_string_equal(list[6].name, "input.documents");
	arena_free(a);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[4200];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_a_folder_decides_by_its_files(void **state)
{
	char one[] = "/tmp/cbtm-fingerprint-XXXXXX", two[] = "/tmp/cbtm-fingerprint-XXXXXX";
	char command[200];
	struct fixture f;
	struct digest before;

	(void)state;
	assert_non_null(mkdtemp(one));
	assert_non_null(mkdtemp(two));
	write_file(one, "b", "x");
	write_file(one, "a", "y");
	write_file(two, "a", "y");
	write_file(two, "b", "x");
	write_file(two, ".hidden", "z");
	reset(&f);
	f.o.file = one;
	before = take(&f);
	f.o.file = two;
	assert_true(digest_equal(before, take(&f)));
	write_file(two, "b", "z");
	assert_false(digest_equal(before, take(&f)));
	write_file(two, "b", "x");
	write_file(two, "c", "");
	assert_false(digest_equal(before, take(&f)));
	snprintf(command, sizeof command, "rm -r %s %s", one, two);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_folder_decides_by_its_files),
		cmocka_unit_test(test_everything_that_decides_changes_the_fingerprint),
		cmocka_unit_test(test_what_changes_no_result_stays_out),
		cmocka_unit_test(test_a_key_that_came_later_counts_only_when_it_is_set),
		cmocka_unit_test(test_tasks_and_clusters_differ),
		cmocka_unit_test(test_a_file_counts_by_its_content),
		cmocka_unit_test(test_a_compute_plugin_that_an_option_names_decides_by_its_version),
		cmocka_unit_test(test_causes_have_the_names_of_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
