/* SPDX-License-Identifier: MIT */
#include "base/digest.h"
#include "base/file.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Made with the xxhash module of Python. */
static void test_digests_are_those_of_xxh3_128(void **state)
{
	(void)state;
	unsigned char long_text[256 * 17];
	for (size_t i = 0; i < sizeof long_text; i++)
		long_text[i] = (unsigned char)i;
	const struct {
		const void *bytes;
		size_t n;
		const char *hex;
	} rows[] = {
		{ "", 0, "99aa06d3014798d86001c324468d497f" },
		{ "a", 1, "a96faf705af16834e6c632b61e964e1f" },
		{ "abc", 3, "06b05ab6733a618578af5f94892f3950" },
		{ "hello, world", 12, "11c83d9c1ee368164c0abe17b55db69c" },
		{ long_text, sizeof long_text, "aaca5c3a6288f76c56f05ca6814af06f" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct cbtm_error e = { 0 };
		char hex[DIGEST_HEX];
		digest_hex(digest_bytes(rows[i].bytes, rows[i].n), hex);
		assert_string_equal(hex, rows[i].hex);
		struct digest_stream *s = digest_begin(&e);
		digest_add(s, rows[i].bytes, rows[i].n / 2);
		digest_now(s);
		digest_add(s, (const char *)rows[i].bytes + rows[i].n / 2, rows[i].n - rows[i].n / 2);
		digest_hex(digest_now(s), hex);
		assert_string_equal(hex, rows[i].hex);
		digest_end(s);
	}
	digest_end(NULL);
}

static void test_hex_reads_back(void **state)
{
	(void)state;
	struct digest d = digest_bytes("abc", 3), r = { 1, 2 };
	const char *bad[] = { "", "06b0", "06b05ab6733a618578af5f94892f395g",
		                  "06b05ab6733a618578af5f94892f39500",
		                  "md5-128:06b05ab6733a618578af5f94892f3950" };
	assert_true(digest_parse("06b05ab6733a618578af5f94892f3950", 32, &r));
	assert_true(digest_equal(d, r));
	r.low = 0;
	assert_true(digest_parse("xxh3-128:06B05AB6733A618578AF5F94892F3950", 41, &r));
	assert_true(digest_equal(d, r));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(digest_parse(bad[i], strlen(bad[i]), &r));
	assert_true(digest_equal(d, r));
}

static struct digest of_fields(const char *a, const char *b)
{
	struct cbtm_error e = { 0 };
	struct digest_stream *s = digest_begin(&e);
	digest_text(s, a);
	digest_text(s, b);
	struct digest d = digest_now(s);
	digest_end(s);
	return d;
}

static void test_fields_are_framed(void **state)
{
	(void)state;
	assert_false(digest_equal(of_fields("ab", "c"), of_fields("a", "bc")));
	assert_false(digest_equal(of_fields("", "abc"), of_fields("abc", "")));
	assert_true(digest_equal(of_fields("ab", "c"), of_fields("ab", "c")));
	assert_true(
		digest_equal(of_fields("", ""), digest_bytes("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16)));
}

static void test_a_files_digest_is_that_of_its_bytes(void **state)
{
	struct cbtm_error e = { 0 };
	size_t n = (3 << 20) + 17;
	char *bytes = malloc(n);
	const char *path = scratch_path(state, "f");
	struct digest d;
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i * 2654435761u >> 13);
	assert_int_equal(file_replace(path, bytes, n, &e), 0);
	assert_int_equal(digest_file(path, 0, UINT64_MAX, &d, &e), 0);
	assert_true(digest_equal(d, digest_bytes(bytes, n)));
	assert_int_equal(digest_file(path, 5, 2 << 20, &d, &e), 0);
	assert_true(digest_equal(d, digest_bytes(bytes + 5, 2 << 20)));
	assert_int_equal(digest_file(path, n, UINT64_MAX, &d, &e), 0);
	assert_true(digest_equal(d, digest_bytes("", 0)));
	assert_int_equal(digest_file(path, 5, n, &d, &e), CBTM_ERR_BAD_DATA);
	e.name = CBTM_OK;
	assert_int_equal(digest_file("/no/such/file", 0, 1, &d, &e), CBTM_ERR_MISSING_INPUT);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests_are_those_of_xxh3_128),
		cmocka_unit_test(test_hex_reads_back),
		cmocka_unit_test(test_fields_are_framed),
		cmocka_unit_test_setup_teardown(test_a_files_digest_is_that_of_its_bytes, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
