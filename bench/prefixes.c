/* SPDX-License-Identifier: MIT */
/*
 * bench/prefixes PLUGIN TEXTS: fits an embedding plugin on texts (each a line of JSON: a string), cuts
 * each text at random bytes, every 1 to 9 of them, and compares the vector of each prefix, kept up
 * piece by piece, with that of the prefix's decoded text from scratch. Behind the first LATER bytes
 * of a text only one prefix in fifty is compared. Prints how many were, and the largest distance;
 * ends with status 1 if that is over 1e-5. tests/long calls it.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/param.h"
#include "base/pool.h"
#include "base/random.h"
#include "bench/texts.h"
#include "math/dense.h"
#include "plugin/embed.h"
#include "stage/host.h"
#include "text/utf8.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATER = 4000 };

struct comparison {
	const struct cbtm_embed *embed;
	const void *state;
	struct embed_context *context;
	float *kept, *scratch; /* d */
	size_t d;
	uint64_t prefixes, known; /* known: those with a vector that is not zero */
	double largest;
};

static int compare(struct comparison *c, const struct cbtm_document *text, struct cbtm_error *e)
{
	struct random_key key = random_key(1, RANDOM_TEST);
	struct buffer decoded = { 0 };
	uint32_t draw = 0;
	embed_context_reset(c->context, e);
	for (size_t at = 0, step; at < text->text_size && !e->name; at += step) {
		uint64_t replaced = 0;
		step = 1 + random_below(key, text->key, draw++, 9);
		step = step < text->text_size - at ? step : text->text_size - at;
		if (embed_context_add(c->context, text->text + at, step, e))
			break;
		if (at > LATER && random_below(key, text->key, draw++, 50))
			continue;
		buffer_clear(&decoded);
		if (utf8_repair(&decoded, text->text, at + step, &replaced, e))
			break;
		struct cbtm_document prefix = { 0, decoded.data, decoded.n, "{}", 2 };
		if (embed_context_vector(c->context, c->kept, e) ||
		    c->embed->transform(c->state, &prefix, 1, c->scratch, e))
			break;
		double distance = sqrt(dense_distance(c->kept, c->scratch, c->d));
		c->largest = distance <= c->largest ? c->largest : distance; /* no number stays */
		c->known += !dense_is_zero(c->kept, c->d);
		c->prefixes++;
	}
	buffer_free(&decoded);
	return e->name;
}

int main(int argc, char **argv)
{
	struct cbtm_error e = { 0 };
	struct plugin_search search = { 0 };
	struct comparison c = { 0 };
	struct texts texts = { 0 };
	struct arena *a = arena_new(&e);
	struct pool *pool = pool_new(0, &e);
	char message[512];
	if (argc != 3) {
		fputs("usage: prefixes PLUGIN TEXTS\n", stderr);
		return 64;
	}
	host_start(pool);
	log_open("prefixes", NULL, LOG_WARNING, false, &e);
	if (!e.name && !embed_open(argv[1], &search, &c.embed, &e) &&
	    !texts_read(argv[2], &texts, a, &e)) {
		void *options = arena_take(a, c.embed->plugin.options_size, &e), *state = NULL;
		struct cbtm_documents stream = texts_stream(&texts);
		if (!param_defaults(c.embed->plugin.params, options, a, &e))
			c.state = state = c.embed->fit(options, &stream, &e);
		if (state) {
			c.d = c.embed->dims(state);
			c.kept = mem_aligned(c.d, sizeof *c.kept, "a vector", &e);
			c.scratch = mem_aligned(c.d, sizeof *c.scratch, "a vector", &e);
			c.context = embed_context_new(c.embed, state, &e);
		}
		for (size_t i = 0; i < texts.n && !e.name; i++)
			compare(&c, &texts.document[i], &e);
		embed_context_free(c.context);
		c.embed->free(state);
	}
	if (e.name) {
		error_format(&e, "prefixes", message, sizeof message);
		fputs(message, stderr);
	} else {
		printf("%s: %llu prefixes of %zu texts, %llu with known words, largest distance %.1e\n",
		       argv[1], (unsigned long long)c.prefixes, texts.n, (unsigned long long)c.known,
		       c.largest);
	}
	free(c.scratch), free(c.kept), free(texts.document);
	pool_free(pool);
	arena_free(a);
	return e.name ? error_exit_status(e.name) : !(c.largest <= 1e-5 && c.known);
}
