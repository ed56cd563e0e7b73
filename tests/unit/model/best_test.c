/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "model/best.h"
#include "model/compute_help.h"
#include "model/emit.h"
#include "model/training_help.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct program make_program(void)
{
	struct cbtm_error e = { 0 };
	struct emit_how how = { .batch = 1, .length = 12 };
	struct program p = { .compute = test_compute("cpu") };
	p.names = emit_model(&test_config, &how, &e);
	p.state = test_compile(p.compute, NULL, p.names);
	p.list = list_finish(p.names, &e);
	return p;
}

/* All parameters become x, x + 1 ... */
static void fill(struct program *p, float x)
{
	struct cbtm_error e = { 0 };
	float v[1024];
	for (int i = 0; i < 1024; i++)
		v[i] = x + (float)i;
	for (uint32_t t = 0; t < p->list->tensors; t++)
		if (p->list->tensor[t].role == CBTM_ROLE_PARAMETER)
			p->compute->write(p->state, t, v, &e);
}

static float second_of(struct program *p, const char *name)
{
	struct cbtm_error e = { 0 };
	float v[1024];
	p->compute->read(p->state, list_find(p->names, name), v, &e);
	return v[1];
}

static void test_the_least_loss_is_kept(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct best b = { 0 };
	struct program p = make_program();
	const double loss[] = { 3, 2, 2, 2.5 };
	for (uint64_t i = 0; i < 4; i++) {
		fill(&p, (float)(100 * i));
		best_note(&b, &p, &(struct valid_point){ 10 * i, loss[i] }, &e);
	}
	assert_true(b.step == 10 && b.loss == 2);
	assert_int_equal(best_restore(&b, &p, &e), 0);
	assert_true(second_of(&p, "token") == 101 && second_of(&p, "norm.gain") == 101);
	best_free(&b);
	program_close(&p);
}

static void test_it_comes_back_from_a_store(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct digest any = { 1, 1 };
	struct best b = { 0 }, back = { 0 }, none = { 0 };
	struct store_writer *w = NULL;
	struct store *s = NULL;
	struct program p = make_program();
	char *folder = test_folder();
	fill(&p, 7);
	best_note(&b, &p, &(struct valid_point){ 10, 2 }, &e);
	store_create(folder, 0, store_kind_find("checkpoint"), any, &w, &e);
	assert_int_equal(best_write(&none, &p, w, &e), 0);
	assert_int_equal(best_write(&b, &p, w, &e), 0);
	assert_int_equal(store_seal(w, &e), 0);
	assert_int_equal(store_open(folder, 0, NULL, &s, &e), 0);
	assert_int_equal(best_read(&back, &p, s, &e), 0);
	assert_true(back.step == 10 && back.loss == 2);
	fill(&p, 0);
	best_restore(&back, &p, &e);
	assert_true(second_of(&p, "token") == 8 && second_of(&p, "layer.1.ffn.out.bias") == 8);
	store_close(s);
	best_free(&b);
	best_free(&back);
	program_close(&p);
	folder_remove(folder, &e);
	free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_the_least_loss_is_kept),
		                                cmocka_unit_test(test_it_comes_back_from_a_store) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
