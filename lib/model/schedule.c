/* SPDX-License-Identifier: MIT */
#include "model/schedule.h"
#include "base/error.h"
#include <math.h>
#include <stdio.h>

int schedule_plan(const struct phase *p, const char *where, enum match match, enum budget budget,
                  uint64_t k, double share, uint64_t T, struct schedule_plan *plan,
                  struct cbtm_error *e)
{
	char key[64];
	*plan = (struct schedule_plan){
		.batch = p->batch, .lr = p->lr, .warmup = p->warmup, .schedule = p->schedule
	};
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
	if (!plan->steps) {
		snprintf(key, sizeof key, "%s.tokens", where);
		return error_set(e, CBTM_ERR_CONFIG, key,
		                 "%.0f tokens are less than one batch of %llu sequences of %llu tokens",
		                 tokens, (unsigned long long)p->batch, (unsigned long long)T);
	}
	return 0;
}

double schedule_lr(const struct schedule_plan *plan, uint64_t step)
{
	double done = (double)(step - 1), warmup = (double)plan->warmup;
	if (step <= plan->warmup)
		return plan->lr * (double)step / warmup;
	if (plan->schedule == SCHEDULE_CONSTANT)
		return plan->lr;
	double gone = (done - warmup) / ((double)plan->steps - warmup);
	if (plan->schedule == SCHEDULE_LINEAR)
		return plan->lr * (1 - gone);
	return plan->lr * 0.5 * (1 + cos(3.14159265358979323846 * gone));
}
