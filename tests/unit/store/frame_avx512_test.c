/* SPDX-License-Identifier: MIT */
#include "store/frame.h"
#include "store/sample.h"
#include "store/texts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_frames_are_those_of_any_processor(void **state)
{
	struct cbtm_error e = { 0 };
	const struct frame_kernel *const *k = frame_kernels();
	struct frame_writer *fast, *plain;

	(void)state;
	if (!k[1])
		skip();
	fast = frame_writer_new(k[0], &e);
	plain = frame_writer_new(k[1], &e);
	sample_ok(e.name, &e);
	for (unsigned kind = 0; kind < TEXTS_KINDS; kind++)
		for (size_t n = FRAME_LEAST; n < 400000; n += n / 2 + 13) {
			unsigned char *text = texts_make(kind, n, 5);
			unsigned char *a = malloc(frame_bound(n)), *b = malloc(frame_bound(n));
			size_t size = frame_write(fast, text, n, a);

			assert_int_equal(frame_write(plain, text, n, b), size);
			assert_memory_equal(a, b, size);
			free(text);
			free(a);
			free(b);
		}
	free(fast);
	free(plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_are_those_of_any_processor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
