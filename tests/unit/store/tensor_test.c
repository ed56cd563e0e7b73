/* SPDX-License-Identifier: MIT */
#include "store/sample.h"
#include "store/tensor.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct block_place place = { { 1, 2 }, "weight", 0 };
static const struct block_limits any = { 1000, 1 << 20 };

struct encoded {
	unsigned char *value;
	size_t size;
	struct buffer crcs;
};

static struct encoded encode(const void *raw, size_t n)
{
	struct cbtm_error e = { 0 };
	struct encoded t = { .size = tensor_value_size(n, 4096) };
	t.value = malloc(t.size);
	sample_ok(tensor_encode(&place, 10, raw, n, t.value, t.size, &t.crcs, &e), &e);
	return t;
}

static int decode(const struct encoded *t, const struct block_place *at, struct block *b)
{
	struct cbtm_error e = { 0 };
	return tensor_decode(at, &any, t->value, t->size, t->crcs.data, t->crcs.n, "x", b, &e);
}

static void free_encoded(struct encoded *t)
{
	free(t->value);
	buffer_free(&t->crcs);
}

static void test_values_are_at_least_a_page(void **state)
{
	(void)state;
	assert_int_equal(tensor_value_size(1, 4096), 4096);
	assert_int_equal(tensor_value_size(4048, 4096), 4096);
	assert_int_equal(tensor_value_size(4049, 4096), 4097);
}

static void test_data_lie_where_they_can_be_used(void **state)
{
	(void)state;
	static unsigned char raw[600000];
	struct block b;
	for (size_t i = 0; i < sizeof raw; i++)
		raw[i] = (unsigned char)(i * 31);
	struct encoded t = encode(raw, sizeof raw);
	assert_int_equal(t.crcs.n, 4 * 3);
	assert_int_equal(decode(&t, &place, &b), 0);
	assert_ptr_equal(b.raw, t.value + 48);
	assert_int_equal(b.rows, 10);
	assert_memory_equal(b.raw, raw, sizeof raw);
	free_encoded(&t);
}

static void test_every_changed_byte_is_seen(void **state)
{
	(void)state;
	const unsigned char raw[100] = "a small tensor";
	struct block b;
	struct encoded t = encode(raw, sizeof raw);
	for (size_t i = 0; i < t.size; i++) {
		t.value[i] ^= 1;
		assert_int_equal(decode(&t, &place, &b), CBTM_ERR_BAD_STORE);
		t.value[i] ^= 1;
	}
	for (size_t i = 0; i < t.crcs.n; i++) {
		t.crcs.data[i] ^= 1;
		assert_int_equal(decode(&t, &place, &b), CBTM_ERR_BAD_STORE);
		t.crcs.data[i] ^= 1;
	}
	const struct block_place other = { { 1, 2 }, "weighs", 0 };
	assert_int_equal(decode(&t, &other, &b), CBTM_ERR_BAD_STORE);
	assert_int_equal(decode(&t, &place, &b), 0);
	free_encoded(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_are_at_least_a_page),
		cmocka_unit_test(test_data_lie_where_they_can_be_used),
		cmocka_unit_test(test_every_changed_byte_is_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
