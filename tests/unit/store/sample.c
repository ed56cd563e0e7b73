/* SPDX-License-Identifier: MIT */
#include "store/sample.h"
#include "base/file.h"
#include "base/random.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TENSOR_ROWS = 300, TENSOR_WIDTH = 70, TEXT_MAX = 2000 };

void sample_ok(int rc, const struct cbtm_error *e)
{
	if (rc)
		fail_msg("%s: %s: %s", error_name(e->name), e->where, e->what);
}

char *sample_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	char path[400];
	snprintf(path, sizeof path, "%s/cbtm-store-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(path));
	return strdup(path);
}

void sample_folder_free(char *folder)
{
	struct cbtm_error e = { 0 };
	sample_ok(folder_remove(folder, &e), &e);
	free(folder);
}

char *sample_path(const char *folder, const char *name)
{
	struct cbtm_error e = { 0 };
	char *path = path_join(folder, name, &e);
	assert_non_null(path);
	return path;
}

const struct store_kind *sample_kind(void)
{
	return store_kind_find("state");
}

struct digest sample_fingerprint(uint64_t n)
{
	return digest_bytes(&n, sizeof n);
}

static uint64_t draw(uint64_t row, uint32_t i)
{
	return random_u64(random_key(7, RANDOM_TEST), row, i);
}

/* Words with repeats, so that zstd has something to do; now and then an empty or a long row. */
static size_t text_of(uint64_t row, char text[TEXT_MAX + 8])
{
	size_t want = row % 17 == 3 ? 0 : draw(row, 0) % TEXT_MAX, n = 0;
	while (n < want)
		n += (size_t)snprintf(text + n, 8, "w%u ", (unsigned)(draw(row, (uint32_t)n) % 97));
	return n;
}

static int fill_row(struct store_writer *w, uint64_t row, struct cbtm_error *e)
{
	char text[TEXT_MAX + 8];
	uint64_t key = draw(row, 1), raw[2] = { row, row * row };
	float three[3] = { (float)row, (float)(draw(row, 2) % 1000) / 7, -1.5f };
	int rc = store_append(w, "key", &key, 1, e);
	if (!rc)
		rc = store_append_row(w, "text", text, text_of(row, text), e);
	if (!rc)
		rc = store_append(w, "three", three, 1, e);
	return rc ? rc : store_append_row(w, "raw", raw, row % 3, e);
}

static void tensor_of(float *tensor)
{
	for (int i = 0; i < TENSOR_ROWS * TENSOR_WIDTH; i++)
		tensor[i] = (float)i * 0.25f;
}

static int fill_end(struct store_writer *w, uint64_t rows, struct cbtm_error *e)
{
	static float tensor[TENSOR_ROWS * TENSOR_WIDTH];
	static const float bias[64] = { 1, 2, 3 };
	tensor_of(tensor);
	int rc = store_add_column(w, "weight", STORE_F32, STORE_TENSOR, TENSOR_WIDTH, e);
	if (!rc)
		rc = store_add_column(w, "bias", STORE_F32, STORE_TENSOR, 64, e);
	uint64_t done = store_rows(w, "weight");
	if (!rc && done < TENSOR_ROWS)
		rc = store_append(w, "weight", tensor + done * TENSOR_WIDTH, TENSOR_ROWS - done, e);
	if (!rc && !store_rows(w, "bias"))
		rc = store_append(w, "bias", bias, 1, e);
	if (!rc)
		rc = store_set_u64(w, "rows", rows, e);
	if (!rc)
		rc = store_set_text(w, "name", "a \"sample\"", e);
	if (!rc)
		rc = store_set_f64(w, "share", 0.1, e);
	return rc ? rc : store_set_json(w, "options", "{ \"k\": [1, 2.5, null] }", e);
}

int sample_fill(struct store_writer *w, uint64_t rows, uint64_t interval, struct cbtm_error *e)
{
	uint64_t row = 0;
	const void *cursor;
	size_t n;
	int rc = store_cursor(w, &cursor, &n, e);
	if (!rc && n == sizeof row)
		memcpy(&row, cursor, n);
	if (!rc)
		rc = store_add_column(w, "key", STORE_U64, STORE_FIXED, 1, e);
	if (!rc)
		rc = store_add_column(w, "text", STORE_U8, STORE_VARIABLE, 0, e);
	if (!rc)
		rc = store_add_column(w, "three", STORE_F32, STORE_FIXED, 3, e);
	if (!rc)
		rc = store_add_column(w, "raw", STORE_U64, STORE_VARIABLE, 0, e);
	if (!rc)
		assert_int_equal(store_rows(w, "text"), row);
	while (!rc && row < rows) {
		rc = fill_row(w, row++, e);
		if (!rc && row % interval == 0)
			rc = store_commit(w, &row, sizeof row, e);
	}
	return rc ? rc : fill_end(w, rows, e);
}

int sample_write(const char *folder, uint64_t rows, uint64_t interval, struct cbtm_error *e)
{
	struct store_writer *w;
	int rc = store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, e);
	if (rc || !w)
		return rc;
	rc = sample_fill(w, rows, interval, e);
	if (!rc)
		return store_seal(w, e);
	store_leave(w);
	return rc;
}

static void check_row(struct store_reader *text, struct store_reader *key, uint64_t row)
{
	struct cbtm_error e = { 0 };
	char want[TEXT_MAX + 8];
	const void *data;
	uint64_t n, wanted = draw(row, 1);
	size_t want_n = text_of(row, want);
	sample_ok(store_read_row(text, row, &data, &n, &e), &e);
	assert_int_equal(n, want_n);
	assert_memory_equal(data, want, want_n);
	sample_ok(store_read_row(key, row, &data, &n, &e), &e);
	assert_int_equal(n, 1);
	assert_memory_equal(data, &wanted, 8);
}

static void check_tensor(const struct store *s)
{
	static float want[TENSOR_ROWS * TENSOR_WIDTH];
	struct cbtm_error e = { 0 };
	struct store_reader *r;
	const void *data;
	uint64_t n;
	tensor_of(want);
	sample_ok(store_reader_open(s, "weight", &r, &e), &e);
	sample_ok(store_map_rows(r, 10, &data, &n, &e), &e);
	assert_int_equal(n, TENSOR_ROWS - 10);
	assert_memory_equal(data, want + 10 * TENSOR_WIDTH, n * TENSOR_WIDTH * 4);
	store_reader_close(r);
	sample_ok(store_reader_open(s, "bias", &r, &e), &e);
	sample_ok(store_map_rows(r, 0, &data, &n, &e), &e);
	assert_int_equal((uintptr_t)data % 64, 0);
	assert_true(((const float *)data)[2] == 3);
	store_reader_close(r);
}

void sample_check(const char *folder, uint64_t rows)
{
	struct cbtm_error e = { 0 };
	struct store *s;
	struct store_reader *text, *key;
	uint64_t v;
	double share;
	char name[32];
	sample_ok(store_open(folder, 0, sample_kind(), &s, &e), &e);
	assert_int_equal(store_row_count(s, "text"), rows);
	sample_ok(store_reader_open(s, "text", &text, &e), &e);
	sample_ok(store_reader_open(s, "key", &key, &e), &e);
	for (uint64_t row = 0; row < rows; row++)
		check_row(text, key, row);
	for (uint64_t i = 0; i < rows && i < 100; i++)
		check_row(text, key, draw(i, 9) % rows);
	store_reader_close(text);
	store_reader_close(key);
	check_tensor(s);
	assert_true(store_get_u64(s, "rows", &v) && v == rows);
	assert_true(store_get_f64(s, "share", &share) && share == 0.1);
	assert_true(store_get_text(s, "name", name, sizeof name));
	assert_string_equal(name, "a \"sample\"");
	assert_string_equal(store_get_json(s, "options"), "{\"k\":[1,2.5,null]}");
	store_close(s);
}

void sample_same_files(const char *folder_a, const char *folder_b, const char *name)
{
	struct cbtm_error e = { 0 };
	struct buffer a = { 0 }, b = { 0 };
	char *path_a = sample_path(folder_a, name), *path_b = sample_path(folder_b, name);
	sample_ok(file_read(path_a, UINT32_MAX, &a, &e), &e);
	sample_ok(file_read(path_b, UINT32_MAX, &b, &e), &e);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.data, b.data, a.n);
	free(path_a);
	free(path_b);
	buffer_free(&a);
	buffer_free(&b);
}
