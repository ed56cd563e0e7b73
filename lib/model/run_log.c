/* SPDX-License-Identifier: MIT */
#include "model/run_log.h"
#include "base/error.h"
#include "base/json.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double real(struct json line, const char *name)
{
	struct json v;
	double x;
	return json_member(line, name, &v) && json_f64(v, &x) ? x : 0;
}

static uint64_t count(struct json line, const char *name)
{
	struct json v;
	uint64_t x;
	return json_member(line, name, &v) && json_u64(v, &x) ? x : 0;
}

static bool is(struct json line, const char *name, const char *text)
{
	struct json v;
	const char *s;
	size_t n;
	return json_member(line, name, &v) && json_string(v, &s, &n) && n == strlen(text) &&
	       !memcmp(s, text, n);
}

/* A rate is that of the tokens since the point before, as far as its process trained them. */
static void add_step(struct run_log *log, struct json line)
{
	uint64_t tokens = count(line, "tokens"), memory = count(line, "peak_memory");
	double rate = real(line, "tokens_per_second");
	uint64_t n = tokens > log->before ? tokens - log->before : 0;
	log->peak_memory = memory > log->peak_memory ? memory : log->peak_memory;
	log->points++;
	log->step = count(line, "step") > log->step ? count(line, "step") : log->step;
	if (rate > 0) {
		log->tokens += n;
		log->seconds += (double)n / rate;
		log->flops += (double)n / rate * real(line, "flops_per_second");
	}
	log->before = tokens > log->before ? tokens : log->before;
}

static void add_line(struct run_log *log, const char *run, struct json line)
{
	if (json_type(line) != JSON_OBJECT || !is(line, "run", run))
		return;
	if (is(line, "event", "step"))
		add_step(log, line);
	if (is(line, "event", "valid"))
		log->validating += real(line, "seconds");
	if (is(line, "event", "save")) {
		log->saves++;
		log->save_bytes = count(line, "bytes");
		log->saving += real(line, "seconds");
		log->waited += real(line, "waited");
	}
}

int run_log_read(const char *path, struct digest fingerprint, struct run_log *log,
                 struct cbtm_error *e)
{
	char run[17] = "", hex[DIGEST_HEX], *text = NULL;
	struct json_parser *p = NULL;
	struct json line;
	size_t room = 0;
	ssize_t n;
	FILE *f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : (int)error_errno(e, CBTM_ERR_IO, path, "cannot open the log");
	digest_hex(fingerprint, hex);
	memcpy(run, hex, sizeof run - 1);
	p = json_parser_new(e);
	while (p && (n = getline(&text, &room, f)) > 0) {
		struct cbtm_error ignored = { 0 };
		if (text[n - 1] == '\n' && strstr(text, run) &&
		    !json_parse(p, text, (size_t)n, path, &line, &ignored))
			add_line(log, run, line);
	}
	if (!e->name && ferror(f))
		error_errno(e, CBTM_ERR_IO, path, "cannot read the log");
	free(text);
	json_parser_free(p);
	fclose(f);
	return e->name;
}

double run_log_rate(const struct run_log *log)
{
	return log->seconds > 0 ? (double)log->tokens / log->seconds : 0;
}

int run_log_print(const struct run_log *log, struct buffer *out, struct cbtm_error *e)
{
	const struct {
		const char *name;
		double v;
	} reals[] = { { "tokens_per_second", run_log_rate(log) },
		          { "flops_per_second", log->seconds > 0 ? log->flops / log->seconds : 0 },
		          { "training_seconds", log->seconds },
		          { "validation_seconds", log->validating },
		          { "save_seconds", log->saving },
		          { "save_waited", log->waited } };
	const struct {
		const char *name;
		uint64_t v;
	} counts[] = { { "peak_memory", log->peak_memory },
		           { "saves", log->saves },
		           { "save_bytes", log->save_bytes } };
	if (!log->points)
		return json_put_null(out, e);
	json_put_open(out, '{', e);
	for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
		json_put_key(out, reals[i].name, e);
		json_put_f64(out, reals[i].v, e);
	}
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		json_put_key(out, counts[i].name, e);
		json_put_u64(out, counts[i].v, e);
	}
	return json_put_close(out, '}', e);
}
