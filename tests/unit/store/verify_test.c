/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "store/sample.h"
#include "store/verify.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char *folder, *store, *manifest;
	struct buffer bytes, json;
};

/* A part of about 64 KiB. */
static int set_up(void **state)
{
	struct cbtm_error e = { 0 };
	struct fixture *f = calloc(1, sizeof *f);
	struct store_writer *w;
	f->folder = sample_folder();
	f->store = sample_path(f->folder, "part-00000.lmdb");
	f->manifest = sample_path(f->folder, "part-00000.json");
	sample_ok(store_create(f->folder, 0, store_kind_find("vectors"), sample_fingerprint(1), &w, &e),
	          &e);
	sample_ok(store_add_column(w, "vector", STORE_F32, STORE_FIXED, 3, &e), &e);
	for (uint64_t i = 0; i < 1400; i++) {
		const float v[3] = { (float)i, (float)(i * 7 % 11), (float)(i * i) };
		sample_ok(store_append(w, "key", &i, 1, &e), &e);
		sample_ok(store_append(w, "vector", v, 1, &e), &e);
		if (i % 200 == 199)
			for (uint32_t j = 0; j < 1000; j++) {
				const uint64_t noise = (i + j) * 0x9E3779B97F4A7C15u;
				sample_ok(store_append(w, "key", &noise, 1, &e), &e);
			}
	}
	sample_ok(store_seal(w, &e), &e);
	sample_ok(file_read(f->store, 1 << 20, &f->bytes, &e), &e);
	sample_ok(file_read(f->manifest, 1 << 20, &f->json, &e), &e);
	assert_in_range(f->bytes.n, 48 << 10, 128 << 10);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	buffer_free(&f->bytes);
	buffer_free(&f->json);
	free(f->store);
	free(f->manifest);
	sample_folder_free(f->folder);
	free(f);
	return 0;
}

static void put_file(const char *path, const void *bytes, size_t n)
{
	struct cbtm_error e = { 0 };
	unlink(path); /* truncating instead makes ext4 write it out at once */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
	assert_true(fd >= 0);
	sample_ok(file_write_all(fd, bytes, n, path, &e), &e);
	close(fd);
}

static int check(const struct fixture *f)
{
	struct cbtm_error e = { 0 };
	return store_check(f->folder, 0, &e);
}

/* Every bit of the file through the digest that a reader asks first; a sample through the whole
 * path, where nothing may be mapped. */
static void test_every_flipped_bit_is_reported(void **state)
{
	struct fixture *f = *state;
	const struct digest want = digest_bytes(f->bytes.data, f->bytes.n);
	for (size_t bit = 0; bit < 8 * f->bytes.n; bit++) {
		f->bytes.data[bit / 8] ^= (char)(1 << bit % 8);
		assert_false(digest_equal(digest_bytes(f->bytes.data, f->bytes.n), want));
		if (bit % 1009 == 0) {
			put_file(f->store, f->bytes.data, f->bytes.n);
			assert_int_equal(check(f), CBTM_ERR_BAD_STORE);
		}
		f->bytes.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	put_file(f->store, f->bytes.data, f->bytes.n);
	assert_int_equal(check(f), 0);
}

static void test_every_flipped_bit_of_the_manifest_is_reported(void **state)
{
	struct fixture *f = *state;
	for (size_t bit = 0; bit < 8 * f->json.n; bit++) {
		f->json.data[bit / 8] ^= (char)(1 << bit % 8);
		put_file(f->manifest, f->json.data, f->json.n);
		assert_int_equal(check(f), CBTM_ERR_BAD_STORE);
		f->json.data[bit / 8] ^= (char)(1 << bit % 8);
	}
}

static void test_truncated_and_grown_files_are_reported(void **state)
{
	struct fixture *f = *state;
	for (size_t n = 0; n < f->bytes.n; n += 1 + n % 977) {
		put_file(f->store, f->bytes.data, n);
		assert_int_equal(check(f), CBTM_ERR_BAD_STORE);
	}
	put_file(f->store, f->bytes.data, f->bytes.n);
	assert_int_equal(truncate(f->store, (off_t)f->bytes.n + 4096), 0);
	assert_int_equal(check(f), CBTM_ERR_BAD_STORE);
	put_file(f->store, f->bytes.data, f->bytes.n);
	for (size_t n = 0; n < f->json.n; n++) {
		put_file(f->manifest, f->json.data, n);
		assert_int_equal(check(f), CBTM_ERR_BAD_STORE);
	}
	unlink(f->manifest);
	assert_int_equal(check(f), CBTM_ERR_MISSING_INPUT);
}

static void test_swapped_pages_are_reported(void **state)
{
	struct fixture *f = *state;
	char page[4096];
	for (size_t a = 0; a + 8192 <= f->bytes.n; a += 4096) {
		char *at = f->bytes.data + a;
		if (!memcmp(at, at + 4096, 4096))
			continue;
		memcpy(page, at, 4096);
		memcpy(at, at + 4096, 4096);
		memcpy(at + 4096, page, 4096);
		put_file(f->store, f->bytes.data, f->bytes.n);
		assert_int_equal(check(f), CBTM_ERR_BAD_STORE);
		memcpy(page, at, 4096);
		memcpy(at, at + 4096, 4096);
		memcpy(at + 4096, page, 4096);
	}
}

/* Blocks of key and row data changed behind the digest's back: their CRCs say so. */
static void test_without_digests_no_wrong_row_is_accepted(void **state)
{
	struct fixture *f = *state;
	struct store *s;
	struct store_reader *r;
	struct cbtm_error e = { 0 };
	const void *data;
	uint64_t n;
	/* "key" is the first column, and its first block the first value behind the two meta pages. */
	size_t at = 2 * 4096 + 16;
	store_set_verify(STORE_VERIFY_SIZE);
	int refused = 0;
	for (size_t i = 0; i < 200; i++) {
		size_t place = at + i * 37;
		f->bytes.data[place] ^= 16;
		put_file(f->store, f->bytes.data, f->bytes.n);
		f->bytes.data[place] ^= 16;
		e = (struct cbtm_error){ 0 };
		if (store_open(f->folder, 0, NULL, &s, &e))
			continue;
		if (!store_reader_open(s, "key", &r, &e)) {
			int rc = store_read_row(r, 0, &data, &n, &e);
			refused += rc != 0;
			if (!rc)
				assert_int_equal(*(const uint64_t *)data, 0);
			store_reader_close(r);
		}
		store_close(s);
	}
	store_set_verify(STORE_VERIFY_ONCE);
	assert_true(refused > 100);
}

static void test_once_remembers_and_notices_change(void **state)
{
	struct fixture *f = *state;
	struct cbtm_error e = { 0 };
	struct buffer memory = { 0 };
	const size_t n = 5 << 20;
	char *big = calloc(1, n), *path = sample_path(f->folder, "big");
	char *verified = sample_path(f->folder, "cbtm/verified");
	const struct digest digest = digest_bytes(big, n);
	setenv("XDG_CACHE_HOME", f->folder, 1);
	put_file(path, big, n);
	sample_ok(verify_file(path, n, digest, STORE_VERIFY_ONCE, &e), &e);
	sample_ok(file_read(verified, 10000, &memory, &e), &e);
	/* A second time it is not read: told by a memory that lies. */
	big[n / 2] = 1;
	struct digest other = digest_bytes(big, n);
	char hex[DIGEST_HEX];
	digest_hex(other, hex);
	memcpy(memory.data, hex, 32);
	put_file(verified, memory.data, memory.n);
	sample_ok(verify_file(path, n, other, STORE_VERIFY_ONCE, &e), &e);
	assert_int_equal(verify_file(path, n, other, STORE_VERIFY_FULL, &e), CBTM_ERR_BAD_STORE);
	/* Written again: another ctime, so it is read. */
	e = (struct cbtm_error){ 0 };
	usleep(20000);
	put_file(path, "x", 1);
	memset(big, 2, n);
	put_file(path, big, n);
	assert_int_equal(verify_file(path, n, other, STORE_VERIFY_ONCE, &e), CBTM_ERR_BAD_STORE);
	unsetenv("XDG_CACHE_HOME");
	buffer_free(&memory);
	free(big);
	free(path);
	free(verified);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_flipped_bit_is_reported, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_flipped_bit_of_the_manifest_is_reported, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_truncated_and_grown_files_are_reported, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_swapped_pages_are_reported, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_without_digests_no_wrong_row_is_accepted, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_once_remembers_and_notices_change, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
