/* SPDX-License-Identifier: MIT */
#include "store/column.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_every_kind_is_found_by_its_name(void **state)
{
	(void)state;
	size_t n = 0;
	for (const struct store_kind *const *k = store_kinds(); *k; k++, n++)
		assert_ptr_equal(store_kind_find((*k)->name), *k);
	assert_int_equal(n, 14);
	assert_null(store_kind_find("nonsense"));
}

static void test_columns_are_named_once_and_rightly(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	for (const struct store_kind *const *k = store_kinds(); *k; k++)
		for (const struct store_column *c = (*k)->columns; c->name; c++) {
			sample_ok(column_check_name(c->name, &e), &e);
			assert_true(c->shape != STORE_VARIABLE || c->width == 0);
			for (const struct store_column *d = (*k)->columns; d < c; d++)
				assert_string_not_equal(c->name, d->name);
		}
}

/* An empty part of every kind. */
static void test_every_kind_can_be_written(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char *folder = sample_folder();
	uint32_t part = 0;
	for (const struct store_kind *const *k = store_kinds(); *k; k++, part++) {
		struct store_writer *w;
		struct store *s;
		sample_ok(store_create(folder, part, *k, sample_fingerprint(1), &w, &e), &e);
		sample_ok(store_seal(w, &e), &e);
		sample_ok(store_open(folder, part, *k, &s, &e), &e);
		assert_ptr_equal(store_kind_of(s), *k);
		store_close(s);
	}
	sample_folder_free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_is_found_by_its_name),
		cmocka_unit_test(test_columns_are_named_once_and_rightly),
		cmocka_unit_test(test_every_kind_can_be_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
