/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"
#include "pipeline/devices.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void visible(const char *cuda, const char *slurm)
{
	unsetenv("CUDA_VISIBLE_DEVICES");
	unsetenv("SLURM_STEP_GPUS");
	unsetenv("SLURM_JOB_GPUS");
	if (cuda)
		setenv("CUDA_VISIBLE_DEVICES", cuda, 1);
	if (slurm)
		setenv("SLURM_JOB_GPUS", slurm, 1);
}

/* What is chosen, in order, each behind a comma; or "refused". */
static void expect(const char *const *names, size_t n, const char *chosen)
{
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	struct cbtm_texts asked = { (const char **)names, n };
	struct buffer text = { 0 };
	struct devices d;
	buffer_text(&text, "", &e);
	if (devices_choose(&asked, a, &d, &e)) {
		assert_int_equal(e.name, CBTM_ERR_CONFIG);
		assert_string_equal(e.where, "devices");
		e = (struct cbtm_error){ 0 };
		buffer_text(&text, "refused", &e);
	}
	for (size_t i = 0; i < d.n && strcmp(chosen, "refused"); i++)
		buffer_printf(&text, &e, "%s%s", i ? "," : "", d.name[i]);
	assert_string_equal(text.data, chosen);
	buffer_free(&text);
	arena_free(a);
}
#define EXPECT(chosen, ...)                                                                        \
	expect((const char *const[]){ __VA_ARGS__ },                                                   \
	       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), chosen)

static void test_numbers_count_what_is_visible(void **state)
{
	(void)state;
	visible(NULL, NULL);
	EXPECT("0,3", "0", "3");
	visible("4,5,GPU-8f", NULL);
	EXPECT("4,GPU-8f", "0", "2");
	EXPECT("GPU-8f", "GPU-8f");
	EXPECT("refused", "3");
	EXPECT("refused", "GPU-9a");
}

static void test_slurms_devices_are_visible_unless_cuda_says_otherwise(void **state)
{
	(void)state;
	visible(NULL, "2,7");
	EXPECT("7", "1");
	EXPECT("2,7", "all");
	EXPECT("refused", "2");
	visible("1", "2,7");
	EXPECT("1", "all");
}

static void test_all_needs_a_list(void **state)
{
	(void)state;
	visible(NULL, NULL);
	EXPECT("refused", "all");
	visible("", NULL);
	EXPECT("refused", "all");
	EXPECT("refused", "0");
}

static void test_a_device_is_given_once(void **state)
{
	(void)state;
	visible("4,5", NULL);
	EXPECT("refused", "1", "1");
}

static void test_nothing_is_chosen_unasked(void **state)
{
	(void)state;
	visible("4,5", NULL);
	expect(NULL, 0, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_count_what_is_visible),
		cmocka_unit_test(test_slurms_devices_are_visible_unless_cuda_says_otherwise),
		cmocka_unit_test(test_all_needs_a_list),
		cmocka_unit_test(test_a_device_is_given_once),
		cmocka_unit_test(test_nothing_is_chosen_unasked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
