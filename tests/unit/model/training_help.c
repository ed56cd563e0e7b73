/* SPDX-License-Identifier: MIT */
#include "model/training_help.h"
#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "model/compute_help.h"
#include "model/emit.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct digest any_fingerprint = { 1, 2 };

char *folder;

int test_folder_make(void **state)
{
	int failed = scratch_make(state);
	folder = *state;
	return failed;
}

int test_folder_remove(void **state)
{
	folder = NULL;
	return scratch_remove(state);
}

char *test_folder(void)
{
	void *path = NULL;
	assert_int_equal(scratch_make(&path), 0);
	return path;
}

struct program test_program(void)
{
	struct cbtm_error e = { 0 };
	struct emit_how how = { .batch = 1, .length = 12, .train = true };
	struct program p = { .compute = test_compute("cpu") };
	p.names = emit_model(&test_config, &how, &e);
	p.state = test_compile(p.compute, NULL, p.names);
	p.list = list_finish(p.names, &e);
	return p;
}

void test_fill(struct program *p, float x)
{
	struct cbtm_error e = { 0 };
	float v[1024];
	for (int i = 0; i < 1024; i++)
		v[i] = x + (float)i;
	for (uint32_t t = 0; t < p->list->tensors; t++)
		if (p->list->tensor[t].role == CBTM_ROLE_PARAMETER ||
		    p->list->tensor[t].role == CBTM_ROLE_MOMENT)
			p->compute->write(p->state, t, v, &e);
}

float test_value(struct program *p, const char *tensor, size_t at)
{
	struct cbtm_error e = { 0 };
	float v[1024];
	p->compute->read(p->state, list_find(p->names, tensor), v, &e);
	return v[at];
}

/* A token is mostly its predecessor's successor: something to learn. */
static void add_rows(struct store_writer *w, const char *column, uint64_t rows, uint64_t T,
                     uint64_t seed)
{
	struct cbtm_error e = { 0 };
	struct random_key key = random_key(seed, RANDOM_TEST);
	uint32_t ids[64];
	assert_int_equal(store_add_column(w, column, STORE_U32, STORE_FIXED, T + 1, &e), 0);
	for (uint64_t r = 0; r < rows; r++) {
		for (uint32_t t = 0; t <= T; t++)
			ids[t] = t && random_below(key, r, t, 8) ? (ids[t - 1] * 5 + 3) % 37
			                                         : (uint32_t)random_below(key, r, 100 + t, 37);
		assert_int_equal(store_append(w, column, ids, 1, &e), 0);
	}
}

void test_sequences(const char *dir, uint64_t rows, uint64_t T, uint64_t clusters)
{
	test_cluster(dir, rows, T, clusters, rows * T * clusters);
}

void test_cluster(const char *dir, uint64_t rows, uint64_t T, uint64_t clusters, uint64_t all)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	const struct store_kind *kind = store_kind_find("sequences");
	assert_int_equal(store_create(dir, 0, kind, any_fingerprint, &w, &e), 0);
	add_rows(w, "ids", rows, T, 1);
	add_rows(w, "valid", 7, T, 2);
	store_set_u64(w, "length", T, &e);
	store_set_u64(w, "clusters", clusters, &e);
	store_set_u64(w, "cluster", 0, &e);
	store_set_u64(w, "tokens", rows * T, &e);
	store_set_u64(w, "tokens_all", all, &e);
	store_set_text(w, "vocabulary", "0123", &e);
	store_set_u64(w, "vocabulary_size", 37, &e);
	store_set_u64(w, "eod", 0, &e);
	if (store_seal(w, &e) || dataset_seal(dir, kind, &any_fingerprint, 1, &e))
		fail_msg("%s: %s", e.where, e.what);
}

struct training test_training(void)
{
	return (struct training){ .title = "test",
		                      .compute = test_compute("cpu"),
		                      .config = test_config,
		                      .length = test_config.length,
		                      .plan = { .steps = 30, .batch = 6, .lr = 1e-2, .warmup = 5 },
		                      .beta1 = 0.9,
		                      .beta2 = 0.95,
		                      .epsilon = 1e-8,
		                      .weight_decay = 0.1,
		                      .clip = 1,
		                      .dropout = 0.1,
		                      .attention_dropout = 0.1,
		                      .embedding_dropout = 0.05,
		                      .random_seed = 1,
		                      .micro_batch = 4,
		                      .log_every = 4,
		                      .valid_every = 10,
		                      .checkpoint_every = 1000,
		                      .explode_factor = 2,
		                      .explode_steps = 20 };
}

enum cbtm_error_name test_train(struct training t, const char *sequences, const char *start,
                                const char *dir)
{
	struct cbtm_error e = { 0 };
	const struct store_kind *kind = store_kind_find("checkpoint");
	t.dir = dir;
	t.fingerprint = any_fingerprint;
	if (!dataset_open(sequences, NULL, &t.sequences, &e) &&
	    (!start || !dataset_open(start, NULL, &t.start, &e)) &&
	    !store_create(dir, 0, kind, t.fingerprint, &t.out, &e)) {
		if (t.out && training_run(&t, &e))
			store_leave(t.out);
		else if (!t.out || !store_seal(t.out, &e)) /* NULL: a kill came behind the seal */
			dataset_seal(dir, kind, &t.fingerprint, 1, &e);
	}
	dataset_close(t.sequences);
	dataset_close(t.start);
	if (e.name && e.name != CBTM_ERR_NOT_FINITE && e.name != CBTM_ERR_STOPPED &&
	    e.name != CBTM_ERR_DIVERGED && e.name != CBTM_ERR_CONFIG && e.name != CBTM_ERR_BAD_DATA)
		print_message("%s: %s\n", e.where, e.what);
	return e.name;
}

const char *test_content(const char *dir, char hex[64])
{
	struct cbtm_error e = { 0 };
	struct dataset *d = NULL;
	if (dataset_open(dir, NULL, &d, &e))
		fail_msg("%s: %s", e.where, e.what);
	digest_hex(dataset_content(d), hex);
	dataset_close(d);
	return hex;
}

const char *test_column(const char *dir, const char *column, char hex[64])
{
	struct cbtm_error e = { 0 };
	struct store *s = NULL;
	struct store_column_info info = { 0 };
	if (store_open(dir, 0, NULL, &s, &e) || !store_column_find(s, column, &info))
		fail_msg("%s: no %s: %s", dir, column, e.what);
	digest_hex(info.content, hex);
	store_close(s);
	return hex;
}
