/* SPDX-License-Identifier: MIT */
/*
 * Every operation of the table, at odd shapes, with and without its optional slots and flags, by
 * every compute plugin that was built, against `reference`; and with 1 and 2 threads, bit for bit.
 */
#include "base/error.h"
#include "model/compute_help.h"
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct example_size sizes[] = {
	{ .batch = 3, .length = 5, .sequences = 2, .width = 6, .heads = 2, .ffn = 7, .vocabulary = 11 },
	{ .batch = 2,
	  .length = 33,
	  .sequences = 2,
	  .width = 20,
	  .heads = 1,
	  .ffn = 81,
	  .vocabulary = 67 },
	{ .batch = 5,
	  .length = 70,
	  .sequences = 4,
	  .width = 64,
	  .heads = 4,
	  .ffn = 130,
	  .vocabulary = 517 },
	{ .batch = 1,
	  .length = 128,
	  .sequences = 1,
	  .width = 128,
	  .heads = 4,
	  .ffn = 128,
	  .vocabulary = 256 },
	{ .batch = 2,
	  .length = 131,
	  .sequences = 1,
	  .width = 96,
	  .heads = 3,
	  .ffn = 600,
	  .vocabulary = 700 },
	{ .batch = 1, .length = 1, .sequences = 1, .width = 1, .heads = 1, .ffn = 1, .vocabulary = 2 },
};
#define SIZES (sizeof sizes / sizeof sizes[0])

/* The options of the cpu plugin, as its rows say. */
struct cpu_options {
	int kernels, precision, timings, packs;
};
enum { AUTO, FP32, BF16 };
enum { PACKS_ONE = 1, PACKS_TWO = 2 };

/* load: E x 5, first row and rows of each expert. */
static bool row_is_held(const double *load, size_t experts, size_t row)
{
	for (size_t e = 0; e < experts; e++)
		if ((double)row >= load[5 * e] && (double)row < load[5 * e] + load[5 * e + 1])
			return true;
	return false;
}

/* Rows of grouped tensors that hold no token are unspecified: zeros here. */
static void forget_empty_rows(const struct list *names, const struct cbtm_list *l, double **out)
{
	uint32_t load = list_find(names, "load");
	for (uint32_t i = 0; load != CBTM_NONE && i < l->tensors; i++) {
		const struct cbtm_tensor *t = &l->tensor[i];
		if (!out[i] || t->rank != 2 || t->shape[0] % CBTM_GROUP_ROWS)
			continue;
		for (size_t r = 0; r < t->shape[0]; r++)
			for (size_t j = 0;
			     !row_is_held(out[load], l->tensor[load].shape[0], r) && j < t->shape[1]; j++)
				out[i][r * t->shape[1] + j] = 0;
	}
}

/* What an example's tensors hold before it runs, NULL for results: drawing takes longer than running. */
static void *filled[32];

static void fill(const struct cbtm_list *l, const struct example_size *size)
{
	for (uint32_t i = 0; i < l->tensors; i++) {
		const struct cbtm_tensor *t = &l->tensor[i];
		if (t->role == CBTM_ROLE_RESULT)
			continue;
		filled[i] = malloc(tensor_elements(t) * sizeof(double));
		assert_non_null(filled[i]);
		example_fill(t, size, 1, filled[i]);
	}
}

static void forget(void)
{
	for (size_t i = 0; i < 32; i++) {
		free(filled[i]);
		filled[i] = NULL;
	}
}

/* Runs an example and reads all tensors that can be read; *n numbers of each tensor i in n[i]. */
static void run_example(const struct cbtm_compute *c, const void *options, struct list *l,
                        const struct example_size *size, double **out, size_t *n)
{
	struct cbtm_error e = { 0 };
	void *program = test_compile(c, options, l);
	const struct cbtm_list *list = list_finish(l, &e);
	struct cbtm_scalars scalars = example_scalars(size);
	for (uint32_t i = 0; i < list->tensors; i++)
		if (filled[i])
			assert_int_equal(c->write(program, i, filled[i], &e), 0);
	assert_int_equal(c->run(program, CBTM_FORWARD, &scalars, &e), 0);
	for (uint32_t i = 0; i < list->tensors; i++) {
		out[i] = NULL;
		if (list->tensor[i].role == CBTM_ROLE_INPUT)
			continue;
		out[i] = test_read(c, program, list, i, &n[i]);
		if (list->tensor[i].shape[0] == size->batch && list->tensor[i].rank > 1 &&
		    list->tensor[i].shape[1] != size->width)
			n[i] = n[i] / size->batch * size->sequences;
	}
	c->free(program);
	forget_empty_rows(l, list, out);
}

static void compare(const double *a, const double *b, size_t n, double tolerance, const char *op,
                    const char *tensor, unsigned variant, size_t size)
{
	double largest = 0, error = 0;
	for (size_t i = 0; i < n; i++) {
		largest = fmax(largest, fabs(b[i]));
		error = fmax(error, fabs(a[i] - b[i]));
		if (!isfinite(a[i]))
			error = INFINITY;
	}
	if (error > tolerance * largest + 1e-30)
		fail_msg("%s, %s, variant %u, size %zu: error %g of %g", op, tensor, variant, size, error,
		         largest);
}

/* A plugin, and of the cpu plugin kernels, a precision and how many packs of a matrix: those that "auto"
 * chooses, and all others that the processor has. */
struct way {
	const struct cbtm_compute *compute;
	struct cpu_options options;
	bool cpu;
};
enum { WAYS = 24 };

static void add_ways(const struct cbtm_compute *c, struct way way[WAYS], size_t *n)
{
	if (strcmp(c->plugin.name, "cpu")) {
		way[(*n)++] = (struct way){ .compute = c };
		return;
	}
	assert_string_equal(c->plugin.params[0].name, "kernels");
	assert_string_equal(c->plugin.params[1].name, "precision");
	assert_string_equal(c->plugin.params[2].name, "packs");
	for (int kernels = 0; kernels < 4; kernels++)
		for (int precision = FP32; precision <= BF16; precision++) {
			struct cpu_options o = { kernels, precision, 0, PACKS_TWO };
			if (strcmp(c->variant(&o), "none"))
				way[(*n)++] = (struct way){ c, o, true };
			o.packs = PACKS_ONE;
			if (precision == BF16 && !kernels && strcmp(c->variant(&o), "none"))
				way[(*n)++] = (struct way){ c, o, true };
		}
}

/* The ways of all compute plugins of the build tree but the reference. */
static size_t find_ways(struct way way[WAYS])
{
	size_t n = 0;
	DIR *d = opendir(TEST_BUILD_DIR "/plugins/compute");
	assert_non_null(d);
	for (struct dirent *f; (f = readdir(d));) {
		char name[256];
		snprintf(name, sizeof name, "%s", f->d_name);
		char *dot = strrchr(name, '.');
		if (!dot || strcmp(dot, ".so") || !strcmp(name, "reference.so"))
			continue;
		*dot = 0;
		assert_true(n + 8 <= WAYS);
		add_ways(test_compute(name), way, &n);
	}
	closedir(d);
	assert_true(n >= 1);
	return n;
}

/* What an example's tensors hold. */
struct result {
	double *v[32];
	size_t n[32];
};

static struct result result_of(const struct way *w, unsigned threads, struct list *l,
                               const struct example_size *size)
{
	struct result r = { { NULL }, { 0 } };
	test_threads(threads);
	run_example(w->compute, w->cpu ? &w->options : NULL, l, size, r.v, r.n);
	test_threads(1);
	return r;
}

static void free_result(struct result *r)
{
	for (size_t i = 0; i < 32; i++)
		free(r->v[i]);
}

/* Calls `each` for every example. */
static void each_example(void (*each)(int kind, unsigned variant, size_t size, struct list *l,
                                      const struct cbtm_list *list))
{
	struct cbtm_error e = { 0 };
	for (int kind = 0; kind < CBTM_OP_COUNT; kind++)
		for (unsigned variant = 0; variant < EXAMPLE_VARIANTS; variant++)
			for (size_t s = 0; s < SIZES; s++) {
				if (!example_exists(kind, variant))
					continue;
				struct list *l = example_make(kind, variant, &sizes[s], &e);
				const struct cbtm_list *list = l ? list_finish(l, &e) : NULL;
				if (!list)
					fail_msg("%s: %s", e.where, e.what);
				fill(list, &sizes[s]);
				each(kind, variant, s, l, list);
				forget();
				list_free(l);
			}
}

static struct way ways[WAYS];
static size_t n_ways;

static void compare_results(const struct result *a, const struct result *b, int kind,
                            unsigned variant, size_t size, const struct cbtm_list *list,
                            double tolerance)
{
	for (uint32_t i = 0; i < list->tensors; i++)
		if (a->v[i])
			compare(a->v[i], b->v[i], a->n[i], tolerance, operation_name(kind),
			        list->tensor[i].name, variant, size);
}

static void against_reference(int kind, unsigned variant, size_t size, struct list *l,
                              const struct cbtm_list *list)
{
	struct way reference = { .compute = test_compute("reference") };
	struct result expected = result_of(&reference, 1, l, &sizes[size]);
	for (size_t w = 0; w < n_ways; w++) {
		struct result r = result_of(&ways[w], 2, l, &sizes[size]);
		bool rounded = ways[w].options.precision == BF16;
		compare_results(&r, &expected, kind, variant, size, list,
		                rounded ? operation_tolerance_bf16(kind) : operation_tolerance(kind));
		free_result(&r);
	}
	free_result(&expected);
}

static void test_every_kernel_computes_what_the_equations_say(void **state)
{
	(void)state;
	each_example(against_reference);
}

static void threads_against_one(int kind, unsigned variant, size_t size, struct list *l,
                                const struct cbtm_list *list)
{
	for (size_t w = 0; w < n_ways; w++) {
		if (!strcmp(ways[w].compute->plugin.name, "cuda"))
			continue;
		struct result one = result_of(&ways[w], 1, l, &sizes[size]);
		struct result more = result_of(&ways[w], 2 + w % 2, l, &sizes[size]);
		compare_results(&more, &one, kind, variant, size, list, 0);
		free_result(&one);
		free_result(&more);
	}
}

static void test_threads_change_no_bit(void **state)
{
	(void)state;
	each_example(threads_against_one);
}

static void one_pack_against_two(int kind, unsigned variant, size_t size, struct list *l,
                                 const struct cbtm_list *list)
{
	bool multiplies =
		kind == CBTM_OP_LINEAR_INPUT || kind == CBTM_OP_GROUP_INPUT || kind == CBTM_OP_HEAD_LOSS;
	for (size_t w = 0; w < n_ways && multiplies; w++) {
		struct way two = ways[w];
		if (!two.cpu || two.options.packs != PACKS_ONE)
			continue;
		two.options.packs = PACKS_TWO;
		struct result a = result_of(&ways[w], 2, l, &sizes[size]);
		struct result b = result_of(&two, 2, l, &sizes[size]);
		compare_results(&a, &b, kind, variant, size, list, 0);
		free_result(&a);
		free_result(&b);
	}
}

static void test_one_pack_of_a_matrix_gives_the_bits_of_two(void **state)
{
	(void)state;
	each_example(one_pack_against_two);
}

static void test_bf16_is_refused_where_the_kernels_have_it_not(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct cpu_options o = { 3, BF16, 0, 0 };
	const struct cbtm_compute *c = test_compute("cpu");
	struct list *l = example_make(CBTM_OP_LINEAR, 0, &sizes[0], &e);
	const struct cbtm_list *list = list_finish(l, &e);
	void *program = NULL;
	assert_string_equal(c->variant(&o), "none");
	assert_int_not_equal(c->compile(&o, list, &program, &e), 0);
	assert_int_equal(e.name, CBTM_ERR_PLUGIN);
	assert_string_equal(e.where, "precision");
	list_free(l);
}

static void test_a_tensor_of_a_wrong_shape_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct list *l = list_new(2, 3, &e);
	uint64_t x[] = { 2, 3, 4 }, weight[] = { 5, 3 };
	uint32_t slots[] = { list_tensor(l, "x", CBTM_ROLE_INPUT, CBTM_F32, 3, x, &e),
		                 list_tensor(l, "w", CBTM_ROLE_INPUT, CBTM_F32, 2, weight, &e),
		                 CBTM_NONE,
		                 CBTM_NONE,
		                 list_tensor(l, "y", CBTM_ROLE_RESULT, CBTM_F32, 3, x, &e),
		                 CBTM_NONE };
	list_section(l, CBTM_FORWARD);
	assert_non_null(list_add(l, CBTM_OP_LINEAR, 0, slots, &e));
	assert_null(list_finish(l, &e));
	assert_int_equal(e.name, CBTM_ERR_INTERNAL);
	assert_string_equal(e.where, "linear");
	list_free(l);
}

static void test_slots_are_as_the_interface_says(void **state)
{
	(void)state;
	struct operation_slot slot[OPERATION_SLOTS];
	assert_int_equal(operation_slots(CBTM_OP_LINEAR_WEIGHT, slot), 4);
	assert_string_equal(slot[3].name, "dbias");
	assert_true(slot[3].optional && slot[3].changed && slot[3].output);
	assert_string_equal(slot[3].shape, "n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots_are_as_the_interface_says),
		cmocka_unit_test(test_a_tensor_of_a_wrong_shape_is_refused),
		cmocka_unit_test(test_every_kernel_computes_what_the_equations_say),
		cmocka_unit_test(test_one_pack_of_a_matrix_gives_the_bits_of_two),
		cmocka_unit_test(test_bf16_is_refused_where_the_kernels_have_it_not),
		cmocka_unit_test(test_threads_change_no_bit),
	};
	n_ways = find_ways(ways);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
