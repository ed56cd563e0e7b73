/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "scratch.h"
#include "store/split.h"
#include "store/tokens.h"
#include "text/bpe.h"
#include "text/little.h"
#include "text/sharding.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct opened {
	struct dataset *tokens, *assignments;
	struct bpe *bpe;
	char content[DIGEST_HEX];
};

static struct opened make(void **state, uint64_t part_bytes)
{
	struct cbtm_error e = { 0 };
	struct opened o = { 0 };
	char *in = strdup(scratch_path(state, "in"));
	little_corpus_write(in);
	assert_int_equal(
		little_documents(in, scratch_path(state, "d"), part_bytes, 1, &little_rules, &e), 0);
	assert_int_equal(little_tokens(scratch_path(state, "d"), 1, &e), 0);
	o.tokens = little_open(scratch_path(state, "d"), "tokens");
	struct dataset *v = little_open(scratch_path(state, "d"), "vocabulary");
	assert_int_equal(bpe_open(v, &o.bpe, o.content, &e), 0);
	dataset_close(v);
	free(in);
	return o;
}

static void end(struct opened *o)
{
	dataset_close(o->tokens);
	dataset_close(o->assignments);
	bpe_free(o->bpe);
}

static struct sharding rules(void **state, struct opened *o)
{
	return (struct sharding){ .tokens = o->tokens,
		                      .assignments = o->assignments,
		                      .clusters = 1,
		                      .split = SPLIT_BRANCH,
		                      .length = 16,
		                      .random_seed = 1,
		                      .memory = 1 << 20,
		                      .folder = scratch_path(state, "."),
		                      .vocabulary = o->content,
		                      .vocabulary_size = o->bpe->size,
		                      .eod = o->bpe->eod };
}

static int run(const char *dir, const struct sharding *s, struct store **store,
               struct cbtm_error *e)
{
	struct store_writer *w;
	struct digest fingerprint = { 3, s->cluster };
	char *copy = strdup(dir);
	int status = store_create(copy, 0, store_kind_find("sequences"), fingerprint, &w, e);
	if (!status && (status = sharding_run(s, w, e)))
		store_leave(w);
	else if (!status && !(status = store_seal(w, e)))
		status = store_open(copy, 0, NULL, store, e);
	free(copy);
	return status;
}

static struct digest content_of(void **state, const char *name, struct sharding s)
{
	struct cbtm_error e = { 0 };
	struct store *store;
	char folder[512];
	snprintf(folder, sizeof folder, "%s", scratch_path(state, "."));
	s.folder = folder;
	assert_int_equal(run(scratch_path(state, name), &s, &store, &e), 0);
	struct digest d = store_content(store);
	store_close(store);
	return d;
}

static void test_memory_and_parts_change_nothing_and_the_seed_does(void **state)
{
	struct opened o = make(state, 1 << 30);
	struct sharding s = rules(state, &o);
	struct digest a = content_of(state, "a", s);
	s.memory = 64;
	assert_true(digest_equal(a, content_of(state, "b", s)));
	s.random_seed = 2;
	assert_false(digest_equal(a, content_of(state, "c", s)));
	end(&o);
	folder_remove(scratch_path(state, "d"), &(struct cbtm_error){ 0 });
	o = make(state, 5000);
	assert_true(dataset_parts(o.tokens) > 3);
	s = rules(state, &o);
	assert_true(digest_equal(a, content_of(state, "e", s)));
	end(&o);
}

/* Assigns row r of the one part to cluster r % 3. */
static void assign(void **state, struct opened *o)
{
	struct cbtm_error e = { 0 };
	struct digest fingerprint = { 9, 9 };
	struct store_writer *w;
	const struct store_kind *kind = store_kind_find("assignments");
	store_create(scratch_path(state, "assignments"), 0, kind, fingerprint, &w, &e);
	for (uint32_t row = 0; row < LITTLE_DOCUMENTS; row++) {
		uint64_t key = row;
		uint32_t cluster = row % 3;
		float distance = 0;
		store_append(w, "key", &key, 1, &e);
		store_append(w, "cluster", &cluster, 1, &e);
		store_append(w, "distance", &distance, 1, &e);
	}
	store_seal(w, &e);
	dataset_seal(scratch_path(state, "assignments"), kind, &fingerprint, 1, &e);
	assert_int_equal(e.name, 0);
	o->assignments = little_open(scratch_path(state, "."), "assignments");
}

static uint64_t fact(const struct store *s, const char *name)
{
	uint64_t v = 0;
	assert_true(store_get_u64(s, name, &v));
	return v;
}

static void test_clusters_share_the_branch_documents_out(void **state)
{
	struct cbtm_error e = { 0 };
	struct opened o = make(state, 1 << 30);
	uint64_t documents = 0, tokens = 0, all = 0, branch = 0;
	assign(state, &o);
	for (uint32_t j = 0; j < 3; j++) {
		char folder[512], name[32];
		struct sharding s = rules(state, &o);
		struct store *store;
		snprintf(folder, sizeof folder, "%s", scratch_path(state, "."));
		s.folder = folder;
		s.cluster = j;
		s.clusters = 3;
		snprintf(name, sizeof name, "s%u", j);
		assert_int_equal(run(scratch_path(state, name), &s, &store, &e), 0);
		documents += fact(store, "documents");
		tokens += fact(store, "tokens");
		all = fact(store, "tokens_all");
		assert_int_equal(fact(store, "cluster"), j);
		assert_int_equal(fact(store, "clusters"), 3);
		assert_int_equal(store_row_count(store, "ids"), fact(store, "tokens") / 17);
		assert_true(store_row_count(store, "valid") > 0);
		store_close(store);
	}
	assert_int_equal(tokens, all);
	assert_int_equal(dataset_sum(o.tokens, "tokens.branch", &branch, &e), 0);
	assert_int_equal(tokens, branch + documents);
	end(&o);
}

static void test_too_small_a_cluster_and_another_vocabulary_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct opened o = make(state, 1 << 30);
	struct store *store;
	char folder[512];
	snprintf(folder, sizeof folder, "%s", scratch_path(state, "."));
	struct sharding s = rules(state, &o);
	s.folder = folder;
	s.length = 1000000;
	assert_int_equal(run(scratch_path(state, "a"), &s, &store, &e), CBTM_ERR_EMPTY_CORPUS);
	assert_non_null(strstr(e.what, "1000001"));
	e = (struct cbtm_error){ 0 };
	s.length = 16;
	s.vocabulary = "another";
	assert_int_equal(run(scratch_path(state, "b"), &s, &store, &e), CBTM_ERR_BAD_DATA);
	e = (struct cbtm_error){ 0 };
	s.vocabulary = o.content;
	assign(state, &o);
	s.assignments = o.assignments;
	s.clusters = 2; /* cluster 2 is there */
	assert_int_equal(run(scratch_path(state, "c"), &s, &store, &e), CBTM_ERR_BAD_STORE);
	end(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_memory_and_parts_change_nothing_and_the_seed_does,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_clusters_share_the_branch_documents_out, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_too_small_a_cluster_and_another_vocabulary_are_refused,
		                                scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
