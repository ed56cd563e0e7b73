/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "scratch.h"
#include "stage/documents.h"
#include "stage/sample_corpus.h"
#include <string.h>

enum { ROWS = 200 };

static void test_a_reader_gives_rows_as_plugins_see_them(void **state)
{
	struct dataset *d = sample_dataset(*state, "documents");
	struct store *s;
	struct document_reader *r;
	const struct cbtm_document *batch;
	struct cbtm_error e = { 0 };
	enum split split;
	uint64_t key;
	size_t n;
	assert_int_equal(dataset_part(d, 0, &s, &e), 0);
	for (int with_text = 0; with_text < 2; with_text++) {
		assert_int_equal(document_reader_open(s, with_text, &r, &e), 0);
		document_reader_clear(r);
		assert_int_equal(document_reader_batch(r, &batch, &n, &e), 0);
		assert_int_equal(n, 0);
		assert_int_equal(document_reader_add(r, 7, &e), 0);
		assert_int_equal(document_reader_add(r, 2, &e), 0);
		assert_int_equal(document_reader_batch(r, &batch, &n, &e), 0);
		assert_int_equal(n, 2);
		assert_int_equal(batch[0].key, 1007);
		assert_memory_equal(batch[1].meta, "{\"n\":2}", 7);
		assert_true(with_text ? !memcmp(batch[0].text, "text 7", 6) : !batch[0].text);
		assert_int_equal(document_reader_split(r, 6, &split, &key, &e), 0);
		assert_true(split == SPLIT_VALID && key == 1006);
		document_reader_close(r);
	}
	store_close(s);
	dataset_close(d);
}

static void test_a_batch_ends_with_the_document_that_fills_it(void **state)
{
	struct dataset *d = sample_dataset(*state, "documents");
	struct store *s;
	struct document_reader *r;
	const struct cbtm_document *batch;
	struct cbtm_error e = { 0 };
	uint64_t row = 0;
	assert_int_equal(dataset_part(d, 0, &s, &e), 0);
	assert_int_equal(document_reader_open(s, true, &r, &e), 0);
	for (size_t n, batches = 0; row < document_reader_rows(r); row += n, batches++) {
		size_t bytes = 0;
		assert_int_equal(document_reader_take(r, row, 7, 50, &batch, &n, &e), 0);
		for (size_t i = 0; i < n; i++) {
			assert_true(bytes < 50);
			assert_int_equal(batch[i].key, 1000 + row + i);
			bytes += batch[i].text_size + batch[i].meta_size;
		}
		assert_true(n > 0 && (bytes >= 50 || row + n == document_reader_rows(r)));
		/* So small a bound that no document fits: one at a time. */
		assert_int_equal(document_reader_take(r, row, 7, 1, &batch, &n, &e), 0);
		assert_int_equal(n, 1);
	}
	document_reader_close(r);
	store_close(s);
	dataset_close(d);
}

static void test_a_stream_walks_train_documents_of_all_parts_twice(void **state)
{
	struct dataset *d = sample_dataset(*state, "documents");
	struct document_sample sample;
	struct document_stream stream;
	struct cbtm_document batch[7];
	struct cbtm_error e = { 0 };
	assert_int_equal(document_sample_make(d, 0, 1, &sample, &e), 0);
	assert_int_equal(document_stream_open(d, &sample, &stream, &e), 0);
	assert_int_equal(stream.documents.count, ROWS / 2);
	for (int pass = 0; pass < 2; pass++, stream.bytes = 30) {
		uint64_t next = 0;
		for (size_t n = 1; n;) {
			assert_int_equal(stream.documents.next(&stream, batch, 7, &n, &e), 0);
			for (size_t i = 0; i < n; i++, next += next % 4 == 0 ? 1 : 3) {
				assert_int_equal(batch[i].key, 1000 + next);
				assert_memory_equal(batch[i].text, "text ", 5);
			}
		}
		assert_int_equal(next, ROWS);
		assert_int_equal(stream.documents.rewind(&stream, &e), 0);
	}
	document_stream_close(&stream);
	dataset_close(d);
}

static void test_a_sample_is_a_function_of_the_keys(void **state)
{
	struct dataset *d = sample_dataset(*state, "documents");
	struct document_sample sample, all;
	struct document_stream stream;
	struct cbtm_error e = { 0 };
	size_t taken = 0;
	assert_int_equal(document_sample_make(d, 50, 1, &sample, &e), 0);
	assert_int_equal(document_sample_make(d, 5000, 1, &all, &e), 0);
	for (uint64_t i = 0; i < ROWS; i++) {
		enum split split = (enum split)(i % 4);
		taken += document_is_sampled(&sample, split, 1000 + i);
		assert_int_equal(document_is_sampled(&all, split, 1000 + i), i % 4 < 2);
	}
	assert_true(taken > 30 && taken < 70);
	assert_int_equal(document_stream_open(d, &sample, &stream, &e), 0);
	assert_int_equal(stream.documents.count, taken);
	document_stream_close(&stream);
	sample.share = 0;
	assert_int_equal(document_stream_open(d, &sample, &stream, &e), CBTM_ERR_EMPTY_CORPUS);
	document_stream_close(&stream);
	dataset_close(d);
}

static int set_up(void **state)
{
	scratch_make(state);
	sample_corpus(*state, 3, ROWS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_reader_gives_rows_as_plugins_see_them),
		cmocka_unit_test(test_a_batch_ends_with_the_document_that_fills_it),
		cmocka_unit_test(test_a_stream_walks_train_documents_of_all_parts_twice),
		cmocka_unit_test(test_a_sample_is_a_function_of_the_keys),
	};
	return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
