/* SPDX-License-Identifier: MIT */
#include "ensemble/small.h"
#include "base/digest.h"
#include "base/file.h"
#include "store/tokens.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct small_options plain;

void small_ok(int status, const struct cbtm_error *e)
{
	if (status || e->name)
		fail_msg("%s: %s: %s", error_name(e->name), e->where, e->what);
}

void small_refused(int status, enum cbtm_error_name name, const char *words,
                   const struct cbtm_error *e)
{
	if (status != (int)name || e->name != name || !strstr(e->what, words))
		fail_msg("%s: %s: %s", error_name(e->name), e->where, e->what);
}

void small_near(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
		fail_msg("got %.17g, want %.17g", got, want);
}

uint64_t small_key(uint64_t i)
{
	return 1000 + (i == 23 ? 22 : i);
}

uint32_t small_split(const struct small_options *o, uint64_t i)
{
	uint32_t split = i % 4;
	return split == SPLIT_VALID && o->without_valid ? SPLIT_TEST : split;
}

uint32_t small_cluster(uint64_t i)
{
	return (uint32_t)(i * 5 / 4 % SMALL_K);
}

uint64_t small_length(uint64_t i)
{
	return i == 6 ? 0 : 1 + i * 7 % 5;
}

uint32_t small_id(uint64_t i, uint64_t t)
{
	return (uint32_t)(1 + (i * 3 + t * t) % (SMALL_VOCABULARY - 1));
}

/* An expert is best on its own cluster. */
float small_logprob(uint64_t m, uint64_t i, uint64_t t)
{
	float p = -1.0f - (float)((m * 7 + i * 3 + t * 5) % 11) / 8.0f;
	return m == small_cluster(i) ? p : p - 1.5f;
}

uint64_t small_positions(uint64_t i)
{
	return small_length(i) + 1 < SMALL_WINDOW ? small_length(i) + 1 : SMALL_WINDOW;
}

static struct store_writer *create(const char *folder, const char *name, const char *kind,
                                   uint32_t part, struct digest *fingerprint)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	char *dir = path_join(folder, name, &e);
	*fingerprint = digest_bytes(name, strlen(name));
	fingerprint->low += part;
	small_ok(store_create(dir, part, store_kind_find(kind), *fingerprint, &w, &e), &e);
	assert_non_null(w);
	free(dir);
	return w;
}

static void seal(const char *folder, const char *name, const char *kind,
                 const struct digest *fingerprints, uint32_t n)
{
	struct cbtm_error e = { 0 };
	char *dir = path_join(folder, name, &e);
	small_ok(dataset_seal(dir, store_kind_find(kind), fingerprints, n, &e), &e);
	free(dir);
}

static void write_vocabulary(const char *folder, char digest[DIGEST_HEX])
{
	static const char *const symbol[SMALL_VOCABULARY] = { "<eod>", "a", "b", " ", "ab" };
	struct cbtm_error e = { 0 };
	struct digest f;
	struct dataset *d;
	struct store_writer *w = create(folder, "vocabulary", "vocabulary", 0, &f);
	for (uint8_t i = 0; i < SMALL_VOCABULARY; i++) {
		uint8_t special = i == 0, added = special;
		store_append_row(w, "symbol", symbol[i], strlen(symbol[i]), &e);
		store_append(w, "special", &special, 1, &e);
		store_append(w, "added", &added, 1, &e);
	}
	small_ok(store_seal(w, &e), &e);
	seal(folder, "vocabulary", "vocabulary", &f, 1);
	char *dir = path_join(folder, "vocabulary", &e);
	small_ok(dataset_open(dir, NULL, &d, &e), &e);
	digest_hex(dataset_content(d), digest);
	dataset_close(d);
	free(dir);
}

/* Tokens and assignments, row by row. */
static void write_part(const char *folder, const struct small_options *o, uint32_t part,
                       const char *vocabulary, struct digest *tokens, struct digest *assignments)
{
	struct cbtm_error e = { 0 };
	struct store_writer *t = create(folder, "tokens", "tokens", part, tokens);
	struct store_writer *a = create(folder, "assignments", "assignments", part, assignments);
	uint64_t end = part ? SMALL_DOCUMENTS : SMALL_PART;
	tokens_add_column(t, SMALL_VOCABULARY, &e);
	for (uint64_t i = part ? SMALL_PART : 0; i < end; i++) {
		uint64_t key = small_key(i);
		uint8_t split = (uint8_t)small_split(o, i);
		uint32_t ids[8], cluster = i == 3 && o->bad_cluster ? o->bad_cluster : small_cluster(i);
		float distance = 0;
		for (uint64_t j = 0; j < small_length(i); j++)
			ids[j] = small_id(i, j);
		store_append(t, "key", &key, 1, &e);
		store_append(t, "split", &split, 1, &e);
		tokens_append(t, ids, small_length(i), &e);
		store_append(a, "key", &key, 1, &e);
		store_append(a, "cluster", &cluster, 1, &e);
		store_append(a, "distance", &distance, 1, &e);
	}
	store_set_text(t, "vocabulary", vocabulary, &e);
	small_ok(store_seal(t, &e), &e);
	small_ok(store_seal(a, &e), &e);
}

static void set_cluster(struct store_writer *w, size_t j, size_t k, struct cbtm_error *e)
{
	if (j < k) {
		store_set_u64(w, "cluster", j, e);
		store_set_u64(w, "clusters", k, e);
	}
}

static void write_scores(const char *folder, const struct small_options *o, size_t j, size_t k,
                         const char *vocabulary)
{
	struct cbtm_error e = { 0 };
	struct digest f;
	char name[32];
	snprintf(name, sizeof name, "scores-%zu", j);
	struct store_writer *w = create(folder, name, "scores", 0, &f);
	uint64_t done[SPLIT_COUNT] = { 0 };
	for (uint64_t i = 0; i < SMALL_DOCUMENTS; i++) {
		uint8_t split = (uint8_t)small_split(o, i);
		uint64_t key = small_key(i);
		float logprob[SMALL_WINDOW];
		if (split < SPLIT_VALID || (o->documents && done[split]++ >= o->documents))
			continue;
		key += i == 2 && j == k - 1 && o->other_document;
		for (uint64_t t = 0; t < small_positions(i); t++)
			logprob[t] = small_logprob(j, i, t);
		store_append(w, "key", &key, 1, &e);
		store_append(w, "split", &split, 1, &e);
		store_append_row(w, "logprob", logprob, small_positions(i), &e);
	}
	store_set_text(w, "vocabulary", vocabulary, &e);
	store_set_text(w, "window", o->window && j == k - 1 ? o->window : "truncate", &e);
	store_set_u64(w, "length", SMALL_WINDOW, &e);
	set_cluster(w, j, k, &e);
	small_ok(store_seal(w, &e), &e);
	seal(folder, name, "scores", &f, 1);
}

/* Checkpoints without parameters: their facts alone are read. */
static void write_expert(const char *folder, size_t j, size_t k, const char *vocabulary)
{
	struct cbtm_error e = { 0 };
	struct digest f;
	char name[32];
	snprintf(name, sizeof name, "expert-%zu", j);
	struct store_writer *w = create(folder, name, "checkpoint", 0, &f);
	store_set_json(w, "model",
	               "{\"architecture\":\"opt\",\"vocabulary\":5,\"length\":4,\"layers\":1,"
	               "\"width\":2,\"heads\":1,\"ffn\":8}",
	               &e);
	store_set_u64(w, "step", 10 + j, &e);
	store_set_u64(w, "tokens", 1000 + 100 * j, &e);
	if (j < k)
		store_set_f64(w, "passes", 0.5 + (double)j, &e);
	store_set_text(w, "vocabulary", vocabulary, &e);
	set_cluster(w, j, k, &e);
	small_ok(store_seal(w, &e), &e);
	seal(folder, name, "checkpoint", &f, 1);
}

static void write_centres(const char *folder)
{
	static const float centre[SMALL_K * 2] = { 1, 0, 0, 1, 0.6f, 0.8f };
	static const double price[SMALL_K];
	static const uint64_t size[SMALL_K];
	struct cbtm_error e = { 0 };
	struct digest f;
	struct store_writer *w = create(folder, "centres", "centres", 0, &f);
	store_add_column(w, "centre", STORE_F32, STORE_FIXED, 2, &e);
	store_append(w, "centre", centre, SMALL_K, &e);
	store_append(w, "price", price, SMALL_K, &e);
	store_append(w, "documents", size, SMALL_K, &e);
	store_append(w, "tokens", size, SMALL_K, &e);
	small_ok(store_seal(w, &e), &e);
	seal(folder, "centres", "centres", &f, 1);
}

void small_write(const char *folder, size_t k, const struct small_options *o)
{
	char vocabulary[DIGEST_HEX];
	struct digest tokens[2], assignments[2];
	o = o ? o : &plain;
	write_vocabulary(folder, vocabulary);
	const char *of_tokens = o->vocabulary ? o->vocabulary : vocabulary;
	for (uint32_t part = 0; part < 2; part++)
		write_part(folder, o, part, of_tokens, &tokens[part], &assignments[part]);
	seal(folder, "tokens", "tokens", tokens, 2);
	seal(folder, "assignments", "assignments", assignments, 2);
	for (size_t j = 0; j <= k; j++) {
		write_scores(folder, o, j, k, vocabulary);
		write_expert(folder, j, k, vocabulary);
	}
	write_centres(folder);
}

static struct dataset *opened(const char *folder, const char *name)
{
	struct cbtm_error e = { 0 };
	struct dataset *d = NULL;
	char *dir = path_join(folder, name, &e);
	small_ok(dataset_open(dir, NULL, &d, &e), &e);
	free(dir);
	return d;
}

void small_open(const char *folder, size_t k, struct small_system *s)
{
	static const double temperature[] = { 0.5, 2 };
	static const uint64_t top_k[] = { 1, 2 };
	char name[32];
	*s = (struct small_system){ 0 };
	for (size_t j = 0; j <= k; j++) {
		snprintf(name, sizeof name, "scores-%zu", j);
		s->score[j] = opened(folder, name);
		if (j == k)
			break;
		snprintf(name, sizeof name, "expert-%zu", j);
		s->expert[j] = opened(folder, name);
	}
	snprintf(name, sizeof name, "expert-%zu", k);
	s->datasets =
		(struct system_datasets){ .tokens = opened(folder, "tokens"),
		                          .vocabulary = opened(folder, "vocabulary"),
		                          .seed = opened(folder, name),
		                          .seed_scores = s->score[k],
		                          .scores = s->score,
		                          .experts = s->expert,
		                          .k = k,
		                          .centres = k > 1 ? opened(folder, "centres") : NULL,
		                          .assignments = k > 1 ? opened(folder, "assignments") : NULL,
		                          .embed = k > 1 ? &small_embed : NULL,
		                          .temperature = { temperature, 2 },
		                          .top_k = { top_k, 2 },
		                          .route_every = 1 };
}

void small_close(struct small_system *s)
{
	for (size_t j = 0; j < SMALL_K; j++)
		dataset_close(s->expert[j]);
	for (size_t j = 0; j <= SMALL_K; j++)
		dataset_close(s->score[j]);
	dataset_close(s->datasets.tokens);
	dataset_close(s->datasets.vocabulary);
	dataset_close(s->datasets.seed);
	dataset_close(s->datasets.centres);
	dataset_close(s->datasets.assignments);
}

static size_t count_dims(const void *state)
{
	(void)state;
	return 2;
}
static void *count_new(const void *state, struct cbtm_error *e)
{
	(void)state, (void)e;
	return calloc(2, sizeof(float));
}
static int count_reset(void *c, struct cbtm_error *e)
{
	(void)e;
	memset(c, 0, 2 * sizeof(float));
	return 0;
}
static int count_add(void *c, const char *bytes, size_t n, struct cbtm_error *e)
{
	(void)e;
	for (size_t i = 0; i < n; i++)
		if (bytes[i] == 'a' || bytes[i] == 'b')
			((float *)c)[bytes[i] - 'a']++;
	return 0;
}
static int count_vector(void *c, float *v, struct cbtm_error *e)
{
	(void)e;
	const float *n = c;
	double norm = sqrt((double)n[0] * n[0] + (double)n[1] * n[1]);
	for (int i = 0; i < 2; i++)
		v[i] = norm > 0 ? (float)(n[i] / norm) : 0;
	return 0;
}
const struct cbtm_embed small_embed = { .dims = count_dims,
	                                    .context_new = count_new,
	                                    .context_free = free,
	                                    .context_reset = count_reset,
	                                    .context_add = count_add,
	                                    .context_vector = count_vector };
