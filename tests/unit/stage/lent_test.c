/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/pool.h"
#include "model/hidden.h"
#include "model/parameter.h"
#include "plugin/compute.h"
#include "scratch.h"
#include "stage/host.h"
#include "stage/lent.h"
#include "stage/sample_vocabulary.h"
#include "stage/state.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 8, T = 12, DOCUMENTS = 5 };

static const struct plugin_search built = { TEST_BUILD_DIR "/plugins", NULL };
static const struct plugin_search none = { "/nowhere", NULL };
static const struct model_config config = {
	.vocabulary = 259, .length = T, .layers = 1, .width = WIDTH, .heads = 2, .ffn = 16
};
static const struct cbtm_model_use usual = { "cpu", "fp32", 0, 0 };
static const struct digest fingerprint = { 1, 2 };

static void check(const struct cbtm_error *e)
{
	if (e->name)
		fail_msg("%s: %s", e->where, e->what);
}

static struct dataset *seal_and_open(const char *dir, const char *kind, struct store_writer *w)
{
	struct cbtm_error e = { 0 };
	struct dataset *d = NULL;
	if (!store_seal(w, &e) && !dataset_seal(dir, store_kind_find(kind), &fingerprint, 1, &e))
		dataset_open(dir, NULL, &d, &e);
	check(&e);
	return d;
}

static struct dataset *make_vocabulary(const char *dir)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	struct bpe *b = sample_vocabulary();
	if (!store_create(dir, 0, store_kind_find("vocabulary"), fingerprint, &w, &e))
		bpe_save(b, w, &e);
	check(&e);
	bpe_free(b);
	return seal_and_open(dir, "vocabulary", w);
}

/* Start values, in a checkpoint that says it is of this vocabulary. */
static struct dataset *make_checkpoint(const char *dir, const char *vocabulary)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	struct buffer json = { 0 };
	struct hidden *h = NULL;
	const struct cbtm_compute *cpu = NULL;
	size_t n = 0;
	struct parameter *p = parameters_make(&config, &n, &e);
	if (compute_open("cpu", &built, &cpu, &e) || hidden_new(&config, 1, T, cpu, NULL, &h, &e))
		check(&e);
	const struct program *program = hidden_program(h);
	for (size_t i = 0; i < n; i++) {
		float *v = malloc(parameter_elements(&p[i]) * sizeof *v);
		parameter_start(&p[i], i, 1, v);
		program->compute->write(program->state, list_find(program->names, p[i].name), v, &e);
		free(v);
	}
	if (!store_create(dir, 0, store_kind_find("checkpoint"), fingerprint, &w, &e) &&
	    !checkpoint_write(program, CBTM_ROLE_PARAMETER, w, &e) &&
	    !model_config_print(&config, &json, &e)) {
		store_set_json(w, "model", json.data, &e);
		store_set_u64(w, "length", T, &e);
		store_set_u64(w, "eod", 0, &e);
		store_set_text(w, "vocabulary", vocabulary, &e);
	}
	check(&e);
	buffer_free(&json);
	hidden_free(h);
	free(p);
	return seal_and_open(dir, "checkpoint", w);
}

struct offered {
	struct dataset *vocabulary, *checkpoint;
};

static struct offered make_offer(void **state)
{
	struct offered o;
	char hex[DIGEST_HEX];
	o.vocabulary = make_vocabulary(scratch_path(state, "vocabulary"));
	digest_hex(dataset_content(o.vocabulary), hex);
	o.checkpoint = make_checkpoint(scratch_path(state, "checkpoint"), hex);
	lent_search(&built);
	lent_offer(o.checkpoint, o.vocabulary);
	return o;
}

static void take_back(struct offered o)
{
	lent_offer(NULL, NULL);
	dataset_close(o.checkpoint);
	dataset_close(o.vocabulary);
}

static struct cbtm_document document(const char *text)
{
	return (struct cbtm_document){ .text = text, .text_size = strlen(text), .meta = "{}" };
}

struct within {
	struct cbtm_model *model;
	const struct cbtm_document *documents;
	double mean[DOCUMENTS][WIDTH];
};

static int one_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct within *w = arg;
	(void)thread;
	return lent_means(w->model, w->documents + task, 1, w->mean[task], e);
}

static void test_means_are_the_same_together_alone_within_tasks_and_loaded(void **state)
{
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(2, &e);
	host_start(pool);
	struct offered offered = make_offer(state);
	struct cbtm_state_writer writer = { NULL };
	struct cbtm_state_reader *r = NULL;
	struct store *s = NULL;
	struct cbtm_document documents[DOCUMENTS] = {
		document("abab and a text that is longer than twelve tokens by far"), document(""),
		document("a"), document("abababab"), document("\xc3\xa4\xe2\x82\xac")
	};
	double mean[DOCUMENTS * WIDTH], again[DOCUMENTS * WIDTH];
	struct cbtm_model *m = lent_open(&usual, &e);
	check(&e);
	struct within w = { .model = m, .documents = documents };
	assert_int_equal(lent_width(m), WIDTH);
	assert_int_equal(lent_means(m, documents, DOCUMENTS, mean, &e), 0);
	for (size_t j = 0; j < WIDTH; j++)
		assert_true(mean[WIDTH + j] == 0 && mean[j] != 0);
	assert_int_equal(pool_run(pool, DOCUMENTS, one_task, &w, &e), 0);
	assert_memory_equal(w.mean, mean, sizeof mean);

	const char *dir = scratch_path(state, "state");
	store_create(dir, 0, store_kind_find("state"), fingerprint, &writer.out, &e);
	assert_int_equal(lent_save(m, &writer, &e), 0);
	assert_int_equal(store_seal(writer.out, &e), 0);
	lent_close(m);
	take_back(offered);
	assert_int_equal(store_open(scratch_path(state, "state"), 0, NULL, &s, &e), 0);
	assert_int_equal(state_reader_open(s, &r, &e), 0);
	m = lent_load(&(struct cbtm_model_use){ "cpu", "fp32", 0, 3 }, r, &e);
	check(&e);
	state_reader_close(r);
	store_close(s);
	assert_int_equal(lent_means(m, documents, DOCUMENTS, again, &e), 0);
	assert_memory_equal(mean, again, sizeof mean);
	lent_close(m);
	lent_close(NULL);
	host_start(NULL);
	pool_free(pool);
}

static void refused(const struct cbtm_model_use *use, enum cbtm_error_name name, const char *says)
{
	struct cbtm_error e = { 0 };
	assert_null(lent_open(use, &e));
	assert_int_equal(e.name, name);
	if (!strstr(e.what, says) && !strstr(e.where, says))
		fail_msg("\"%s: %s\" does not say \"%s\"", e.where, e.what, says);
}

static void test_what_cannot_be_lent_is_said(void **state)
{
	host_start(NULL);
	lent_offer(NULL, NULL);
	refused(&usual, CBTM_ERR_CONFIG, "embed.model");
	struct offered offered = make_offer(state);
	refused(&(struct cbtm_model_use){ "cpu", "fp8", 0, 0 }, CBTM_ERR_CONFIG, "fp8");
	refused(&(struct cbtm_model_use){ "cpu", "fp32", T + 1, 0 }, CBTM_ERR_CONFIG, "12 positions");
	refused(&(struct cbtm_model_use){ "reference", "fp32", 0, 0 }, CBTM_ERR_CONFIG, "reference");
	lent_search(&none);
	refused(&(struct cbtm_model_use){ "no-such", "", 0, 0 }, CBTM_ERR_PLUGIN, "no-such");
	lent_search(&built);
	dataset_close(offered.checkpoint);
	offered.checkpoint = make_checkpoint(scratch_path(state, "stranger"), "0123");
	lent_offer(offered.checkpoint, offered.vocabulary);
	refused(&usual, CBTM_ERR_BAD_DATA, "is of vocabulary 0123");
	take_back(offered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_means_are_the_same_together_alone_within_tasks_and_loaded, scratch_make,
			scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_lent_is_said, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
