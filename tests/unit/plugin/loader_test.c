/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "plugin/embed.h"
#include "plugin/loader.h"
#include "scratch.h"
#include "stage/host.h"
#include <string.h>

#define ODD TEST_BUILD_DIR "/tests/plugins"

static const struct plugin_search odd = { ODD, NULL };

static void refused(const char *kind, const char *name, const char *why)
{
	const struct cbtm_plugin *plugin = NULL;
	struct cbtm_error e = { 0 };
	assert_int_equal(plugin_open(kind, name, &odd, &plugin, &e), CBTM_ERR_PLUGIN);
	assert_null(plugin);
	if (!strstr(e.what, why))
		fail_msg("%s: \"%s\" does not say \"%s\"", name, e.what, why);
	assert_non_null(strstr(e.where, name));
}

static void test_odd_plugins_are_refused_with_the_reason(void **state)
{
	(void)state;
	refused("embed", "wrong-abi", "ABI 2, this cbtm has ABI 1");
	refused("embed", "no-descriptor", "does not export cbtm_plugin");
	refused("embed", "too-short", "transform()");
	refused("embed", "other-name", "calls itself \"tfidf-svd\"");
	refused("embed", "misplaced", "of kind cluster, not embed");
	refused("embed", "absent", ODD);
}

static void test_a_broken_object_shows_the_linkers_words(void **state)
{
	const struct cbtm_plugin *plugin = NULL;
	struct cbtm_error e = { 0 };
	assert_int_equal(file_replace(scratch_path(state, "text.so"), "no object", 9, &e), 0);
	struct plugin_search folder = { *state, NULL };
	assert_int_equal(plugin_open("embed", "text", &folder, &plugin, &e), CBTM_ERR_PLUGIN);
	assert_non_null(strstr(e.what, "cannot load the plugin: "));
	assert_non_null(strstr(e.what, "text.so: ")); /* dlerror names the file */
}

/* Keep this before any test that opens old-letters. */
static void test_describing_calls_nothing_and_opening_inits_once(void **state)
{
	(void)state;
	const struct cbtm_plugin *plugin = NULL, *again = NULL;
	struct cbtm_error e = { 0 };
	assert_int_equal(plugin_describe("embed", "old-letters", &odd, &plugin, &e), 0);
	const struct cbtm_embed *embed = (const struct cbtm_embed *)plugin;
	assert_int_equal(embed->dims(NULL), 0);
	assert_int_equal(plugin_open("embed", "old-letters", &odd, &again, &e), 0);
	assert_ptr_equal(plugin, again);
	assert_int_equal(plugin_open("embed", "old-letters", &odd, &again, &e), 0);
	assert_int_equal(embed->dims(NULL), 1);
	assert_non_null(strstr(plugin_path(plugin), "tests/plugins/embed/old-letters.so"));
	assert_null(plugin_path(NULL));
}

static void test_a_shorter_descriptor_is_filled_up(void **state)
{
	(void)state;
	const struct cbtm_embed *embed = NULL;
	struct cbtm_error e = { 0 };
	assert_int_equal(embed_open("old-letters", &odd, &embed, &e), 0);
	assert_non_null(embed->transform);
	assert_null(embed->context_new);
	assert_null(embed->feature);
}

static void test_the_list_names_what_is_refused(void **state)
{
	(void)state;
	struct plugin_entry *list = NULL;
	struct cbtm_error e = { 0 };
	size_t n = 0, refusals = 0, good = 0;
	struct plugin_search both = { ODD ":" TEST_BUILD_DIR "/plugins", NULL };
	assert_int_equal(plugin_list(&both, &list, &n, &e), 0);
	for (size_t i = 0; i < n; i++) {
		assert_true(!list[i].plugin == (list[i].why.name != 0));
		refusals += !list[i].plugin;
		good += list[i].plugin && !strcmp(list[i].plugin->name, "balanced-kmeans");
	}
	assert_true(refusals >= 5);
	assert_true(good >= 1);
	plugin_list_free(list, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_odd_plugins_are_refused_with_the_reason),
		cmocka_unit_test(test_a_broken_object_shows_the_linkers_words),
		cmocka_unit_test(test_describing_calls_nothing_and_opening_inits_once),
		cmocka_unit_test(test_a_shorter_descriptor_is_filled_up),
		cmocka_unit_test(test_the_list_names_what_is_refused),
	};
	host_start(NULL);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
