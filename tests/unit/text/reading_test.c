/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "scratch.h"
#include "text/little.h"
#include "text/reading.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct got {
	struct buffer text; /* the texts, '|' behind each */
	uint64_t rows, wrong_digests;
};

static int take(void *arg, const struct reading_rows *r, uint64_t *bytes, struct cbtm_error *e)
{
	struct got *g = arg;
	const char *at = r->text;
	for (size_t i = 0; i < r->n; at += r->text_n[i++]) {
		buffer_add(&g->text, at, r->text_n[i], e);
		buffer_text(&g->text, "|", e);
		g->wrong_digests += !digest_equal(r->text_digest[i], digest_bytes(at, r->text_n[i]));
		*bytes += r->text_n[i];
	}
	g->rows += r->n;
	return e->name;
}

static int read_all(void **state, int policy, uint64_t bad_lines, unsigned threads,
                    const char *quarantine, struct got *g, struct reading_counts *counts,
                    struct cbtm_error *e)
{
	struct reading_rules rules = little_rules;
	struct source *s = little_plan(scratch_path(state, "in"), 1 << 30);
	struct pool *pool = pool_new(threads, e);
	struct reading reading = { .source = s,
		                       .rules = &rules,
		                       .digests = true,
		                       .silent = true,
		                       .quarantine = quarantine,
		                       .pool = pool,
		                       .arg = g,
		                       .take = take };
	rules.bad_input = policy;
	rules.bad_lines = bad_lines;
	*g = (struct got){ 0 };
	int status = reading_run(&reading, counts, e);
	pool_free(pool);
	source_free(s);
	return status;
}

/* 30000 documents; every 100th line is broken, every 1000th has invalid UTF-8. */
static void write_corpus(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	for (int i = 1; i <= 30000; i++) {
		if (i % 1000 == 0)
			buffer_printf(&b, &e, "{\"id\":%d,\"text\":\"a\xff%d\"}\n", i, i);
		else if (i % 100 == 0)
			buffer_printf(&b, &e, "{\"id\":%d,\"text\":\n", i);
		else
			buffer_printf(&b, &e, "{\"id\":%d,\"text\":\"t%d\"}\n\n", i, i);
	}
	assert_int_equal(file_replace(scratch_path(state, "in"), b.data, b.n, &e), 0);
	buffer_free(&b);
}

static void test_counts_are_exact_on_any_threads(void **state)
{
	struct got one, many;
	struct reading_counts counts;
	struct cbtm_error e = { 0 };
	write_corpus(state);
	assert_int_equal(read_all(state, BAD_INPUT_SKIP, 300, 1, NULL, &one, &counts, &e), 0);
	assert_int_equal(counts.bad, 270);
	assert_int_equal(counts.repaired, 30);
	assert_int_equal(one.rows, 30000 - 270);
	assert_int_equal(one.wrong_digests, 0);
	assert_int_equal(read_all(state, BAD_INPUT_SKIP, 300, 4, NULL, &many, &counts, &e), 0);
	assert_int_equal(counts.bad, 270);
	assert_string_equal(one.text.data, many.text.data);
	buffer_free(&one.text);
	buffer_free(&many.text);
}

static void test_the_first_bad_line_or_the_one_too_many_is_named(void **state)
{
	struct got g;
	struct reading_counts counts;
	struct cbtm_error e = { 0 };
	write_corpus(state);
	assert_int_equal(read_all(state, BAD_INPUT_ABORT, 300, 3, NULL, &g, &counts, &e),
	                 CBTM_ERR_BAD_JSON);
	assert_non_null(strstr(e.where, "in:199:")); /* 99 lines with an empty one behind each */
	buffer_free(&g.text);
	e = (struct cbtm_error){ 0 };
	assert_int_equal(read_all(state, BAD_INPUT_SKIP, 299, 3, NULL, &g, &counts, &e),
	                 CBTM_ERR_BAD_UTF8);
	assert_non_null(strstr(e.where, "in:59700:"));
	assert_non_null(strstr(e.hint, "more than 299"));
	buffer_free(&g.text);
}

static void test_all_bad_lines_are_kept_in_quarantine(void **state)
{
	struct got g;
	struct reading_counts counts;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	char path[400];
	size_t lines = 0;
	snprintf(path, sizeof path, "%s", scratch_path(state, "q"));
	write_corpus(state);
	assert_int_equal(read_all(state, BAD_INPUT_QUARANTINE, 1000, 2, path, &g, &counts, &e), 0);
	assert_int_equal(file_read(path, 1 << 20, &b, &e), 0);
	for (const char *p = b.data; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 270);
	assert_non_null(strstr(b.data, "\"line\":\"{\\\"id\\\":29900,\\\"text\\\":\""));
	buffer_free(&b);
	buffer_free(&g.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_counts_are_exact_on_any_threads, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_the_first_bad_line_or_the_one_too_many_is_named,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_all_bad_lines_are_kept_in_quarantine, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
