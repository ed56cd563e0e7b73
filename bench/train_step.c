/* SPDX-License-Identifier: MIT */
/*
 * bench/train_step [KEY=VALUE...]: training steps of an OPT with random parameters and ids, by a
 * compute plugin. Keys: width, layers, heads, vocabulary, length, batch, threads, dropout (percent),
 * experts (0: dense), every, top_k, capacity (percent), checkpointing (0 or 1), plugin, warmup, steps; and
 * the plugin's options. Prints each step's seconds; at the end the peak of
 * its resident memory in MiB and the last loss. steps=0: a step for every line "step" of standard
 * input, for comparisons step by step.
 */
#include "base/error.h"
#include "base/log.h"
#include "base/number.h"
#include "base/param.h"
#include "base/pool.h"
#include "base/progress.h"
#include "model/emit.h"
#include "model/parameter.h"
#include "plugin/compute.h"
#include "plugin/loader.h"
#include "stage/host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct settings {
	uint64_t width, layers, heads, vocabulary, length, batch, threads, dropout, warmup, steps;
	uint64_t experts, every, top_k, capacity, checkpointing;
	const char *plugin;
};

#define COUNT(name, otherwise)                                                                     \
	{                                                                                              \
#name, CBTM_PARAM_COUNT, offsetof(struct settings, name), otherwise, 0, 0, NULL, #name, 0, \
			0                                                                                      \
	}
static const struct cbtm_param keys[] = { COUNT(width, "256"),
	                                      COUNT(layers, "4"),
	                                      COUNT(heads, "4"),
	                                      COUNT(vocabulary, "8192"),
	                                      COUNT(length, "256"),
	                                      COUNT(batch, "8"),
	                                      COUNT(threads, "2"),
	                                      COUNT(dropout, "0"),
	                                      COUNT(experts, "0"),
	                                      COUNT(every, "2"),
	                                      COUNT(top_k, "2"),
	                                      COUNT(capacity, "200"),
	                                      COUNT(checkpointing, "0"),
	                                      COUNT(warmup, "2"),
	                                      COUNT(steps, "5"),
	                                      { "plugin", CBTM_PARAM_TEXT,
	                                        offsetof(struct settings, plugin), "cpu", 0, 0, NULL,
	                                        "plugin", 0, 0 },
	                                      CBTM_PARAM_END };

struct bench {
	struct settings s;
	const struct cbtm_compute *compute;
	struct list *names;
	const struct cbtm_list *list;
	void *program;
	uint64_t step;
};

/* The setting KEY=VALUE of the bench, or of the plugin's options once these are there. */
static int set(const struct cbtm_param *table, void *to, const char *text, bool *known,
               struct arena *a, struct cbtm_error *e)
{
	char name[64];
	size_t n = strcspn(text, "=");
	*known = false;
	if (text[n] != '=' || n >= sizeof name)
		return error_set(e, CBTM_ERR_USAGE, text, "is not KEY=VALUE");
	memcpy(name, text, n);
	name[n] = 0;
	const struct cbtm_param *p = param_find(table, name);
	*known = p != NULL;
	return p ? param_parse(p, text + n + 1, to, a, CBTM_ERR_USAGE, name, e) : 0;
}

static int settings_read(struct bench *b, int argc, char **argv, struct arena *a, void **options,
                         struct cbtm_error *e)
{
	struct plugin_search search = { 0 };
	bool known;
	if (param_defaults(keys, &b->s, a, e))
		return e->name;
	for (int i = 1; i < argc; i++)
		if (set(keys, &b->s, argv[i], &known, a, e))
			return e->name;
	struct pool *pool = pool_new((unsigned)b->s.threads, e);
	if (!pool)
		return e->name;
	host_start(pool);
	if (compute_open(b->s.plugin, &search, &b->compute, e))
		return e->name;
	const struct cbtm_plugin *plugin = &b->compute->plugin;
	*options = arena_take(a, plugin->options_size + 1, e);
	if (!*options || (plugin->params && param_defaults(plugin->params, *options, a, e)))
		return e->name;
	for (int i = 1; i < argc; i++) {
		struct settings unused;
		if (set(keys, &unused, argv[i], &known, a, e))
			return e->name;
		if (!known && plugin->params && set(plugin->params, *options, argv[i], &known, a, e))
			return e->name;
		if (!known)
			return error_set(e, CBTM_ERR_USAGE, argv[i], "there is no such key");
	}
	return 0;
}

static int write_parameters(struct bench *b, const struct model_config *c, struct cbtm_error *e)
{
	size_t n;
	struct parameter *p = parameters_make(c, &n, e);
	for (size_t i = 0; p && i < n && !e->name; i++) {
		float *v = mem_aligned(parameter_elements(&p[i]), sizeof *v, p[i].name, e);
		if (v) {
			parameter_start(&p[i], i, 1, v);
			b->compute->write(b->program, list_find(b->names, p[i].name), v, e);
		}
		free(v);
	}
	free(p);
	return e->name;
}

/* The same ids for every step: the loss falls if the model learns. */
static int write_ids(struct bench *b, struct cbtm_error *e)
{
	size_t n = (size_t)b->s.batch * b->s.length;
	uint32_t *ids = mem_zeroed(n + 1, sizeof *ids, "ids", e), state = 1;
	for (size_t i = 0; ids && i <= n; i++) {
		state = state * 1664525 + 1013904223;
		ids[i] = (uint32_t)(((uint64_t)state * b->s.vocabulary) >> 32);
	}
	if (ids && !b->compute->write(b->program, list_find(b->names, "ids"), ids, e))
		b->compute->write(b->program, list_find(b->names, "targets"), ids + 1, e);
	free(ids);
	return e->name;
}

static int step(struct bench *b, double *loss, struct cbtm_error *e)
{
	double norm[1], part[2];
	struct cbtm_scalars s = { .sequences = (uint32_t)b->s.batch,
		                      .dropout_key = { 1, (uint32_t)b->step },
		                      .dropout = (double)b->s.dropout / 100,
		                      .dropout_attention = (double)b->s.dropout / 100,
		                      .loss_scale = 1 / (double)(b->s.batch * b->s.length),
		                      .step = ++b->step,
		                      .lr = 3e-4,
		                      .beta1 = 0.9,
		                      .beta2 = 0.95,
		                      .epsilon = 1e-8,
		                      .weight_decay = 0.1,
		                      .clip = 1,
		                      .capacity_factor = (double)b->s.capacity / 100,
		                      .balance = 0.01 };
	if (b->compute->run(b->program, CBTM_FORWARD, &s, e) ||
	    b->compute->run(b->program, CBTM_BACKWARD, &s, e) ||
	    b->compute->read(b->program, list_find(b->names, "loss"), part, e) ||
	    b->compute->run(b->program, CBTM_UPDATE, &s, e) ||
	    b->compute->read(b->program, list_find(b->names, "norm"), norm, e))
		return e->name;
	*loss = part[0] / part[1];
	return 0;
}

static int run(struct bench *b, const void *options, struct cbtm_error *e)
{
	struct model_config c = { .vocabulary = b->s.vocabulary,
		                      .length = b->s.length,
		                      .layers = b->s.layers,
		                      .width = b->s.width,
		                      .heads = b->s.heads,
		                      .ffn = 4 * b->s.width,
		                      .moe = { b->s.experts, b->s.every, b->s.top_k } };
	struct emit_how how = { .batch = (uint32_t)b->s.batch,
		                    .length = (uint32_t)b->s.length,
		                    .train = true,
		                    .dropout = b->s.dropout > 0,
		                    .checkpointing = b->s.checkpointing > 0 };
	double loss = 0;
	char line[16];
	b->names = emit_model(&c, &how, e);
	b->list = b->names ? list_finish(b->names, e) : NULL;
	if (!b->list || b->compute->compile(options, b->list, &b->program, e) ||
	    write_parameters(b, &c, e) || write_ids(b, e))
		return e->name;
	for (uint64_t i = 0; i < b->s.warmup; i++)
		if (step(b, &loss, e))
			return e->name;
	puts("ready");
	fflush(stdout);
	for (uint64_t i = 0;
	     b->s.steps ? i < b->s.steps : fgets(line, sizeof line, stdin) && !strncmp(line, "step", 4);
	     i++) {
		double start = clock_seconds();
		if (step(b, &loss, e))
			return e->name;
		printf("%.6f\n", clock_seconds() - start);
		fflush(stdout);
	}
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	printf("%.1f %.6f\n", (double)usage.ru_maxrss / 1024, loss);
	return 0;
}

int main(int argc, char **argv)
{
	struct cbtm_error e = { 0 };
	struct bench b = { 0 };
	void *options = NULL;
	char text[512];
	struct arena *a = arena_new(&e);
	if (a && !settings_read(&b, argc, argv, a, &options, &e))
		run(&b, options, &e);
	if (b.compute)
		b.compute->free(b.program);
	list_free(b.names);
	if (e.name) {
		error_format(&e, "train_step", text, sizeof text);
		fputs(text, stderr);
	}
	arena_free(a);
	return error_exit_status(e.name);
}
