/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin/embed.h"
#include "scratch.h"
#include "stage/embedder.h"
#include "stage/host.h"
#include "stage/state.h"
#include <string.h>

static const struct plugin_search odd = { TEST_BUILD_DIR "/tests/plugins", NULL };

static void write_state(const char *dir, const struct cbtm_plugin *plugin)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	store_create(dir, 0, store_kind_find("state"), digest_bytes("s", 1), &w, &e);
	if (plugin)
		state_put_plugin(w, plugin, NULL, &e);
	assert_int_equal(store_seal(w, &e), 0);
}

static int load(const char *dir, struct cbtm_error *e)
{
	const struct cbtm_embed *plugin = NULL;
	struct arena *a = arena_new(e);
	struct store *s = NULL;
	void *state = NULL;
	if (!store_open(dir, 0, NULL, &s, e) && !embedder_load(s, &odd, a, &plugin, &state, e)) {
		assert_int_equal(plugin->dims(state), 27);
		plugin->free(state);
	}
	store_close(s);
	arena_free(a);
	return e->name;
}

static void test_a_state_finds_its_plugin(void **state)
{
	const struct cbtm_embed *embed = NULL;
	struct cbtm_error e = { 0 };
	assert_int_equal(embed_open("old-letters", &odd, &embed, &e), 0);
	write_state(scratch_path(state, "good"), &embed->plugin);
	assert_int_equal(load(scratch_path(state, "good"), &e), 0);
}

static void test_another_version_is_refused_with_both(void **state)
{
	const struct cbtm_embed *embed = NULL;
	struct cbtm_error e = { 0 };
	assert_int_equal(embed_open("old-letters", &odd, &embed, &e), 0);
	struct cbtm_plugin newer = embed->plugin;
	newer.version = 8;
	write_state(scratch_path(state, "newer"), &newer);
	assert_int_equal(load(scratch_path(state, "newer"), &e), CBTM_ERR_PLUGIN);
	assert_non_null(strstr(e.what, "version 8"));
	assert_non_null(strstr(e.what, "version 3"));
}

static void test_a_state_without_its_facts_is_refused(void **state)
{
	struct cbtm_error e = { 0 };
	write_state(scratch_path(state, "bare"), NULL);
	assert_int_equal(load(scratch_path(state, "bare"), &e), CBTM_ERR_BAD_STORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_state_finds_its_plugin),
		cmocka_unit_test(test_another_version_is_refused_with_both),
		cmocka_unit_test(test_a_state_without_its_facts_is_refused),
	};
	host_start(NULL);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
