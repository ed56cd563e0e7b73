/* SPDX-License-Identifier: MIT */
#include "stage/fit_steps.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include <stdio.h>
#include <stdlib.h>

static int log_step(const struct cbtm_fit_step *s, double seconds, struct cbtm_error *e)
{
	struct buffer b = { 0 };
	if (!json_put_key(&b, "iteration", e) && !json_put_u64(&b, s->done, e) &&
	    !json_put_key(&b, "restart", e) && !json_put_u64(&b, s->restart, e) &&
	    !json_put_key(&b, "objective", e) && !json_put_f64(&b, s->objective, e) &&
	    !json_put_key(&b, "gap", e) && !json_put_f64(&b, s->gap, e) &&
	    !json_put_key(&b, "moved", e) && !json_put_u64(&b, s->moved, e) &&
	    !json_put_key(&b, "seconds", e) &&
	    !json_put_f64(&b, (double)(int64_t)(seconds * 1e6) / 1e6, e))
		log_event("step", b.data);
	buffer_free(&b);
	return e->name;
}

static int add_step(struct cbtm_fit_report *report, const struct cbtm_fit_step *step,
                    struct cbtm_error *e)
{
	struct fit_steps *s = (struct fit_steps *)report; /* its first member */
	double now = clock_seconds();
	char text[80];
	if (array_reserve(&s->step, &s->room, s->n + 1, sizeof *s->step, e) ||
	    log_step(step, now - s->last, e))
		return e->name;
	if (s->n == 0)
		progress_start("fit", step->most, "iterations");
	s->step[s->n++] = *step;
	s->last = now;
	snprintf(text, sizeof text, "objective %.6g, gap %.1e, %llu moved", step->objective, step->gap,
	         (unsigned long long)step->moved);
	progress_set(step->done, text);
	return 0;
}

void fit_steps_start(struct fit_steps *s)
{
	*s = (struct fit_steps){ .report = { add_step }, .last = clock_seconds() };
}

void fit_steps_free(struct fit_steps *s)
{
	free(s->step);
	s->step = NULL;
}

const struct cbtm_fit_step *fit_steps_kept(const struct fit_steps *s)
{
	const struct cbtm_fit_step *kept = NULL;
	for (size_t i = 0; i < s->n; i++) {
		bool ends = i + 1 == s->n || s->step[i + 1].restart != s->step[i].restart;
		if (ends && (!kept || s->step[i].objective < kept->objective))
			kept = &s->step[i];
	}
	return kept;
}

int fit_steps_put(const struct fit_steps *s, struct store_writer *out, struct cbtm_error *e)
{
	const struct cbtm_fit_step *kept = fit_steps_kept(s);
	uint64_t iterations = 0;
	double gap = 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct cbtm_fit_step *t = &s->step[i];
		if (store_append(out, "step.restart", &t->restart, 1, e) ||
		    store_append(out, "step.objective", &t->objective, 1, e) ||
		    store_append(out, "step.gap", &t->gap, 1, e) ||
		    store_append(out, "step.moved", &t->moved, 1, e))
			return e->name;
		gap = t->gap > gap ? t->gap : gap;
		iterations += t->restart == kept->restart;
	}
	if (store_set_u64(out, "steps", s->n, e) || store_set_u64(out, "iterations", iterations, e) ||
	    store_set_f64(out, "objective", kept ? kept->objective : 0, e) ||
	    store_set_f64(out, "gap", gap, e))
		return e->name;
	return store_set_f64(out, "split_loss", kept ? kept->split_loss : 0, e);
}
