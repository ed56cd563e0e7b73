/* SPDX-License-Identifier: MIT */
#include "stage/options.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct values {
	const char *text;
	uint64_t count, needed;
	int flag, choice;
	struct cbtm_counts counts;
	struct cbtm_texts texts, words;
};
#define AT(field) offsetof(struct values, field)
static const struct cbtm_param table[] = {
	{ "text", CBTM_PARAM_TEXT, AT(text), "none", 0, 0, NULL, "a text", 0, 0 },
	{ "seed.count_of", CBTM_PARAM_COUNT, AT(count), "7", 1, 100, NULL, "a count", 0, 0 },
	{ "flag", CBTM_PARAM_BOOL, AT(flag), "false", 0, 0, NULL, "a flag", 0, 0 },
	{ "choice", CBTM_PARAM_CHOICE, AT(choice), "a", 0, 0, "a|b", "a choice", 0, 0 },
	{ "counts", CBTM_PARAM_COUNTS, AT(counts), "[]", 0, 0, NULL, "counts", 0, 0 },
	{ "texts", CBTM_PARAM_TEXTS, AT(texts), "[]", 0, 0, NULL, "texts", 0, 0 },
	{ "words", CBTM_PARAM_TEXTS, AT(words), "[a]", 0, 0, NULL, "words", 0, 0 },
	CBTM_PARAM_END
};
static const struct cbtm_param needs[] = { { "needed", CBTM_PARAM_COUNT, AT(needed), NULL, 0, 0,
	                                         NULL, "a thing", CBTM_PARAM_REQUIRED, 0 },
	                                       CBTM_PARAM_END };

struct fixture {
	struct arena *arena;
	struct values v;
	struct option_group group[2];
	struct cbtm_error e;
	int n;
	char *argv[16];
};

/* Parses words up to NULL with `groups` of the two tables. */
static int parse(struct fixture *f, size_t groups, bool lenient, const char *const *words)
{
	int argc = 1;

	memset(&f->e, 0, sizeof f->e);
	f->argv[0] = (char *)"program";
	for (; words[argc - 1]; argc++)
		f->argv[argc] = (char *)words[argc - 1];
	f->group[0] = (struct option_group){ "First", table, &f->v, 0 };
	f->group[1] = (struct option_group){ NULL, needs, &f->v, 0 };
	return options_parse(f->group, groups, f->arena, argc, f->argv, &f->n, lenient, &f->e);
}
#define PARSE(groups, lenient, ...) parse(f, groups, lenient, (const char *const[]){ __VA_ARGS__ })

static int set_up(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof f);
	f.arena = arena_new(&f.e);
	*state = &f;
	return f.arena ? 0 : -1;
}

static int tear_down(void **state)
{
	arena_free(((struct fixture *)*state)->arena);
	return 0;
}

static void test_values_come_after_space_or_equals(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(PARSE(1, false, "--text", "--odd", "--seed-count-of=12", "--flag", NULL), 0);
	assert_string_equal(f->v.text, "--odd");
	assert_int_equal(f->v.count, 12);
	assert_int_equal(f->v.flag, 1);
	assert_int_equal(f->group[0].set, 1 | 2 | 4);
	assert_int_equal(PARSE(1, false, "--flag", "--no-flag", NULL), 0);
	assert_int_equal(f->v.flag, 0);
	assert_string_equal(f->v.text, "none");
}

static void test_lists_append_and_texts_keep_commas(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(PARSE(1, false, "--counts", "1,2", "--counts=[3, 4K]", "--texts", "a,b.jsonl",
	                       "--texts", "c", NULL),
	                 0);
	assert_int_equal(f->v.counts.n, 4);
	assert_int_equal(f->v.counts.v[3], 4000);
	assert_int_equal(f->v.texts.n, 2);
	assert_string_equal(f->v.texts.v[0], "a,b.jsonl");
	assert_int_equal(PARSE(1, false, "--words=[]", NULL), 0);
	assert_int_equal(f->v.words.n, 0);
	assert_int_equal(PARSE(1, false, NULL), 0);
	assert_int_equal(f->v.words.n, 1); /* the default */
}

static void test_arguments_move_to_the_front(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(PARSE(1, false, "one", "--flag", "two", "--", "--flag", NULL), 0);
	assert_int_equal(f->n, 3);
	assert_string_equal(f->argv[1], "one");
	assert_string_equal(f->argv[2], "two");
	assert_string_equal(f->argv[3], "--flag");
}

static void test_unknown_option_names_the_nearest(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(PARSE(1, false, "--seed-cuont-of", "3", NULL), CBTM_ERR_USAGE);
	assert_non_null(strstr(f->e.what, "--seed-cuont-of"));
	assert_non_null(strstr(f->e.what, "--seed-count-of"));
	assert_int_equal(PARSE(1, false, "-f", NULL), CBTM_ERR_USAGE);
}

static void test_bad_values_name_the_option_and_what_is_allowed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(PARSE(1, false, "--seed-count-of", "101", NULL), CBTM_ERR_USAGE);
	assert_string_equal(f->e.where, "--seed-count-of");
	assert_non_null(strstr(f->e.what, "1 to 100"));
	assert_int_equal(PARSE(1, false, "--text", NULL), CBTM_ERR_USAGE);
	assert_int_equal(PARSE(1, false, "--flag=perhaps", NULL), CBTM_ERR_USAGE);
}

static void test_required_options_are_demanded_unless_lenient(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(PARSE(2, false, NULL), CBTM_ERR_USAGE);
	assert_non_null(strstr(f->e.what, "--needed"));
	assert_int_equal(PARSE(2, true, "--unknown", "x", NULL), 0);
	assert_int_equal(PARSE(2, false, "--needed", "3", NULL), 0);
	assert_int_equal(f->v.needed, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values_come_after_space_or_equals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lists_append_and_texts_keep_commas, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_arguments_move_to_the_front, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown_option_names_the_nearest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_values_name_the_option_and_what_is_allowed, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_required_options_are_demanded_unless_lenient, set_up,
		                                tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
