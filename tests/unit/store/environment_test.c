/* SPDX-License-Identifier: MIT */
#include "store/environment.h"
#include "store/sample.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_keys_sort_as_rows(void **state)
{
	(void)state;
	const uint64_t rows[] = { 0, 1, 255, 256, 65536, UINT32_MAX, (uint64_t)1 << 40, UINT64_MAX };
	unsigned char before[ROW_KEY_MAX] = { 0 }, key[ROW_KEY_MAX];
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t n = row_key(key, "text", rows[i]);
		assert_int_equal(n, 5 + 8);
		assert_int_equal(get_big_endian(key + 5), rows[i]);
		assert_true(memcmp(before, key, n) < 0);
		memcpy(before, key, n);
	}
}

/* More than the first map holds, in transactions that were told their size. */
static void test_map_grows_between_transactions(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	MDB_env *env;
	MDB_envinfo info;
	char *folder = sample_folder(), *path = sample_path(folder, "x");
	const size_t batch = 24 << 20;
	void *bytes = calloc(1, batch);
	sample_ok(environment_write(path, 1 << 20, 1, &env, &e), &e);
	for (int i = 0; i < 6; i++) {
		MDB_txn *t;
		MDB_dbi d;
		MDB_val key = { sizeof i, &i }, value = { batch, bytes };
		sample_ok(environment_grow(env, batch, path, &e), &e);
		sample_ok(environment_begin(env, false, path, &t, &e), &e);
		assert_int_equal(mdb_dbi_open(t, NULL, 0, &d), 0);
		assert_int_equal(mdb_put(t, d, &key, &value, 0), 0);
		sample_ok(environment_commit(t, path, &e), &e);
	}
	sample_ok(environment_grow(env, 1 << 20, path, &e), &e);
	assert_int_equal(mdb_env_info(env, &info), 0);
	uint64_t used = (uint64_t)(info.me_last_pgno + 1) * 4096;
	assert_true(info.me_mapsize >= used + (2 << 20) + (64 << 20));
	mdb_env_close(env);
	free(bytes);
	free(path);
	sample_folder_free(folder);
}

static void test_errors_say_what_failed(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	assert_int_equal(environment_error(0, "p", "x", &e), 0);
	assert_int_equal(environment_error(MDB_CORRUPTED, "p", "cannot read", &e), CBTM_ERR_BAD_STORE);
	assert_string_equal(e.where, "p");
	e = (struct cbtm_error){ 0 };
	assert_int_equal(environment_error(MDB_MAP_FULL, "p", "x", &e), CBTM_ERR_INTERNAL);
	e = (struct cbtm_error){ 0 };
	assert_int_equal(environment_error(ENOSPC, "p", "cannot commit", &e), CBTM_ERR_DISK_FULL);
	assert_int_equal(e.sys_errno, ENOSPC);
	MDB_env *env;
	e = (struct cbtm_error){ 0 };
	assert_int_not_equal(environment_read("/nonexistent/x", 4096, 1, &env, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_sort_as_rows),
		cmocka_unit_test(test_map_grows_between_transactions),
		cmocka_unit_test(test_errors_say_what_failed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
