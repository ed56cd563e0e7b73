/* SPDX-License-Identifier: MIT */
#include "model/pace.h"

void pace_start(struct pace *p, double every, uint64_t bytes, double now)
{
	*p = (struct pace){
		.every = every, .started = now, .saved = now, .cost = (double)bytes / PACE_BYTES
	};
}

/* Seconds that may be waited now. */
static double left(const struct pace *p, double now)
{
	return PACE_SHARE * (now - p->started) - p->spent;
}

bool pace_due(const struct pace *p, double now)
{
	if (p->every <= 0)
		return true;
	double again = PACE_AGAIN * p->tried, need = again > 0 && again < p->cost ? again : p->cost;
	return now - p->saved >= p->every && need <= left(p, now);
}

double pace_patience(const struct pace *p, double now)
{
	double seconds = left(p, now);
	if (p->every <= 0 || p->measured || seconds <= 0 || (p->tried > 0 && p->cost <= seconds))
		return 0;
	return seconds;
}

void pace_saved(struct pace *p, double begin, double end)
{
	p->cost = end - begin;
	p->measured = true;
	p->spent += end - begin;
	p->saved = end;
	p->saves++;
}

void pace_gave_up(struct pace *p, double begin, double end, double whole)
{
	p->cost = whole;
	p->tried = end - begin;
	p->spent += end - begin;
}

void pace_waited(struct pace *p, double seconds)
{
	p->spent += seconds;
}

bool pace_another(double waited, double took)
{
	return waited + took <= PACE_STOP;
}

double pace_share(const struct pace *p, double now)
{
	return now > p->started ? p->spent / (now - p->started) : 0;
}
