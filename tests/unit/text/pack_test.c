/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"
#include "base/error.h"
#include "base/random.h"
#include "text/pack.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { EOD = 9 };

static int print(void *arg, const struct sequence *s, struct cbtm_error *e)
{
	for (size_t i = 0; i < 4; i++)
		buffer_printf(arg, e, "%u", s->ids[i]);
	buffer_text(arg, " b", e);
	for (size_t i = 0; i < s->boundaries; i++)
		buffer_printf(arg, e, "%u", s->boundary[i]);
	buffer_text(arg, " d", e);
	for (size_t i = 0; i < s->documents; i++)
		buffer_printf(arg, e, "%u", (unsigned)s->document[i]);
	return buffer_text(arg, "\n", e);
}

static void test_documents_are_cut_every_t_plus_one_tokens(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer out = { 0 };
	struct packer *p;
	static const uint32_t ids[] = { 1, 2, 3, 4, 5, 6, 7 };
	assert_int_equal(packer_new(3, EOD, print, &out, &p, &e), 0);
	pack_document(p, 1, ids, 2, &e);     /* 1 2 EOD */
	pack_document(p, 2, ids, 7, &e);     /* | 1 2 3 4 | 5 6 7 EOD: its EOD ends a sequence */
	pack_document(p, 3, ids, 4, &e);     /* 1 2 3 4 | EOD */
	pack_document(p, 4, NULL, 0, &e);    /* EOD */
	pack_document(p, 5, NULL, 0, &e);    /* EOD */
	pack_document(p, 6, ids + 6, 1, &e); /* 7 | EOD is dropped */
	assert_int_equal(e.name, 0);
	assert_string_equal(out.data, "1291 b03 d12\n"
	                              "2345 b d2\n"
	                              "6791 b3 d23\n"
	                              "2349 b d3\n"
	                              "9979 b012 d456\n");
	packer_free(p);
	buffer_free(&out);
}

struct all {
	uint32_t ids[20000];
	uint64_t owner[20000]; /* by boundaries and documents */
	size_t n, length;
};

static int collect(void *arg, const struct sequence *s, struct cbtm_error *e)
{
	struct all *a = arg;
	size_t document = 0, boundary = 0;
	(void)e;
	for (size_t i = 0; i < a->length; i++) {
		if (boundary < s->boundaries && s->boundary[boundary] == i) {
			document += i > 0;
			boundary++;
		}
		assert_true(document < s->documents);
		a->owner[a->n] = s->document[document];
		a->ids[a->n++] = s->ids[i];
	}
	assert_int_equal(boundary, s->boundaries);
	assert_int_equal(document + 1, s->documents);
	return 0;
}

static void test_sequences_together_are_the_documents_and_their_eods(void **state)
{
	(void)state;
	for (uint64_t length = 1; length < 40; length++) {
		struct cbtm_error e = { 0 };
		struct random_key key = random_key(length, RANDOM_TEST);
		static struct all a;
		static uint32_t ids[20000];
		static uint64_t owner[20000];
		size_t n = 0;
		struct packer *p;
		a.n = 0;
		a.length = length + 1;
		packer_new(length, 0, collect, &a, &p, &e);
		for (uint64_t d = 0; d < 200; d++) {
			size_t start = n, size = random_below(key, d, 0, 90);
			for (size_t i = 0; i <= size; i++, n++) {
				ids[n] = i < size ? (uint32_t)random_below(key, d, (uint32_t)i, 1000) + 1 : 0;
				owner[n] = d;
			}
			assert_int_equal(pack_document(p, d, ids + start, size, &e), 0);
		}
		assert_int_equal(a.n, n / a.length * a.length);
		assert_memory_equal(a.ids, ids, a.n * sizeof *ids);
		assert_memory_equal(a.owner, owner, a.n * sizeof *owner);
		packer_free(p);
	}
}

static int refuse(void *arg, const struct sequence *s, struct cbtm_error *e)
{
	(void)arg, (void)s;
	return error_set(e, CBTM_ERR_IO, NULL, "no");
}

static void test_an_error_of_the_receiver_ends_packing(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct packer *p;
	static const uint32_t ids[4] = { 0 };
	packer_new(3, EOD, refuse, NULL, &p, &e);
	assert_int_equal(pack_document(p, 1, ids, 4, &e), CBTM_ERR_IO);
	packer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents_are_cut_every_t_plus_one_tokens),
		cmocka_unit_test(test_sequences_together_are_the_documents_and_their_eods),
		cmocka_unit_test(test_an_error_of_the_receiver_ends_packing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
