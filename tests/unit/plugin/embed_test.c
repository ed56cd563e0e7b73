/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin/embed.h"
#include "stage/host.h"
#include <string.h>

static const struct plugin_search odd = { TEST_BUILD_DIR "/tests/plugins", NULL };

static const struct cbtm_embed *letters(void)
{
	const struct cbtm_embed *embed = NULL;
	struct cbtm_error e = { 0 };
	assert_int_equal(embed_open("old-letters", &odd, &embed, &e), 0);
	return embed;
}

static void check(const struct cbtm_embed *embed, struct embed_context *c, const void *state,
                  const char *decoded)
{
	struct cbtm_document d = { .text = decoded, .text_size = strlen(decoded) };
	struct cbtm_error e = { 0 };
	float ours[27], theirs[27];
	assert_int_equal(embed_context_vector(c, ours, &e), 0);
	assert_int_equal(embed->transform(state, &d, 1, theirs, &e), 0);
	assert_memory_equal(ours, theirs, sizeof ours);
}

static void test_a_plugin_without_contexts_embeds_every_prefix(void **state)
{
	(void)state;
	const struct cbtm_embed *embed = letters();
	struct cbtm_error e = { 0 };
	void *s = embed->fit(NULL, NULL, &e);
	struct embed_context *c = embed_context_new(embed, s, &e);
	assert_non_null(c);
	check(embed, c, s, "");
	assert_int_equal(embed_context_add(c, "ab\xE2\x82", 4, &e), 0);
	check(embed, c, s, "ab\xEF\xBF\xBD"); /* a character cut off */
	assert_int_equal(embed_context_add(c, "\xAC", 1, &e), 0);
	check(embed, c, s, "ab\xE2\x82\xAC");
	assert_int_equal(embed_context_add(c, "\xFFz\xC3", 3, &e), 0);
	check(embed, c, s, "ab\xE2\x82\xAC\xEF\xBF\xBDz\xEF\xBF\xBD");
	assert_int_equal(embed_context_reset(c, &e), 0);
	check(embed, c, s, "");
	embed_context_free(c);
	embed_context_free(NULL);
	embed->free(s);
}

/* Python: b"...".decode(errors="replace"), the number of U+FFFD. */
static void test_invalid_bytes_are_replaced_as_python_does(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		int replaced;
	} rows[] = { { "\xF0\x9F\x98", 1 },
		         { "\xF0\x9F\x98\x80", 0 },
		         { "\xED\xA0\x80", 3 },
		         { "\xC0\x80", 2 },
		         { "\xF5", 1 },
		         { "\x80\x80", 2 },
		         { "\xE2\x82x", 1 },
		         { "\xF0\x80\x80", 3 },
		         { "\xE2\xE2\x82\xAC", 1 },
		         { "\xF4\x90\x80\x80", 4 },
		         { "\xE0\x9F\x80", 3 } };
	const struct cbtm_embed *embed = letters();
	struct cbtm_error e = { 0 };
	void *s = embed->fit(NULL, NULL, &e);
	struct embed_context *c = embed_context_new(embed, s, &e);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		float v[27];
		assert_int_equal(embed_context_reset(c, &e), 0);
		assert_int_equal(embed_context_add(c, "a", 1, &e), 0);
		assert_int_equal(embed_context_add(c, rows[i].bytes, strlen(rows[i].bytes), &e), 0);
		assert_int_equal(embed_context_vector(c, v, &e), 0);
		assert_int_equal((int)(v[26] / v[0] + 0.5f), rows[i].replaced);
	}
	embed_context_free(c);
	embed->free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_plugin_without_contexts_embeds_every_prefix),
		cmocka_unit_test(test_invalid_bytes_are_replaced_as_python_does),
	};
	host_start(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
