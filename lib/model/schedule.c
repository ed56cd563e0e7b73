/* SPDX-License-Identifier: MIT */
#include "model/schedule.h"
#include "base/error.h"
#include <math.h>
#include <stdio.h>

int schedule_check(const struct phase *p, const char *where, struct cbtm_error *e)
{
	char key[64];
	snprintf(key, sizeof key, "%s.cooldown", where);
	if (p->cooldown > 0 && p->schedule != SCHEDULE_CONSTANT) {
		error_set(e, CBTM_ERR_CONFIG, key, "only a constant learning rate has a cooldown");
		snprintf(key, sizeof key, "%s.schedule", where);
		return error_hint(e,
		                  "set %s: constant, or leave the cooldown out: linear and cosine fall "
		                  "all the way",
		                  key);
	}
	if (p->cooldown >= 1 && p->cooldown > (double)p->tokens)
		return error_set(e, CBTM_ERR_CONFIG, key,
		                 "a cooldown of %.0f tokens does not fit into %llu tokens", p->cooldown,
		                 (unsigned long long)p->tokens);
	return 0;
}

int schedule_plan(const struct phase *p, const char *where, enum match match, enum budget budget,
                  uint64_t k, double share, uint64_t T, struct schedule_plan *plan,
                  struct cbtm_error *e)
{
	char key[64];
	*plan = (struct schedule_plan){ .batch = p->batch,
		                            .lr = p->lr,
		                            .warmup = p->warmup,
		                            .schedule = p->schedule,
		                            .shape = p->shape };
	if (schedule_check(p, where, e))
		return e->name;
	if (budget == BUDGET_EQUAL)
		share = 1 / (double)k;
	double tokens = (double)p->tokens, batch = (double)p->batch * (double)T;
	if (match == MATCH_BATCH) {
		tokens *= share;
	} else if (budget == BUDGET_EQUAL && p->batch % k) {
		snprintf(key, sizeof key, "%s.batch", where);
		return error_set(e, CBTM_ERR_CONFIG, key,
		                 "a batch of %llu sequences cannot be divided among %llu experts",
		                 (unsigned long long)p->batch, (unsigned long long)k);
	} else {
		plan->batch = (uint64_t)fmax(1, round((double)p->batch * share));
	}
	plan->steps = (uint64_t)round(tokens / batch);
	if (p->cooldown > 0) {
		double part = p->cooldown < 1 ? p->cooldown : p->cooldown / (double)p->tokens;
		plan->cooldown = (uint64_t)round((double)plan->steps * part);
	}
	if (!plan->steps && p->tokens) {
		snprintf(key, sizeof key, "%s.tokens", where);
		return error_set(e, CBTM_ERR_CONFIG, key,
		                 "%.0f tokens are less than one batch of %llu sequences of %llu tokens",
		                 tokens, (unsigned long long)p->batch, (unsigned long long)T);
	}
	return 0;
}

/* Of the rate alone: where the cooldown begins. */
static uint64_t before_cooldown(const struct schedule_plan *plan)
{
	return plan->schedule == SCHEDULE_CONSTANT ? plan->steps - plan->cooldown : 0;
}

int schedule_cut(struct schedule_plan *plan, const char *key, uint64_t tokens, uint64_t T,
                 struct cbtm_error *e)
{
	double batch = (double)plan->batch * (double)T;
	uint64_t end = (uint64_t)round((double)tokens / batch);
	if (!tokens)
		return 0;
	if (end > plan->steps)
		return error_set(e, CBTM_ERR_CONFIG, key,
		                 "%llu tokens are more than the %.0f that are trained on",
		                 (unsigned long long)tokens, (double)plan->steps * batch);
	if (!end)
		return error_set(e, CBTM_ERR_CONFIG, key,
		                 "%llu tokens are less than one batch of %llu sequences of %llu tokens",
		                 (unsigned long long)tokens, (unsigned long long)plan->batch,
		                 (unsigned long long)T);
	if (end <= before_cooldown(plan)) { /* then it is a shorter budget without a cooldown */
		plan->steps = end;
		plan->cooldown = 0;
	}
	plan->cut = end < plan->steps ? end : 0;
	return 0;
}

uint64_t schedule_end(const struct schedule_plan *plan)
{
	return plan->cut ? plan->cut : plan->steps;
}

double schedule_lr(const struct schedule_plan *plan, uint64_t step)
{
	double done = (double)(step - 1), warmup = (double)plan->warmup;
	double rate = step <= plan->warmup ? plan->lr * (double)step / warmup : plan->lr;
	uint64_t stable = before_cooldown(plan);
	if (plan->schedule == SCHEDULE_CONSTANT && step > stable) {
		double gone = (done - (double)stable) / (double)plan->cooldown;
		return rate * (1 - (plan->shape == COOLDOWN_ROOT ? sqrt(gone) : gone));
	}
	if (step <= plan->warmup || plan->schedule == SCHEDULE_CONSTANT)
		return rate;
	double gone = (done - warmup) / ((double)plan->steps - warmup);
	if (plan->schedule == SCHEDULE_LINEAR)
		return plan->lr * (1 - gone);
	return plan->lr * 0.5 * (1 + cos(3.14159265358979323846 * gone));
}

uint64_t schedule_stable(const struct schedule_plan *plan)
{
	uint64_t stable = before_cooldown(plan), end = schedule_end(plan);
	return stable < end ? stable : end;
}
