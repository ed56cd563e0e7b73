/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "model/huggingface_help.h"
#include "model/safetensors.h"
#include "scratch.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_three_types_are_read_exactly(void **state)
{
	struct cbtm_error e = { 0 };
	static const char header[] =
		"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
		"\"b\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[8,16]},"
		"\"c\":{\"dtype\":\"BF16\",\"shape\":[1,1],\"data_offsets\":[16,18]}}";
	/* 1.5 and -2^-149; 1, -2^-24 (the least denormal), 65504, -0; -3 */
	static const unsigned char data[] = { 0,    0,    0xc0, 0x3f, 1,    0, 0,    0x80, 0,
		                                  0x3c, 0x01, 0x80, 0xff, 0x7b, 0, 0x80, 0x40, 0xc0 };
	struct safetensors *s;
	struct buffer b = { 0 };
	float v[4];
	buffer_u64(&b, sizeof header - 1, &e);
	buffer_add(&b, header, sizeof header - 1, &e);
	buffer_add(&b, data, sizeof data, &e);
	test_write_file(*state, "model.safetensors", b.data, b.n);
	buffer_free(&b);
	if (safetensors_open(*state, &s, &e))
		fail_msg("%s: %s", e.where, e.what);
	assert_int_equal(safetensors_count(s), 3);
	assert_int_equal(safetensors_read(s, safetensors_find(s, "a"), 0, 2, v, &e), 0);
	assert_true(v[0] == 1.5f && v[1] == -0x1p-149f);
	assert_int_equal(safetensors_read(s, safetensors_find(s, "b"), 0, 4, v, &e), 0);
	assert_true(v[0] == 1 && v[1] == -0x1p-24f && v[2] == 65504 && v[3] == 0 && signbit(v[3]));
	assert_int_equal(safetensors_read(s, safetensors_find(s, "b"), 2, 1, v, &e), 0);
	assert_true(v[0] == 65504);
	assert_int_equal(safetensors_find(s, "c")->rank, 2);
	assert_int_equal(safetensors_read(s, safetensors_find(s, "c"), 0, 1, v, &e), 0);
	assert_true(v[0] == -3);
	assert_null(safetensors_find(s, "d"));
	safetensors_close(s);
}

#define T(name, type, shape, offsets)                                                              \
	"\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

/* Hostile headers: what stands in them, bytes behind, what the error says. */
static const struct {
	const char *header;
	size_t data;
	const char *what;
} hostile[] = {
	{ "{" T("a", "F32", "[2]", "[0,8]") "}", 4, "not in the file" },
	{ "{" T("a", "F32", "[2]", "[0,8]") "}", 12, "belong to none" },
	{ "{" T("a", "F32", "[3]", "[0,8]") "}", 8, "not as many bytes" },
	{ "{" T("a", "F32", "[4611686018427387904,4]", "[0,8]") "}", 8, "shape that cannot be" },
	{ "{" T("a", "F32", "[4611686018427387905]", "[0,4]") "}", 4, "not as many bytes" },
	{ "{" T("a", "F32", "[-1]", "[0,4]") "}", 4, "shape that cannot be" },
	{ "{" T("a", "F32", "[1.5]", "[0,4]") "}", 4, "shape that cannot be" },
	{ "{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "too many dimensions" },
	{ "{" T("a", "F32", "[1]", "[8,4]") "}", 8, "not in the file" },
	{ "{" T("a", "F32", "[1]", "[0,18446744073709551615]") "}", 8, "not in the file" },
	{ "{" T("a", "F33", "[1]", "[0,4]") "}", 4, "not known" },
	{ "{" T("a", "F32", "[1]", "[0]") "}", 4, "no dtype, shape and data_offsets" },
	{ "{\"a\":1}", 0, "no dtype, shape and data_offsets" },
	{ "{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[0,4]") "}", 4, "overlaps" },
	{ "{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[8,12]") "}", 12,
	  "unused bytes" },
	{ "{" T("a", "F32", "[1]", "[0,4]") "," T("a", "F32", "[1]", "[4,8]") "}", 8, "twice" },
	{ "{" T("a\\u0000b", "F32", "[1]", "[0,4]") "}", 4, "name that cannot be" },
	{ "[]", 0, "not an object" },
	{ "", 0, "" },
	{ "{\"a\":", 0, "" },
};

static void test_hostile_headers_are_refused_by_name(void **state)
{
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		struct cbtm_error e = { 0 };
		struct safetensors *s;
		test_write_safetensors(*state, "model.safetensors", hostile[i].header, hostile[i].data);
		assert_int_not_equal(safetensors_open(*state, &s, &e), 0);
		assert_null(s);
		assert_non_null(strstr(e.where, "model.safetensors"));
		if (!strstr(e.what, hostile[i].what))
			fail_msg("%s: \"%s\" does not say \"%s\"", hostile[i].header, e.what, hostile[i].what);
	}
}

static void test_a_header_longer_than_the_file_takes_no_memory(void **state)
{
	static const unsigned char lengths[][8] = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		                                        { 0, 0, 0, 0, 1, 0, 0, 0 },
		                                        { 9, 0, 0, 0, 0, 0, 0, 0 } };
	for (size_t i = 0; i < 3; i++) {
		struct cbtm_error e = { 0 };
		struct safetensors *s;
		char file[16] = "........{}      ";
		memcpy(file, lengths[i], 8);
		test_write_file(*state, "model.safetensors", file, sizeof file);
		assert_int_equal(safetensors_open(*state, &s, &e), CBTM_ERR_BAD_DATA);
	}
}

static void test_a_file_that_shrinks_is_an_error(void **state)
{
	struct cbtm_error e = { 0 };
	struct safetensors *s;
	float v[2];
	test_write_safetensors(*state, "model.safetensors", "{" T("a", "F32", "[2]", "[0,8]") "}", 8);
	assert_int_equal(safetensors_open(*state, &s, &e), 0);
	FILE *f = fopen(scratch_path(state, "model.safetensors"), "r+b");
	assert_non_null(f);
	assert_int_equal(ftruncate(fileno(f), 12), 0);
	fclose(f);
	assert_int_equal(safetensors_read(s, safetensors_at(s, 0), 0, 2, v, &e), CBTM_ERR_BAD_DATA);
	safetensors_close(s);
}

static void write_index(void **state, const char *json)
{
	test_write_file(*state, "model.safetensors.index.json", json, strlen(json));
}

static void test_several_files_are_one_checkpoint(void **state)
{
	struct cbtm_error e = { 0 };
	struct safetensors *s;
	test_write_safetensors(*state, "x-1.safetensors", "{" T("a", "F32", "[1]", "[0,4]") "}", 4);
	test_write_safetensors(*state, "x-2.safetensors", "{" T("b", "F16", "[3]", "[0,6]") "}", 6);
	write_index(
		state,
		"{\"metadata\":{},\"weight_map\":{\"a\":\"x-1.safetensors\",\"b\":\"x-2.safetensors\"}}");
	if (safetensors_open(*state, &s, &e))
		fail_msg("%s: %s", e.where, e.what);
	assert_int_equal(safetensors_count(s), 2);
	assert_non_null(strstr(safetensors_path(s, safetensors_find(s, "b")), "x-2"));
	safetensors_close(s);
}

static void test_an_index_leads_nowhere_else(void **state)
{
	static const char *const bad[] = {
		"{\"weight_map\":{\"a\":\"../x.safetensors\"}}",
		"{\"weight_map\":{\"a\":\"/etc/passwd\"}}",
		"{\"weight_map\":{\"a\":\".hidden\"}}",
		"{\"weight_map\":{\"a\":7}}",
		"{\"weight_map\":[]}",
		"{}",
		"{\"weight_map\":{\"a\":\"missing\"}}",
		"{\"weight_map\":{\"c\":\"x-1.safetensors\"}}",
	};
	test_write_safetensors(*state, "x-1.safetensors", "{" T("a", "F32", "[1]", "[0,4]") "}", 4);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct cbtm_error e = { 0 };
		struct safetensors *s;
		write_index(state, bad[i]);
		if (!safetensors_open(*state, &s, &e))
			fail_msg("%s is taken", bad[i]);
	}
}

static void test_a_folder_without_tensors_says_so(void **state)
{
	struct cbtm_error e = { 0 };
	struct safetensors *s;
	assert_int_equal(safetensors_open(*state, &s, &e), CBTM_ERR_MISSING_INPUT);
	assert_non_null(strstr(e.hint, "safetensors"));
}

static void test_other_types_are_listed_but_not_read(void **state)
{
	struct cbtm_error e = { 0 };
	struct safetensors *s;
	float v;
	test_write_safetensors(*state, "model.safetensors", "{" T("a", "BOOL", "[]", "[0,1]") "}", 1);
	assert_int_equal(safetensors_open(*state, &s, &e), 0);
	assert_int_equal(safetensors_read(s, safetensors_at(s, 0), 0, 1, &v, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, "BOOL"));
	safetensors_close(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_three_types_are_read_exactly),
		TEST(test_hostile_headers_are_refused_by_name),
		TEST(test_a_header_longer_than_the_file_takes_no_memory),
		TEST(test_a_file_that_shrinks_is_an_error),
		TEST(test_several_files_are_one_checkpoint),
		TEST(test_an_index_leads_nowhere_else),
		TEST(test_a_folder_without_tensors_says_so),
		TEST(test_other_types_are_listed_but_not_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
