/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "text/weights.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const asked[] = { "wiki=2", "a=b=0.3", "none=0" };
static const struct cbtm_texts list = { asked, 3 };

static struct weights *make(const char *field, uint32_t clusters)
{
	struct cbtm_error e = { 0 };
	struct weights *w;

	if (weights_new(field, &list, clusters, &w, &e))
		fail_msg("%s: %s", e.where, e.what);
	return w;
}

static uint64_t take(struct weights *w, const char *meta, uint64_t tokens, uint32_t cluster)
{
	struct cbtm_error e = { 0 };
	uint64_t copies;

	if (weights_take(w, meta, strlen(meta), tokens, cluster, &copies, &e))
		fail_msg("%s: %s", e.where, e.what);
	return copies;
}

static void test_whole_weights_are_copies(void **state)
{
	struct weights *w = make("meta.source", 1);

	(void)state;
	for (uint64_t n = 1; n < 50; n++) {
		assert_int_equal(take(w, "{\"source\":\"wiki\"}", n * 7 % 40 + 1, 0), 2);
		assert_int_equal(take(w, "{\"source\":\"other\"}", n * 5 % 40 + 1, 0), 1);
		assert_int_equal(take(w, "{\"source\":7}", n, 0), 1);
		assert_int_equal(take(w, "", n, 0), 1);
		assert_int_equal(take(w, "{\"source\":\"none\"}", n, 0), 0);
	}
	weights_free(w);
}

/* Shares of each cluster, and of all, within 0.1 % of what the weights ask for. */
static void test_shares_are_those_asked_for(void **state)
{
	static const char *const meta[] = { "{\"in\":{\"a\":\"wiki\"}}", "{\"in\":{\"a\":\"a=b\"}}",
		                                "{\"in\":{\"a\":\"none\"}}", "{}" };
	struct weights *w = make("in.a", 3);
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	uint64_t x = 1;

	(void)state;
	for (int i = 0; i < 60000; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		take(w, meta[x >> 62], (x >> 40 & 511) + 1, (uint32_t)(x >> 33 & 0x3ff) % 3);
	}
	for (uint32_t cluster = 0; cluster < 3; cluster++) {
		static const double weight[] = { 2, 0.3, 0, 1 };
		struct buffer out = { 0 };
		struct json root, rows, row, v;
		size_t cursor = 0, n = 0;
		assert_int_equal(weights_report(w, cluster, &out, &e), 0);
		assert_int_equal(json_parse(p, out.data, out.n, "report", &root, &e), 0);
		assert_true(json_member(root, "sources", &rows));
		for (; json_next(rows, &cursor, NULL, NULL, &row); n++) {
			double target, share, target_all, share_all, given;
			assert_true(json_member(row, "weight", &v) && json_f64(v, &given));
			assert_true(given == weight[n]);
			assert_true(json_member(row, "target", &v) && json_f64(v, &target));
			assert_true(json_member(row, "share", &v) && json_f64(v, &share));
			assert_true(json_member(row, "target_all", &v) && json_f64(v, &target_all));
			assert_true(json_member(row, "share_all", &v) && json_f64(v, &share_all));
			assert_true(fabs(share - target) < 0.001 && fabs(share_all - target_all) < 0.001);
			assert_true(fabs(target - weight[n] / 3.3) < 0.03);
		}
		assert_int_equal(n, 4);
		buffer_free(&out);
	}
	json_parser_free(p);
	weights_free(w);
}

static void test_a_value_that_no_document_has_is_named(void **state)
{
	struct weights *w = make("source", 1);
	struct cbtm_error e = { 0 };
	struct buffer out = { 0 };

	(void)state;
	take(w, "{\"source\":\"wiki\"}", 5, 0);
	assert_int_equal(weights_report(w, 0, &out, &e), CBTM_ERR_CONFIG);
	assert_string_equal(e.where, "weights");
	assert_non_null(strstr(e.what, "\"a=b\" as its source"));
	buffer_free(&out);
	weights_free(w);
}

static void test_what_is_no_weight_is_refused(void **state)
{
	static const char *const wrong[][2] = { { "wiki" },     { "=2" },        { "wiki=" },
		                                    { "wiki=-1" },  { "wiki=two" },  { "wiki=1001" },
		                                    { "wiki=nan" }, { "a=1", "a=2" } };

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct cbtm_texts one = { wrong[i], wrong[i][1] ? 2 : 1 };
		struct cbtm_error e = { 0 };
		struct weights *w;
		assert_int_equal(weights_new("source", &one, 1, &w, &e), CBTM_ERR_CONFIG);
		assert_null(w);
		assert_non_null(strchr(e.what, '"'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_weights_are_copies),
		cmocka_unit_test(test_shares_are_those_asked_for),
		cmocka_unit_test(test_a_value_that_no_document_has_is_named),
		cmocka_unit_test(test_what_is_no_weight_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
