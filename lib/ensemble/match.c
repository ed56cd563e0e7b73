/* SPDX-License-Identifier: MIT */
#include "ensemble/match.h"
#include <stdio.h>
#include <string.h>

#define TEXT 128 /* of a digest or a window's name */

int match_text(const struct store *s, const char *name, const char *want, struct cbtm_error *e)
{
	char text[TEXT];
	if (!store_get_text(s, name, text, sizeof text))
		return error_set(e, CBTM_ERR_BAD_DATA, store_path(s), "has no fact %s", name);
	if (strcmp(text, want) != 0)
		return error_set(e, CBTM_ERR_BAD_DATA, store_path(s), "%s is %s, %s was expected", name,
		                 text, want);
	return 0;
}

static int match_count(const struct store *s, const char *name, uint64_t want, struct cbtm_error *e)
{
	uint64_t v;
	if (!store_get_u64(s, name, &v))
		return error_set(e, CBTM_ERR_BAD_DATA, store_path(s), "has no fact %s", name);
	if (v != want)
		return error_set(e, CBTM_ERR_BAD_DATA, store_path(s), "%s is %llu, %llu was expected", name,
		                 (unsigned long long)v, (unsigned long long)want);
	return 0;
}

/* Every part of the tokens must be of this vocabulary. */
static int match_tokens(const struct dataset *tokens, const char *vocabulary, struct cbtm_error *e)
{
	for (uint32_t i = 0; i < dataset_parts(tokens); i++) {
		struct store *s;
		if (dataset_part(tokens, i, &s, e))
			return e->name;
		match_text(s, "vocabulary", vocabulary, e);
		store_close(s);
		if (e->name)
			return e->name;
	}
	return 0;
}

/* One dataset of scores; the first one says which window all must have. */
static int match_scores(const struct dataset *scores, const char *vocabulary,
                        struct match_window *window, struct cbtm_error *e)
{
	struct store *s;
	if (dataset_part(scores, 0, &s, e))
		return e->name;
	if (!window->name[0] && (!store_get_text(s, "window", window->name, sizeof window->name) ||
	                         !store_get_u64(s, "length", &window->length)))
		error_set(e, CBTM_ERR_BAD_DATA, store_path(s), "has no facts window and length");
	if (!e->name && !match_text(s, "vocabulary", vocabulary, e) &&
	    !match_text(s, "window", window->name, e))
		match_count(s, "length", window->length, e);
	store_close(s);
	return e->name;
}

static int match_cluster(const struct dataset *d, size_t j, size_t k, struct cbtm_error *e)
{
	struct store *s;
	if (dataset_part(d, 0, &s, e))
		return e->name;
	if (!match_count(s, "clusters", k, e))
		match_count(s, "cluster", j, e);
	if (e->name)
		error_hint(e, "give the %zu experts and their scores in the order of their clusters", k);
	store_close(s);
	return e->name;
}

int match_datasets(const struct system_datasets *in, struct match_window *window,
                   struct cbtm_error *e)
{
	char vocabulary[DIGEST_HEX];
	*window = (struct match_window){ 0 };
	digest_hex(dataset_content(in->vocabulary), vocabulary);
	if (match_tokens(in->tokens, vocabulary, e) ||
	    match_scores(in->seed_scores, vocabulary, window, e))
		return e->name;
	for (size_t j = 0; j < in->k; j++)
		if (match_scores(in->scores[j], vocabulary, window, e) ||
		    match_cluster(in->scores[j], j, in->k, e) || match_cluster(in->experts[j], j, in->k, e))
			return e->name;
	return 0;
}
