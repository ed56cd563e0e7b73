/* SPDX-License-Identifier: MIT */
#include "model/journal.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

double journal_flops(const struct model_config *c, uint64_t T)
{
	double positions = (double)c->length * (double)c->width;
	double n = (double)model_config_active(c) - positions;
	return 6 * n + 12 * (double)c->layers * (double)T * (double)c->width;
}

/* The most memory that this process ever had in use, bytes. */
static uint64_t peak_memory(void)
{
	struct rusage u;
	return getrusage(RUSAGE_SELF, &u) ? 0 : (uint64_t)u.ru_maxrss * 1024;
}

/* The members that all of a run's events begin with; by them log_largest finds them. */
static int begin(const struct journal *j, struct buffer *b, struct cbtm_error *e)
{
	if (json_put_key(b, "task", e) || json_put_string(b, j->task, strlen(j->task), e) ||
	    json_put_key(b, "run", e) || json_put_string(b, j->run, strlen(j->run), e))
		return e->name;
	return 0;
}

static int number(struct buffer *b, const char *key, double v, struct cbtm_error *e)
{
	return json_put_key(b, key, e) || json_put_f64(b, v, e) ? (int)e->name : 0;
}

static int count(struct buffer *b, const char *key, uint64_t v, struct cbtm_error *e)
{
	return json_put_key(b, key, e) || json_put_u64(b, v, e) ? (int)e->name : 0;
}

static int say(const char *event, struct buffer *b, struct cbtm_error *e)
{
	if (!e->name)
		log_event(event, b->data);
	buffer_free(b);
	return e->name;
}

void journal_start(struct journal *j, const char *task, struct digest fingerprint, double flops,
                   uint64_t step)
{
	char hex[DIGEST_HEX];
	struct cbtm_error ignored = { 0 };
	struct buffer b = { 0 };
	digest_hex(fingerprint, hex);
	*j = (struct journal){ .task = task, .flops = flops, .step = step, .time = clock_seconds() };
	memcpy(j->run, hex, sizeof j->run - 1);
	if (!begin(j, &b, &ignored)) {
		j->said_step = log_largest("step", b.data, "step");
		j->said_valid = log_largest("valid", b.data, "step");
	}
	buffer_free(&b);
}

void journal_rest(struct journal *j, double seconds)
{
	j->resting += seconds;
}

int journal_step(struct journal *j, const struct curve_point *p, const struct expert_load *load,
                 uint64_t tokens, struct cbtm_error *e)
{
	double now = clock_seconds(), seconds = now - j->time - j->resting, rate = 0;
	struct buffer b = { 0 };
	if (seconds > 0)
		rate = (double)((p->step - j->step) * tokens) / seconds;
	j->time = now;
	j->resting = 0;
	j->step = p->step;
	if (p->step <= j->said_step)
		return 0;
	j->said_step = p->step;
	if (!begin(j, &b, e) && !count(&b, "step", p->step, e) && !count(&b, "tokens", p->tokens, e) &&
	    !number(&b, "loss", p->loss, e) && !number(&b, "lr", p->lr, e) &&
	    !number(&b, "gradient_norm", p->gradient_norm, e) &&
	    !number(&b, "tokens_per_second", rate, e) &&
	    !number(&b, "flops_per_second", rate * j->flops, e) &&
	    !count(&b, "peak_memory", peak_memory(), e) && load->layers)
		expert_load_print(load, &b, e);
	return say("step", &b, e);
}

int journal_valid(struct journal *j, const struct valid_point *p, double seconds,
                  struct cbtm_error *e)
{
	struct buffer b = { 0 };
	if (j->said_valid && p->step <= j->said_valid)
		return 0;
	j->said_valid = p->step;
	if (!begin(j, &b, e) && !count(&b, "step", p->step, e) && !number(&b, "loss", p->loss, e))
		number(&b, "seconds", seconds, e);
	return say("valid", &b, e);
}

int journal_save(struct journal *j, const struct journal_saved *s, struct cbtm_error *e)
{
	struct buffer b = { 0 };
	if (!begin(j, &b, e) && !count(&b, "step", s->step, e) && !count(&b, "bytes", s->bytes, e) &&
	    !number(&b, "seconds", s->seconds, e) && !number(&b, "waited", s->waited, e))
		number(&b, "share", s->share, e);
	return say("save", &b, e);
}
